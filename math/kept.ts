/**
 * What a layer keeps of a token for its backward pass, tensor by tensor, with the FLOPs of making it again. Letters: see
 * `dimensions.ts`. All of them together are table 2 of the recomputation paper; recomputation by size drops the large.
 */
import type { ModelShape } from './dimensions'
import { encoderShare } from './encoder'

export interface KeptTensor {
  readonly name: string
  /** Of one token, over all tensor ranks. */
  readonly bytes: number
  readonly formula: string
  /** Cut over the tensor ranks even without sequence parallelism. */
  readonly split: boolean
  /** Forward FLOPs of one token that make it from the tensors before it. */
  readonly flops: number
}

/** The layer's input: what everything else can be made from, and so never dropped. */
export const LAYER_INPUT = 'input'

/** Widths of queries, keys, values and of what attention gives, and the weights that make the first three. */
function heads({ hiddenSize: h, headSize: e, attentionHeads: a, keyValueHeads: k, latent }: ModelShape) {
  if (latent === undefined) {
    const weights = { q: h * a * e, k: h * k * e, v: h * k * e }
    return {
      q: a * e,
      k: k * e,
      v: k * e,
      given: a * e,
      weights,
      names: { q: 'a·e', k: 'k·e', v: 'k·e', given: 'a·e' },
    }
  }
  const { queryRank, keyValueRank: kr, ropeHeadSize, valueHeadSize } = latent
  const wide = a * (e + ropeHeadSize)
  const q = queryRank === undefined ? h * wide : queryRank * (h + wide)
  const weights = { q, k: kr * (h + a * e) + h * ropeHeadSize, v: kr * a * valueHeadSize }
  const names = { q: 'a·(e + er)', k: 'a·(e + er)', v: 'a·ev', given: 'a·ev' }
  return { q: wide, k: wide, v: a * valueHeadSize, given: a * valueHeadSize, weights, names }
}

/** Width of all FFNs that a token visits. */
export function ffnWidth(shape: ModelShape): { width: number; formula: string } {
  const width = shape.activeExperts * (shape.expertFfnHiddenSize ?? shape.ffnHiddenSize)
  const formula = `A·${shape.expertFfnHiddenSize === undefined ? 'f' : 'fe'}`
  if (shape.sharedFfnHiddenSize === undefined) return { width, formula }
  return { width: width + shape.sharedFfnHiddenSize, formula: `(${formula} + fs)` }
}

/**
 * Of a score without a fused attention. With dropout as the paper has it: the softmax, the mask, and what it leaves. Without, the
 * softmax is what the matmul reads; where that is in 16 bits the softmax is in 32 (Hugging Face's eager attention, autocast), and both
 * are kept. Measured on LLaMA and GPT-2 with torch 2.13: 4 bytes in fp32, 6 in bf16.
 */
function scoreWidth({ dropout }: ModelShape, w: number): { bytes: number; formula: string } {
  if (dropout) return { bytes: 2 * w + 1, formula: '(2·w + 1)' }
  return w < 4 ? { bytes: w + 4, formula: '(w + 4)' } : { bytes: w, formula: 'w' }
}

function attentionTensors(shape: ModelShape, w: number, keepsScores: boolean): KeptTensor[] {
  const { sequenceLength: s, attentionHeads: a, hiddenSize: h, linearAttention } = shape
  const { q, k, v, given, weights, names } = heads(shape)
  const square = linearAttention === true ? 0 : 2 * s
  const split = true
  const score = scoreWidth(shape, w)
  const scores = {
    name: 'scores',
    bytes: a * s * score.bytes,
    formula: `a·s·${score.formula}`,
    split,
    flops: square * q,
  }
  const fused = keepsScores ? 0 : square * q
  return [
    { name: LAYER_INPUT, bytes: h * w, formula: 'h·w', split: false, flops: 0 },
    { name: 'attention norm', bytes: h * w, formula: 'h·w', split: false, flops: 0 },
    { name: 'queries', bytes: q * w, formula: `${names.q}·w`, split, flops: 2 * weights.q },
    { name: 'keys', bytes: k * w, formula: `${names.k}·w`, split, flops: 2 * weights.k },
    { name: 'values', bytes: v * w, formula: `${names.v}·w`, split, flops: 2 * weights.v },
    ...(keepsScores ? [scores] : []),
    { name: 'attention', bytes: given * w, formula: `${names.given}·w`, split, flops: square * given + fused },
  ]
}

function ffnTensors(shape: ModelShape, w: number): KeptTensor[] {
  const { hiddenSize: h } = shape
  const { width, formula } = ffnWidth(shape)
  const projection = 2 * heads(shape).given * h
  const wide = (name: string, flops: number): KeptTensor => ({
    name,
    bytes: width * w,
    formula: `${formula}·w`,
    split: true,
    flops,
  })
  return [
    { name: 'FFN input', bytes: h * w, formula: 'h·w', split: false, flops: projection },
    { name: 'FFN norm', bytes: h * w, formula: 'h·w', split: false, flops: 0 },
    wide('FFN up', 2 * h * width),
    ...(shape.gatedFfn ? [wide('FFN gate', 2 * h * width)] : []),
    wide('FFN activation', 0),
  ]
}

/** Cross-attention: its norm, queries, keys and values of the encoder's tokens, what it gives. */
function crossTensors(shape: ModelShape, w: number, keepsScores: boolean): KeptTensor[] {
  const { encoder, hiddenSize: h, headSize: e, attentionHeads: a, keyValueHeads: k } = shape
  if (encoder?.crossAttention !== true) return []
  const { hiddenSize: he, sequenceLength: se } = encoder.shape
  const share = encoderShare(shape)
  const split = true
  const square = 2 * se * a * e
  const keyValue = { bytes: k * e * share * w, formula: 'k·e·se / s·w', split, flops: 2 * he * k * e * share }
  const score = scoreWidth(shape, w)
  const across = { bytes: a * se * score.bytes, formula: `a·se·${score.formula}` }
  const scores = { name: 'cross scores', ...across, split, flops: square }
  return [
    { name: 'cross input', bytes: h * w, formula: 'h·w', split: false, flops: 2 * a * e * h },
    { name: 'cross norm', bytes: h * w, formula: 'h·w', split: false, flops: 0 },
    { name: 'cross queries', bytes: a * e * w, formula: 'a·e·w', split, flops: 2 * h * a * e },
    { name: 'cross keys', ...keyValue },
    { name: 'cross values', ...keyValue },
    ...(keepsScores ? [scores] : []),
    { name: 'cross attention', bytes: a * e * w, formula: 'a·e·w', split, flops: square + (keepsScores ? 0 : square) },
  ]
}

/** The masks of both dropouts, a byte each. */
function masks({ dropout, hiddenSize: h }: ModelShape): KeptTensor[] {
  if (!dropout) return []
  return ['attention mask', 'FFN mask'].map(name => ({ name, bytes: h, formula: 'h', split: false, flops: 0 }))
}

/** In the order of the forward pass. `w` bytes of an activation; `keepsScores` without a fused attention. */
export function keptTensors(shape: ModelShape, w: number, keepsScores: boolean): KeptTensor[] {
  const attention = [...attentionTensors(shape, w, keepsScores), ...crossTensors(shape, w, keepsScores)]
  return [...attention, ...ffnTensors(shape, w), ...masks(shape)]
}
