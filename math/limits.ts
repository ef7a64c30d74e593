/** How far a plan can be stretched: the largest micro-batch or sequence that fits, and how many devices still pay. */
import type { PredictInput } from './input'
import { searchPlans, type FoundPlan } from './plan-search'
import { predict } from './predict'

const MOST_MICRO_BATCH = 4096
const MOST_TOKENS = 2 ** 24

function fits(input: PredictInput): boolean {
  const { deviceBytes, capacityBytes } = predict(input).memory
  return deviceBytes !== undefined && capacityBytes !== undefined && deviceBytes <= capacityBytes
}

/** The largest whole multiple of `unit` up to `most` for which `ok` holds, as it stops holding once; 0 where it never does. */
function largest(unit: number, most: number, ok: (value: number) => boolean): number {
  let low = 0
  let high = Math.floor(most / unit)
  while (low < high) {
    const middle = Math.ceil((low + high) / 2)
    if (ok(middle * unit)) low = middle
    else high = middle - 1
  }
  return low * unit
}

/** Sequences of a micro-batch. 0 where one is too many; undefined where memory cannot be predicted. */
export function largestMicroBatch(input: PredictInput): number | undefined {
  const at = (micro: number) => ({ ...input, batch: { ...input.batch, micro } })
  if (predict(at(1)).memory.totalBytes === undefined) return undefined
  return largest(1, MOST_MICRO_BATCH, micro => fits(at(micro)))
}

/** Tokens of a sequence, in steps of 128. */
export function longestSequence(input: PredictInput): number | undefined {
  const at = (sequenceLength: number) => ({ ...input, model: { ...input.model, sequenceLength } })
  if (predict(at(128)).memory.totalBytes === undefined) return undefined
  return largest(128, MOST_TOKENS, tokens => fits(at(tokens)))
}

export interface Scale {
  readonly devices: number
  /** Undefined where none fits. */
  readonly best: FoundPlan | undefined
  /** Of the devices beyond the smallest number that fits: speed-up over what as many devices would give, 0..1. */
  readonly efficiency: number | undefined
}

/** The best plan on each power of two of devices, at the same global batch. */
export function scaling(input: PredictInput, most: number): Scale[] {
  const scales: Scale[] = []
  let first: Scale | undefined
  for (let devices = 1; devices <= most; devices *= 2) {
    const [best] = searchPlans(input, devices).fitting
    const seconds = first?.best?.stepSeconds
    const efficiency =
      best === undefined
        ? undefined
        : seconds === undefined || first === undefined
          ? 1
          : (seconds * first.devices) / (best.stepSeconds * devices)
    const scale = { devices, best, efficiency }
    if (first === undefined && best !== undefined) first = scale
    scales.push(scale)
  }
  return scales
}

/**
 * The number of devices past which sharding costs more than it saves: that from which a doubling no longer makes a step √2
 * times as fast. Undefined where each doubling that was tried still does, or nothing fits.
 */
export function devicesThatPay(scales: readonly Scale[]): number | undefined {
  const known = scales.flatMap(({ devices, best }) => (best === undefined ? [] : [{ devices, best }]))
  return known.find(({ best }, place) => {
    const next = known[place + 1]?.best
    return next !== undefined && best.stepSeconds / next.stepSeconds < Math.SQRT2
  })?.devices
}

export interface Limits {
  readonly microBatch: number | undefined
  readonly sequence: number | undefined
  readonly scales: readonly Scale[]
  readonly devicesThatPay: number | undefined
}

/** All of the above for one job. Devices are doubled up to 64 times its own number. */
export function limitsOf(input: PredictInput): Limits {
  const devices = input.hardware?.count ?? input.parallelism?.worldSize ?? 1
  const scales = scaling(input, Math.min(65_536, 64 * devices))
  return {
    microBatch: largestMicroBatch(input),
    sequence: longestSequence(input),
    scales,
    devicesThatPay: devicesThatPay(scales),
  }
}
