/** `steps.csv`: one line a step and rank, written as it is read, so that a long run needs no memory. */
import { perRank } from '../queries/steps'
import { rowsOf } from '../queries/values'
import { runOf, type Call } from './endpoint'

const COLUMNS = [
  'step',
  'rank',
  'at',
  'stepSeconds',
  'tokens',
  'loss',
  'dataSeconds',
  'forwardSeconds',
  'backwardSeconds',
  'communicationSeconds',
  'optimizerSeconds',
  'residentBytes',
  'memoryAllocatedBytes',
] as const
const PAGE_STEPS = 5000

/** `rows=raw` gives every stored row instead of one per rank and step: what came in, repeats included. */
export async function stepsCsv(call: Call): Promise<undefined> {
  const facts = runOf(call)
  const raw = call.query.get('rows') === 'raw'
  const where = 'run = {run:String} AND step >= {from:Float64} AND step < {to:Float64}'
  const source = raw
    ? `(SELECT *, time AS at, ${['data', 'forward', 'backward', 'communication', 'optimizer'].map(name => `${name}Seconds`).join(', ')} FROM step WHERE ${where})`
    : `(${perRank(where)})`
  call.response.writeHead(200, {
    'content-type': 'text/csv; charset=utf-8',
    'content-disposition': `attachment; filename="${facts.run.replace(/[^\w.-]/g, '_')}-steps.csv"`,
  })
  call.response.write(`${COLUMNS.map(name => (name === 'at' ? 'time' : name)).join(',')}\n`)
  for (let from = 0; from <= (facts.lastStep ?? -1); from += PAGE_STEPS) {
    const page = await call.hub.views.store.query(`SELECT ${COLUMNS.join(', ')} FROM ${source} ORDER BY step, rank`, {
      ...{ run: facts.run, from, to: from + PAGE_STEPS },
    })
    let text = ''
    for (let row = 0; row < rowsOf(page); row += 1)
      text += `${COLUMNS.map(name => String(page[name]?.[row] ?? '')).join(',')}\n`
    call.response.write(text)
  }
  call.response.end()
  return undefined
}
