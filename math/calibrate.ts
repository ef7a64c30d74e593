/**
 * The few constants of a prediction that no formula gives, fitted to a run of the job: the share of the peak that its
 * compute reaches, and what its activations really hold. Each is one equation with one unknown, so nothing is guessed.
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
}

export interface Calibrated {
  readonly achievableRatio: Derived | undefined
  readonly activationFactor: Derived | undefined
  /** The same as input, to ask what-if of. */
  readonly calibration: Calibration
}

const RUN = { ...sources.input, title: 'this run, measured' }
const ARITHMETIC_MOST = 1

function ceiling(input: PredictInput, observed: Observed): Derived | undefined {
  const { stepSeconds: T, communicationSeconds: W = 0, otherSeconds: O = 0 } = observed
  const ideal = predict({ ...input, calibration: { achievableRatio: 1 } }).step
  if (T === undefined || ideal.computeSeconds === undefined || T <= W + O) return undefined
  const z = ideal.bubbleRatio ?? 0
  const value = (ideal.computeSeconds * (1 + z)) / (T - W - O)
  // More than the peak is no ceiling of this job: the configuration or the peak is another than the run's.
  if (!(value > 0) || value > ARITHMETIC_MOST) return undefined
  return {
    value,
    formula: 'C·(1 + z) / (T − W − O)',
    letters: { C: ideal.computeSeconds, z, T, W, O },
    source: RUN,
    assumption: 'C compute at the whole peak; T the step, W in collectives, O loading data and optimizer',
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
    ...{ value, formula: '(M − S) / A', letters: { M, S, A }, source: RUN },
    assumption: 'M most that was allocated, S model states and buffers, A activations as predicted',
  }
}

/** Constants that cannot be fitted to what was observed stay undefined, and predictions keep their own. */
export function calibrate(input: PredictInput, observed: Observed): Calibrated {
  const achievableRatio = ceiling(input, observed)
  const activationFactor = factor(input, observed)
  return {
    ...{ achievableRatio, activationFactor },
    calibration: {
      ...(achievableRatio !== undefined && { achievableRatio: achievableRatio.value }),
      ...(activationFactor !== undefined && { activationFactor: activationFactor.value }),
    },
  }
}
