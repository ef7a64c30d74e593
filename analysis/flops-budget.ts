/** The waterfall from peak to MFU: of the run, of each pipeline stage and of each rank, measured beside predicted. */
import { grouped } from '../base/grouped'
import type { Prediction } from '../math/predict'
import type { Figure } from '../wire/findings'
import { BUDGET_PARTS, type BudgetPart, type FlopsBudget, type Waterfall } from '../wire/flops-budget'
import { WARM_UP_STEPS, type DetectorWindow } from './detector'
import type { Efficiency } from './efficiency'
import { extent, known, mean } from './statistics'
import { stepPartsOf, type RankParts, type StepPart } from './step-parts'

type Parts = Readonly<Record<BudgetPart, number>>

/** Seconds of a step and device that the work takes: at the peak, what recomputation adds, what matmuls fall short by. */
interface Work {
  readonly useful: number
  readonly recomputation: number
  readonly ceiling: number
}

function workOf(useful: number, prediction: Prediction | undefined, achievable: number | undefined): Work {
  const { perToken = NaN, hardwarePerToken = NaN } = prediction?.flops ?? {}
  const recomputation = useful * (hardwarePerToken / perToken - 1)
  const all = useful + (Number.isNaN(recomputation) ? 0 : recomputation)
  return { useful, recomputation, ceiling: all * (1 / (achievable ?? NaN) - 1) }
}

/** What of the FLOPs is of this stage, 1 where all stages do alike: layers, and the output layer on the last. */
function shareOfStage(prediction: Prediction | undefined, stage: number): number {
  const stages = prediction?.memory.stages ?? []
  const { perToken = NaN, parts } = prediction?.flops ?? {}
  const logits = parts?.logits ?? 0
  const layers = stages.reduce((sum, one) => sum + one.layers, 0)
  const own =
    ((perToken - logits) * (stages[stage]?.layers ?? NaN)) / layers + (stage === stages.length - 1 ? logits : 0)
  return Number.isFinite(own) && own > 0 ? (own * stages.length) / perToken : 1
}

/** Of the time that was spent computing: the work first, as far as it reaches; what is above it went to slower kernels. */
function splitCompute(compute: number, work: Work): Pick<Parts, keyof Work | 'kernels'> {
  if (Number.isNaN(compute)) return { ...work, kernels: NaN }
  let left = compute
  const take = (seconds: number) => {
    const own = Math.min(left, seconds)
    left -= Number.isNaN(own) ? 0 : own
    return own
  }
  const [useful, recomputation, ceiling] = [take(work.useful), take(work.recomputation), take(work.ceiling)]
  return { useful, recomputation, ceiling, kernels: left }
}

/** What is left of the step is unexplained. */
function adding(seconds: number, bars: Omit<Parts, 'unexplained'>): Parts {
  const explained = known(Object.values(bars)).reduce((sum, value) => sum + value, 0)
  return { ...bars, unexplained: seconds - explained }
}

function measuredParts(seconds: number, parts: Readonly<Record<StepPart, number>>, work: Work): Parts {
  const { compute, ...rest } = parts
  return adding(seconds, { ...splitCompute(compute, work), ...rest })
}

/** Of several ranks: one may tell less than another, and still the bars add up. */
function meanParts(seconds: number, all: readonly Parts[]): Parts {
  const of = (part: BudgetPart) => mean(known(all.map(parts => parts[part])))
  return adding(seconds, {
    useful: of('useful'),
    ceiling: of('ceiling'),
    recomputation: of('recomputation'),
    kernels: of('kernels'),
    bubble: of('bubble'),
    communication: of('communication'),
    'sync-wait': of('sync-wait'),
    data: of('data'),
    optimizer: of('optimizer'),
  })
}

function predictedParts(prediction: Prediction | undefined, achievable: number | undefined, share: number): Parts {
  const { computeSeconds = NaN, bubbleRatio = NaN, seconds = NaN } = prediction?.step ?? {}
  const { perToken = NaN, hardwarePerToken = NaN } = prediction?.flops ?? {}
  // Arithmetic predicts none of these; where it predicts no step at all, it says nothing.
  const none = Number.isNaN(seconds) ? NaN : 0
  const useful = computeSeconds * share * (perToken / hardwarePerToken) * (achievable ?? NaN)
  return {
    ...workOf(useful, prediction, achievable),
    kernels: none,
    // What one stage has less of than the mean of them, it waits for the others.
    bubble: computeSeconds * (bubbleRatio + 1 - share),
    communication: seconds - computeSeconds * (1 + bubbleRatio),
    'sync-wait': none,
    data: none,
    optimizer: none,
    unexplained: none,
  }
}

