/** Parameters of a decoder-only transformer, part by part. Letters: see `dimensions.ts`. */
import type { ModelShape } from './dimensions'
import type { Derived } from './explain'
import { sources } from './sources'

/** Query and output projections h·a·e each, key and value h·k·e each; biases where the model has them. */
export function attentionParameters(shape: ModelShape): number {
  const { hiddenSize: h, headSize, attentionHeads, keyValueHeads } = shape
  const query = attentionHeads * headSize
  const keyValue = keyValueHeads * headSize
  const biases = shape.biases ? query + 2 * keyValue + h : 0
  return 2 * h * query + 2 * h * keyValue + biases
}

/** One expert, or the FFN of a dense layer: 2·h·f, gated 3·h·f (GLU variants). */
export function expertParameters(shape: ModelShape): number {
  const { hiddenSize: h, ffnHiddenSize: f, gatedFfn } = shape
  const matrices = gatedFfn ? 3 : 2
  const biases = shape.biases ? (matrices - 1) * f + h : 0
  return matrices * h * f + biases
}

/** Two norms a layer; a LayerNorm has a bias, an RMSNorm does not. */
export function normParameters(shape: ModelShape): number {
  return shape.hiddenSize * (shape.biases ? 2 : 1)
}

const routerParameters = (shape: ModelShape) => (shape.experts > 1 ? shape.hiddenSize * shape.experts : 0)

/** Parameters of one layer; `active` counts only the experts that a token visits. */
export function layerParameters(shape: ModelShape, active = false): number {
  const experts = active ? shape.activeExperts : shape.experts
  const ffn = experts * expertParameters(shape) + routerParameters(shape)
  return attentionParameters(shape) + ffn + 2 * normParameters(shape)
}

export const embeddingParameters = (shape: ModelShape) => shape.vocabularySize * shape.hiddenSize
export const positionParameters = (shape: ModelShape) =>
  shape.learnedPositions ? shape.sequenceLength * shape.hiddenSize : 0

function formulaOf(shape: ModelShape, active: boolean): string {
  const experts = shape.experts > 1 ? `${active ? 'A' : 'E'}·` : ''
  const biases = shape.biases ? ' + a·e + 2·k·e + h' : ''
  const ffnBiases = shape.biases ? ' + (g − 1)·f + h' : ''
  const ffn = experts === '' ? `g·h·f${ffnBiases}` : `${experts}(g·h·f${ffnBiases}) + h·E`
  const norm = shape.biases ? '4·h' : '2·h'
  const embeddings = shape.tiedEmbeddings ? 'V·h' : '2·V·h'
  const positions = shape.learnedPositions ? ' + s·h' : ''
  return `L·(2·h·a·e + 2·h·k·e${biases} + ${ffn} + ${norm}) + ${embeddings}${positions} + ${shape.biases ? '2·h' : 'h'}`
}

/** All parameters; `active`: those that one token uses (the same in a dense model). */
export function parameterCount(shape: ModelShape, active = false): Derived {
  const embeddings = (shape.tiedEmbeddings ? 1 : 2) * embeddingParameters(shape) + positionParameters(shape)
  const value = shape.layers * layerParameters(shape, active) + embeddings + normParameters(shape)
  return {
    value,
    formula: formulaOf(shape, active),
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
  }
}
