/** Model FLOPs per token, part by part: they add up to the whole, by whatever convention of P that was given. */
import type { ModelShape } from './dimensions'
import { crossParameters, encoderParameters, encoderShare, encoderWeights } from './encoder'
import type { Derived } from './explain'
import { attentionFlopsPerToken, type AttentionTerm } from './flops'
import { attentionParameters, embeddingParameters, normParameters, stackParameters } from './parameters'
import { sources } from './sources'

export interface FlopParts {
  readonly attentionProjections: Derived
  readonly attentionScores: Derived
  readonly ffn: Derived
  readonly logits: Derived
  /** Weights that 6·P counts and no matmul uses: input embeddings, positions, norms; and what else a given P has. */
  readonly embeddingsAndNorms: Derived
  readonly encoder: Derived
}

/** Weights of each part that work on the decoder's tokens. */
function weightsOf(shape: ModelShape, parameters: number) {
  const { layers } = shape
  const cross = layers * crossParameters(shape)
  const crossNorms = cross > 0 ? layers * normParameters(shape) : 0
  const moved = encoderWeights(shape)
  const ofEncoder = shape.encoder === undefined ? 0 : encoderParameters(shape.encoder).value
  const attention = layers * attentionParameters(shape) + cross - crossNorms - (moved - ofEncoder)
  const norms = 2 * layers * normParameters(shape)
  const ffn = stackParameters(shape, true) - layers * attentionParameters(shape) - norms
  const logits = embeddingParameters(shape)
  return { attention, ffn, logits, rest: parameters - moved - attention - ffn - logits, moved }
}

/** `parameters` as in 6·P, those of active experts alone; `trained` of them are. */
export function flopParts(shape: ModelShape, parameters: number, term: AttentionTerm, trained = parameters): FlopParts {
  const weights = weightsOf(shape, parameters)
  const k = 4 + (2 * Math.min(trained, parameters)) / parameters
  const part = (W: number, assumption: string): Derived => ({
    value: k * W,
    formula: 'k·W',
    letters: { k, W },
    source: sources.transformerMath,
    assumption: `W ${assumption}; k = 6 where all weights are trained`,
  })
  const T = attentionFlopsPerToken(shape, term)
  const share = encoderShare(shape)
  return {
    attentionProjections: part(weights.attention, 'weights of queries, keys, values and output'),
    attentionScores: {
      value: T,
      formula: 'T',
      letters: { T },
      source: sources.palm,
      assumption: `T over the ${term === 'full' ? 'whole square' : 'causal half'}`,
    },
    ffn: part(weights.ffn, 'weights of the FFNs and routers that a token visits'),
    logits: part(weights.logits, 'weights of the output layer'),
    embeddingsAndNorms: part(weights.rest, 'weights that P counts and no matmul uses'),
    encoder: {
      value: k * weights.moved * share,
      formula: 'k·Px·se / s',
      letters: { k, Px: weights.moved, se: share, s: 1 },
      source: sources.transformerMath,
      assumption: 'per token of the decoder',
    },
  }
}

/** A third of the FLOPs of a model whose weights are all trained: 2·P and a third of the attention term. */
export function forwardFlops(parameters: number, attention: number, working: number): Derived {
  return {
    value: 2 * working + attention / 3,
    formula: '2·P + T / 3',
    letters: { P: working, T: attention },
    source: sources.transformerMath,
    assumption:
      working === parameters
        ? 'each weight multiplies and adds once a token'
        : 'P weighted by the tokens that each works on',
  }
}

/** What is left of F: twice the forward pass where all weights are trained. */
export function backwardFlops(perToken: number, forward: number): Derived {
  return {
    value: perToken - forward,
    formula: 'F − W',
    letters: { F: perToken, W: forward },
    source: sources.transformerMath,
    assumption: 'gradients of inputs and of trained weights; W the forward pass',
  }
}
