/** Memory of one device of the fullest pipeline stage. Letters: see `dimensions.ts`; S parameters on the device. */
import {
  activationBytes,
  layerActivationBytes,
  layerActivations,
  stageActivationBytes,
  stageActivations,
} from './activations'
import type { ModelShape } from './dimensions'
import type { Derived } from './explain'
import type { Plan } from './plan'
import { endStages, stageOf, type Stage } from './stage'
import { shardsOf, type StateBytes } from './states'
import { sources } from './sources'

export interface StageMemory {
  readonly stage: number
  readonly deviceParameters: Derived
  readonly states:
    { readonly parameters: Derived; readonly gradients: Derived; readonly optimizer: Derived } | undefined
  readonly layerActivations: Derived | undefined
  readonly activations: Derived | undefined
  readonly buffers: Derived | undefined
}

type State = 'parameters' | 'gradients' | 'optimizer'

/** Devices over which the experts of a device are cut: those that hold the same. */
const expertShards = (shards: number, plan: Plan) => Math.max(1, shards / plan.expert)
const isMixed = (shards: number, plan: Plan, on: DeviceParameters) => shards > 1 && plan.expert > 1 && on.experts > 0

function shardedBytes(bytes: number, shards: number, plan: Plan, on: DeviceParameters): number {
  if (!isMixed(shards, plan, on)) return (on.all * bytes) / shards
  return ((on.all - on.experts) * bytes) / shards + (on.experts * bytes) / expertShards(shards, plan)
}

function explainShards(bytes: number, shards: number, plan: Plan, on: DeviceParameters): Omit<Derived, 'source'> {
  const value = shardedBytes(bytes, shards, plan, on)
  const letters = { S: on.all, x: bytes, n: shards }
  if (isMixed(shards, plan, on)) {
    const mixed = { ...letters, M: on.experts, q: expertShards(shards, plan) }
    return { value, formula: '(S − M)·x / n + M·x / q', letters: mixed }
  }
  return { value, formula: shards === 1 ? 'S·x' : 'S·x / n', letters }
}

export interface DeviceParameters {
  readonly all: number
  /** Those of them in experts. */
  readonly experts: number
}

/**
 * Weights, gradients and optimizer of S parameters on a device, cut by ZeRO over the n data-parallel (and context)
 * devices; M parameters of experts over the q of those that hold the same experts.
 */
export function modelStates(on: DeviceParameters, bytes: StateBytes, plan: Plan) {
  const shards = shardsOf(plan)
  const one = (name: State): Derived => ({
    ...explainShards(bytes[name], shards[name], plan, on),
    source: shards[name] === 1 ? bytes.source : sources.zero,
    assumption: `${bytes.convention}${shards[name] === 1 ? '' : `; ZeRO stage ${plan.zeroStage}`}`,
  })
  return { parameters: one('parameters'), gradients: one('gradients'), optimizer: one('optimizer') }
}

/**
 * What ZeRO-3 gathers: a layer and the next; or all of the stage, and its gradients in fp32 between two micro-batches, so
 * that a pipeline need not gather for each of them.
 */
function gatheredBytes(plan: Plan, stage: Stage): number {
  if (plan.zeroStage < 3) return 0
  const w = activationBytes(plan)
  return plan.keepsGathered ? stage.deviceParameters * (w + 4) : (2 * stage.layerParameters * w) / plan.tensor
}

/** Logits on the last stage; what ZeRO-3 gathers; with full recomputation the layer at work; buckets of gradients. */
function bufferBytes(
  shape: ModelShape,
  plan: Plan,
  stage: Stage,
  microBatch: number,
  flash: boolean,
  bytes: StateBytes | undefined,
) {
  const last = stage.index === plan.pipeline - 1
  const tokens = (shape.sequenceLength * microBatch) / plan.context
  return {
    l: last ? (plan.logitBytes * tokens * shape.vocabularySize) / plan.tensor : 0,
    z: gatheredBytes(plan, stage),
    u: plan.copiesGradients ? stage.deviceParameters * (bytes?.gradients ?? 0) : 0,
    y: plan.recompute === 'full' ? layerActivationBytes(shape, plan, microBatch, flash, 'none') : 0,
  }
}

function buffers(...given: Parameters<typeof bufferBytes>): Derived {
  const [, plan] = given
  const letters = bufferBytes(...given)
  return {
    value: letters.l + letters.z + letters.y + letters.u,
    formula: 'l + z + y + u',
    letters,
    source: plan.zeroStage >= 3 ? sources.fsdp : sources.recomputation,
    assumption: `l logits ${plan.logitBytes}·s·b·V/(t·c), z gathered under ZeRO-3 (${plan.keepsGathered ? 'the stage, and its gradients' : 'two layers'}), y the layer being recomputed, u buckets that gradients are copied into`,
  }
}

const onDevice = (stage: Stage): DeviceParameters => ({
  all: stage.deviceParameters,
  experts: stage.deviceExpertParameters,
})

