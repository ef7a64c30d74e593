/**
 * Bytes that one device sends (and receives) per step, by collective. Letters: see `dimensions.ts`; ring algorithms, so an
 * all-reduce of M bytes over n devices moves 2·(n−1)/n·M, an all-gather or reduce-scatter half of it (NCCL's convention).
 */
import { activationBytes } from './activations'
import type { ModelShape } from './dimensions'
import type { Derived } from './explain'
import { expertLayers } from './parameters'
import type { Plan } from './plan'
import { sources } from './sources'
import { stageOf, type Stage } from './stage'
import type { StateBytes } from './states'

export const COLLECTIVES = ['allReduce', 'allGather', 'reduceScatter', 'allToAll', 'sendReceive'] as const
export type Collective = (typeof COLLECTIVES)[number]
export type Purpose = 'data' | 'tensor' | 'pipeline' | 'context' | 'expert'

export interface Traffic {
  readonly purpose: Purpose
  readonly collective: Collective
  /** Times a step. */
  readonly count: number
  /** The buffer of each. */
  readonly messageBytes: number
  /** Devices of a group. */
  readonly group: number
  /** Bytes per device and step. */
  readonly bytes: Derived
}

const FORMULA: Record<Collective, string> = {
  allReduce: 'r·2·(n − 1) / n·M',
  allGather: 'r·(n − 1) / n·M',
  reduceScatter: 'r·(n − 1) / n·M',
  allToAll: 'r·(n − 1) / n·M',
  sendReceive: 'r·M',
}

/** Share of a buffer that crosses a device's link in one collective. */
export function ringFactor(collective: Collective, group: number): number {
  if (collective === 'sendReceive') return 1
  return ((collective === 'allReduce' ? 2 : 1) * (group - 1)) / group
}

function traffic(
  purpose: Purpose,
  collective: Collective,
  count: number,
  messageBytes: number,
  group: number,
): Traffic {
  const bytes: Derived = {
    value: count * ringFactor(collective, group) * messageBytes,
    formula: FORMULA[collective],
    letters: { r: count, n: group, M: messageBytes },
    source: collective === 'sendReceive' ? sources.sc21 : sources.nccl,
    assumption: `${purpose} parallel: r collectives of M bytes in groups of n`,
  }
  return { purpose, collective, count, messageBytes, group, bytes }
}

/**
 * Plain data parallelism all-reduces gradients once a step; ZeRO 1 reduce-scatters and gathers instead; ZeRO 2 and 3
 * reduce-scatter every micro-batch, and 3 gathers parameters for each forward and backward pass. Sharded within groups
 * (HSDP), only those do, and the groups all-reduce.
 */
function dataTraffic(deviceParameters: number, plan: Plan, bytes: StateBytes): Traffic[] {
  const group = plan.data * plan.context
  if (group <= 1) return []
  const gradients = deviceParameters * bytes.gradients
  const parameters = deviceParameters * Math.min(bytes.parameters, activationBytes(plan))
  if (plan.zeroStage <= 0) return [traffic('data', 'allReduce', 1, gradients, group)]
  const passes = plan.microBatches ?? 1
  const scatters = plan.zeroStage >= 2 ? passes : 1
  const gathers = plan.zeroStage >= 3 ? 2 * passes : 1
  const { shards } = plan
  const within =
    shards > 1
      ? [
          traffic('data', 'reduceScatter', scatters, gradients, shards),
          traffic('data', 'allGather', gathers, parameters, shards),
        ]
      : []
  // HSDP: what a device holds of the gradients is summed over the groups that hold the same.
  if (shards < group) within.push(traffic('data', 'allReduce', 1, gradients / shards, group / shards))
  return within
}

/** Two all-reduces of s·b·h forward and two backward per layer; two more where the forward pass is recomputed. */
function tensorTraffic(
  shape: ModelShape,
  plan: Plan,
  stage: Stage,
  microBatch: number,
  microBatches: number,
): Traffic[] {
  if (plan.tensor <= 1) return []
  const message = (shape.sequenceLength * microBatch * shape.hiddenSize * activationBytes(plan)) / plan.context
  // Attention, cross-attention and FFN, forward and backward.
  const blocks = shape.encoder?.crossAttention === true ? 3 : 2
  const passes = plan.recompute === 'full' ? 3 : 2
  const count = passes * blocks * stage.layers * microBatches
  const collectives = plan.sequenceParallel ? (['allGather', 'reduceScatter'] as const) : (['allReduce'] as const)
  const own = collectives.map(collective => traffic('tensor', collective, count, message, plan.tensor))
  if (shape.encoder === undefined) return own
  const { hiddenSize, sequenceLength, layers } = shape.encoder.shape
  const size = sequenceLength * microBatch * hiddenSize * activationBytes(plan)
  const times = passes * 2 * layers * microBatches
  return [...own, ...collectives.map(collective => traffic('tensor', collective, times, size, plan.tensor))]
}

