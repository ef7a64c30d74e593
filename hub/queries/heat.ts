/** The map of ranks and time of one metric, and one rank among its peers. A column of several samples shows the highest. */
import type { PeerSeries } from '../../wire/api'
import { median } from '../../analysis/statistics'
import { HEAT_METRICS, type HeatMap, type HeatMetricName } from '../../wire/heat'
import { gpuRollUp, hostRollUp } from '../roll-ups/devices'
import { COMPUTE, rankRollUp, WAIT } from '../roll-ups/steps'
import { tieredRows } from '../roll-ups/rows'
import { asRows, type RollUp } from '../roll-ups/roll-up'
import type { Store } from '../store/store'
import { HeatGrid, widthOf } from './heat-grid'
import type { Range } from './steps'

const within = (table: string) =>
  `${table}.time >= {from:Float64} AND ${table}.time < {to:Float64} AND ${table}.receivedAt > {after:Float64}`
const RUNS_NODES = "toString(node) IN (SELECT toString(node) FROM rank WHERE run = {run:String} AND node != '')"

const ones = (columns: readonly string[]) => columns.map((name, at) => `${name} AS one${at}`).join(', ')
const anyOf = (columns: readonly string[]) => columns.map((_, at) => `one${at} IS NOT NULL`).join(' OR ')

/** Where the samples of a metric are, and whose they are. */
interface Source {
  readonly rollUp: RollUp
  /** Of the key. */
  readonly where: string
  /** Rows `rank, time, one0, one1 …` of rows of the roll-up. */
  placed(rows: string, columns: readonly string[]): string
}

/** The highest of a step's rows is wanted: which row of a rank is the newest does not matter. */
const RANKS: Source = {
  rollUp: {
    ...rankRollUp,
    rows: where =>
      `SELECT * REPLACE (assumeNotNull(rank) AS rank, assumeNotNull(step) AS step), communicationSeconds, dataSeconds, optimizerSeconds,
         ${COMPUTE} AS computeSeconds, ${WAIT} AS syncWaitSeconds FROM step WHERE ${where}`,
  },
  where: 'run = {run:String}',
  placed: (rows, columns) => `SELECT assumeNotNull(toUInt32(rank)) AS rank, time, ${ones(columns)} FROM (${rows})`,
}

/** Of the devices that the run's ranks drive. */
const DEVICES: Source = {
  rollUp: gpuRollUp,
  where: RUNS_NODES,
  placed: (rows, columns) => `SELECT rank, sampled.time AS time, ${ones(columns)} FROM (${rows}) AS sampled INNER JOIN
    (SELECT assumeNotNull(toUInt32(rank.rank)) AS rank, argMax(toString(node), time) AS node, argMax(gpuIndex, time) AS index FROM rank
     WHERE run = {run:String} AND rank.rank IS NOT NULL AND gpuIndex IS NOT NULL GROUP BY rank) AS driven
    ON toString(sampled.node) = driven.node AND sampled.index = driven.index`,
}

/** Of the hosts that the run's ranks are on. */
const HOSTS: Source = {
  rollUp: hostRollUp,
  where: RUNS_NODES,
  placed: (rows, columns) => `SELECT rank, sampled.time AS time, ${ones(columns)} FROM (${rows}) AS sampled INNER JOIN
    (SELECT assumeNotNull(toUInt32(rank.rank)) AS rank, argMax(toString(node), time) AS node FROM rank
     WHERE run = {run:String} AND rank.rank IS NOT NULL GROUP BY rank) AS placed
    ON toString(sampled.node) = placed.node`,
}

const SOURCES = { rank: RANKS, device: DEVICES, host: HOSTS }
/** A column of the map is wider than a slot by so much: a peak, which a slot has at its end, stands a column late at most. */
const SLOTS_OF_COLUMN = 1.5

/** What of a run is asked for. */
export interface HeatQuestion {
  readonly run: string
  readonly range: Range
  /** Of the run, known or guessed. */
  readonly ranks: number
  readonly stepSeconds: number | null
  /** When the run was last heard of: what is asked for beyond it still grows. */
  readonly lastSeenAt: number
  /** The newest step of any rank, by its own clock; null where none is known. */
  readonly lastStepAt: number | null
}

/** Cells of a metric, or of several of one source that are asked for together. */
interface Sheet {
  readonly metrics: readonly HeatMetricName[]
  readonly grids: readonly HeatGrid[]
  /** What is asked of it last. */
  busy: Promise<unknown>
}

