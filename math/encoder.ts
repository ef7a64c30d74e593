/**
 * A second stack of layers beside the decoder: the encoder of an encoder-decoder (T5, Whisper), whose output every layer of
 * the decoder attends to, or a vision tower, whose output stands in the decoder's own sequence (LLaVA).
 * Letters, beside those of `dimensions.ts`:
 *
 *     Le, he, ae, ee layers, hidden size, heads and size of a head of the encoder      se tokens that it reads
 *     Pe parameters of the encoder      Px weights that work on the encoder's tokens: Pe, keys and values of the decoder
 */
import type { ModelInput } from './input'
import type { Derived } from './explain'
import type { Notes } from './notes'
import { attentionParameters, normParameters, stackParameters } from './parameters'
import type { ModelShape } from './dimensions'
import { sources } from './sources'

export interface Encoder {
  /** Its own stack; the sequence is what it reads. It has no vocabulary of its own. */
  readonly shape: ModelShape
  readonly crossAttention: boolean
  /** Side of an image patch in pixels; undefined for an encoder of text. */
  readonly patchSize: number | undefined
  /** From the encoder's hidden size to the decoder's. */
  readonly projectorParameters: number
}

/** Of an image of 336 pixels in patches of 14, as CLIP's and LLaVA's. */
const USUAL_PATCHES = 576
const COLORS = 3

/** What the encoder does not say is as in the decoder. */
export function completeEncoder(model: ModelInput, decoder: ModelShape, notes: Notes): Encoder | undefined {
  const given = model.encoder
  if (given === undefined) return undefined
  const crossAttention = given.crossAttention ?? given.patchSize === undefined
  const hiddenSize = given.hiddenSize ?? decoder.hiddenSize
  const attentionHeads = given.attentionHeads ?? decoder.attentionHeads
  const usual = crossAttention ? decoder.sequenceLength : USUAL_PATCHES
  if (given.sequenceLength === undefined) notes.assume(`model.encoder.sequenceLength = ${usual} (not given)`)
  const sameWidth = hiddenSize === decoder.hiddenSize
  return {
    crossAttention,
    patchSize: given.patchSize,
    projectorParameters: given.projectorParameters ?? (sameWidth ? 0 : hiddenSize * decoder.hiddenSize),
    shape: {
      hiddenSize,
      attentionHeads,
      layers: given.layers ?? decoder.layers,
      keyValueHeads: given.keyValueHeads ?? attentionHeads,
      headSize: given.headSize ?? (sameWidth ? decoder.headSize : hiddenSize / attentionHeads),
      ffnHiddenSize: given.ffnHiddenSize ?? (sameWidth ? decoder.ffnHiddenSize : 4 * hiddenSize),
      vocabularySize: 0,
      sequenceLength: given.sequenceLength ?? usual,
      experts: 1,
      activeExperts: 1,
      gatedFfn: given.gatedFfn ?? decoder.gatedFfn,
      biases: given.biases ?? decoder.biases,
      dropout: decoder.dropout,
      tiedEmbeddings: true,
      learnedPositions: given.learnedPositions ?? given.patchSize !== undefined,
    },
  }
}

/** Weights of a decoder layer that make keys and values of the encoder's output, over all its layers. */
function crossKeyValues({ layers, keyValueHeads, headSize, encoder }: ModelShape): number {
  return encoder?.crossAttention === true ? 2 * layers * encoder.shape.hiddenSize * keyValueHeads * headSize : 0
}

/** What cross-attention adds to a layer of the decoder: projections, their biases, and a norm. */
export function crossParameters(shape: ModelShape): number {
  const { encoder, hiddenSize, keyValueHeads, headSize } = shape
  if (encoder?.crossAttention !== true) return 0
  const widths = 2 * (encoder.shape.hiddenSize - hiddenSize) * keyValueHeads * headSize
  return attentionParameters({ ...shape, latent: undefined }) + widths + normParameters(shape)
}

/** The encoder alone: its layers, last norm, patches, positions, and the projector into the decoder. */
export function encoderParameters({ shape, patchSize, projectorParameters }: Encoder): Derived {
  const stack = stackParameters(shape)
  const { hiddenSize: he, sequenceLength: se } = shape
  const patches = patchSize === undefined ? 0 : COLORS * patchSize * patchSize * he
  const positions = shape.learnedPositions ? se * he : 0
  const letters = { Y: stack / shape.layers, Le: shape.layers, he, n: normParameters(shape) / he }
  return {
    value: stack + normParameters(shape) + patches + positions + projectorParameters,
    formula: `Le·Y + n·he${patchSize === undefined ? '' : ' + 3·ps·ps·he'}${positions > 0 ? ' + se·he' : ''} + o`,
    letters: { ...letters, ...(patchSize !== undefined && { ps: patchSize }), se, o: projectorParameters },
    source: patchSize === undefined ? sources.t5 : sources.vit,
    assumption: 'Y parameters of a layer, n of its norm for each dimension, ps side of a patch, o of the projector',
  }
}

/** Tokens of the encoder for each of the decoder. */
export const encoderShare = ({ encoder, sequenceLength }: ModelShape) =>
  encoder === undefined ? 0 : encoder.shape.sequenceLength / sequenceLength

/** Px: parameters that work on the encoder's tokens instead of the decoder's. */
export function encoderWeights(shape: ModelShape): number {
  return shape.encoder === undefined ? 0 : encoderParameters(shape.encoder).value + crossKeyValues(shape)
}

/** Attention terms that an encoder brings, per token of the decoder: its own whole square, and cross-attention. */
export function encoderAttention(shape: ModelShape): { flops: number; formula: string } {
  const { encoder, layers, attentionHeads, headSize } = shape
  if (encoder === undefined) return { flops: 0, formula: '' }
  const own = encoder.shape
  const se = own.sequenceLength
  const flops = (12 * own.layers * se * own.attentionHeads * own.headSize * se) / shape.sequenceLength
  const formula = ' + 12·Le·se·ae·ee·se / s'
  if (!encoder.crossAttention) return { flops, formula }
  return { flops: flops + 12 * layers * se * attentionHeads * headSize, formula: `${formula} + 12·L·se·a·e` }
}

export function encoderLetters(shape: ModelShape): Record<string, number> {
  const own = shape.encoder?.shape
  if (own === undefined || shape.encoder === undefined) return {}
  return {
    Le: own.layers,
    he: own.hiddenSize,
    ae: own.attentionHeads,
    ee: own.headSize,
    se: own.sequenceLength,
    Pe: encoderParameters(shape.encoder).value,
    Px: encoderWeights(shape),
  }
}
