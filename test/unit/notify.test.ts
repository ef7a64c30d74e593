import { createHmac } from 'node:crypto'
import { createServer, type IncomingMessage, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterEach, describe, expect, it } from 'vitest'
import { Notifier } from '../../hub/findings/notify'
import type { Change } from '../../hub/findings/life'

const change: Change = {
  what: 'opened',
  finding: {
    id: 'slow-path-0123456789',
    state: 'open',
    detector: 'slow-path',
    run: 'a run',
    severity: 'critical',
    title: 'Uplink of leaf1 is slow',
    evidence: 'h2 to h1: 35 Mbit/s.',
    since: 1,
    costSecondsPerStep: 0.49,
    costRatio: 0.5,
    nextStep: 'Look at the uplink.',
    provenance: 'derived',
  },
}

interface Post {
  readonly headers: IncomingMessage['headers']
  readonly body: string
}

let server: Server | undefined
let notifier: Notifier | undefined
afterEach(async () => {
  await notifier?.close()
  server?.closeAllConnections()
  server?.close()
})

/** Answers with these in turn, the last one from then on; `posts` resolves when so many came. */
async function receiver(statuses: readonly number[]) {
  const got: Post[] = []
  let arrived: () => void = () => undefined
  server = createServer((request, response) => {
    let body = ''
    request.on('data', (chunk: Buffer) => (body += chunk.toString()))
    request.on('end', () => {
      got.push({ headers: request.headers, body })
      response.writeHead(statuses[Math.min(got.length, statuses.length) - 1] ?? 200).end()
      arrived()
    })
  })
  await new Promise<void>(done => server?.listen(0, '127.0.0.1', done))
  const { port } = server.address() as AddressInfo
  const posts = (count: number) =>
    new Promise<Post[]>(done => {
      arrived = () => void (got.length >= count && done(got))
      arrived()
    })
  return { url: `http://127.0.0.1:${port}`, posts }
}

function tell(url: string, counts: string[] = []) {
  notifier = new Notifier({
    urls: [url],
    secret: 'secret',
    linkOf: (run, id) => `https://hub/runs/${encodeURIComponent(run)}/findings/${id}`,
    count: what => counts.push(what),
    log: line => counts.push(line),
  })
  notifier.tell(change)
}

describe('a notification', () => {
  it('carries the finding, a text for people, a link, and a signature of its body', async () => {
    const { url, posts } = await receiver([200])
    tell(`${url}/my/hook`)
    const [post] = await posts(1)
    const body = JSON.parse(post?.body ?? '') as Record<string, unknown>
    expect(body).toMatchObject({ ...change, link: 'https://hub/runs/a%20run/findings/slow-path-0123456789' })
    expect(body['text']).toBe(
      'Uplink of leaf1 is slow [critical]\nh2 to h1: 35 Mbit/s. It costs 490 ms a step (50 %).\n' +
        'Next: Look at the uplink.\nhttps://hub/runs/a%20run/findings/slow-path-0123456789',
    )
    const signature = createHmac('sha256', 'secret')
      .update(post?.body ?? '')
      .digest('hex')
    expect(post?.headers['x-plumbline-signature']).toBe(`sha256=${signature}`)
  })

  it('is a text alone for a chat', async () => {
    const { url, posts } = await receiver([200])
    tell(`${url}/services/T0/B0/password`)
    const [post] = await posts(1)
    expect(Object.keys(JSON.parse(post?.body ?? '') as object)).toEqual(['text'])
  })

  it('is tried again where the other side has trouble', async () => {
    const { url, posts } = await receiver([503, 200])
    tell(url)
    const [first, second] = await posts(2)
    expect(second?.body).toBe(first?.body)
  })

  it('is given up where it is not wanted, without a word of the path', async () => {
    const { url, posts } = await receiver([404])
    const said: string[] = []
    tell(`${url}/services/password`, said)
    await posts(1)
    await expect.poll(() => said.length).toBe(2)
    expect(said).toEqual(['failed', `a notification to ${new URL(url).host} failed: status 404`])
  })
})
