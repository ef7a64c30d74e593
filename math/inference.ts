/** Memory of serving a model: weights and the cache of keys and values. */
import type { ModelShape } from './dimensions'
import type { Derived } from './explain'
import { lettersOf, parameterCount } from './parameters'
import { WEIGHT_BYTES, type WeightPrecision } from './plan'
import { sources } from './sources'

export interface Serving {
  readonly weights: WeightPrecision
  readonly cache: WeightPrecision
  /** Sequences at a time. */
  readonly batch: number
  /** Tokens of a sequence, prompt and answer. */
  readonly tokens: number
  readonly tensor: number
}

export interface ServingMemory {
  readonly weightsBytes: Derived
  readonly cacheBytes: Derived
  readonly totalBytes: Derived
}

/** Width of what is kept of a token in each layer: keys and values of all heads, or the latent and the rotary part. */
function keptOf({ latent, keyValueHeads, headSize }: ModelShape): { width: number; formula: string } {
  if (latent === undefined) return { width: 2 * keyValueHeads * headSize, formula: '2·k·e' }
  return { width: latent.keyValueRank + latent.ropeHeadSize, formula: '(kr + er)' }
}

/** Per device. A tensor rank holds at least one key head, so that the cache is not divided further than there are heads. */
export function servingMemory(shape: ModelShape, serving: Serving): ServingMemory {
  const P = parameterCount(shape).value
  const x = WEIGHT_BYTES[serving.weights]
  const w = WEIGHT_BYTES[serving.cache]
  const { width, formula } = keptOf(shape)
  const t = shape.latent === undefined ? Math.min(serving.tensor, shape.keyValueHeads) : 1
  const reach = Math.min(serving.tokens, shape.slidingWindow ?? Infinity)
  // Keys and values of the encoder's output are kept as well.
  const cross = shape.encoder?.crossAttention === true ? shape.encoder.shape.sequenceLength : 0
  const cached = shape.linearAttention === true ? 0 : shape.layers * width * (reach + cross) * serving.batch * w
  const weightsBytes: Derived = {
    value: (P * x) / serving.tensor,
    formula: 'P·x / t',
    letters: { P, x, t: serving.tensor },
    source: sources.inference,
  }
  const cacheBytes: Derived = {
    value: cached / t,
    formula: shape.linearAttention === true ? '0' : `L·${formula}·${cross === 0 ? 's' : '(s + se)'}·b·w / t`,
    letters: { ...lettersOf(shape), s: reach, b: serving.batch, w, t },
    source: shape.latent === undefined ? sources.inference : sources.deepseekV2,
    assumption: `the cache is divided over ${t} tensor ranks`,
  }
  return {
    weightsBytes,
    cacheBytes,
    totalBytes: {
      value: weightsBytes.value + cacheBytes.value,
      formula: 'A + B',
      letters: { A: weightsBytes.value, B: cacheBytes.value },
      source: sources.inference,
      assumption: 'activations of a step left out: they are small beside both',
    },
  }
}
