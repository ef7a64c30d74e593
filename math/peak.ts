/** The denominator of MFU, with a name. */
import { format } from '../base/units'
import { findGpu, type Gpu } from './gpus'
import type { HardwareInput, PredictInput } from './input'
import type { Precision } from './plan'
import { sources, type Source } from './sources'

export interface Peak {
  /** Of one device. */
  readonly flopsPerSecond: number
  /** Names the denominator: `H100 SXM dense bf16 989 TFLOP/s`. */
  readonly title: string
  readonly source: Source
  /** Share of the peak that matmuls can reach, and where that is from. */
  readonly achievableRatio: number
  readonly achievableSource: string
  readonly gpu: Gpu | undefined
}

/** Where nothing is known of a GPU's matmuls: about the middle of those that were measured (0.51 to 0.87). */
const USUAL_ACHIEVABLE = 0.8

function given(hardware: HardwareInput, flopsPerSecond: number, gpu: Gpu | undefined): Peak {
  const what = hardware.peakSource ?? 'given peak'
  return {
    flopsPerSecond,
    gpu,
    title: `${what} ${format(flopsPerSecond, 'flopsPerSecond')}`,
    source: { ...sources.input, title: what },
    achievableRatio: 1,
    achievableSource: 'the peak was given, as matmuls reach it',
  }
}

function tabled(gpu: Gpu, precision: Precision): Peak | undefined {
  const flopsPerSecond = gpu.peakFlopsPerSecond[precision]
  const [source] = gpu.sources
  if (flopsPerSecond === undefined || source === undefined) return undefined
  const known = gpu.achievableRatio !== undefined && precision !== 'fp32'
  return {
    flopsPerSecond,
    gpu,
    source,
    title: `${gpu.title} dense ${precision} ${format(flopsPerSecond, 'flopsPerSecond')}`,
    achievableRatio: known ? (gpu.achievableRatio ?? USUAL_ACHIEVABLE) : USUAL_ACHIEVABLE,
    achievableSource: known
      ? `best bf16 matmul measured on ${gpu.title}`
      : `a usual share; none was measured for ${gpu.title} in ${precision}`,
  }
}

/** Undefined where neither a peak is given nor the GPU known in this precision; `whyNoPeak` says which. */
export function peakOf(hardware: HardwareInput | undefined, precision: Precision): Peak | undefined {
  if (hardware === undefined) return undefined
  const gpu = hardware.gpu === undefined ? undefined : findGpu(hardware.gpu)
  if (hardware.peakFlopsPerSecond !== undefined) return given(hardware, hardware.peakFlopsPerSecond, gpu)
  return gpu === undefined ? undefined : tabled(gpu, precision)
}

/** The peak of a job, with the ceiling that a run of it showed where there is one. */
export function peakOfJob({ hardware, calibration }: PredictInput, precision: Precision): Peak | undefined {
  const peak = peakOf(hardware, precision)
  const achievableRatio = calibration?.achievableRatio
  if (peak === undefined || achievableRatio === undefined) return peak
  return { ...peak, achievableRatio, achievableSource: 'calibrated on a run of the job' }
}

export function whyNoPeak(hardware: HardwareInput | undefined, precision: Precision): string {
  const name = hardware?.gpu
  if (name === undefined) return 'no GPU name and no measured peak'
  const gpu = findGpu(name)
  return gpu === undefined ? `no peak is known for "${name}"` : `${gpu.title} has no ${precision} matrix peak`
}
