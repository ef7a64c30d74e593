/**
 * Activations kept for the backward pass. Letters: see `dimensions.ts`. With f = 4h, 16-bit (w = 2) and dropout masks
 * these are table 2 of the recomputation paper: s·b·h·(34 + 5·a·s/h), and its forms for tensor and sequence parallelism.
 */
import type { ModelShape } from './dimensions'
import type { Derived } from './explain'
import type { Recompute } from './flops'
import { lettersOf } from './parameters'
import { ffnWidth, keptTensors, LAYER_INPUT, type KeptTensor } from './kept'
import type { Plan } from './plan'
import type { Stage } from './stage'
import { sources } from './sources'

/** Bytes of an activation: 4 in fp32 and tf32, else 2 (fp8 casts for the matmul only). */
export const activationBytes = (plan: Plan) => (plan.precision === 'fp32' || plan.precision === 'tf32' ? 4 : 2)

/** Widths of what a layer keeps of a token: as it is on every tensor rank, cut over them, and the scores in bytes. */
interface Kept {
  readonly whole: number
  readonly split: number
  readonly scores: number
  readonly formula: { readonly whole: string; readonly split: string; readonly scores: string }
}

const widthOf = (tensors: readonly KeptTensor[]) => tensors.reduce((sum, { bytes }) => sum + bytes, 0)

/** A search asks the same of one shape thousands of times. */
const known = new WeakMap<ModelShape, Map<string, Kept>>()

function keptOfAll(shape: ModelShape, w: number, keepsScores: boolean): Kept {
  const ofShape = known.get(shape) ?? new Map<string, Kept>()
  known.set(shape, ofShape)
  const key = `${w} ${keepsScores}`
  const kept = ofShape.get(key) ?? sumOfAll(shape, w, keepsScores)
  ofShape.set(key, kept)
  return kept
}

/** Inputs of both norms, of the QKV projection and of the FFN; Q, K, V, what attention, activation and matmuls read. */
function sumOfAll(shape: ModelShape, w: number, keepsScores: boolean): Kept {
  const tensors = keptTensors(shape, w, keepsScores)
  const isScores = ({ name }: KeptTensor) => name.endsWith('scores')
  const scores = tensors.filter(isScores)
  const cross = shape.encoder?.crossAttention === true
  const headsFormula = shape.latent === undefined ? '2·a·e + 2·k·e' : '2·a·(e + er) + 2·a·ev'
  return {
    whole: widthOf(tensors.filter(({ split }) => !split)),
    split: widthOf(tensors.filter(tensor => tensor.split && !isScores(tensor))),
    scores: widthOf(scores),
    formula: {
      whole: `${cross ? 6 : 4}·h·w${shape.dropout ? ' + 2·h' : ''}`,
      split: `(${headsFormula}${cross ? ' + 2·a·e + 2·k·e·se / s' : ''} + ${shape.gatedFfn ? 3 : 2}·${ffnWidth(shape).formula})·w`,
      scores: scores.map(({ formula }) => ` + ${formula}`).join(''),
    },
  }
}

/** Bytes of a tensor of this micro-batch on one device. */
const onOneDevice = ({ bytes, split }: KeptTensor, plan: Plan, tokens: number) =>
  (tokens * bytes) / (split || plan.sequenceParallel ? plan.tensor : 1)

/** Tensors of a layer that are larger than the plan keeps: they are made again in the backward pass. */
function droppedTensors(shape: ModelShape, plan: Plan, microBatch: number, flash: boolean): KeptTensor[] {
  const tokens = (shape.sequenceLength * microBatch) / plan.context
  return keptTensors(shape, activationBytes(plan), !flash).filter(
    tensor => tensor.name !== LAYER_INPUT && onOneDevice(tensor, plan, tokens) > plan.recomputeAboveBytes,
  )
}

/** Forward FLOPs of a token and layer that recomputation by size does again. */
export function recomputedFlops(shape: ModelShape, plan: Plan, microBatch: number, flash: boolean): number {
  return droppedTensors(shape, plan, microBatch, flash).reduce((sum, { flops }) => sum + flops, 0)
}

function keptBySize(shape: ModelShape, plan: Plan, microBatch: number, flash: boolean): Kept {
  const dropped = new Set(droppedTensors(shape, plan, microBatch, flash).map(({ name }) => name))
  const kept = keptTensors(shape, activationBytes(plan), !flash).filter(({ name }) => !dropped.has(name))
  const whole = kept.filter(({ split }) => !split)
  const split = kept.filter(tensor => tensor.split)
  const formulaOf = (tensors: readonly KeptTensor[]) => tensors.map(({ formula }) => formula).join(' + ') || '0'
  return {
    whole: widthOf(whole),
    split: widthOf(split),
    scores: 0,
    formula: { whole: formulaOf(whole), split: formulaOf(split), scores: '' },
  }
}

