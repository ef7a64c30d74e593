/** Model and hardware FLOPs utilisation. */
import { missingDimensions, completeShape } from './dimensions'
import {
  attentionFlopsPerToken,
  activeParameters,
  hardwareFlopsPerToken,
  modelFlopsPerTokenOf,
  type Recompute,
} from './flops'
import type { Derived } from './explain'
import type { ModelInput, PredictInput } from './input'
import { Notes } from './notes'
import { sources } from './sources'

type Config = Pick<PredictInput, 'model' | 'attention'>

/** As `modelFlopsPerToken`, with formula and source, and the attention term in it (0 where it is not known). */
export function explainModelFlops(config: Config, notes = new Notes()): (Derived & { attention: number }) | undefined {
  const model: ModelInput = config.model ?? {}
  const shape = completeShape(model, notes)
  const term = config.attention ?? 'full'
  if (shape !== undefined) {
    const parameters = shape.experts > 1 ? activeParameters(shape) : (model.parameters ?? activeParameters(shape))
    return {
      ...modelFlopsPerTokenOf(shape, parameters, term, model.trainableParameters),
      attention: attentionFlopsPerToken(shape, term),
    }
  }
  const { parameters, layers, hiddenSize, sequenceLength, experts } = model
  // Of a mixture of experts only a part of P works on a token, and which is not to be told without the dimensions.
  if (parameters === undefined || (experts ?? 1) > 1) return undefined
  if (layers === undefined || hiddenSize === undefined || sequenceLength === undefined) {
    const assumption = `attention left out, as these are not known: ${missingDimensions(model).join(', ')}`
    const letters = { P: parameters }
    return { value: 6 * parameters, formula: '6·P', letters, source: sources.transformerMath, assumption, attention: 0 }
  }
  const attention = (term === 'full' ? 12 : 6) * layers * hiddenSize * sequenceLength
  return {
    value: 6 * parameters + attention,
    formula: `6·P + ${term === 'full' ? 12 : 6}·L·h·s`,
    letters: { P: parameters, L: layers, h: hiddenSize, s: sequenceLength },
    source: sources.palm,
    assumption: `attention counted over the ${term === 'full' ? 'whole square' : 'causal half'}`,
    attention,
  }
}

/** FLOPs of forward and backward pass per token, without recomputation. Undefined where the model is not known. */
export function modelFlopsPerToken(config: Config): number | undefined {
  return explainModelFlops(config)?.value
}

export interface Utilisation {
  readonly flopsPerToken: number
  /** Of the whole job. */
  readonly tokensPerSecond: number
  readonly devices: number
  /** Dense peak of one device. */
  readonly peakFlopsPerSecond: number
}

/** Model FLOPs over time, devices and dense peak, 0..1 (PaLM, appendix B). */
export function mfu({ flopsPerToken, tokensPerSecond, devices, peakFlopsPerSecond }: Utilisation): number {
  return (flopsPerToken * tokensPerSecond) / (devices * peakFlopsPerSecond)
}

/** The same with the FLOPs of recomputation in it (recomputation paper). `attention`: the attention term per token. */
export function hfu(use: Utilisation & { readonly attention: number; readonly recompute: Recompute }): number {
  const flopsPerToken = hardwareFlopsPerToken(use.flopsPerToken, use.attention, use.recompute).value
  return mfu({ ...use, flopsPerToken })
}
