/**
 * Which plans fit, and which of them is fastest: every combination of tensor, pipeline, context and data parallelism, ZeRO
 * stage, micro-batch and recomputation over a number of devices, by the same arithmetic as a prediction.
 */
import { format } from '../base/units'
import { allowanceOf, usableBytes } from './allowance'
import { completeShape, type ModelShape } from './dimensions'
import { explainModelFlops } from './efficiency'
import { hardwareFlopsPerToken, RECOMPUTE, type Recompute } from './flops'
import type { PredictInput } from './input'
import { fullestBytes } from './memory'
import { stepTraffic } from './communication'
import { Notes } from './notes'
import { parameterCount } from './parameters'
import { peakOfJob, type Peak } from './peak'
import { readPlan, usesFusedAttention, type Plan } from './plan'
import { endStages, type Stage } from './stage'
import { ofTrained, onDevice, stateBytes, type StateBytes } from './states'
import { bandwidthsOf, bubbleRatio, communicationTime, computeSeconds, stepSeconds, type Bandwidths } from './step'
import { tidyInput } from './tidy'

export interface FoundPlan {
  readonly plan: Plan
  /** Of the fullest stage's device. */
  readonly memoryBytes: number
  /** What the device could take beyond it; negative for a plan that does not fit. */
  readonly headroomBytes: number
  readonly stepSeconds: number
  readonly mfu: number
}

export interface PlanSearch {
  /** Combinations that could run, whether they fit or not. */
  readonly candidates: number
  /** Those that fit, fastest first. */
  readonly fitting: readonly FoundPlan[]
  /** The one that misses by least, where none fits. */
  readonly closest: FoundPlan | undefined
  readonly assumptions: readonly string[]
  /** Fields without which nothing can be searched. */
  readonly missing: readonly string[]
}

/** 400 Gb/s a device, as most clusters of 2024 have. */
const USUAL_NETWORK = 50e9

/** The input with a usual network where none is given: plans that cross nodes cannot be compared without one. */
export function withUsualNetwork(input: PredictInput): PredictInput {
  if (input.hardware?.networkBytesPerSecond !== undefined) return input
  return { ...input, hardware: { ...input.hardware, networkBytesPerSecond: USUAL_NETWORK } }
}
/** What is searched: recomputation by size is asked for, as its threshold is. */
const SEARCHED = ['none', 'selective', 'full'] as const satisfies readonly Recompute[]

/** What all candidates share. */
interface Ground {
  readonly shape: ModelShape
  readonly base: Plan
  readonly states: StateBytes
  /** Of them, what stays on the device. */
  readonly held: StateBytes
  readonly peak: Peak
  readonly bandwidths: Bandwidths
  readonly flash: boolean
  /** As a run showed it. */
  readonly overlap: number | undefined
  /** Bytes of tensors that the device takes. */
  readonly usable: number
  readonly globalBatch: number
  readonly tokens: number
  readonly flopsPerToken: number
  readonly hardware: (recompute: Recompute) => number
}

const powers = (most: number) => Array.from({ length: Math.floor(Math.log2(Math.max(1, most))) + 1 }, (_, i) => 2 ** i)
const divides = (part: number, whole: number) => whole % part === 0

function groundOf(given: PredictInput, notes: Notes): Ground | string[] {
  const input = tidyInput(given, notes)
  const base = readPlan(input, notes)
  const shape = completeShape(input.model ?? {}, notes)
  const whole = stateBytes(input, base, notes)
  const states = whole && ofTrained(whole, input, input.model?.parameters ?? (shape && parameterCount(shape).value))
  const peak = peakOfJob(input, base.precision)
  const capacity = peak?.gpu?.memoryBytes
  const flops = explainModelFlops(input)
  const { globalBatch } = base
  if (shape === undefined || flops === undefined) return ['model']
  if (states === undefined) return ['optimizer']
  if (peak === undefined || capacity === undefined) return ['hardware.gpu']
  if (globalBatch === undefined) return ['batch.global']
  if (input.hardware?.networkBytesPerSecond === undefined) notes.assume('network = 50 GB/s a device (not given)')
  const allowance = allowanceOf(input.calibration)
  notes.assume(
    `beside its tensors a device holds ${format(allowance.contextBytes, 'bytes')} of context and libraries, and ${format(allowance.fragmentationRatio, 'ratio')} of fragmentation`,
  )
  const perToken = Object.fromEntries(
    RECOMPUTE.map(recompute => [recompute, hardwareFlopsPerToken(flops.value, flops.attention, recompute).value]),
  ) as Record<Recompute, number>
  return {
    shape,
    base,
    states,
    held: onDevice(states, base),
    peak,
    globalBatch,
    flopsPerToken: flops.value,
    usable: usableBytes(capacity, allowance),
    overlap: input.calibration?.overlapRatio,
    bandwidths: bandwidthsOf(withUsualNetwork(input).hardware, peak),
    flash: usesFusedAttention(input, shape.gatedFfn),
    tokens: shape.sequenceLength * globalBatch,
    hardware: recompute => perToken[recompute],
  }
}

