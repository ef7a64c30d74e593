/** Model states: bytes per parameter of weights, gradients and optimizer, and what ZeRO makes of them. */
import type { PredictInput } from './input'
import type { Notes } from './notes'
import { isMegatron, precisionOf, usesAutocast, weightPrecisionOf, WEIGHT_BYTES, type Plan } from './plan'
import { sources, type Source } from './sources'

/**
 * Bytes of state per parameter beside the master copy. AdamW keeps two fp32 moments, in 8 bits a byte each; Lion, Muon and
 * SGD with momentum one. Adafactor factors the second moment of a matrix into a row and a column, next to nothing.
 * Shampoo keeps, for a square matrix, two statistics and their two roots of its own size, and a momentum.
 */
const OPTIMIZERS = {
  adamw: 8,
  adam8bit: 2,
  'sgd-momentum': 4,
  sgd: 0,
  lion: 4,
  muon: 4,
  adafactor: 0,
  shampoo: 20,
} as const
export type Optimizer = keyof typeof OPTIMIZERS
export const optimizerNames = Object.keys(OPTIMIZERS) as readonly Optimizer[]

/** `AdamW`, `adamw_torch_fused`, `paged_adamw_8bit`, `Adam` …; undefined where the word is not known. */
export function optimizerOf(text: string): Optimizer | undefined {
  const word = text.toLowerCase().replaceAll(/[\s_-]/g, '')
  if (word.includes('adam') && (word.includes('8bit') || word.endsWith('adam8'))) return 'adam8bit'
  if (/^(torch\.optim\.)?(apex|fused|paged|distributed)*adamw?(torch|fused|apexfused|xla|anyprecision)*$/.test(word))
    return 'adamw'
  if (word.includes('sgd')) return word.includes('momentum') || word.includes('nesterov') ? 'sgd-momentum' : 'sgd'
  if (word.includes('shampoo') || word.endsWith('soap')) return 'shampoo'
  return (['lion', 'muon', 'adafactor'] as const).find(name => word.endsWith(name))
}

export interface StateBytes {
  readonly parameters: number
  readonly gradients: number
  readonly optimizer: number
  /** Of `optimizer`, the fp32 copy of the weights. */
  readonly masterCopy: number
  readonly source: Source
  readonly convention: string
}

function weights(input: PredictInput, plan: Plan): Omit<StateBytes, 'optimizer'> {
  const full = plan.precision === 'fp32' || plan.precision === 'tf32'
  if (full) {
    const convention = 'fp32 weights and gradients'
    return { parameters: 4, gradients: 4, masterCopy: 0, source: sources.transformerMath, convention }
  }
  if (usesAutocast(input.framework)) {
    const convention = 'autocast: weights and gradients stay in fp32, matmuls cast'
    return { parameters: 4, gradients: 4, masterCopy: 0, source: sources.autocast, convention }
  }
  const gradients = isMegatron(input.framework) ? 4 : 2
  if (input.masterCopy === false) {
    const convention = `16-bit weights and optimizer, ${gradients === 4 ? 'fp32' : '16-bit'} gradients, no master copy`
    return { parameters: 2, gradients, masterCopy: 0, source: sources.transformerMath, convention }
  }
  const convention = `16-bit weights, ${gradients === 4 ? 'fp32' : '16-bit'} gradients, fp32 master copy`
  const source = gradients === 4 ? sources.megatronCode : sources.zero
  return { parameters: 2, gradients, masterCopy: 4, source, convention }
}

/**
 * Bytes per parameter before sharding. Mixed-precision AdamW is 2 + 2 + 12 (ZeRO), 2 + 4 + 12 with fp32 gradients.
 * Undefined where the optimizer is not known.
 */
export function stateBytes(input: PredictInput, plan: Plan, notes: Notes): StateBytes | undefined {
  if (input.optimizer === undefined) notes.assume('optimizer = adamw (not given)')
  const optimizer = optimizerOf(input.optimizer ?? 'adamw')
  if (optimizer === undefined) return undefined
  const rest = weights(input, plan)
  const asked = input.gradientPrecision === undefined ? undefined : precisionOf(input.gradientPrecision)
  const gradients = asked === undefined ? rest.gradients : asked === 'fp32' ? 4 : 2
  notes.assume(`model states: ${rest.convention}${asked === undefined ? '' : `; gradients as asked in ${asked}`}`)
  // Moments have the precision of the weights that they are of; those of 8 bits have their own.
  const half = rest.parameters === 2 && rest.masterCopy === 0 && optimizer !== 'adam8bit'
  return { ...rest, gradients, optimizer: rest.masterCopy + OPTIMIZERS[optimizer] * (half ? 0.5 : 1) }
}

/**
 * Frozen parameters have neither gradient nor optimizer, and may be kept in fewer bits: bytes per parameter, the mean over
 * all `count` of them.
 */
export function ofTrained(bytes: StateBytes, input: PredictInput, count: number | undefined): StateBytes {
  const { trainableParameters } = input.model ?? {}
  const share = trainableParameters === undefined ? 1 : trainableParameters / (count ?? trainableParameters)
  if (share >= 1) return bytes
  const frozen = input.frozenPrecision === undefined ? undefined : weightPrecisionOf(input.frozenPrecision)
  const kept = frozen === undefined ? bytes.parameters : WEIGHT_BYTES[frozen]
  return {
    ...bytes,
    parameters: bytes.parameters * share + kept * (1 - share),
    gradients: bytes.gradients * share,
    optimizer: bytes.optimizer * share,
    masterCopy: bytes.masterCopy * share,
    convention: `${bytes.convention}; ${(100 * share).toPrecision(3)} % of the parameters trained${frozen === undefined ? '' : `, the rest kept in ${frozen}`}`,
  }
}

/** Devices over which each kind of state is cut: stage 1 cuts the optimizer, 2 gradients too, 3 parameters too. */
export function shardsOf({ zeroStage, shards }: Plan) {
  return {
    optimizer: zeroStage >= 1 ? shards : 1,
    gradients: zeroStage >= 2 ? shards : 1,
    parameters: zeroStage >= 3 ? shards : 1,
  }
}

/** What stays on the device: an offloaded optimizer lives in host memory, offloaded parameters do too. */
export function onDevice(bytes: StateBytes, { offload }: Plan): StateBytes {
  if (offload === 'none') return bytes
  return {
    ...bytes,
    optimizer: 0,
    masterCopy: 0,
    parameters: offload === 'parameters' ? 0 : bytes.parameters,
    convention: `${bytes.convention}; ${offload === 'parameters' ? 'parameters and optimizer' : 'optimizer'} offloaded to the host`,
  }
}
