/**
 * The whole run works longer than it did: where all ranks are alike, no peer tells, and a job of one rank has none. Each step's
 * pace is what three quarters of the ranks exceed, so that a few that are slow do not make the run so: those are named elsewhere.
 */
import { format } from '../base/units'
import type { Finding, Sign } from '../wire/findings'
import { Axis } from './axis'
import { costOf } from './cost'
import { defineDetector, WARM_UP_STEPS, type DetectorWindow } from './detector'
import { momentOf } from './moment'
import { sampleOf } from './sample'
import { deviation } from './spread'
import { known, mean, median } from './statistics'
import { BLOCK_STEPS } from './straggler'

/** Less is nobody's worry, and what a healthy run wanders by. */
const FLOOR = 0.07
/** Deviations of blocks of steps by which it must differ. */
const CLEARLY = 6
const BLOCKS_LEAST = 3
/** Ranks that are asked. */
const ASKED = 256
/** Sequences or batches that grow are more work, and no slower. */
const OTHER_TOKENS = 0.02

const PARTS = ['data', 'compute', 'optimizer'] as const
type Part = (typeof PARTS)[number]

/** Columns of one length, a place for each step after the first few, ascending. NaN is absent. */
interface Pace {
  readonly steps: Float64Array
  /** Seconds of a step without communication; of a log the whole step. */
  readonly work: Float64Array
  /** Of a log alone nobody knows them. */
  readonly parts: Readonly<Record<Part, Float64Array>> | undefined
}

function lowerQuarter(values: readonly number[]): number {
  const sorted = known(values).sort((one, other) => one - other)
  return sorted[Math.floor((sorted.length - 1) / 4)] ?? NaN
}

/** Of some ranks in each step, a row for each step: what `of` gives of a row. */
function pacedBy({ ranks }: DetectorWindow, steps: Axis, of: (row: number) => number): Float64Array {
  const all = new Axis(ranks.rank)
  const asked = new Set(Array.from(sampleOf(all.values, ASKED)))
  const told = Array.from(steps.values, (): number[] => [])
  for (let row = 0; row < ranks.step.length; row += 1)
    if (asked.has(ranks.rank[row] ?? NaN)) told[steps.place(ranks.step[row] ?? NaN)]?.push(of(row))
  return Float64Array.from(told, lowerQuarter)
}

function paceOf(window: DetectorWindow): Pace {
  const { ranks, steps } = window
  if (ranks.step.length === 0) {
    const late = Array.from(steps.step, (_, row) => row).filter(row => (steps.step[row] ?? 0) > WARM_UP_STEPS)
    const column = (values: ArrayLike<number>) => Float64Array.from(late, row => values[row] ?? NaN)
    return { steps: column(steps.step), work: column(steps.stepSeconds), parts: undefined }
  }
  const axis = new Axis(Array.from(ranks.step).filter(step => step > WARM_UP_STEPS))
  const tokens = pacedBy(window, axis, row => ranks.tokens[row] ?? NaN)
  const usual = median(tokens)
  const isAlike = (place: number) => !(Math.abs((tokens[place] ?? NaN) / usual - 1) > OTHER_TOKENS)
  const of = (value: (row: number) => number) =>
    pacedBy(window, axis, value).map((seconds, place) => (isAlike(place) ? seconds : NaN))
  const secondsOf: Readonly<Record<Part, (row: number) => number>> = {
    data: row => ranks.dataSeconds[row] ?? NaN,
    compute: row => (ranks.forwardSeconds[row] ?? NaN) + (ranks.backwardSeconds[row] ?? NaN),
    optimizer: row => ranks.optimizerSeconds[row] ?? NaN,
  }
  const { data, compute, optimizer } = secondsOf
  return {
    steps: axis.values,
    work: of(row => compute(row) + (data(row) || 0) + (optimizer(row) || 0)),
    parts: { data: of(data), compute: of(compute), optimizer: of(optimizer) },
  }
}

interface Rise {
  /** Place of the first step that took longer. */
  readonly from: number
  readonly before: number
  readonly since: number
}

/** Medians of blocks of steps, the last ones whole. */
function blocksOf(values: Float64Array): Float64Array {
  const count = Math.floor(values.length / BLOCK_STEPS)
  const first = values.length - count * BLOCK_STEPS
  return Float64Array.from({ length: count }, (_, block) =>
    median(values.subarray(first + block * BLOCK_STEPS, first + (block + 1) * BLOCK_STEPS)),
  )
}

/** Where blocks are best parted into two levels, the later one higher; none of them where there is no such place. */
function cutOf(blocks: Float64Array): number {
  let [best, at] = [0, blocks.length]
  for (let cut = BLOCKS_LEAST; cut <= blocks.length - BLOCKS_LEAST; cut += 1) {
    const rise = mean(blocks, cut) - mean(blocks, 0, cut)
    const gain = rise ** 2 * cut * (blocks.length - cut)
    if (rise > 0 && gain > best) [best, at] = [gain, cut]
  }
  return at
}

