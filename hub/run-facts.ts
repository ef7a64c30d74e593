/**
 * What is known of a run without asking the store: folded from rows as they arrive, rebuilt from the store at the start.
 * After a crash an agent sends again what it has no answer for: a row folded twice changes nothing.
 */
import { NOTE } from '../wire/live'
import type { RecordOf } from '../wire/records'
import type { Table } from '../wire/table'
import { numberAt, rowsOf, textAt } from './queries/values'
import { ALL_STEP_SENDERS } from './roll-ups/step-senders'
import type { Columns, Store } from './store/store'

/** One `plumbline run` (or launcher with the hook): a job on several nodes has one on each. */
interface Launch {
  endedAt: number | null
  exitCode: number | null
}

export interface RunFacts {
  readonly run: string
  name: string | null
  command: string | null
  synthetic: string | null
  startedAt: number
  /** By node. */
  readonly launches: Map<string, Launch>
  lastSeenAt: number
  lastStepAt: number | null
  lastStep: number | null
  readonly nodes: Set<string>
  readonly agents: Set<string>
  readonly ranks: Set<number>
  readonly gpus: Set<string>
  worldSize: number | null
  /** Goes up with every row: what was computed at another count is out of date. */
  changes: number
  /** The same of its configuration alone. */
  configChanges: number
  /** When an event last came. */
  lastEventAt: number
}

const FACT_KINDS = ['run', 'rank', 'config', 'event', 'step'] as const
type FactKind = (typeof FACT_KINDS)[number]
export const isFactKind = (kind: string): kind is FactKind => FACT_KINDS.some(name => name === kind)

export function newFacts(run: string, time: number): RunFacts {
  return {
    run,
    name: null,
    command: null,
    synthetic: null,
    startedAt: time,
    launches: new Map<string, Launch>(),
    lastSeenAt: time,
    lastStepAt: null,
    lastStep: null,
    worldSize: null,
    changes: 0,
    configChanges: 0,
    lastEventAt: 0,
    nodes: new Set<string>(),
    agents: new Set<string>(),
    ranks: new Set<number>(),
    gpus: new Set<string>(),
  }
}

/** When the job ended and how; undefined while any of its launches runs. The first failure names the exit code. */
export function endOf({ launches }: RunFacts): { endedAt: number; exitCode: number | null } | undefined {
  const all = [...launches.values()]
  const ends = all.flatMap(({ endedAt }) => (endedAt === null ? [] : [endedAt]))
  if (ends.length === 0 || ends.length < all.length) return undefined
  const failed = all.filter(({ exitCode }) => exitCode !== null && exitCode !== 0)
  const first = failed.sort((one, other) => (one.endedAt ?? 0) - (other.endedAt ?? 0))[0]
  return { endedAt: Math.max(...ends), exitCode: first?.exitCode ?? all[0]?.exitCode ?? null }
}

const asNumber = (value: unknown) => (typeof value === 'number' ? value : null)
const asText = (value: unknown) => (typeof value === 'string' && value !== '' ? value : null)
const higher = (one: number | null, other: number | null) =>
  one === null ? other : other === null ? one : Math.max(one, other)

export function foldRow(facts: RunFacts, table: Table, row: number, agent: string, receivedAt: number): void {
  const step = table as Table<'step'>
  const time = asNumber(step.get(row, 'time')) ?? receivedAt
  facts.lastSeenAt = Math.max(facts.lastSeenAt, receivedAt)
  facts.startedAt = Math.min(facts.startedAt, time)
  facts.changes += 1
  if (agent !== '') facts.agents.add(agent)
  const node = asText(step.get(row, 'node'))
  if (node !== null) facts.nodes.add(node)
  const rank = table.kind === 'run' ? null : asNumber((table as Table<'rank'>).get(row, 'rank'))
  if (rank !== null) facts.ranks.add(rank)
  if (table.kind === 'run') foldRun(facts, table as Table<'run'>, row, time)
  else if (table.kind === 'rank') foldRank(facts, table as Table<'rank'>, row, node)
  else if (table.kind === 'config') facts.configChanges += 1
  else if (table.kind === 'event') facts.lastEventAt = receivedAt
  else if (table.kind === 'step') {
    facts.lastStep = higher(facts.lastStep, asNumber(step.get(row, 'step')))
    facts.lastStepAt = higher(facts.lastStepAt, time)
  }
}

const STATES: readonly (RecordOf<'run'>['state'] | null)[] = ['started', 'running']

function foldRun(facts: RunFacts, table: Table<'run'>, row: number, time: number): void {
  facts.name = asText(table.get(row, 'name')) ?? facts.name
  facts.command = asText(table.get(row, 'command')) ?? facts.command
  facts.synthetic = asText(table.get(row, 'synthetic')) ?? facts.synthetic
  const node = asText(table.get(row, 'node')) ?? ''
  const launch = facts.launches.get(node) ?? { endedAt: null, exitCode: null }
  const state = asText(table.get(row, 'state'))
  if (state === 'ended' && time >= (launch.endedAt ?? 0)) {
    facts.launches.set(node, { endedAt: time, exitCode: asNumber(table.get(row, 'exitCode')) })
  } else if (STATES.includes(state) && time > (launch.endedAt ?? 0)) {
    // A job that was ended and goes on is a resumed one.
    facts.launches.set(node, { endedAt: null, exitCode: null })
  }
}

function foldRank(facts: RunFacts, table: Table<'rank'>, row: number, node: string | null): void {
  facts.worldSize = asNumber(table.get(row, 'worldSize')) ?? facts.worldSize
  const gpu = asNumber(table.get(row, 'gpuIndex'))
  if (gpu !== null) facts.gpus.add(`${node ?? ''} ${gpu}`)
}

