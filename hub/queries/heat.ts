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

/** Where the samples of a metric are, and whose they are. */
interface Source {
  readonly rollUp: RollUp
  /** Of the key. */
  readonly where: string
  /** Rows `rank, time, one` of rows of the roll-up. */
  placed(rows: string, one: string): string
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
  placed: (rows, one) => `SELECT assumeNotNull(toUInt32(rank)) AS rank, time, ${one} AS one FROM (${rows})`,
}

/** Of the devices that the run's ranks drive. */
const DEVICES: Source = {
  rollUp: gpuRollUp,
  where: RUNS_NODES,
  placed: (rows, one) => `SELECT rank, sampled.time AS time, sampled.${one} AS one FROM (${rows}) AS sampled INNER JOIN
    (SELECT assumeNotNull(toUInt32(rank.rank)) AS rank, argMax(toString(node), time) AS node, argMax(gpuIndex, time) AS index FROM rank
     WHERE run = {run:String} AND rank.rank IS NOT NULL AND gpuIndex IS NOT NULL GROUP BY rank) AS driven
    ON toString(sampled.node) = driven.node AND sampled.index = driven.index`,
}

/** Of the hosts that the run's ranks are on. */
const HOSTS: Source = {
  rollUp: hostRollUp,
  where: RUNS_NODES,
  placed: (rows, one) => `SELECT rank, sampled.time AS time, sampled.${one} AS one FROM (${rows}) AS sampled INNER JOIN
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
  readonly metric: HeatMetricName
  readonly range: Range
  /** Of the run, known or guessed. */
  readonly ranks: number
  readonly stepSeconds: number | null
  /** When the run was last heard of: what is asked for beyond it still grows. */
  readonly lastSeenAt: number
}

/** A rank beside its peers asks for fourteen. */
const KEPT = 24
const SAMPLE_SECONDS = 1
/** A row is stamped before it is stored: what arrived so long before the last question is looked at again. */
const STORED_WITHIN_SECONDS = 60
const FOREVER = 1e11
/** Of a sample, counted from the first of the grid. */
const SLOT = 'toUInt32(least(greatest(floor(time / {width:Float64}) - {first:Float64}, 0), 4294967295))'

/** Maps that were asked for lately: a question reads what arrived since the one before. */
export class HeatMaps {
  private readonly kept = new Map<string, { grid: HeatGrid; busy: Promise<unknown> }>()

  constructor(private readonly store: Store) {}

  async map(question: HeatQuestion, since?: string): Promise<HeatMap> {
    const { metric } = question
    const { grid, first, last, width } = await this.grid(question)
    return { metric, from: first * width, to: (last + 1) * width, ...grid.cells(first, last, since) }
  }

  /** One rank, and the middle and the ends of `peers`, column by column. */
  async peers(question: HeatQuestion, rank: number, peers: readonly number[]): Promise<PeerSeries> {
    const { metric, from, to, columns, ranks, values } = await this.map(question)
    const wanted = new Set(peers)
    const rows = ranks.flatMap((one, row) => (wanted.has(one) ? [row] : []))
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

  /** The cells that answer, with all in them that is stored. */
  private async grid(question: HeatQuestion) {
    const { run, metric, range, ranks, stepSeconds, lastSeenAt } = question
    const least = HEAT_METRICS[metric].of === 'rank' ? (stepSeconds ?? 1) : SAMPLE_SECONDS
    const width = widthOf(range.to - range.from, range.points, ranks, least)
    const [first, last] = [
      Math.floor(range.from / width),
      Math.max(Math.floor(range.from / width), Math.floor(range.to / width)),
    ]
    const key = `${run} ${metric} ${width}`
    const grows = range.to >= lastSeenAt
    const found = this.kept.get(key)
    const fits = found?.grid.covers(first, grows ? Infinity : last) === true ? found : undefined
    const entry = fits ?? { grid: new HeatGrid(first, grows ? Infinity : last), busy: Promise.resolve() }
    this.kept.delete(key)
    this.kept.set(key, entry)
    for (const oldest of [...this.kept.keys()].slice(0, -KEPT)) this.kept.delete(oldest)
    // One after the other: each folds what the one before has not.
    const turn = entry.busy.then(() => this.fold(entry.grid, question, width))
    entry.busy = turn.catch(() => undefined)
    await turn
    return { grid: entry.grid, first, last, width }
  }

  private async fold(grid: HeatGrid, question: HeatQuestion, width: number): Promise<void> {
    const arrived = this.store.arrival()
    grid.begin()
    if (grid.receivedTo > 0) {
      await this.foldRows(grid, question, width, grid.first, grid.receivedTo - STORED_WITHIN_SECONDS)
    } else {
      const slots = grid.slotsTo(Math.floor(question.range.to / width))
      await this.foldKept(grid, question, width, slots)
      // What a clock that is ahead has stored already.
      if (grid.last === Infinity) await this.foldRows(grid, question, width, grid.first + slots, 0)
    }
    grid.receivedTo = arrived
  }

  /**
   * So many slots of all that is stored, of roll-ups where they will do: one row a rank, which the store makes in a fourth of
   * the time that it takes for a row a cell.
   */
  private async foldKept(grid: HeatGrid, question: HeatQuestion, width: number, slots: number): Promise<void> {
    const { run, metric, stepSeconds } = question
    const { rollUp, where, placed } = SOURCES[HEAT_METRICS[metric].of]
    const [from, to] = [grid.first * width, (grid.first + slots) * width]
    const perSlot = rollUp.by === 'step' ? (stepSeconds ?? 1) : 1
    const asked = { where, parameters: { run }, from, to, width: width / perSlot / SLOTS_OF_COLUMN, everyVersion: true }
    const rows = await tieredRows(this.store, rollUp, asked)
    const highest = `${metric}Max` in rollUp.columns ? `${metric}Max` : metric
    const told = await this.store.packed(
      `SELECT rank, arrayMap(one -> toFloat32(ifNull(one, nan)), maxOrNullResample(0, ${slots}, 1)(assumeNotNull(one), ${SLOT})) AS cells
       FROM (${placed(rows, highest)}) WHERE one IS NOT NULL GROUP BY rank`,
      { run, first: grid.first, from, to, width },
    )
    const cells = told.lists('cells')
    for (const [row, rank] of told.numbers('rank').entries()) grid.foldRow(rank, cells[row] ?? [])
  }

  /** From a slot on what arrived after a moment, of which roll-ups may not know yet. */
  private async foldRows(grid: HeatGrid, question: HeatQuestion, width: number, first: number, after: number) {
    const { run, metric } = question
    const { rollUp, where, placed } = SOURCES[HEAT_METRICS[metric].of]
    const [from, to] = [first * width, Number.isFinite(grid.last) ? (grid.last + 1) * width : FOREVER]
    // Groups of whole numbers that are never NULL: a fourth of the time that others take.
    const told = await this.store.packed(
      `SELECT rank, ${SLOT} AS slot, toFloat32(max(assumeNotNull(one))) AS value
       FROM (${placed(asRows(rollUp, `${where} AND ${within(rollUp.table)}`), metric)}) WHERE one IS NOT NULL GROUP BY rank, slot`,
      { run, first: grid.first, from, to, width, after },
    )
    const [slots, values] = [told.numbers('slot'), told.numbers('value')]
    for (const [row, rank] of told.numbers('rank').entries())
      grid.fold(rank, grid.first + (slots[row] ?? 0), values[row] ?? NaN)
  }
}
