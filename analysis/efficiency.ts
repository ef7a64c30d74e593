/** FLOP/s per device and MFU of a run, each with its denominator named. */
import { format } from '../base/units'
import { explainModelFlops, mfu } from '../math/efficiency'
import { findGpu } from '../math/gpus'
import type { HardwareInput } from '../math/input'
import { missingDimensions } from '../math/dimensions'
import { peakOf, whyNoPeak, type Peak } from '../math/peak'
import { precisionOf, type Precision } from '../math/plan'
import type { Figure } from '../wire/findings'
import type { RecordOf } from '../wire/records'

export interface Observed {
  readonly config: RecordOf<'config'> | undefined
  /** Names of the run's GPUs as the SMI tool prints them. */
  readonly gpuNames: readonly string[]
  /** Of the whole job; undefined or NaN where not known. */
  readonly tokensPerSecond: number | undefined
  /** Devices (or CPU ranks) of the job. */
  readonly devices: number | undefined
}

export interface Efficiency {
  readonly flopsPerSecondPerGpu: Figure
  readonly mfu: Figure
  /** Model FLOPs per token; undefined where the model is not known. */
  readonly flopsPerToken: number | undefined
  readonly peak: Peak | undefined
}

const absent = (source: string): Figure => ({ value: null, provenance: 'derived', source })
const positive = (value: number | undefined) => value !== undefined && Number.isFinite(value) && value > 0

function flopsFigure({ config, tokensPerSecond, devices }: Observed): {
  figure: Figure
  flopsPerToken: number | undefined
} {
  const model = config?.model
  const flops = config === undefined ? undefined : explainModelFlops({ model })
  if (flops === undefined) {
    const why = `the model is not known: ${['parameters', ...missingDimensions(model ?? {})].join(', ')}`
    return { figure: absent(why), flopsPerToken: undefined }
  }
  const flopsPerToken = flops.value
  if (!positive(tokensPerSecond)) return { figure: absent('tokens per second are not known'), flopsPerToken }
  if (!positive(devices)) return { figure: absent('the number of devices is not known'), flopsPerToken }
  const value = (flopsPerToken * (tokensPerSecond ?? NaN)) / (devices ?? NaN)
  const source = `${format(flopsPerToken, 'flops')} per token (${flops.formula}) × tokens per second ÷ ${devices ?? 0} devices`
  return { figure: { value, provenance: 'derived', source }, flopsPerToken }
}

/** The GPU of the config, or the one name that all observed GPUs share. */
function hardwareOf({ config, gpuNames }: Observed): HardwareInput | string {
  const given = config?.hardware
  if (given?.peakFlopsPerSecond !== undefined) return given
  const names = [...new Set(gpuNames)]
  const kinds = new Set(names.map(name => findGpu(name)?.name ?? name))
  if (kinds.size > 1) return `GPUs of several kinds: ${names.join(', ')}`
  const [seen] = names
  return { gpu: seen ?? given?.gpu }
}

/** The given precision, else the usual one of the device, which the figure then says. */
function precisionFor(config: Observed['config'], hardware: HardwareInput): { precision: Precision; note: string } {
  const given = config?.precision === undefined ? undefined : precisionOf(config.precision)
  if (given !== undefined || hardware.peakFlopsPerSecond !== undefined) return { precision: given ?? 'fp32', note: '' }
  const peaks = hardware.gpu === undefined ? undefined : findGpu(hardware.gpu)?.peakFlopsPerSecond
  const precision = peaks?.bf16 === undefined && peaks?.fp16 !== undefined ? 'fp16' : 'bf16'
  return { precision, note: `; precision not known, ${precision} taken` }
}

/** No device does more than its peak: something that is taken for known is not so. */
const beyond = (flopsPerSecond: number, peak: Peak) =>
  `${format(flopsPerSecond, 'flopsPerSecond')} is more than ${peak.title}: it multiplies in another precision, or the model or the tokens are others`

function mfuFigure(observed: Observed, flops: Figure): { figure: Figure; peak: Peak | undefined } {
  const hardware = hardwareOf(observed)
  if (typeof hardware === 'string') return { figure: absent(hardware), peak: undefined }
  const { precision, note } = precisionFor(observed.config, hardware)
  const peak = peakOf(hardware, precision)
  if (peak === undefined) return { figure: absent(whyNoPeak(hardware, precision)), peak }
  if (flops.value === null) return { figure: absent(flops.source), peak }
  const one = { flopsPerToken: flops.value, tokensPerSecond: 1, devices: 1 }
  const value = mfu({ ...one, peakFlopsPerSecond: peak.flopsPerSecond })
  if (value > 1 && hardware.peakFlopsPerSecond === undefined)
    return { figure: absent(beyond(flops.value, peak)), peak: undefined }
  return { figure: { value, provenance: 'derived', source: `over ${peak.title}${note}` }, peak }
}

/** FLOP/s per device and MFU. A figure that cannot be had is null, and its source says why. Never throws. */
export function efficiencyOf(observed: Observed): Efficiency {
  const { figure, flopsPerToken } = flopsFigure(observed)
  const { figure: utilisation, peak } = mfuFigure(observed, figure)
  return { flopsPerSecondPerGpu: figure, mfu: utilisation, flopsPerToken, peak }
}