/** What a kind of row has beside what all have. */
const OWN_COLUMNS: Record<FactKind, string> = {
  run: `, argMaxIf(toString(name), time, name != '') AS name, argMaxIf(command, time, command != '') AS command,
    argMaxIf(synthetic, time, synthetic != '') AS synthetic`,
  rank: `, groupUniqArray(rank) AS ranks, argMaxIf(worldSize, time, worldSize IS NOT NULL) AS worldSize,
    groupUniqArrayIf(concat(toString(node), ' ', toString(gpuIndex)), gpuIndex IS NOT NULL) AS gpus`,
  config: '',
  event: ', groupUniqArray(rank) AS ranks',
  step: ', groupUniqArray(rank) AS ranks, max(lastStep) AS lastStep',
}

/** Rows of a kind with when they were `first` and `last`, and when they were `seen`, Unix seconds. */
function rowsSince(kind: FactKind, since: number): string {
  if (kind === 'step' && since === 0) return ALL_STEP_SENDERS
  const step = kind === 'step' ? ', step.step AS lastStep' : ''
  return `SELECT *, \`${kind}\`.time AS first, \`${kind}\`.time AS last, \`${kind}\`.receivedAt AS seen ${step} FROM \`${kind}\`
    WHERE run != '' AND \`${kind}\`.receivedAt >= {since:Float64} ${kind === 'event' ? `AND type != '${NOTE}'` : ''}`
}

/**
 * Folds what is in the store, of what arrived at `since` (Unix seconds) or later, as the rows themselves were folded; gives
 * the runs that it speaks of. What was folded before may be folded again.
 */
export async function restoreFacts(
  store: Store,
  factsOf: (run: string, time: number) => RunFacts,
  since = 0,
): Promise<Set<string>> {
  const touched = new Set<string>()
  for (const kind of FACT_KINDS) {
    const columns = await store.query(
      `SELECT toString(run) AS run, min(first) AS first, max(seen) AS seen, max(last) AS last, groupUniqArray(64)(toString(agent)) AS agents
         ${kind === 'config' ? '' : ', groupUniqArray(4096)(toString(node)) AS nodes'} ${OWN_COLUMNS[kind]}
       FROM (${rowsSince(kind, since)}) GROUP BY run`,
      { since },
    )
    for (let row = 0; row < rowsOf(columns); row += 1) {
      const facts = factsOf(textAt(columns, 'run', row) ?? '', numberAt(columns, 'first', row) ?? 0)
      restoreRow(facts, kind, columns, row)
      touched.add(facts.run)
    }
  }
  await restoreLaunches(store, factsOf, since)
  return touched
}

function restoreRow(facts: RunFacts, kind: FactKind, columns: Columns, row: number): void {
  const list = (name: string) => (Array.isArray(columns[name]?.[row]) ? (columns[name][row] as unknown[]) : [])
  facts.startedAt = Math.min(facts.startedAt, numberAt(columns, 'first', row) ?? Infinity)
  facts.lastSeenAt = Math.max(facts.lastSeenAt, numberAt(columns, 'seen', row) ?? 0)
  for (const agent of list('agents')) facts.agents.add(String(agent))
  for (const node of list('nodes')) if (node !== '') facts.nodes.add(String(node))
  for (const rank of list('ranks')) if (rank !== null) facts.ranks.add(Number(rank))
  for (const gpu of list('gpus')) facts.gpus.add(String(gpu))
  facts.worldSize = numberAt(columns, 'worldSize', row) ?? facts.worldSize
  facts.changes += 1
  if (kind === 'config') facts.configChanges += 1
  if (kind === 'event') facts.lastEventAt = Math.max(facts.lastEventAt, numberAt(columns, 'seen', row) ?? 0)
  if (kind === 'step') {
    facts.lastStep = higher(facts.lastStep, numberAt(columns, 'lastStep', row))
    facts.lastStepAt = higher(facts.lastStepAt, numberAt(columns, 'last', row))
  }
  if (kind === 'run') {
    facts.name = textAt(columns, 'name', row) ?? facts.name
    facts.command = textAt(columns, 'command', row) ?? facts.command
    facts.synthetic = textAt(columns, 'synthetic', row) ?? facts.synthetic
  }
}

async function restoreLaunches(
  store: Store,
  factsOf: (run: string, time: number) => RunFacts,
  since: number,
): Promise<void> {
  const columns = await store.query(
    `SELECT toString(run) AS run, toString(node) AS node, min(run.time) AS first, maxIf(run.time, state = 'ended') AS ended,
       maxIf(run.time, state IN ('started', 'running')) AS alive, argMaxIf(tuple(exitCode), run.time, state = 'ended').1 AS exitCode
     FROM run WHERE run != '' AND run.receivedAt >= {since:Float64} AND state IN ('started', 'running', 'ended') GROUP BY run, node`,
    { since },
  )
  for (let row = 0; row < rowsOf(columns); row += 1) {
    const ended = numberAt(columns, 'ended', row) ?? 0
    const alive = numberAt(columns, 'alive', row) ?? 0
    const isOver = ended > 0 && ended >= alive
    const facts = factsOf(textAt(columns, 'run', row) ?? '', numberAt(columns, 'first', row) ?? 0)
    const node = textAt(columns, 'node', row) ?? ''
    // What is known already is newer where the rows are of before.
    if (Math.max(ended, alive) <= (facts.launches.get(node)?.endedAt ?? 0)) continue
    facts.launches.set(node, {
      endedAt: isOver ? ended : null,
      exitCode: isOver ? numberAt(columns, 'exitCode', row) : null,
    })
  }
}
