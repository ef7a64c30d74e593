/**
 * One rank, several, or a whole node are late, and their own work is why. Two signs must agree, as either alone misleads:
 * behind a barrier a slow link makes some ranks wait little as well, and a busy machine makes compute times scatter.
 */
import { format } from '../base/units'
import type { Finding } from '../wire/findings'
import { defineDetector, WARM_UP_STEPS, type DetectorWindow } from './detector'
import { diagnose, type Diagnosis, type SlowRanks } from './diagnosis'
import { PHASES, valueAt, type Phase, type RankMatrix } from './rank-matrix'
import { costOf } from './cost'
import { momentOf } from './moment'
import { reasonOf } from './starved'
import { median, share } from './statistics'
import type { Straggler } from './straggler'

/** A phase with this share of all the extra work is named as its place. */
const MOST = 0.8
interface Measure {
  /** The phase with most of the excess over its peers, or all work. */
  readonly phase: Phase | 'work'
  readonly ownSeconds: number
  readonly peerSeconds: number
  /** Share of steps in which it spends less time in collectives than its peers, and how much less. */
  readonly waitsLess: number
  readonly waitGapSeconds: number
}

/** Cells of a rank from when it is slow on; of an intermittent one those in which it is. */
function cellsOf({ steps, excess }: RankMatrix, one: Straggler): number[] {
  const first = one.place * steps.length + one.from
  const cells = Array.from({ length: (one.to ?? steps.length) - one.from }, (_, step) => first + step)
  return one.pattern === 'intermittent' ? cells.filter(cell => (excess[cell] ?? NaN) > one.threshold) : cells
}

function measure(matrix: RankMatrix, one: Straggler): Measure {
  const { steps, work, ahead, excess, roles, roleOf, rows } = matrix
  const cells = cellsOf(matrix, one)
  const peerWork = (cell: number) => (work[cell] ?? NaN) / (1 + (excess[cell] ?? NaN))
  const others = (roles[roleOf[one.place] ?? -1]?.peers ?? new Int32Array()).filter(other => other !== one.place)
  const phaseOf = (phase: Phase, place: number) => {
    const offset = (place - one.place) * steps.length
    return median(cells.map(cell => valueAt(matrix, `${phase}Seconds`, cell + offset)))
  }
  const all = {
    phase: 'work' as const,
    own: median(cells.map(cell => work[cell] ?? NaN)),
    peers: median(cells.map(peerWork)),
  }
  const found = PHASES.map(phase => ({
    phase,
    own: phaseOf(phase, one.place),
    peers: median(Array.from(others, other => phaseOf(phase, other))),
  }))
    .filter(({ own, peers }) => own - peers >= MOST * (all.own - all.peers))
    .sort((first, second) => second.own - second.peers - (first.own - first.peers))
  const { phase, own, peers } = found[0] ?? all
  return {
    phase,
    ownSeconds: own,
    peerSeconds: peers,
    waitsLess: share(cells.filter(cell => (rows[cell] ?? -1) >= 0).map(cell => ahead(cell) > 0)),
    waitGapSeconds: median(cells.map(cell => ahead(cell) * peerWork(cell))),
  }
}

const COMPUTE =
  'Compare clocks, throttle reasons, temperature and other processes of that rank’s device with its peers.'
const NEXT: Record<Phase | 'work', string> = {
  data: 'Look at the data loader and the storage of that rank’s node.',
  forward: COMPUTE,
  backward: COMPUTE,
  optimizer:
    'Where the optimizer runs on the host (offload), compare that node’s processors and memory with the others’; else its device’s clocks.',
  work: COMPUTE,
}
const NEXT_OF_NODE =
  'All ranks of the node are slow: look at what they share, its processors, cooling, power and other jobs.'
const NEXT_OF_INTERMITTENT =
  'Look for what comes and goes on its host: garbage collection, other processes, page cache, thermal throttling.'