const MEASURED: Readonly<Record<BudgetPart, readonly [provenance: Figure['provenance'], source: string, why: string]>> =
  {
    useful: ['derived', 'model FLOPs at the peak', 'the model, the tokens per second or the peak are not known'],
    ceiling: ['derived', 'the same FLOPs as fast as matmuls go, less that', 'the FLOPs or the peak are not known'],
    recomputation: ['derived', 'FLOPs of recomputation at the peak', 'the FLOPs are not known'],
    kernels: ['derived', 'forward and backward, less all above', 'forward and backward are not known: attach the hook'],
    bubble: ['derived', '(p − 1)/(v·m) of forward and backward', 'the micro-batches or the phases are not known'],
    communication: [
      'derived',
      'what the member that waited least spent in each collective',
      'needs the time in collectives of two ranks or more',
    ],
    'sync-wait': [
      'derived',
      'the rest of the time in collectives',
      'needs the time in collectives of two ranks or more',
    ],
    data: ['measured', 'the data phase', 'no data phase is known'],
    optimizer: ['measured', 'the optimizer phase', 'no optimizer phase is known'],
    unexplained: ['derived', 'the step less all above', 'no step time is known'],
  }

const figureOf = (value: number, provenance: Figure['provenance'], source: string, why: string): Figure =>
  Number.isFinite(value) ? { value, provenance, source } : { value: null, provenance, source: why }

function waterfallOf(of: string, ranks: number, seconds: number, measured: Parts, predicted: Parts): Waterfall {
  const total = Object.values(predicted).reduce((sum, value) => sum + value, 0)
  const why = 'the configuration does not tell enough to predict a step'
  return {
    of,
    ranks,
    measured: figureOf(seconds, 'measured', ranks === 0 ? 'training log' : `mean of ${ranks} ranks`, 'no step yet'),
    predicted: figureOf(total, 'predicted', 'Transformers Math', why),
    bars: BUDGET_PARTS.map(part => ({
      part,
      measured: figureOf(measured[part], ...MEASURED[part]),
      predicted: figureOf(predicted[part], 'predicted', 'Transformers Math', why),
    })),
  }
}

const NO_PARTS: Readonly<Record<StepPart, number>> = {
  compute: NaN,
  data: NaN,
  optimizer: NaN,
  communication: NaN,
  bubble: NaN,
  'sync-wait': NaN,
}

/**
 * Of the steps of a window. Never throws; what is not known is a bar without a number. `mfuStepSeconds`: of the steps that the
 * MFU is of, which may be others; the same where it is left out.
 */
export function flopsBudgetOf(
  window: DetectorWindow,
  { mfu, peak }: Efficiency,
  mfuStepSeconds?: number | null,
): FlopsBudget {
  const { prediction, steps } = window
  const achievable = peak?.achievableRatio
  const own = stepPartsOf(window)
  const late = Array.from(steps.step.length > 0 ? Array.from(steps.step).keys() : []).filter(
    row => (steps.step[row] ?? 0) > WARM_UP_STEPS,
  )
  const jobSeconds = mean(known(late.map(row => steps.stepSeconds[row] ?? NaN)))
  const seconds = own.length === 0 ? jobSeconds : mean(known(own.map(one => one.seconds)))
  // The work is the same in each step, however long one takes; MFU is of the whole job, one step of which is as long for all.
  const useful = (mfu.value ?? NaN) * (mfuStepSeconds ?? seconds)
  const bars = (one: RankParts) =>
    measuredParts(one.seconds, one.parts, workOf(useful * shareOfStage(prediction, one.stage), prediction, achievable))
  const measured = own.map(one => ({ ...one, bars: bars(one) }))
  const whole = measured.length === 0 ? [measuredParts(seconds, NO_PARTS, workOf(useful, prediction, achievable))] : []
  const stages = grouped(measured, ({ stage }) => stage)
  const { least, greatest } = extent(own.length === 0 ? late.map(row => steps.step[row] ?? NaN) : window.ranks.step)
  return {
    from: Number.isNaN(least) ? null : least,
    to: Number.isNaN(greatest) ? null : greatest,
    run: waterfallOf(
      'run',
      own.length,
      seconds,
      meanParts(seconds, [...whole, ...measured.map(one => one.bars)]),
      predictedParts(prediction, achievable, 1),
    ),
    stages:
      stages.size < 2
        ? []
        : [...stages]
            .sort(([one], [other]) => one - other)
            .map(([stage, members]) =>
              waterfallOf(
                `stage ${stage}`,
                members.length,
                mean(known(members.map(one => one.seconds))),
                meanParts(
                  mean(known(members.map(one => one.seconds))),
                  members.map(one => one.bars),
                ),
                predictedParts(prediction, achievable, shareOfStage(prediction, stage)),
              ),
            ),
    ranks: columnsOf(measured),
  }
}

function columnsOf(measured: readonly (RankParts & { readonly bars: Parts })[]): FlopsBudget['ranks'] {
  const orNull = (value: number) => (Number.isFinite(value) ? value : null)
  return {
    rank: measured.map(({ rank }) => rank),
    stepSeconds: measured.map(one => orNull(one.seconds)),
    parts: Object.fromEntries(BUDGET_PARTS.map(part => [part, measured.map(one => orNull(one.bars[part]))])),
  }
}
