/**
 * FLOPs of training. Letters: see `dimensions.ts`. One multiply-add is two FLOPs; the backward pass is twice the forward.
 * Conventions differ between tools by up to a sixth, so each is named and `byConvention` shows them side by side.
 */
import type { ModelShape } from './dimensions'
import { encoderAttention, encoderShare, encoderWeights } from './encoder'
import type { Derived } from './explain'
import { layerParameters, lettersOf, parameterCount } from './parameters'
import { sources } from './sources'

export type AttentionTerm = 'full' | 'causal'
export const RECOMPUTE = ['none', 'selective', 'full', 'by-size'] as const
export type Recompute = (typeof RECOMPUTE)[number]

/** Whether the window makes a difference at this sequence length. */
const isWindowed = ({ slidingWindow, sequenceLength }: ModelShape) =>
  slidingWindow !== undefined && slidingWindow < sequenceLength

/**
 * 12·L·s·a·e per token over the whole square of scores (PaLM appendix B), half of it over the causal half. Queries and keys
 * of another width than values (latent attention): 6·L·s·a·(e + er + ev). A sliding window counts in the place of s.
 */
export function attentionFlopsPerToken(shape: ModelShape, term: AttentionTerm = 'full'): number {
  const { layers, sequenceLength, attentionHeads, headSize, latent, slidingWindow } = shape
  if (shape.linearAttention === true) return 0
  const reach = isWindowed(shape) ? (slidingWindow ?? sequenceLength) : sequenceLength
  const widths = latent === undefined ? 2 * headSize : headSize + latent.ropeHeadSize + latent.valueHeadSize
  return (term === 'full' ? 6 : 3) * layers * reach * attentionHeads * widths + encoderAttention(shape).flops
}

function attentionFormula(shape: ModelShape, term: AttentionTerm): string {
  const reach = isWindowed(shape) ? 'sw' : 's'
  const full = term === 'full'
  if (shape.latent === undefined) return `${full ? 12 : 6}·L·${reach}·a·e${encoderAttention(shape).formula}`
  return `${full ? 6 : 3}·L·${reach}·a·(e + er + ev)`
}

/** 6·P plus the attention term, P with embeddings: the convention of PaLM, nanoGPT and torchtitan's published tables. */
export function modelFlopsPerTokenOf(
  shape: ModelShape,
  parameters: number,
  term: AttentionTerm = 'full',
  trained = parameters,
): Derived {
  const attention = attentionFlopsPerToken(shape, term)
  // Weights of an encoder work on its tokens, as many as there are for each of the decoder.
  const moved = encoderWeights(shape)
  const working = parameters - moved + moved * encoderShare(shape)
  const P = shape.encoder === undefined ? 'P' : '(P − Px + Px·se / s)'
  if (trained < parameters) {
    const weights = shape.encoder === undefined ? '4·P + 2·Pt' : `4·${P} + 2·Pt·${P} / P`
    return {
      value: 4 * working + (2 * trained * working) / parameters + attention,
      formula: shape.linearAttention === true ? weights : `${weights} + ${attentionFormula(shape, term)}`,
      letters: { ...lettersOf(shape), P: parameters, Pt: trained },
      source: sources.lora,
      assumption: 'frozen weights need no gradient of their own: forward 2·P, gradients of inputs 2·P, of weights 2·Pt',
    }
  }
  return {
    value: 6 * working + attention,
    formula: shape.linearAttention === true ? `6·${P}` : `6·${P} + ${attentionFormula(shape, term)}`,
    letters: { ...lettersOf(shape), P: parameters },
    source: sources.palm,
    assumption: `attention counted ${term === 'full' ? 'over the whole square' : 'over the causal half'}; P with embeddings`,
  }
}

/** Only weights that a matmul uses: input embeddings, positions, norms and biases left out; the output layer once. */
export function matmulParameters(shape: ModelShape): number {
  const bare = { ...shape, biases: false }
  const latentNorms = shape.latent === undefined ? 0 : (shape.latent.queryRank ?? 0) + shape.latent.keyValueRank
  const layer = layerParameters(bare, true) - 2 * shape.hiddenSize - latentNorms
  return shape.layers * layer + shape.vocabularySize * shape.hiddenSize
}

/** FLOPs per token by the conventions in use, so that a log's own figure can be told apart. */
export function flopsByConvention(shape: ModelShape, parameters: number): Record<string, number> {
  const matmul = 6 * matmulParameters(shape)
  return {
    '6P': 6 * parameters,
    '6P + full attention': 6 * parameters + attentionFlopsPerToken(shape),
    '6P + causal attention': 6 * parameters + attentionFlopsPerToken(shape, 'causal'),
    'matmul weights + full attention': matmul + attentionFlopsPerToken(shape),
    'matmul weights + causal attention': matmul + attentionFlopsPerToken(shape, 'causal'),
  }
}

/** With recomputation by size, L layers make tensors of R FLOPs a token again. */
export function hardwareFlopsBySize(model: number, layers: number, recomputed: number): Derived {
  return {
    value: model + layers * recomputed,
    formula: 'F + L·R',
    letters: { F: model, L: layers, R: recomputed },
    source: sources.transformerMath,
    assumption: 'R forward FLOPs of the tensors of a layer that are too large to be kept',
  }
}

/**
 * FLOPs that the hardware does per token. Full recomputation repeats the forward pass, a third of the model FLOPs;
 * selective repeats attention, which eq. 8 of the recomputation paper counts as the attention term once more.
 */
export function hardwareFlopsPerToken(model: number, attention: number, recompute: Recompute): Derived {
  const letters = { F: model, T: attention }
  const source = sources.recomputation
  if (recompute === 'full') return { value: (4 / 3) * model, formula: '4 / 3·F', letters, source }
  if (recompute === 'selective') return { value: model + attention, formula: 'F + T', letters, source }
  return { value: model, formula: 'F', letters, source }
}

/**
 * Model FLOPs of a step with batch B: 72·B·s·L·h²·(1 + s/(6h) + V/(12hL)), eq. 7 of the recomputation paper; with full
 * recomputation eq. 3 of SC21. For GPT-like models (f = 4h, no grouped heads).
 */
export function megatronStepFlops(
  model: { layers: number; hiddenSize: number; sequenceLength: number; vocabularySize: number },
  globalBatch: number,
  recompute: Recompute,
): number {
  const { layers: L, hiddenSize: h, sequenceLength: s, vocabularySize: V } = model
  const base = globalBatch * s * L * h * h
  if (recompute === 'full') return 96 * base * (1 + s / (6 * h) + V / (16 * h * L))
  const attention = recompute === 'selective' ? s / (3 * h) : s / (6 * h)
  return 72 * base * (1 + attention + V / (12 * h * L))
}

/** Parameters that one token uses. */
export const activeParameters = (shape: ModelShape) => parameterCount(shape, true).value
