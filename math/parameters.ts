/** Parameters of a transformer, part by part. Letters: see `dimensions.ts`. */
import type { Latent, ModelShape } from './dimensions'
import { crossParameters, encoderLetters, encoderParameters } from './encoder'
import type { Derived } from './explain'
import { sources } from './sources'

/** Query and output projections h·a·e each, key and value h·k·e each; biases where the model has them. */
export function attentionParameters(shape: ModelShape): number {
  const { hiddenSize: h, headSize, attentionHeads, keyValueHeads, latent } = shape
  if (latent !== undefined) return latentParameters(shape, latent)
  const query = attentionHeads * headSize
  const keyValue = keyValueHeads * headSize
  const biases = shape.biases ? query + 2 * keyValue + h : 0
  return 2 * h * query + 2 * h * keyValue + biases
}

/** Down to a latent, its norm, and up to the heads; the rotary part of the key comes from the hidden state. */
function latentParameters({ hiddenSize: h, headSize: e, attentionHeads: a }: ModelShape, latent: Latent): number {
  const { queryRank, keyValueRank, ropeHeadSize, valueHeadSize } = latent
  const heads = a * (e + ropeHeadSize)
  const query = queryRank === undefined ? h * heads : queryRank * (h + heads + 1)
  return query + keyValueRank * (h + a * (e + valueHeadSize) + 1) + h * ropeHeadSize + a * valueHeadSize * h
}

/** An FFN of this width: 2·h·f, gated 3·h·f (GLU variants). */
function ffnParameters(shape: ModelShape, width: number): number {
  const { hiddenSize: h, gatedFfn } = shape
  const matrices = gatedFfn ? 3 : 2
  return matrices * h * width + (shape.biases ? (matrices - 1) * width + h : 0)
}

/** One expert. */
export const expertParameters = (shape: ModelShape) =>
  ffnParameters(shape, shape.expertFfnHiddenSize ?? shape.ffnHiddenSize)

/** Layers with experts. */
export const expertLayers = (shape: ModelShape) => (shape.experts > 1 ? shape.layers - (shape.denseLayers ?? 0) : 0)

/** Two norms a layer; a LayerNorm has a bias, an RMSNorm does not. */
export function normParameters(shape: ModelShape): number {
  return shape.hiddenSize * (shape.biases ? 2 : 1)
}

/** FFNs of all layers; `active` counts only the experts that a token visits. */
function allFfnParameters(shape: ModelShape, active: boolean): number {
  const mixed = expertLayers(shape)
  const experts = (active ? shape.activeExperts : shape.experts) * expertParameters(shape)
  const shared = shape.sharedFfnHiddenSize === undefined ? 0 : ffnParameters(shape, shape.sharedFfnHiddenSize)
  const router = shape.hiddenSize * shape.experts
  return mixed * (experts + shared + router) + (shape.layers - mixed) * ffnParameters(shape, shape.ffnHiddenSize)
}

/** Parameters of one layer, the mean where they differ; `active` counts only the experts that a token visits. */
export function layerParameters(shape: ModelShape, active = false): number {
  return stackParameters(shape, active) / shape.layers + crossParameters(shape)
}

/** Attention, FFNs and norms of all layers, cross-attention apart. */
export function stackParameters(shape: ModelShape, active = false): number {
  return shape.layers * (attentionParameters(shape) + 2 * normParameters(shape)) + allFfnParameters(shape, active)
}

export const embeddingParameters = (shape: ModelShape) => shape.vocabularySize * shape.hiddenSize
export const positionParameters = (shape: ModelShape) =>
  shape.learnedPositions ? shape.sequenceLength * shape.hiddenSize : 0

function attentionFormula({ latent, biases }: ModelShape): string {
  if (latent === undefined) return `2·h·a·e + 2·h·k·e${biases ? ' + a·e + 2·k·e + h' : ''}`
  const query = latent.queryRank === undefined ? 'h·a·(e + er)' : 'qr·(h + a·(e + er) + 1)'
  return `${query} + kr·(h + a·(e + ev) + 1) + h·er + a·ev·h`
}