/** By operation: the layer's input, and of attention and every other matmul what it gives (torchtitan). */
function keptOfOperations(shape: ModelShape, w: number): Kept {
  const { hiddenSize: h, headSize: e, attentionHeads: a, keyValueHeads: k } = shape
  const ffn = ffnWidth(shape)
  return {
    whole: 2 * h * w,
    split: (2 * a * e + k * e + ffn.width) * w,
    scores: 0,
    formula: { whole: '2·h·w', split: `(2·a·e + k·e + ${ffn.formula})·w`, scores: '' },
  }
}

function keptOf(shape: ModelShape, plan: Plan, microBatch: number, flash: boolean, recompute: Recompute): Kept {
  const w = activationBytes(plan)
  if (recompute === 'by-size') return keptBySize(shape, plan, microBatch, flash)
  if (recompute === 'selective' && plan.selectsOperations) return keptOfOperations(shape, w)
  return keptOfAll(shape, w, recompute === 'none' && !flash)
}

function tokenFormula(kept: Kept, plan: Plan): string {
  const { whole, split, scores } = kept.formula
  return plan.sequenceParallel ? `(${whole} + ${split}${scores}) / t` : `${whole} + (${split}${scores}) / t`
}

function tokenBytes({ whole, split, scores }: Kept, plan: Plan): number {
  return plan.sequenceParallel ? (whole + split + scores) / plan.tensor : whole + (split + scores) / plan.tensor
}

/** Bytes of one layer and micro-batch that are kept for the backward pass, or to recompute from. */
export function layerActivationBytes(
  shape: ModelShape,
  plan: Plan,
  microBatch: number,
  flash: boolean,
  recompute = plan.recompute,
): number {
  const tokens = (shape.sequenceLength * microBatch) / plan.context
  if (recompute !== 'full') return tokens * tokenBytes(keptOf(shape, plan, microBatch, flash, recompute), plan)
  // The input of a layer is all that is kept, and sequence parallelism cuts it as it cuts the norm that reads it.
  return (tokens * shape.hiddenSize * activationBytes(plan)) / (plan.sequenceParallel ? plan.tensor : 1)
}

function activationSource({ recompute, selectsOperations }: Plan, flash: boolean): Derived['source'] {
  if (recompute === 'selective' && selectsOperations) return sources.torchtitan
  return flash && recompute === 'none' ? sources.flashAttention : sources.recomputation
}

/** The same, explained. */
export function layerActivations(shape: ModelShape, plan: Plan, microBatch: number, flash: boolean): Derived {
  const { recompute } = plan
  const value = layerActivationBytes(shape, plan, microBatch, flash)
  const letters = { ...lettersOf(shape), b: microBatch, c: plan.context, t: plan.tensor, w: activationBytes(plan) }
  const source = sources.recomputation
  if (recompute === 'full')
    return { value, formula: plan.sequenceParallel ? 's·b·h·w / c / t' : 's·b·h·w / c', letters, source }
  const formula = `s·b / c·(${tokenFormula(keptOf(shape, plan, microBatch, flash, recompute), plan)})`
  return { value, formula, letters, source: activationSource(plan, flash) }
}

/** All layers of an encoder, for one micro-batch; sequences of its tokens are not cut over context ranks. */
function encoderActivations({ encoder }: ModelShape, plan: Plan, microBatch: number, flash: boolean): number {
  if (encoder === undefined) return 0
  return encoder.shape.layers * layerActivationBytes(encoder.shape, { ...plan, context: 1 }, microBatch, flash)
}

/** Outside the layers: the mask after the input embedding; inputs of the last norm and of the output layer. */
function edgeActivations(shape: ModelShape, plan: Plan, stage: Stage, microBatch: number, flash: boolean): number {
  const cut = plan.sequenceParallel ? plan.tensor : 1
  const size = (shape.sequenceLength * microBatch * shape.hiddenSize) / plan.context / cut
  const mask = stage.index === 0 && shape.dropout ? size * stage.inFlight : 0
  const output = stage.index === plan.pipeline - 1 ? 2 * activationBytes(plan) * size : 0
  return mask + output + (stage.index === 0 ? stage.inFlight * encoderActivations(shape, plan, microBatch, flash) : 0)
}

/** Activations of a stage's device at the worst moment of the schedule. */
export function stageActivationBytes(
  shape: ModelShape,
  plan: Plan,
  stage: Stage,
  microBatch: number,
  flash: boolean,
): number {
  const layer = layerActivationBytes(shape, plan, microBatch, flash)
  return stage.inFlight * stage.layers * layer + edgeActivations(shape, plan, stage, microBatch, flash)
}

/** The same, explained. */
export function stageActivations(
  shape: ModelShape,
  plan: Plan,
  stage: Stage,
  microBatch: number,
  flash: boolean,
): Derived {
  const y = layerActivationBytes(shape, plan, microBatch, flash)
  return {
    value: stageActivationBytes(shape, plan, stage, microBatch, flash),
    formula: 'i·Q·y + x',
    letters: { i: stage.inFlight, Q: stage.layers, y, x: edgeActivations(shape, plan, stage, microBatch, flash) },
    source: sources.recomputation,
    assumption:
      'i micro-batches in flight, Q layers of y bytes each on this stage, x for embedding, output and encoder',
  }
}
