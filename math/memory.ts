/** Memory of one device of the fullest pipeline stage. Letters: see `dimensions.ts`; S parameters on the device. */
import { activationBytes, layerActivations, stageActivations } from './activations'
import type { ModelShape } from './dimensions'
import type { Derived } from './explain'
import type { Plan } from './plan'
import { endStages, type Stage } from './stage'
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

function shardedBytes(bytes: number, shards: number, plan: Plan, on: DeviceParameters): Omit<Derived, 'source'> {
  const letters = { S: on.all, x: bytes, n: shards }
  if (shards === 1) return { value: on.all * bytes, formula: 'S·x', letters }
  if (plan.expert === 1 || on.experts === 0) return { value: (on.all * bytes) / shards, formula: 'S·x / n', letters }
  const replicas = Math.max(1, shards / plan.expert)
  return {
    value: ((on.all - on.experts) * bytes) / shards + (on.experts * bytes) / replicas,
    formula: '(S − M)·x / n + M·x / q',
    letters: { ...letters, M: on.experts, q: replicas },
  }
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
  const shards = shardsOf(plan.zeroStage, plan.data * plan.context)
  const one = (name: State): Derived => ({
    ...shardedBytes(bytes[name], shards[name], plan, on),
    source: shards[name] === 1 ? bytes.source : sources.zero,
    assumption: `${bytes.convention}${shards[name] === 1 ? '' : `; ZeRO stage ${plan.zeroStage}`}`,
  })
  return { parameters: one('parameters'), gradients: one('gradients'), optimizer: one('optimizer') }
}

/** fp32 logits on the last stage; ZeRO-3's gathered layer and the next; with full recomputation the layer at work. */
function buffers(shape: ModelShape, plan: Plan, stage: Stage, microBatch: number, flash: boolean): Derived {
  const last = stage.index === plan.pipeline - 1
  const tokens = (shape.sequenceLength * microBatch) / plan.context
  const logits = last ? (4 * tokens * shape.vocabularySize) / plan.tensor : 0
  const gathered = plan.zeroStage >= 3 ? (2 * stage.layerParameters * activationBytes(plan)) / plan.tensor : 0
  const work = plan.recompute === 'full' ? layerActivations(shape, plan, microBatch, flash, 'none').value : 0
  return {
    value: logits + gathered + work,
    formula: 'l + z + y',
    letters: { l: logits, z: gathered, y: work },
    source: plan.zeroStage >= 3 ? sources.fsdp : sources.recomputation,
    assumption: 'l fp32 logits 4·s·b·V/(t·c), z two gathered layers under ZeRO-3, y the layer being recomputed',
  }
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
    states:
      bytes === undefined
        ? undefined
        : modelStates({ all: stage.deviceParameters, experts: stage.deviceExpertParameters }, bytes, plan),
    layerActivations: known ? layerActivations(shape, plan, microBatch, flash) : undefined,
    activations: known ? stageActivations(shape, plan, stage, microBatch, flash) : undefined,
    buffers: known ? buffers(shape, plan, stage, microBatch, flash) : undefined,
  }
}

const totalOf = (memory: StageMemory) =>
  [memory.states?.parameters, memory.states?.gradients, memory.states?.optimizer, memory.activations, memory.buffers]
    .map(part => part?.value ?? 0)
    .reduce((sum, value) => sum + value, 0)

/** `scale`: given parameters over those that the shape has, for a model that differs in something no config says. */
export function fullestStage(
  shape: ModelShape,
  plan: Plan,
  bytes: StateBytes | undefined,
  flash: boolean,
  scale = 1,
): StageMemory {
  const [first, last] = endStages(shape, plan, scale).map(stage => stageMemory(shape, plan, stage, bytes, flash))
  if (first === undefined) throw new Error('a pipeline has at least one stage')
  return last !== undefined && totalOf(last) > totalOf(first) ? last : first
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