function evidenceOf(one: Straggler, worst: Measure): string {
  const seconds = (value: number) => format(value, 'seconds')
  const phase = worst.phase === 'work' ? 'own work' : worst.phase
  const when = one.pattern === 'intermittent' ? `in ${Math.round(one.share * 100)} % of the steps` : 'a step'
  const wait =
    one.pattern === 'intermittent'
      ? `then it waits less than they do`
      : `in ${Math.round(worst.waitsLess * 100)} % of the steps it waits less than they do`
  return (
    `Its ${phase} takes ${seconds(worst.ownSeconds)} ${when}, its peers’ ${seconds(worst.peerSeconds)} (medians); ` +
    `${wait}, by ${seconds(worst.waitGapSeconds)}.`
  )
}

const NEXT_OF_PAST =
  'It is over. Where it comes at each start, look at what only the beginning does: compilation, caches that fill, data that is copied there.'

const TITLES: Record<Exclude<Straggler['pattern'], 'past'>, string> = {
  constant: 'is slow',
  drifting: 'is getting slower',
  intermittent: 'is slow now and then',
}

function titleOf({ steps }: RankMatrix, { pattern, from, to = steps.length }: Straggler): string {
  if (pattern !== 'past') return TITLES[pattern]
  const [first, last] = [steps[from] ?? NaN, steps[to - 1] ?? NaN]
  return first <= WARM_UP_STEPS ? `was slow in the first ${last} steps` : `was slow from step ${first} to ${last}`
}

function toFinding(
  window: DetectorWindow,
  { matrix, stepSeconds, roles: { isAssumed } }: Diagnosis,
  { node, own, cost }: SlowRanks,
): Finding[] {
  const worst = own.toSorted((one, other) => other.excess - one.excess)[0]
  if (worst === undefined) return []
  const ranks = own.map(one => matrix.ranks[one.place] ?? NaN)
  const measured = measure(matrix, worst)
  const from = Math.min(...own.map(one => one.from))
  const rank = matrix.ranks[worst.place] ?? NaN
  const surplus = measured.ownSeconds - measured.peerSeconds
  // Medians of all steps say nothing of what is there in a few of them.
  const isThere = worst.pattern === 'constant' || worst.pattern === 'drifting'
  const reason = isThere ? reasonOf(matrix, { ...worst, from }, surplus) : undefined
  const ofOthers = worst.pattern === 'past' ? NEXT_OF_PAST : NEXT_OF_INTERMITTENT
  const next = reason?.nextStep ?? (isThere ? NEXT[measured.phase] : ofOthers)
  const place = node ?? window.places?.get(rank)?.node
  return [
    {
      detector: 'slow-rank',
      run: window.run,
      provenance: 'derived',
      ranks,
      ...(place === undefined ? {} : { nodes: [place] }),
      ...costOf(cost, stepSeconds),
      title: `${node === undefined ? `Rank ${ranks.join()}` : `Node ${node}`} ${titleOf(matrix, worst)}`,
      evidence:
        `${node === undefined ? '' : `All ${own.length} of its ranks are slow; of rank ${rank}: `}` +
        `${evidenceOf(worst, measured)}${reason === undefined ? '' : ` ${reason.text}`}` +
        `${node === undefined && place !== undefined ? ` It runs on ${place}.` : ''}` +
        `${isAssumed ? ' Which rank is in which pipeline stage is assumed: Megatron’s order.' : ''}`,
      since: momentOf(window, matrix.steps[from]),
      nextStep: node === undefined || reason !== undefined || worst.pattern === 'past' ? next : NEXT_OF_NODE,
    },
  ]
}

export const slowRank = defineDetector({
  name: 'slow-rank',
  help: 'A rank is steadily late, and its own work takes longer than that of its peers.',
  detect(window) {
    const diagnosis = diagnose(window)
    return diagnosis === undefined ? [] : diagnosis.slowRanks.flatMap(one => toFinding(window, diagnosis, one))
  },
})
