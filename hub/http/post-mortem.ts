/** Post-mortems as answers: JSON, Markdown, HTML. */
import type { ReportOf } from '../../analysis/post-mortem/report'
import type { PostMortem } from '../../wire/post-mortem'
import { HttpError, runOf, type Call } from './endpoint'

export async function postMortem(call: Call): Promise<PostMortem> {
  const found = await call.hub.views.postMortem(runOf(call))
  if (found !== undefined) return found
  throw new HttpError(404, 'this run told of no memory that ran out', 'its events are at /api/runs/RUN/events')
}

/** Written by `render`; the response is answered here. */
export async function postMortemAs(
  call: Call,
  render: (found: PostMortem, about: ReportOf) => string,
  type: string,
): Promise<undefined> {
  const found = await postMortem(call)
  const facts = runOf(call)
  const { host } = call.request.headers
  const url = host === undefined ? undefined : `http://${host}/runs/${encodeURIComponent(facts.run)}/out-of-memory`
  call.response.writeHead(200, { 'content-type': `${type}; charset=utf-8`, 'cache-control': 'no-store' })
  call.response.end(render(found, { name: facts.name ?? facts.run, run: facts.run, url }))
  return undefined
}
