/** `steps.csv`: one line a step and rank, written as it is read, so that a long run needs no memory. */
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { perRank } from '../queries/folded-steps'
import { numberAt, rowsOf } from '../queries/values'
import { rangeSchema, readQuery, runOf, type Call } from './endpoint'

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
const ANY_TIME = { from: 0, to: 1e12 }
/** Of the rows of `steps`, and of the steps that are looked for. */
const OF_RUN = 'run = {run:String} AND time >= {from:Float64} AND time < {until:Float64}'

/** The stretch of time that is asked for: all of it where none is. */
function stretchOf({ query }: Call): { from: number; until: number } {
  const { from = ANY_TIME.from, to = ANY_TIME.to } = readQuery(rangeSchema, query)
  return { from, until: to }
}

/** The head, then the rows of the steps that are there, some thousand steps at a time. */
async function* lines(call: Call, run: string, source: string): AsyncGenerator<string> {
  const stretch = stretchOf(call)
  yield `${COLUMNS.map(name => (name === 'at' ? 'time' : name)).join(',')}\n`
  for (let after = -Infinity; ;) {
    const { store } = call.hub.views
    const steps = await store.query(
      `SELECT max(one) AS last, count() AS steps FROM
         (SELECT DISTINCT step.step AS one FROM step WHERE ${OF_RUN} AND step.step > {after:Float64} ORDER BY one LIMIT ${PAGE_STEPS})`,
      { run, after, ...stretch },
    )
    const to = numberAt(steps, 'last', 0)
    if (to === null || numberAt(steps, 'steps', 0) === 0) return
    const page = await store.query(`SELECT ${COLUMNS.join(', ')} FROM ${source} ORDER BY step, rank`, {
      run,
      after,
      to,
      ...stretch,
    })
    let text = ''
    for (let row = 0; row < rowsOf(page); row += 1)
      text += `${COLUMNS.map(name => String(page[name]?.[row] ?? '')).join(',')}\n`
    yield text
    after = to
  }
}

/** `rows=raw` gives every stored row instead of one per rank and step: what came in, repeats included. */
function sourceOf({ query }: Call, where: string): string {
  if (query.get('rows') !== 'raw') return `(${perRank(where)})`
  const phases = ['data', 'forward', 'backward', 'communication', 'optimizer'].map(name => `${name}Seconds`).join(', ')
  return `(SELECT *, time AS at, ${phases} FROM step WHERE ${where})`
}

function writeHead({ response }: Call, run: string, type: string, ending: string): void {
  const name = `${run.replace(/[^\w.-]/g, '_')}-${ending}`
  response.writeHead(200, { 'content-type': type, 'content-disposition': `attachment; filename="${name}"` })
}

export async function stepsCsv(call: Call): Promise<undefined> {
  const { run } = runOf(call)
  const source = sourceOf(call, `${OF_RUN} AND step.step > {after:Float64} AND step.step <= {to:Float64}`)
  writeHead(call, run, 'text/csv; charset=utf-8', 'steps.csv')
  // A slow reader holds it up, one that goes away ends it.
  await pipeline(Readable.from(lines(call, run, source)), call.response)
  return undefined
}

/** The same columns in one file of Parquet, which the store writes. */
export async function stepsParquet(call: Call): Promise<undefined> {
  const { run } = runOf(call)
  const columns = COLUMNS.map(name => (name === 'at' ? 'at AS time' : name)).join(', ')
  const sql = `SELECT ${columns} FROM ${sourceOf(call, OF_RUN)} ORDER BY step, rank`
  const file = await call.hub.views.store.export(sql, 'Parquet', { run, ...stretchOf(call) })
  writeHead(call, run, 'application/vnd.apache.parquet', 'steps.parquet')
  await pipeline(file, call.response)
  return undefined
}

/** What the tools said of the devices on the run's nodes, row by row, as it came in. */
export async function devicesCsv(call: Call): Promise<undefined> {
  const { run, nodes } = runOf(call)
  const sql = `SELECT * EXCEPT (agent, sequence, receivedAt) FROM gpu
    WHERE node IN {nodes:Array(String)} AND time >= {from:Float64} AND time < {until:Float64} ORDER BY time, node, index`
  const file = await call.hub.views.store.export(sql, 'CSVWithNames', { nodes: [...nodes], ...stretchOf(call) })
  writeHead(call, run, 'text/csv; charset=utf-8', 'gpus.csv')
  await pipeline(file, call.response)
  return undefined
}
