/**
 * Activations kept for the backward pass. Letters: see `dimensions.ts`. With f = 4h, 16-bit (w = 2) and dropout masks
 * these are table 2 of the recomputation paper: s·b·h·(34 + 5·a·s/h), and its forms for tensor and sequence parallelism.
 */
import type { ModelShape } from './dimensions'
import type { Derived } from './explain'
import { lettersOf } from './parameters'
import type { Plan } from './plan'
import type { Stage } from './stage'
import { sources } from './sources'

/** Bytes of an activation: 4 in fp32 and tf32, else 2 (fp8 casts for the matmul only). */
export const activationBytes = (plan: Plan) => (plan.precision === 'fp32' || plan.precision === 'tf32' ? 4 : 2)

function tokenFormula(shape: ModelShape, plan: Plan, keepsScores: boolean): string {
  // Inputs of both norms, of the QKV projection and of the FFN; the two masks after dropout are one byte each.
  const whole = `4·h·w${shape.biases ? ' + 2·h' : ''}`
  // Q, K, V, input of the output projection; in the FFN what the activation function and the last matmul read.
  const heads = shape.latent === undefined ? '2·a·e + 2·k·e' : '2·a·(e + er) + 2·a·ev'
  const kept = shape.gatedFfn ? '3' : '2'
  const ffn = `A·${kept}·${shape.expertFfnHiddenSize === undefined ? 'f' : 'fe'}`
  const shared = shape.sharedFfnHiddenSize === undefined ? '' : ` + ${kept}·fs`
  const split = `(${heads} + ${ffn}${shared})·w`
  // Softmax output, its mask, and the dropped-out scores.
  const scores = keepsScores ? ' + a·s·(2·w + 1)' : ''
  return plan.sequenceParallel ? `(${whole} + ${split}${scores}) / t` : `${whole} + (${split}${scores}) / t`
}

function tokenBytes(shape: ModelShape, plan: Plan, keepsScores: boolean): number {
  const { hiddenSize: h, headSize, attentionHeads: a, keyValueHeads: k, sequenceLength: s } = shape
  const w = activationBytes(plan)
  const whole = 4 * h * w + (shape.biases ? 2 * h : 0)
  const width =
    shape.activeExperts * (shape.expertFfnHiddenSize ?? shape.ffnHiddenSize) + (shape.sharedFfnHiddenSize ?? 0)
  const ffn = (shape.gatedFfn ? 3 : 2) * width
  const scores = keepsScores ? a * s * (2 * w + 1) : 0
  const { latent } = shape
  const heads =
    latent === undefined
      ? 2 * a * headSize + 2 * k * headSize
      : 2 * a * (headSize + latent.ropeHeadSize) + 2 * a * latent.valueHeadSize
  const split = (heads + ffn) * w + scores
  return plan.sequenceParallel ? (whole + split) / plan.tensor : whole + split / plan.tensor
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
  if (recompute !== 'full') return tokens * tokenBytes(shape, plan, recompute === 'none' && !flash)
  // The input of a layer is all that is kept, and sequence parallelism cuts it as it cuts the norm that reads it.
  return (tokens * shape.hiddenSize * activationBytes(plan)) / (plan.sequenceParallel ? plan.tensor : 1)
}

/** The same, explained. */
export function layerActivations(shape: ModelShape, plan: Plan, microBatch: number, flash: boolean): Derived {
  const { recompute } = plan
  const value = layerActivationBytes(shape, plan, microBatch, flash)
  const letters = { ...lettersOf(shape), b: microBatch, c: plan.context, t: plan.tensor, w: activationBytes(plan) }
  const source = sources.recomputation
  if (recompute === 'full')
    return { value, formula: plan.sequenceParallel ? 's·b·h·w / c / t' : 's·b·h·w / c', letters, source }
  const formula = `s·b / c·(${tokenFormula(shape, plan, recompute === 'none' && !flash)})`
  return { value, formula, letters, source: flash && recompute === 'none' ? sources.flashAttention : source }
}

/** Outside the layers: the mask after the input embedding; inputs of the last norm and of the output layer. */
function edgeActivations(shape: ModelShape, plan: Plan, stage: Stage, microBatch: number): number {
  const cut = plan.sequenceParallel ? plan.tensor : 1
  const size = (shape.sequenceLength * microBatch * shape.hiddenSize) / plan.context / cut
  const mask = stage.index === 0 && shape.biases ? size * stage.inFlight : 0
  const output = stage.index === plan.pipeline - 1 ? 2 * activationBytes(plan) * size : 0
  return mask + output
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
  return stage.inFlight * stage.layers * layer + edgeActivations(shape, plan, stage, microBatch)
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
    letters: { i: stage.inFlight, Q: stage.layers, y, x: edgeActivations(shape, plan, stage, microBatch) },
    source: sources.recomputation,
    assumption: 'i micro-batches in flight, Q layers of y bytes each on this stage, x for embedding and output',
  }
}