/** What one asks of a sheet, in slots. */
interface Cut {
  readonly first: number
  readonly last: number
  readonly width: number
}

const sourceOf = (metrics: readonly HeatMetricName[]) => SOURCES[HEAT_METRICS[metrics[0] ?? 'stepSeconds'].of]

/** Kept at most. A rank beside its peers asks for three sheets, with fifteen grids. */
const KEPT = 12
const SAMPLE_SECONDS = 1
/** A row is stamped before it is stored: what arrived so long before the last question is looked at again. */
const STORED_WITHIN_SECONDS = 60
const FOREVER = 1e11
/** Of a sample, counted from the first of the grid. */
const SLOT = 'toUInt32(least(greatest(floor(time / {width:Float64}) - {first:Float64}, 0), 4294967295))'

/** Maps that were asked for lately: a question reads what arrived since the one before. */
export class HeatMaps {
  private readonly kept = new Map<string, Sheet>()

  constructor(private readonly store: Store) {}

  async map(question: HeatQuestion, metric: HeatMetricName, since?: string): Promise<HeatMap> {
    const [map] = await this.maps(question, [metric], since)
    if (map === undefined) throw new Error('a metric has a map')
    return map
  }

  /** One rank by several metrics: itself, the middle and the ends of `peers`, column by column. */
  async peers(
    question: HeatQuestion,
    metrics: readonly HeatMetricName[],
    rank: number,
    peers: readonly number[],
  ): Promise<PeerSeries[]> {
    const wanted = new Set(peers)
    const sheets = Object.keys(SOURCES).map(source => metrics.filter(metric => HEAT_METRICS[metric].of === source))
    const asked = sheets.filter(sheet => sheet.length > 0).map(sheet => this.maps(question, sheet))
    const told = new Map((await Promise.all(asked)).flat().map(map => [map.metric, peersOf(map, rank, wanted)]))
    return metrics.flatMap(metric => told.get(metric) ?? [])
  }

  /** Of metrics of one source. */
  private async maps(question: HeatQuestion, metrics: readonly HeatMetricName[], since?: string): Promise<HeatMap[]> {
    const { run, range, ranks, stepSeconds, lastSeenAt } = question
    const least = sourceOf(metrics) === RANKS ? (stepSeconds ?? 1) : SAMPLE_SECONDS
    const width = widthOf(range.to - range.from, range.points, ranks, least)
    const first = Math.floor(range.from / width)
    const cut = { first, last: Math.max(first, Math.floor(range.to / width)), width }
    const sheet = this.sheet(`${run} ${metrics.join(' ')} ${width}`, metrics, cut, range.to >= lastSeenAt)
    // One after the other: each folds what the one before has not.
    const turn = sheet.busy.then(() => this.fold(sheet, question, cut))
    sheet.busy = turn.catch(() => undefined)
    await turn
    const ends = { from: first * width, to: (cut.last + 1) * width }
    return sheet.grids.map((grid, at) => ({
      metric: metrics[at] ?? 'stepSeconds',
      ...ends,
      ...grid.cells(first, cut.last, since),
    }))
  }

  private sheet(key: string, metrics: readonly HeatMetricName[], { first, last }: Cut, grows: boolean): Sheet {
    const end = grows ? Infinity : last
    const found = this.kept.get(key)
    const fits = found?.grids.every(grid => grid.covers(first, end)) === true ? found : undefined
    const sheet = fits ?? { metrics, grids: metrics.map(() => new HeatGrid(first, end)), busy: Promise.resolve() }
    this.kept.delete(key)
    this.kept.set(key, sheet)
    for (const oldest of [...this.kept.keys()].slice(0, -KEPT)) this.kept.delete(oldest)
    return sheet
  }

  /** All grids of a sheet are folded together, and so are as far as its first. */
  private async fold(sheet: Sheet, question: HeatQuestion, cut: Cut): Promise<void> {
    const [grid] = sheet.grids
    if (grid === undefined) return
    const arrived = this.store.arrival()
    for (const each of sheet.grids) each.begin()
    if (grid.receivedTo > 0) {
      await this.foldRows(sheet, question, cut, grid.first, grid.receivedTo - STORED_WITHIN_SECONDS)
    } else {
      const slots = grid.slotsTo(Math.floor(question.range.to / cut.width))
      await this.foldKept(sheet, question, cut, slots)
      // What a clock that is ahead has stored already.
      const ahead = grid.first + slots
      const isSo = sourceOf(sheet.metrics) !== RANKS || (question.lastStepAt ?? Infinity) >= ahead * cut.width
      if (grid.last === Infinity && isSo) await this.foldRows(sheet, question, cut, ahead, 0)
    }
    for (const each of sheet.grids) each.receivedTo = arrived
  }