/** Activations forward and their gradients backward, at every border of a chunk of layers. */
function pipelineTraffic(shape: ModelShape, plan: Plan, microBatch: number, microBatches: number): Traffic[] {
  if (plan.pipeline <= 1) return []
  const cut = plan.sequenceParallel ? plan.tensor : 1
  const tokens = (shape.sequenceLength * microBatch) / plan.context
  const message = (tokens * shape.hiddenSize * activationBytes(plan)) / cut
  return [traffic('pipeline', 'sendReceive', 2 * plan.virtualStages * microBatches, message, 2)]
}

/** Keys and values go round the ring forward, and with their gradients backward. */
function contextTraffic(
  shape: ModelShape,
  plan: Plan,
  stage: Stage,
  microBatch: number,
  microBatches: number,
): Traffic[] {
  if (plan.context <= 1) return []
  const width = (2 * shape.keyValueHeads * shape.headSize) / plan.tensor
  const message = ((shape.sequenceLength * microBatch) / plan.context) * width * activationBytes(plan)
  return [
    traffic('context', 'sendReceive', 3 * (plan.context - 1) * stage.layers * microBatches, message, plan.context),
  ]
}

/**
 * Each token's activations go to the experts that it visits and come back, forward, and their gradients backward; two more
 * where the forward pass is recomputed. A token goes out once for every expert, even where two are on one device.
 */
function expertTraffic(
  shape: ModelShape,
  plan: Plan,
  stage: Stage,
  microBatch: number,
  microBatches: number,
): Traffic[] {
  if (plan.expert <= 1 || shape.experts <= 1) return []
  const tokens = (shape.sequenceLength * microBatch) / plan.context / (plan.sequenceParallel ? plan.tensor : 1)
  const message = tokens * shape.activeExperts * shape.hiddenSize * activationBytes(plan)
  const layers = (stage.layers * expertLayers(shape)) / shape.layers
  const count = (plan.recompute === 'full' ? 6 : 4) * layers * microBatches
  return [traffic('expert', 'allToAll', count, message, plan.expert)]
}

/** Of the first stage's devices. Undefined parts of the input leave their traffic out; see `trafficNeeds`. */
export function stepTraffic(
  shape: ModelShape | undefined,
  plan: Plan,
  deviceParameters: number | undefined,
  bytes: StateBytes | undefined,
): Traffic[] {
  const { microBatch, microBatches } = plan
  const data = deviceParameters === undefined || bytes === undefined ? [] : dataTraffic(deviceParameters, plan, bytes)
  if (shape === undefined || microBatch === undefined || microBatches === undefined) return data
  const stage = stageOf(shape, plan, 0)
  return [
    ...data,
    ...tensorTraffic(shape, plan, stage, microBatch, microBatches),
    ...pipelineTraffic(shape, plan, microBatch, microBatches),
    ...contextTraffic(shape, plan, stage, microBatch, microBatches),
    ...expertTraffic(shape, plan, stage, microBatch, microBatches),
  ]
}

/** Fields without which some of the traffic of this plan is not known. */
export function trafficNeeds(
  shape: ModelShape | undefined,
  plan: Plan,
  deviceParameters: number | undefined,
  bytes: StateBytes | undefined,
): string[] {
  const needs: string[] = []
  const replicated = plan.data * plan.context > 1
  if (replicated && deviceParameters === undefined) needs.push('model.parameters')
  if (replicated && bytes === undefined) needs.push('optimizer')
  if (replicated && plan.zeroStage >= 2 && plan.microBatches === undefined) needs.push('batch.micro', 'batch.global')
  if (plan.tensor * plan.pipeline * plan.context * plan.expert > 1) {
    if (shape === undefined) needs.push('model')
    if (plan.microBatches === undefined) needs.push('batch.micro', 'batch.global')
  }
  return [...new Set(needs)]
}