/** Undefined where no later level is clearly above the one before, or where it is over. */
function riseOf(work: Float64Array): Rise | undefined {
  const blocks = blocksOf(work)
  const first = work.length - blocks.length * BLOCK_STEPS
  const cut = cutOf(blocks)
  // The blocks at the cut may be of both levels.
  const [low, high] = [blocks.subarray(0, cut - 1), blocks.subarray(cut + 1)]
  const [before, since] = [median(low), median(high)]
  const apart = [...low.map(value => value - before), ...high.map(value => value - since)]
  const isClear = since - before > Math.max(FLOOR * before, CLEARLY * deviation(known(apart)))
  const middle = (before + since) / 2
  // Of two levels most of the one are below all that is usual in the other.
  const isSo = (part: Float64Array, holds: (value: number) => boolean) =>
    known(part).filter(holds).length >= 0.9 * known(part).length
  const isApart = isSo(low, value => value < middle) && isSo(high, value => value > middle)
  if (!isClear || !isApart || !((blocks.at(-1) ?? NaN) > middle)) return undefined
  return { before, since, from: onset(work, first + cut * BLOCK_STEPS, middle) }
}

/** A block may be of both levels: the first step near its edge from which on steps are long. */
function onset(work: Float64Array, edge: number, middle: number): number {
  const isLong = (place: number) => !((work[place] ?? NaN) < middle)
  let from = edge
  while (from > Math.max(0, edge - BLOCK_STEPS) && isLong(from - 1)) from -= 1
  while (from < edge + BLOCK_STEPS && !isLong(from)) from += 1
  return from
}

export const SLOWER_RUN = 'slower-run'
const FIELD = 'step.work'

/** Where it began before this window, the finding that is open says what was usual. */
function lastingOf({ open = [] }: DetectorWindow, work: Float64Array): (Rise & { readonly began: number }) | undefined {
  const finding = open.find(({ detector }) => detector === SLOWER_RUN)
  const { own, peers: before } = finding?.signs?.find(({ field }) => field === FIELD) ?? { own: null, peers: null }
  const since = median(work.subarray(-(BLOCKS_LEAST - 1) * BLOCK_STEPS))
  if (finding === undefined || own === null || before === null || !(since > (own + before) / 2)) return undefined
  return { from: 0, before, since, began: finding.since }
}

const NAMES: Readonly<Record<Part, string>> = { data: 'loading data', compute: 'computing', optimizer: 'the optimizer' }
const NEXT: Readonly<Record<Part, string>> = {
  data: 'Look at what loads the data: its workers, the storage that it reads, and what else reads from there.',
  compute:
    'Compare clocks, power, temperature and other processes of the devices with those before; see whether the model, the sequences or the code changed.',
  optimizer: 'See what else is done in the optimizer’s step: offloading, a checkpoint, another process on the device.',
}
const NEXT_OF_LOG = 'Attach the hook: it tells whether data, computing or communication takes longer.'

/** The part with most of the rise, and what it was; undefined where none has half of it. */
function partOf({ parts }: Pace, { from, before, since }: Rise) {
  if (parts === undefined) return undefined
  const grown = PARTS.map(part => {
    const [was, is] = [median(parts[part].subarray(0, from)), median(parts[part].subarray(from))]
    return { part, was, is, more: is - was }
  }).sort((one, other) => (other.more || 0) - (one.more || 0))
  const [most] = grown
  return most !== undefined && most.more > (since - before) / 2 ? most : undefined
}

function toFinding(window: DetectorWindow, pace: Pace, rise: Rise, began: number): Finding {
  const { before, since } = rise
  const seconds = (value: number) => format(value, 'seconds')
  const grown = rise.from === 0 ? undefined : partOf(pace, rise)
  const what = pace.parts === undefined ? 'A step takes' : 'Without communication a step takes'
  const percent = `${Math.round((since / before - 1) * 100)} %`
  const sign: Sign = {
    field: FIELD,
    of: window.run,
    own: since,
    peers: before,
    says: `${what.toLowerCase().replace(' takes', '')} ${seconds(since)}, before ${seconds(before)}`,
  }
  const told =
    grown === undefined
      ? ''
      : ` Of that, ${NAMES[grown.part]} takes ${seconds(grown.is)}, before ${seconds(grown.was)}.`
  return {
    detector: SLOWER_RUN,
    run: window.run,
    provenance: pace.parts === undefined ? 'measured' : 'derived',
    ...costOf(
      since - before,
      median(known(Array.from(window.steps.stepSeconds).slice(-(BLOCKS_LEAST - 1) * BLOCK_STEPS))),
    ),
    title: `Steps take ${percent} longer than before${grown === undefined ? '' : `: ${NAMES[grown.part]}`}`,
    evidence: `${what} ${seconds(since)}, ${seconds(before)} before (medians${pace.parts === undefined ? '' : '; three quarters of the ranks work so long or longer'}).${told}`,
    since: began,
    signs: [sign],
    nextStep: pace.parts === undefined ? NEXT_OF_LOG : NEXT[grown?.part ?? 'compute'],
  }
}

export const slowerRun = defineDetector({
  name: SLOWER_RUN,
  help: 'Steps take longer than they did, on all ranks alike.',
  detect(window) {
    const pace = paceOf(window)
    const rise = riseOf(pace.work)
    if (rise !== undefined) return [toFinding(window, pace, rise, momentOf(window, pace.steps[rise.from]))]
    const lasting = lastingOf(window, pace.work)
    return lasting === undefined ? [] : [toFinding(window, pace, lasting, lasting.began)]
  },
})