function ffnFormula(shape: ModelShape, width: string): string {
  return `g·h·${width}${shape.biases ? ` + (g − 1)·${width} + h` : ''}`
}

function formulaOf(shape: ModelShape, active: boolean): string {
  const embeddings = `${shape.tiedEmbeddings ? 'V·h' : '2·V·h'}${shape.learnedPositions ? ' + s·h' : ''} + ${shape.biases ? '2·h' : 'h'}`
  const each = `${attentionFormula(shape)} + ${shape.biases ? '4·h' : '2·h'}`
  if (shape.experts <= 1)
    return `L·(${attentionFormula(shape)} + ${ffnFormula(shape, 'f')} + ${shape.biases ? '4·h' : '2·h'}) + ${embeddings}`
  const expert = ffnFormula(shape, shape.expertFfnHiddenSize === undefined ? 'f' : 'fe')
  const shared = shape.sharedFfnHiddenSize === undefined ? '' : ` + ${ffnFormula(shape, 'fs')}`
  const mixture = `${active ? 'A' : 'E'}·(${expert})${shared} + h·E`
  if (shape.denseLayers === undefined) return `L·(${each} + ${mixture}) + ${embeddings}`
  return `L·(${each}) + (L − D)·(${mixture}) + D·(${ffnFormula(shape, 'f')}) + ${embeddings}`
}

/** Cross-attention: queries and output of the decoder's width, keys and values of the encoder's, and a norm. */
function encoderFormula({ encoder, biases }: ModelShape): string {
  if (encoder === undefined) return ''
  const cross = biases ? '2·h·a·e + 2·he·k·e + a·e + 2·k·e + h + 2·h' : '2·h·a·e + 2·he·k·e + h'
  return encoder.crossAttention ? ` + L·(${cross}) + Pe` : ' + Pe'
}

/** All parameters; `active`: those that one token uses (the same in a dense model). */
export function parameterCount(shape: ModelShape, active = false): Derived {
  const embeddings = (shape.tiedEmbeddings ? 1 : 2) * embeddingParameters(shape) + positionParameters(shape)
  const value = shape.layers * layerParameters(shape, active) + embeddings + normParameters(shape)
  const encoder = shape.encoder === undefined ? 0 : encoderParameters(shape.encoder).value
  return {
    value: value + encoder,
    formula: `${formulaOf(shape, active)}${encoderFormula(shape)}`,
    letters: lettersOf(shape),
    source: shape.gatedFfn ? sources.llama : sources.gpt2,
  }
}

export function lettersOf(shape: ModelShape): Record<string, number> {
  return {
    L: shape.layers,
    h: shape.hiddenSize,
    a: shape.attentionHeads,
    k: shape.keyValueHeads,
    e: shape.headSize,
    f: shape.ffnHiddenSize,
    V: shape.vocabularySize,
    s: shape.sequenceLength,
    E: shape.experts,
    A: shape.activeExperts,
    g: shape.gatedFfn ? 3 : 2,
    ...(shape.expertFfnHiddenSize !== undefined && { fe: shape.expertFfnHiddenSize }),
    ...(shape.sharedFfnHiddenSize !== undefined && { fs: shape.sharedFfnHiddenSize }),
    ...(shape.denseLayers !== undefined && { D: shape.denseLayers }),
    ...(shape.slidingWindow !== undefined && { sw: shape.slidingWindow }),
    ...(shape.latent !== undefined && latentLetters(shape.latent)),
    ...encoderLetters(shape),
  }
}

function latentLetters({ queryRank, keyValueRank, ropeHeadSize, valueHeadSize }: Latent): Record<string, number> {
  return { ...(queryRank !== undefined && { qr: queryRank }), kr: keyValueRank, er: ropeHeadSize, ev: valueHeadSize }
}
