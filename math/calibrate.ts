/**
 * The few constants of a prediction that no formula gives, fitted to a run of the job: the share of the peak that its
 * compute reaches, and what its activations really hold. Each is one equation with one unknown, so nothing is guessed;
 * communication that was not measured is taken as predicted.
 */
import type { Derived } from './explain'
import type { Calibration, PredictInput } from './input'
import { predict } from './predict'
import { sources } from './sources'

/** Of a step and a device, as measured. What is not known is absent. */
export interface Observed {
  readonly stepSeconds?: number | undefined
  /** Inside collectives, waiting included. */
  readonly communicationSeconds?: number | undefined
  /** Loading data, and the optimizer: time in which the model does not compute. */
  readonly otherSeconds?: number | undefined
  /** Most bytes that the framework had allocated. */
  readonly peakBytes?: number | undefined
  /** Most bytes that its allocator had reserved. */
  readonly reservedBytes?: number | undefined
  /** In use on the device, by this process or by all. */
  readonly deviceBytes?: number | undefined
}

export interface Calibrated {
  readonly achievableRatio: Derived | undefined
  readonly activationFactor: Derived | undefined
  readonly fragmentationRatio: Derived | undefined
  readonly contextBytes: Derived | undefined
  readonly overlapRatio: Derived | undefined
  /** The same as input, to ask what-if of. */
  readonly calibration: Calibration
}

const RUN = { ...sources.input, title: 'this run, measured' }
const ARITHMETIC_MOST = 1.001

/** Communication that no compute hides, as predicted at this ceiling; 0 where it is not known. */
function exposedSeconds(input: PredictInput, achievableRatio: number): number {
  const { step } = predict({ ...input, calibration: { achievableRatio } })
  if (step.seconds === undefined || step.computeSeconds === undefined) return 0
  return step.seconds - step.computeSeconds * (1 + (step.bubbleRatio ?? 0))
}

const ROUNDS = 30

function ceiling(input: PredictInput, observed: Observed): Derived | undefined {
  const { stepSeconds: T, communicationSeconds, otherSeconds: O = 0 } = observed
  const ideal = predict({ ...input, calibration: { achievableRatio: 1 } }).step
  if (T === undefined || ideal.computeSeconds === undefined) return undefined
  const C = ideal.computeSeconds
  const z = ideal.bubbleRatio ?? 0
  let value = 1
  let W = communicationSeconds ?? 0
  // How much communication is exposed depends on the ceiling itself: the two settle in a few rounds.
  for (let round = 0; round < ROUNDS; round += 1) {
    W = communicationSeconds ?? exposedSeconds(input, value)
    value = (C * (1 + z)) / (T - W - O)
    // More than the peak is no ceiling of this job: the configuration or the peak is another than the run's.
    if (!(value > 0) || value > ARITHMETIC_MOST) return undefined
  }
  return {
    value,
    formula: 'C·(1 + z) / (T − W − O)',
    letters: { C, z, T, W, O },
    source: RUN,
    assumption: `C compute at the whole peak; T the step, W ${communicationSeconds === undefined ? 'exposed communication as predicted' : 'in collectives, measured'}, O loading data and optimizer`,
  }
}

/** Of what the step sends, the part that nobody waited for. More waiting than sending is no overlap, but a slower network. */
function overlap(input: PredictInput, { communicationSeconds: E }: Observed): Derived | undefined {
  const { communicationSeconds: W } = predict({ ...input, calibration: undefined }).step
  if (E === undefined || W === undefined || W <= 0 || E > W) return undefined
  return {
    value: 1 - E / W,
    formula: '1 − E / W',
    letters: { E, W },
    source: RUN,
    assumption: 'E in collectives, measured, W all communication as predicted',
  }
}

function factor(input: PredictInput, { peakBytes: M }: Observed): Derived | undefined {
  const { memory } = predict({ ...input, calibration: undefined })
  const { parametersBytes, gradientsBytes, optimizerBytes, activationsBytes: A, buffersBytes = 0 } = memory
  if (M === undefined || A === undefined || A <= 0) return undefined
  if (parametersBytes === undefined || gradientsBytes === undefined || optimizerBytes === undefined) return undefined
  const S = parametersBytes + gradientsBytes + optimizerBytes + buffersBytes
  const value = (M - S) / A
  if (!(value > 0)) return undefined
  return {
    value,
    formula: '(M − S) / A',
    letters: { M, S, A },
    source: RUN,
    assumption: 'M most that was allocated, S model states and buffers, A activations as predicted',
  }
}

/** Beyond what tensors held at their peak; an allocator that was emptied since says nothing. */
function fragmentation({ peakBytes: M, reservedBytes: V }: Observed): Derived | undefined {
  if (M === undefined || V === undefined || M <= 0 || V < M) return undefined
  return {
    value: (V - M) / M,
    formula: '(V − M) / M',
    letters: { V, M },
    source: RUN,
    assumption: 'V most that was reserved, M most that was allocated',
  }
}

function context({ reservedBytes: V, deviceBytes: U }: Observed): Derived | undefined {
  if (V === undefined || U === undefined || U <= V) return undefined
  return {
    value: U - V,
    formula: 'U − V',
    letters: { U, V },
    source: RUN,
    assumption: 'U in use on the device, V reserved by the allocator; other processes on the device count here too',
  }
}

/** Constants that cannot be fitted to what was observed stay undefined, and predictions keep their own. */
export function calibrate(input: PredictInput, observed: Observed): Calibrated {
  const achievableRatio = ceiling(input, observed)
  const found = {
    achievableRatio,
    activationFactor: factor(input, observed),
    fragmentationRatio: fragmentation(observed),
    contextBytes: context(observed),
    overlapRatio: overlap(input, observed),
  }
  const fitted = Object.entries(found).flatMap(([name, derived]) =>
    derived === undefined ? [] : [[name, derived.value] as const],
  )
  return { ...found, calibration: Object.fromEntries(fitted) }
}