  /**
   * So many slots of all that is stored, of roll-ups where they will do: one row a rank, which the store makes in a fourth of
   * the time that it takes for a row a cell.
   */
  private async foldKept({ metrics, grids }: Sheet, question: HeatQuestion, { width }: Cut, slots: number) {
    const { run, stepSeconds } = question
    const { rollUp, where, placed } = sourceOf(metrics)
    const first = grids[0]?.first ?? 0
    const [from, to] = [first * width, (first + slots) * width]
    const perSlot = rollUp.by === 'step' ? (stepSeconds ?? 1) : 1
    const asked = { where, parameters: { run }, from, to, width: width / perSlot / SLOTS_OF_COLUMN, everyVersion: true }
    const rows = await tieredRows(this.store, rollUp, asked)
    const highest = metrics.map(metric => (`${metric}Max` in rollUp.columns ? `${metric}Max` : metric))
    const cells = metrics.map(
      (_, at) =>
        `arrayMap(one -> toFloat32(ifNull(one, nan)), maxOrNullResample(0, ${slots}, 1)(ifNull(one${at}, -inf), ${SLOT})) AS cells${at}`,
    )
    const told = await this.store.packed(
      `SELECT rank, ${cells.join(', ')} FROM (${placed(rows, highest)}) WHERE ${anyOf(metrics)} GROUP BY rank`,
      { run, first, from, to, width },
    )
    const ranks = told.numbers('rank')
    for (const [at, grid] of grids.entries()) {
      const lists = told.lists(`cells${at}`)
      for (const [row, rank] of ranks.entries()) grid.foldRow(rank, lists[row] ?? [])
    }
  }

  /** From a slot on what arrived after a moment, of which roll-ups may not know yet. */
  private async foldRows({ metrics, grids }: Sheet, question: HeatQuestion, cut: Cut, from: number, after: number) {
    const { run } = question
    const { width } = cut
    const { rollUp, where, placed } = sourceOf(metrics)
    const [first = 0, last = Infinity] = [grids[0]?.first, grids[0]?.last]
    // Groups of whole numbers that are never NULL: a fourth of the time that others take.
    const values = metrics.map((_, at) => `toFloat32(max(ifNull(one${at}, -inf))) AS value${at}`)
    const told = await this.store.packed(
      `SELECT rank, ${SLOT} AS slot, ${values.join(', ')}
       FROM (${placed(asRows(rollUp, `${where} AND ${within(rollUp.table)}`), metrics)}) WHERE ${anyOf(metrics)} GROUP BY rank, slot`,
      { run, first, from: from * width, to: Number.isFinite(last) ? (last + 1) * width : FOREVER, width, after },
    )
    const [ranks, slots] = [told.numbers('rank'), told.numbers('slot')]
    for (const [at, grid] of grids.entries()) {
      const column = told.numbers(`value${at}`)
      for (const [row, rank] of ranks.entries()) grid.fold(rank, first + (slots[row] ?? 0), column[row] ?? NaN)
    }
  }
}

function peersOf({ metric, from, to, columns, ranks, values }: HeatMap, rank: number, peers: ReadonlySet<number>) {
  const rows = ranks.flatMap((one, row) => (peers.has(one) ? [row] : []))
  const own = ranks.indexOf(rank)
  const series: PeerSeries = { metric, time: [], own: [], median: [], low: [], high: [] }
  const known = (value: number | undefined) => (value === undefined || !Number.isFinite(value) ? null : value)
  for (let column = 0; column < columns; column += 1) {
    const at = (row: number) => values[row * columns + column] ?? NaN
    const others = rows.map(at).filter(value => !Number.isNaN(value))
    const mine = known(own < 0 ? undefined : at(own))
    if (mine === null && others.length === 0) continue
    series.time.push(from + ((column + 0.5) / columns) * (to - from))
    series.own.push(mine)
    series.median.push(known(median(others)))
    series.low.push(known(others.reduce((low, value) => Math.min(low, value), Infinity)))
    series.high.push(known(others.reduce((high, value) => Math.max(high, value), -Infinity)))
  }
  return series
}
