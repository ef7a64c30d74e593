/**
 * What a device must hold beside what the job's tensors take: no formula gives it, so it is an allowance, and a run of the
 * job that shows its own takes the place of it.
 */
import type { Derived } from './explain'
import type { Calibration } from './input'
import { sources } from './sources'

/** Context, kernels and the buffers of communication libraries: 0.3 to 1.3 GB were seen. */
const CONTEXT_BYTES = 2 ** 30
/**
 * Of what tensors hold, what the allocator reserves beyond it at the peak: so that torchtitan's published tables without
 * tensor parallelism are met as well as one number can.
 */
const FRAGMENTATION_RATIO = 0.055

export interface Allowance {
  readonly contextBytes: number
  readonly fragmentationRatio: number
  readonly isCalibrated: boolean
}

export function allowanceOf(calibration: Calibration | undefined): Allowance {
  const { contextBytes, fragmentationRatio } = calibration ?? {}
  return {
    contextBytes: contextBytes ?? CONTEXT_BYTES,
    fragmentationRatio: fragmentationRatio ?? FRAGMENTATION_RATIO,
    isCalibrated: contextBytes !== undefined || fragmentationRatio !== undefined,
  }
}

/** Bytes of tensors that fit into a device of this capacity. */
export const usableBytes = (capacity: number, { contextBytes, fragmentationRatio }: Allowance) =>
  Math.max(0, capacity - contextBytes) / (1 + fragmentationRatio)

/** T bytes of tensors, fr of them lost to fragmentation, o for context and libraries: what the device shows as used. */
export function deviceMemory(tensors: number, allowance: Allowance) {
  const { contextBytes: o, fragmentationRatio: fr, isCalibrated } = allowance
  const assumption = isCalibrated
    ? 'as a run of the job showed it'
    : 'an allowance: it differs by driver, library and job'
  const fragmentation: Derived = {
    value: tensors * fr,
    formula: 'T·fr',
    letters: { T: tensors, fr },
    source: sources.caching,
    assumption,
  }
  const context: Derived = { value: o, formula: 'o', letters: { o }, source: sources.anatomy, assumption }
  const device: Derived = {
    value: tensors * (1 + fr) + o,
    formula: 'T·(1 + fr) + o',
    letters: { T: tensors, fr, o },
    source: sources.caching,
    assumption: 'what the SMI tool will show as used',
  }
  return { fragmentation, context, device }
}
