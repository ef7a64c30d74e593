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

/** Steps after the first few, and of each the rows of the ranks that are asked. */
function askedRows({ ranks }: DetectorWindow) {
  const steps = new Axis(ranks.step)
  const asked = new Set(Array.from(sampleOf(new Axis(ranks.rank).values, ASKED)))
  const rows = Array.from(steps.values, (): number[] => [])
  for (let row = 0; row < ranks.step.length; row += 1)
    if (asked.has(ranks.rank[row] ?? NaN)) rows[steps.place(ranks.step[row] ?? NaN)]?.push(row)
  const early = steps.values.filter(step => step <= WARM_UP_STEPS).length
  return { steps: steps.values.subarray(early), rows: rows.slice(early) }
}

function paceOf(window: DetectorWindow): Pace {
  const { ranks, steps } = window
  if (ranks.step.length === 0) {
    const late = Array.from(steps.step, (_, row) => row).filter(row => (steps.step[row] ?? 0) > WARM_UP_STEPS)
    const column = (values: ArrayLike<number>) => Float64Array.from(late, row => values[row] ?? NaN)
    return { steps: column(steps.step), work: column(steps.stepSeconds), parts: undefined }
  }
  const asked = askedRows(window)
  const paced = (value: (row: number) => number) => Float64Array.from(asked.rows, rows => lowerQuarter(rows.map(value)))
  const tokens = paced(row => ranks.tokens[row] ?? NaN)
  const usual = median(tokens)
  const isAlike = (place: number) => !(Math.abs((tokens[place] ?? NaN) / usual - 1) > OTHER_TOKENS)
  const of = (value: (row: number) => number) => paced(value).map((seconds, place) => (isAlike(place) ? seconds : NaN))
  const secondsOf: Readonly<Record<Part, (row: number) => number>> = {
    data: row => ranks.dataSeconds[row] ?? NaN,
    compute: row => (ranks.forwardSeconds[row] ?? NaN) + (ranks.backwardSeconds[row] ?? NaN),
    optimizer: row => ranks.optimizerSeconds[row] ?? NaN,
  }
  const { data, compute, optimizer } = secondsOf
  return {
    steps: asked.steps,
    work: of(row => compute(row) + (data(row) || 0) + (optimizer(row) || 0)),
    parts: { data: of(data), compute: of(compute), optimizer: of(optimizer) },
  }
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

/** Place of the first step that takes longer; undefined where no later level is clearly above the one before, or where it is over. */
function riseOf(work: Float64Array): number | undefined {
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
  return onset(work, first + cut * BLOCK_STEPS, middle)
}

/** A block may be of both levels: the first step near its edge from which on steps are long. */
function onset(work: Float64Array, edge: number, middle: number): number {
  const isLong = (place: number) => !((work[place] ?? NaN) < middle)
  let from = edge
  while (from > Math.max(0, edge - BLOCK_STEPS) && isLong(from - 1)) from -= 1
  while (from < edge + BLOCK_STEPS && !isLong(from)) from += 1
  return from
}

/** Seconds of a step: without communication, and of each part; of a log alone the whole step. */
interface Level {
  readonly work: number
  readonly parts: Readonly<Record<Part, number>> | undefined
}

/** Medians of the steps from one place up to another. */
function levelOf({ work, parts }: Pace, from: number, to?: number): Level {
  const of = (values: Float64Array) => median(values.subarray(from, to))
  if (parts === undefined) return { work: of(work), parts }
  return { work: of(work), parts: { data: of(parts.data), compute: of(parts.compute), optimizer: of(parts.optimizer) } }
}

export const SLOWER_RUN = 'slower-run'
const fieldOf = (part: Part | 'work') => `step.${part}`

/** What the finding that is open says of a step before it began. */
function toldBefore({ signs = [] }: Finding): Level {
  const of = (part: Part | 'work') => signs.find(({ field }) => field === fieldOf(part))?.peers ?? NaN
  const hasParts = PARTS.some(part => Number.isFinite(of(part)))
  return {
    work: of('work'),
    parts: hasParts ? { data: of('data'), compute: of('compute'), optimizer: of('optimizer') } : undefined,
  }
}

/** Where it began before this window, and is so still: both of the last blocks are nearer to what was told than to what was before. */
function lastingOf({ open = [] }: DetectorWindow, pace: Pace) {
  const finding = open.find(({ detector }) => detector === SLOWER_RUN)
  if (finding === undefined) return undefined
  const before = toldBefore(finding)
  const middle = before.work + (finding.costSecondsPerStep ?? NaN) / 2
  const isLong = (from: number, to?: number) => median(pace.work.subarray(from, to)) > middle
  if (!isLong(-2 * BLOCK_STEPS, -BLOCK_STEPS) || !isLong(-BLOCK_STEPS)) return undefined
  return { before, since: levelOf(pace, -2 * BLOCK_STEPS), began: finding.since }
}

const NAMES: Readonly<Record<Part, string>> = { data: 'loading data', compute: 'computing', optimizer: 'the optimizer' }
const NEXT: Readonly<Record<Part, string>> = {
  data: 'Look at what loads the data: its workers, the storage that it reads, and what else reads from there.',
  compute:
    'Compare clocks, power, temperature and other processes of the devices with those before; see whether the model, the sequences or the code changed.',
  optimizer: 'See what else is done in the optimizer’s step: offloading, a checkpoint, another process on the device.',
}
const NEXT_OF_LOG = 'Attach the hook: it tells whether data, computing or communication takes longer.'

/** The part with most of the rise; undefined where none has half of it. */
function grownOf(before: Level, since: Level): Part | undefined {
  const riseOfPart = (part: Part) => (since.parts?.[part] ?? NaN) - (before.parts?.[part] ?? NaN)
  return PARTS.find(part => riseOfPart(part) > (since.work - before.work) / 2)
}

function toFinding(window: DetectorWindow, before: Level, since: Level, began: number): Finding {
  const seconds = (value: number) => format(value, 'seconds')
  const grown = grownOf(before, since)
  const [what, how] =
    since.parts === undefined
      ? ['A step takes', 'medians']
      : ['Without communication a step takes', 'medians; three quarters of the ranks work so long or longer']
  const signOf = (part: Part | 'work', name: string): Sign[] => {
    const [own, peers] = part === 'work' ? [since.work, before.work] : [since.parts?.[part], before.parts?.[part]]
    if (own === undefined || peers === undefined || !Number.isFinite(own) || !Number.isFinite(peers)) return []
    return [
      {
        field: fieldOf(part),
        of: window.run,
        own,
        peers,
        says: `${name} ${seconds(own)} a step, before ${seconds(peers)}`,
      },
    ]
  }
  const part =
    grown === undefined
      ? ''
      : ` Of that, ${NAMES[grown]} takes ${seconds(since.parts?.[grown] ?? NaN)}, before ${seconds(before.parts?.[grown] ?? NaN)}.`
  return {
    detector: SLOWER_RUN,
    run: window.run,
    provenance: since.parts === undefined ? 'measured' : 'derived',
    ...costOf(since.work - before.work, median(Float64Array.from(window.steps.stepSeconds).subarray(-2 * BLOCK_STEPS))),
    title: `Steps take ${Math.round((since.work / before.work - 1) * 100)} % longer than before${grown === undefined ? '' : `: ${NAMES[grown]}`}`,
    evidence: `${what} ${seconds(since.work)}, ${seconds(before.work)} before (${how}).${part}`,
    since: began,
    signs: [
      signOf('work', since.parts === undefined ? 'all of it' : 'without communication'),
      ...PARTS.map(one => signOf(one, NAMES[one])),
    ].flat(),
    nextStep: since.parts === undefined ? NEXT_OF_LOG : NEXT[grown ?? 'compute'],
  }
}

export const slowerRun = defineDetector({
  name: SLOWER_RUN,
  help: 'Steps take longer than they did, on all ranks alike.',
  detect(window) {
    const pace = paceOf(window)
    const from = riseOf(pace.work)
    if (from !== undefined) {
      const began = momentOf(window, pace.steps[from])
      return [toFinding(window, levelOf(pace, 0, from), levelOf(pace, from), began)]
    }
    const lasting = lastingOf(window, pace)
    return lasting === undefined ? [] : [toFinding(window, lasting.before, lasting.since, lasting.began)]
  },
})
