/** Jobs whose ranks compute on the host: what no formula knows of a process there. */
import type { PredictInput } from '../../math/input'
import { predict } from '../../math/predict'
import { extent } from '../statistics'
import type { MemoryHistory } from './scene'

/** Python with torch and its libraries before any tensor; resident with torch 1.13: 0.23 GB. */
const CONTEXT_BYTES = 0.25 * 2 ** 30
/**
 * What the C library keeps beyond the tensors, and copies that a host's kernels make: over the prediction 0.23 and 0.28 of a small
 * GPT at two micro-batches (torch 1.13, peak resident).
 */
const FRAGMENTATION_RATIO = 0.3

/** The job with these allowances, unless it brings its own; between steps a process holds its context and the model's states. */
export function onAHost(config: PredictInput | undefined, history: MemoryHistory): PredictInput | undefined {
  if (config === undefined) return undefined
  const { parametersBytes = NaN, gradientsBytes = NaN, optimizerBytes = NaN } = predict(config).memory
  const resident = Array.from(history.peakBytes).filter(Number.isFinite)
  const beside = extent(resident).least - (parametersBytes + gradientsBytes + optimizerBytes)
  // After its first step a process may still hold what that step let go: nothing is learnt from one.
  const contextBytes = resident.length > 1 && beside > CONTEXT_BYTES ? beside : CONTEXT_BYTES
  return {
    ...config,
    calibration: { fragmentationRatio: FRAGMENTATION_RATIO, contextBytes, ...config.calibration },
  }
}