/** All that is known of a stage's device, unexplained: for comparing stages and plans. */
function stageBytes(
  shape: ModelShape,
  plan: Plan,
  stage: Stage,
  bytes: StateBytes | undefined,
  flash: boolean,
): number {
  const shards = shardsOf(plan)
  const on = onDevice(stage)
  const states =
    bytes === undefined
      ? 0
      : shardedBytes(bytes.parameters, shards.parameters, plan, on) +
        shardedBytes(bytes.gradients, shards.gradients, plan, on) +
        shardedBytes(bytes.optimizer, shards.optimizer, plan, on)
  const { microBatch } = plan
  if (microBatch === undefined) return states
  const { l, z, y, u } = bufferBytes(shape, plan, stage, microBatch, flash, bytes)
  return states + stageActivationBytes(shape, plan, stage, microBatch, flash) + l + z + y + u
}

function stageMemory(
  shape: ModelShape,
  plan: Plan,
  stage: Stage,
  bytes: StateBytes | undefined,
  flash: boolean,
): StageMemory {
  const { microBatch } = plan
  const known = microBatch !== undefined
  return {
    stage: stage.index,
    deviceParameters: {
      value: stage.deviceParameters,
      formula: '(Q·Y + X) / t',
      letters: { Q: stage.layers, Y: stage.layerParameters, X: stage.otherParameters, t: plan.tensor },
      source: sources.megatronCode,
      assumption: 'Q layers of Y parameters on the stage, X in embeddings, last norm and output layer',
    },
    states: bytes === undefined ? undefined : modelStates(onDevice(stage), bytes, plan),
    layerActivations: known ? layerActivations(shape, plan, microBatch, flash) : undefined,
    activations: known ? stageActivations(shape, plan, stage, microBatch, flash) : undefined,
    buffers: known ? buffers(shape, plan, stage, microBatch, flash, bytes) : undefined,
  }
}

/** What one stage's device holds, without the formulas. */
export interface StageSummary {
  readonly stage: number
  readonly layers: number
  readonly deviceParameters: number
  readonly inFlight: number
  readonly statesBytes: number
  readonly activationsBytes: number
  readonly buffersBytes: number
  readonly totalBytes: number
}

/** All stages, first to last. `activationFactor` as in a calibration. */
export function summariesOfStages(
  shape: ModelShape,
  plan: Plan,
  bytes: StateBytes | undefined,
  flash: boolean,
  scale = 1,
  activationFactor = 1,
): StageSummary[] {
  return Array.from({ length: plan.pipeline }, (_, index) => {
    const stage = stageOf(shape, plan, index, scale)
    const { states, activations, buffers } = stageMemory(shape, plan, stage, bytes, flash)
    const valueOf = (derived: Derived | undefined) => derived?.value ?? 0
    const statesBytes = valueOf(states?.parameters) + valueOf(states?.gradients) + valueOf(states?.optimizer)
    const activationsBytes = valueOf(activations) * activationFactor
    const buffersBytes = valueOf(buffers)
    return {
      stage: index,
      layers: stage.layers,
      deviceParameters: stage.deviceParameters,
      inFlight: stage.inFlight,
      statesBytes,
      activationsBytes,
      buffersBytes,
      totalBytes: statesBytes + activationsBytes + buffersBytes,
    }
  })
}

/** `scale`: given parameters over those that the shape has, for a model that differs in something no config says. */
export function fullestStage(
  shape: ModelShape,
  plan: Plan,
  bytes: StateBytes | undefined,
  flash: boolean,
  scale = 1,
): StageMemory {
  const [first, last] = endStages(shape, plan, scale)
  if (first === undefined) throw new Error('a pipeline has at least one stage')
  const bytesOf = (stage: Stage) => stageBytes(shape, plan, stage, bytes, flash)
  return stageMemory(shape, plan, last !== undefined && bytesOf(last) > bytesOf(first) ? last : first, bytes, flash)
}

/** Bytes of the fullest stage's device, of stages that are known already. */
export function fullestBytes(
  shape: ModelShape,
  plan: Plan,
  stages: readonly Stage[],
  bytes: StateBytes | undefined,
  flash: boolean,
): number {
  return Math.max(...stages.map(stage => stageBytes(shape, plan, stage, bytes, flash)))
}

/** Without dimensions: the parameters are taken to be spread evenly over all stages and tensor ranks. */
export function evenStage(parameters: number, plan: Plan, bytes: StateBytes | undefined): StageMemory {
  const value = parameters / (plan.tensor * plan.pipeline)
  const absent = { layerActivations: undefined, activations: undefined, buffers: undefined }
  return {
    stage: 0,
    deviceParameters: {
      value,
      formula: 'P / (t·p)',
      letters: { P: parameters, t: plan.tensor, p: plan.pipeline },
      source: sources.transformerMath,
      assumption: 'parameters spread evenly over stages and tensor ranks',
    },
    states: bytes === undefined ? undefined : modelStates({ all: value, experts: 0 }, bytes, plan),
    ...absent,
  }
}
