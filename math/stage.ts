/** What one pipeline stage holds: layers, parameters, micro-batches in flight. */
import type { ModelShape } from './dimensions'
import { encoderParameters } from './encoder'
import {
  embeddingParameters,
  expertLayers,
  expertParameters,
  layerParameters,
  normParameters,
  positionParameters,
} from './parameters'
import type { Plan } from './plan'

export interface Stage {
  readonly index: number
  readonly layers: number
  /** Parameters of one layer, experts cut over the expert-parallel devices. */
  readonly layerParameters: number
  /** Parameters of this stage outside its layers: embeddings, final norm, output layer. */
  readonly otherParameters: number
  /** Parameters on one device: (layers · layer + other) / tensor. */
  readonly deviceParameters: number
  /** Those of them that are experts: with expert parallelism they have fewer replicas. */
  readonly deviceExpertParameters: number
  /** How often the activations of all layers of the stage are held at the worst moment. */
  readonly inFlight: number
}

/** GPipe holds them all. 1F1B: stage i holds p − i micro-batches. Interleaved, in chunks: ((v − 1)·p + 2·(p − i − 1) + 1) / v. */
export function inFlightMicroBatches(plan: Plan, index: number): number {
  const { pipeline: p, virtualStages: v } = plan
  const most = plan.microBatches ?? Infinity
  if (plan.schedule === 'gpipe' && p > 1) return plan.microBatches ?? p
  if (v <= 1) return Math.min(p - index, most)
  return Math.min(((v - 1) * p + 2 * (p - index - 1) + 1) / v, most)
}

/** The first stage holds the input embedding and an encoder; the last the output layer, or with tied weights a copy of the embedding. */
function otherParametersOf(shape: ModelShape, plan: Plan, index: number): number {
  const first = index === 0
  const last = index === plan.pipeline - 1
  const encoder = shape.encoder === undefined ? 0 : encoderParameters(shape.encoder).value
  const input = first ? embeddingParameters(shape) + positionParameters(shape) + encoder : 0
  const ownOutput = last && !(first && shape.tiedEmbeddings)
  return input + (ownOutput ? embeddingParameters(shape) : 0) + (last ? normParameters(shape) : 0)
}

/** Of the layers, those with experts; where some are dense, the mean over the model. */
const shareOfExperts = (shape: ModelShape) => expertLayers(shape) / shape.layers

function expertsOn(shape: ModelShape, plan: Plan, layers: number, scale: number): number {
  const each = shape.experts * expertParameters(shape)
  return (scale * layers * shareOfExperts(shape) * each) / (plan.expert * plan.tensor)
}

/** Where they cannot be divided, the first stages have one more. */
function layersOf({ layers }: ModelShape, { pipeline }: Plan, index: number): number {
  return Math.floor(layers / pipeline) + (index < layers % pipeline ? 1 : 0)
}

export function stageOf(shape: ModelShape, plan: Plan, index: number, scale = 1): Stage {
  const layers = layersOf(shape, plan, index)
  const away = shareOfExperts(shape) * shape.experts * (1 - 1 / plan.expert) * expertParameters(shape)
  const perLayer = scale * (layerParameters(shape) - away)
  const other = scale * otherParametersOf(shape, plan, index)
  return {
    index,
    layers,
    layerParameters: perLayer,
    otherParameters: other,
    deviceParameters: (layers * perLayer + other) / plan.tensor,
    deviceExpertParameters: expertsOn(shape, plan, layers, scale),
    inFlight: inFlightMicroBatches(plan, index),
  }
}

/** First and last stage: one of them is the fullest, as those between hold less than the first of everything. */
export function endStages(shape: ModelShape, plan: Plan, scale = 1): Stage[] {
  const first = stageOf(shape, plan, 0, scale)
  return plan.pipeline === 1 ? [first] : [first, stageOf(shape, plan, plan.pipeline - 1, scale)]
}