/** Degrees whose product is the number of devices and that this model can be cut by. */
function* degreesOf({ shape, base, bandwidths }: Ground, devices: number) {
  for (const tensor of powers(Math.min(bandwidths.gpusPerNode, devices))) {
    if (![shape.attentionHeads, shape.hiddenSize, shape.ffnHiddenSize].every(size => divides(tensor, size))) continue
    for (const pipeline of powers(Math.min(shape.layers, devices / tensor))) {
      // Sequences that are not long are not cut.
      const contexts = shape.sequenceLength >= 32_768 ? powers(Math.min(16, devices / tensor / pipeline)) : [1]
      for (const context of contexts) {
        const data = devices / (tensor * pipeline * context)
        if (Number.isInteger(data)) yield { ...base, tensor, pipeline, context, data, devices, shards: data * context }
      }
    }
  }
}

/** ZeRO 2 and 3 gather for every micro-batch: with a pipeline of many, nobody runs them. */
const zeroStagesOf = ({ data, context, pipeline }: Plan) =>
  data * context === 1 ? [0] : pipeline > 1 ? [0, 1] : [0, 1, 2, 3]

/** A cut of the model and of the batch; ZeRO stage and recomputation are still open. */
function* layoutsOf(ground: Ground, devices: number): Generator<Plan> {
  const { globalBatch } = ground
  for (const degrees of degreesOf(ground, devices)) {
    const expert = Math.min(ground.shape.experts, degrees.data, ground.bandwidths.gpusPerNode)
    const sequenceParallel = degrees.tensor > 1
    for (const microBatch of powers(Math.min(16, globalBatch / degrees.data))) {
      if (!divides(microBatch * degrees.data, globalBatch)) continue
      const microBatches = globalBatch / (microBatch * degrees.data)
      yield { ...degrees, virtualStages: 1, expert, microBatch, microBatches, sequenceParallel }
    }
  }
}

interface Weighed {
  readonly plan: Plan
  readonly stages: readonly Stage[]
  readonly memoryBytes: number
  readonly headroomBytes: number
}

function* weighed(ground: Ground, devices: number): Generator<Weighed> {
  const { shape, held, flash, usable } = ground
  for (const layout of layoutsOf(ground, devices)) {
    const stages = endStages(shape, layout)
    for (const zeroStage of zeroStagesOf(layout)) {
      for (const recompute of SEARCHED) {
        const plan = { ...layout, zeroStage, recompute }
        const memoryBytes = fullestBytes(shape, plan, stages, held, flash)
        yield { plan, stages, memoryBytes, headroomBytes: usable - memoryBytes }
      }
    }
  }
}

function time(ground: Ground, { plan, stages, memoryBytes, headroomBytes }: Weighed): FoundPlan {
  const { shape, states, peak, tokens } = ground
  const largest = Math.max(...stages.map(stage => stage.deviceParameters))
  const compute = computeSeconds(ground.hardware(plan.recompute), tokens, plan.devices, peak).value
  const bubble = bubbleRatio(plan)?.value ?? 0
  const exchange = communicationTime(stepTraffic(shape, plan, largest, states), plan, ground.bandwidths)
  const seconds = stepSeconds(compute, bubble, exchange, ground.overlap).value
  return {
    plan,
    memoryBytes,
    headroomBytes,
    stepSeconds: seconds,
    mfu: (ground.flopsPerToken * tokens) / (seconds * plan.devices * peak.flopsPerSecond),
  }
}

/** Plans for `devices` devices; the degrees, micro-batch, ZeRO stage and recomputation of the input are not looked at. */
export function searchPlans(input: PredictInput, devices: number): PlanSearch {
  const notes = new Notes()
  // What is searched for must not be noted as taken for granted.
  const asked: PredictInput = {
    ...input,
    recompute: 'none',
    parallelism: { data: 1, zeroStage: 0 },
    hardware: { ...input.hardware, count: undefined },
    batch: { micro: 1, global: input.batch?.global },
  }
  const ground = groundOf(asked, notes)
  if (Array.isArray(ground)) {
    return { candidates: 0, fitting: [], closest: undefined, assumptions: notes.assumptions, missing: ground }
  }
  const fitting: FoundPlan[] = []
  let candidates = 0
  let closest: Weighed | undefined
  for (const one of weighed(ground, devices)) {
    candidates += 1
    if (one.headroomBytes >= 0) fitting.push(time(ground, one))
    else if (closest === undefined || one.headroomBytes > closest.headroomBytes) closest = one
  }
  fitting.sort((one, other) => one.stepSeconds - other.stepSeconds || one.memoryBytes - other.memoryBytes)
  const missed = fitting.length === 0 && closest !== undefined ? time(ground, closest) : undefined
  return { candidates, fitting, closest: missed, assumptions: notes.assumptions, missing: [] }
}
