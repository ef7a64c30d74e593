/**
 * A store moved into another, table by table. Rows go in slices by the time at which they arrived, each within one partition:
 * a slice is the same at every try, as nobody writes the store that is moved. What the other store has of a slice is asked
 * first, agent by agent; what is there whole stays, what is there in parts goes and comes again. So it may be killed anywhere
 * and started again, and nothing is doubled. Each slice is compared in the end: how many rows, and a sum of them all.
 */
import { PlumblineError } from '../../base/errors'
import { numberAt, rowsOf, textAt } from '../queries/values'
import { columnsOf, type Parameters } from './columns'
import { insertStream, type Engine } from './engine'
import { tablesOf, type TableForm } from './inventory'
import { listed, named, quoted } from './quoted'

/** Rows of a slice, as many as are held in memory at a time. */
const SLICE_ROWS = 200_000
/** One slice becomes one part of a shard: what is there of an agent is all of it or nothing. */
const ONE_PART =
  'SETTINGS max_threads = 1, max_insert_threads = 1, min_insert_block_size_rows = 1000000000, min_insert_block_size_bytes = 0'

export interface Moved {
  readonly table: string
  readonly rows: number
  /** Of these, rows that were there already. */
  readonly present: number
}

export interface MoveOptions {
  readonly from: Engine
  readonly to: Engine
  /** After each slice: rows of the table that are there, of how many. */
  readonly progress: (table: string, rows: number, of: number) => void
}

/** What arrived at `from` or later, and before `to`, in Unix seconds. */
interface Slice {
  readonly from: number
  readonly to: number
  readonly rows: number
}
const ALL: Omit<Slice, 'rows'> = { from: 0, to: 0 }

/** By agent: rows and their sum, which does not depend on their order. */
type Sums = ReadonlyMap<string, string>

const has = (form: TableForm, column: string) => form.columns.includes(column)

const whereOf = (form: TableForm) =>
  has(form, 'receivedAt') ? 'receivedAt >= {from:Float64} AND receivedAt < {to:Float64}' : '1'

async function slicesOf(engine: Engine, form: TableForm): Promise<Slice[]> {
  if (!has(form, 'receivedAt')) {
    const counted = await columnsOf(engine, `SELECT count() AS rows FROM ${named(form.table)}`)
    return [{ ...ALL, rows: numberAt(counted, 'rows', 0) ?? 0 }]
  }
  const seconds = await columnsOf(
    engine,
    `SELECT _partition_id AS part, floor(receivedAt) AS second, count() AS rows FROM ${named(form.table)}
     GROUP BY part, second ORDER BY second, part`,
  )
  const slices: Slice[] = []
  let open: { part: string; slice: Slice } | undefined
  for (let row = 0; row < rowsOf(seconds); row += 1) {
    const part = textAt(seconds, 'part', row) ?? ''
    const second = numberAt(seconds, 'second', row) ?? 0
    const rows = numberAt(seconds, 'rows', row) ?? 0
    const goesOn = open?.part === part && open.slice.rows + rows <= SLICE_ROWS
    if (open !== undefined && !goesOn) slices.push(open.slice)
    const before = goesOn ? open?.slice : undefined
    open = { part, slice: { from: before?.from ?? second, to: second + 1, rows: (before?.rows ?? 0) + rows } }
  }
  return open === undefined ? slices : [...slices, open.slice]
}

/** `FINAL` where rows replace one another: how far that went is not the same in both stores. */
async function sumsOf(engine: Engine, form: TableForm, slice: Slice): Promise<Sums> {
  const agent = has(form, 'agent') ? 'toString(agent)' : "''"
  const sums = await columnsOf(
    engine,
    `SELECT ${agent} AS one, concat(toString(count()), ' ', toString(groupBitXor(cityHash64(tuple(${listed(form.columns)}))))) AS sum
     FROM ${named(form.table)}${form.replaces ? ' FINAL' : ''} WHERE ${whereOf(form)} GROUP BY one`,
    { from: slice.from, to: slice.to },
  )
  const found = new Map<string, string>()
  for (let row = 0; row < rowsOf(sums); row += 1)
    found.set(textAt(sums, 'one', row) ?? '', textAt(sums, 'sum', row) ?? '')
  return found
}

const rowsIn = (sums: Sums, agents: Iterable<string>) => {
  let rows = 0
  for (const agent of agents) rows += Number(sums.get(agent)?.split(' ', 1)[0] ?? 0)
  return rows
}
const differing = (wanted: Sums, there: Sums) => [...wanted.keys()].filter(one => there.get(one) !== wanted.get(one))

async function copy({ from, to }: MoveOptions, form: TableForm, slice: Slice, agents: readonly string[]) {
  const columns = listed(form.columns)
  const parameters: Parameters = { from: slice.from, to: slice.to, agents }
  const ofAgents = has(form, 'agent') ? ' AND has({agents:Array(String)}, toString(agent))' : ''
  const { stream } = await from.client.exec({
    query: `SELECT ${columns} FROM ${named(form.table)}${form.replaces ? ' FINAL' : ''} WHERE ${whereOf(form)}${ofAgents} FORMAT Native`,
    query_params: parameters,
  })
  await insertStream(to.client, `INSERT INTO ${named(form.table)} (${columns}) ${ONE_PART} FORMAT Native`, stream)
}

/** What an interrupted try left in parts. */
async function remove(to: Engine, form: TableForm, { from, to: until }: Slice, agents: readonly string[]) {
  const names = agents.map(quoted).join(', ')
  await to.define(
    `ALTER TABLE ${named(form.table)} DELETE WHERE receivedAt >= ${from} AND receivedAt < ${until} AND toString(agent) IN (${names})
     SETTINGS mutations_sync = 2`,
  )
}

/** Gives how many rows there are, and how many of them were there before. */
async function moveSlice(options: MoveOptions, form: TableForm, slice: Slice): Promise<Omit<Moved, 'table'>> {
  const wanted = await sumsOf(options.from, form, slice)
  const there = await sumsOf(options.to, form, slice)
  const missing = differing(wanted, there)
  const rows = rowsIn(wanted, wanted.keys())
  const present = rows - rowsIn(wanted, missing)
  if (missing.length === 0) return { rows, present }
  const inParts = form.replaces ? [] : missing.filter(agent => there.has(agent))
  if (inParts.length > 0) await remove(options.to, form, slice, inParts)
  await copy(options, form, slice, missing)
  const wrong = differing(wanted, await sumsOf(options.to, form, slice))
  if (wrong.length === 0) return { rows, present }
  throw new PlumblineError(`${form.table}: rows of ${wrong.length} agents differ after they were moved`, {
    fix: 'run it again; if it says so again, somebody else writes there',
  })
}

async function moveTable(options: MoveOptions, form: TableForm): Promise<Moved> {
  const slices = await slicesOf(options.from, form)
  const of = slices.reduce((sum, { rows }) => sum + rows, 0)
  let [seen, rows, present] = [0, 0, 0]
  for (const slice of slices) {
    const moved = await moveSlice(options, form, slice)
    rows += moved.rows
    present += moved.present
    // Of rows that replace one another more lie there than there are.
    seen += slice.rows
    options.progress(form.table, seen, of)
  }
  return { table: form.table, rows, present }
}

/**
 * Both must have the tables of this Plumbline. `delivered` comes last: a hub on the new store then knows what it has of each
 * agent. Throws PlumblineError where rows differ in the end.
 */
export async function moveStore(options: MoveOptions): Promise<Moved[]> {
  const isLast = ({ table }: TableForm) => table === 'delivered'
  const forms = await tablesOf(options.from)
  const moved: Moved[] = []
  for (const form of [...forms.filter(form => !isLast(form)), ...forms.filter(isLast)])
    moved.push(await moveTable(options, form))
  return moved
}
