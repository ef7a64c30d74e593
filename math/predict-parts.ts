/** Memory, communication and time of a prediction: figures from the pure functions, with their explanations noted. */
import { allowanceOf, deviceMemory } from './allowance'
import { COLLECTIVES, stepTraffic, trafficNeeds, type Collective, type Purpose, type Traffic } from './communication'
import type { Counted } from './conventions/convention'
import { missingDimensions, type ModelShape } from './dimensions'
import type { Derived } from './explain'
import { sumOf, type Figures } from './figures'
import type { PredictInput } from './input'
import { evenStage, fullestStage, summariesOfStages, type StageMemory, type StageSummary } from './memory'
import { Notes } from './notes'
import { parameterCount } from './parameters'
import type { Peak } from './peak'
import { usesFusedAttention, type Plan } from './plan'
import { sources } from './sources'
import { endStages } from './stage'
import { ofTrained, onDevice, stateBytes, type StateBytes } from './states'
import { bandwidthNeeds, bandwidthsOf, bubbleRatio, communicationTime, computeSeconds, stepSeconds } from './step'

export interface MemoryPrediction {
  parametersBytes?: number
  gradientsBytes?: number
  optimizerBytes?: number
  /** The three above as one, where the convention asked for does not tell them apart. */
  statesBytes?: number
  activationsBytes?: number
  buffersBytes?: number
  /** Only where every part is known. */
  totalBytes?: number
  /** Reserved by the allocator and in use by no tensor: an allowance. */
  fragmentationBytes?: number
  /** Context and libraries: an allowance. */
  contextBytes?: number
  /** All three: what the SMI tool will show as used. */
  deviceBytes?: number
  /** Each pipeline stage, where every part is known. */
  stages?: readonly StageSummary[]
  /** The pipeline stage that this is about, from 0. */
  stage?: number
  /** Memory of the device. */
  capacityBytes?: number
}

export interface CommunicationPrediction {
  allReduceBytes?: number
  allGatherBytes?: number
  reduceScatterBytes?: number
  /** Of experts. */
  allToAllBytes?: number
  sendReceiveBytes?: number
  totalBytes?: number
  byPurpose: readonly {
    purpose: Purpose
    collective: Collective
    count: number
    messageBytes: number
    group: number
    bytes: number
  }[]
}

export interface StepPrediction {
  computeSeconds?: number
  /** All of it, hidden and exposed. */
  communicationSeconds?: number
  /** Of the ideal compute time. */
  bubbleRatio?: number
  seconds?: number
}

export interface Known {
  readonly input: PredictInput
  readonly plan: Plan
  readonly shape: ModelShape | undefined
  readonly peak: Peak | undefined
  readonly counted: Counted
  readonly parameters: number | undefined
}

function present<T extends object>(fields: { [K in keyof T]: T[K] | undefined }): T {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined)) as T
}

export function flashAttention({ input, plan, shape }: Known, notes: Notes): boolean {
  const flash = usesFusedAttention(input, shape?.gatedFfn)
  const isTold = (input.flashAttention ?? input.model?.fusedAttention) !== undefined
  if (!isTold && ['none', 'by-size'].includes(plan.recompute)) {
    notes.assume(`flashAttention = ${flash}: attention scores are ${flash ? 'not ' : ''}kept (not given)`)
  }
  return flash
}

const scaleOf = ({ shape, parameters }: Known) =>
  shape === undefined || parameters === undefined ? 1 : parameters / parameterCount(shape).value

function stageOfKnown(known: Known, bytes: StateBytes | undefined, notes: Notes): StageMemory | undefined {
  if (known.shape !== undefined)
    return fullestStage(known.shape, known.plan, bytes, flashAttention(known, notes), scaleOf(known))
  return known.parameters === undefined ? undefined : evenStage(known.parameters, known.plan, bytes)
}

export function predictMemory(known: Known, figures: Figures, notes: Notes) {
  const { input, plan } = known
  const whole = stateBytes(input, plan, notes)
  const states = whole === undefined ? undefined : ofTrained(whole, input, known.parameters)
  const stage = stageOfKnown(known, states && onDevice(states, plan), notes)
  figures.add('memory.deviceParameters', stage?.deviceParameters, 'count')
  figures.add('memory.layerActivationsBytes', stage?.layerActivations, 'bytes')
  const parts = memoryParts(known, stage, figures)
  const total = sumOf(Object.values(parts), sources.transformerMath)
  const totalBytes = figures.add('memory.totalBytes', total, 'bytes')
  if (totalBytes === undefined) notes.lack('memory.totalBytes', memoryNeeds(known, states))
  const capacityBytes = known.peak?.gpu?.memoryBytes
  const memory = present<MemoryPrediction>({
    ...parts,
    totalBytes,
    ...onWholeDevice(totalBytes, input, figures),
    stages: totalBytes === undefined ? undefined : stagesOf(known, states && onDevice(states, plan)),
    stage: stage?.stage,
    capacityBytes,
  })
  return { memory, states }
}

function onWholeDevice(totalBytes: number | undefined, { calibration }: PredictInput, figures: Figures) {
  if (totalBytes === undefined) return {}
  const { fragmentation, context, device } = deviceMemory(totalBytes, allowanceOf(calibration))
  return {
    fragmentationBytes: figures.add('memory.fragmentationBytes', fragmentation, 'bytes'),
    contextBytes: figures.add('memory.contextBytes', context, 'bytes'),
    deviceBytes: figures.add('memory.deviceBytes', device, 'bytes'),
  }
}

function stagesOf(known: Known, bytes: StateBytes | undefined): StageSummary[] | undefined {
  const { shape, plan, input } = known
  if (shape === undefined || plan.pipeline === 1) return undefined
  const flash = flashAttention(known, new Notes())
  return summariesOfStages(shape, plan, bytes, flash, scaleOf(known), input.calibration?.activationFactor)
}

/** Activations as a run of the job held them, by the factor that it showed. */
function calibrated(activations: Derived | undefined, factor: number | undefined): Derived | undefined {
  if (activations === undefined || factor === undefined) return activations
  return {
    ...activations,
    value: activations.value * factor,
    formula: `(${activations.formula})·j`,
    letters: { ...activations.letters, j: factor },
    assumption: [activations.assumption, 'j calibrated on a run of the job'].filter(Boolean).join('; '),
  }
}

function memoryParts({ counted, input }: Known, stage: StageMemory | undefined, figures: Figures) {
  const add = (name: keyof MemoryPrediction, derived: Derived | undefined) =>
    figures.add(`memory.${name}`, derived, 'bytes')
  const rest = {
    activationsBytes: add(
      'activationsBytes',
      counted.activationsBytes ?? calibrated(stage?.activations, input.calibration?.activationFactor),
    ),
    buffersBytes: add('buffersBytes', counted.buffersBytes ?? stage?.buffers),
  }
  if (counted.statesBytes !== undefined) return { statesBytes: add('statesBytes', counted.statesBytes), ...rest }
  return {
    parametersBytes: add('parametersBytes', counted.parametersBytes ?? stage?.states?.parameters),
    gradientsBytes: add('gradientsBytes', counted.gradientsBytes ?? stage?.states?.gradients),
    optimizerBytes: add('optimizerBytes', counted.optimizerBytes ?? stage?.states?.optimizer),
    ...rest,
  }
}

function memoryNeeds({ input, plan, shape }: Known, states: StateBytes | undefined): string[] {
  const needs = shape === undefined ? missingDimensions(input.model ?? {}) : []
  if (plan.microBatch === undefined) needs.push('batch.micro')
  if (states === undefined) needs.push(`optimizer ("${input.optimizer ?? ''}" is not known)`)
  return needs
}

function deviceParametersOf(known: Known): number | undefined {
  const { shape, plan, parameters } = known
  if (shape !== undefined)
    return Math.max(...endStages(shape, plan, scaleOf(known)).map(stage => stage.deviceParameters))
  return parameters === undefined ? undefined : parameters / (plan.tensor * plan.pipeline)
}

export function predictCommunication(known: Known, states: StateBytes | undefined, figures: Figures, notes: Notes) {
  const { shape, plan } = known
  const parameters = deviceParametersOf(known)
  const traffic = stepTraffic(shape, plan, parameters, states)
  const needs = trafficNeeds(shape, plan, parameters, states)
  if (needs.length > 0) notes.lack('communication', needs)
  const communication: CommunicationPrediction = {
    byPurpose: traffic.map(({ bytes, ...rest }) => ({ ...rest, bytes: bytes.value })),
  }
  for (const one of traffic) figures.add(`communication.${one.purpose}.${one.collective}`, one.bytes, 'bytes')
  if (needs.length > 0) return { communication, traffic: undefined }
  for (const collective of COLLECTIVES) {
    const parts = traffic.filter(one => one.collective === collective).map(one => one.bytes.value)
    const path = `${collective}Bytes` as const
    const value = figures.add(`communication.${path}`, sumOf(parts, sources.nccl), 'bytes')
    if (value !== undefined) communication[path] = value
  }
  const all = sumOf(
    traffic.map(one => one.bytes.value),
    sources.nccl,
  )
  const total = figures.add('communication.totalBytes', all, 'bytes')
  return { communication: present<CommunicationPrediction>({ ...communication, totalBytes: total }), traffic }
}

interface Work {
  readonly flops: { readonly perToken?: number; readonly hardwarePerToken?: number }
  readonly tokens: number | undefined
  readonly traffic: readonly Traffic[] | undefined
}

function predictCommunicationTime(known: Known, traffic: Work['traffic'], figures: Figures, notes: Notes) {
  if (traffic === undefined) return undefined
  const bandwidths = bandwidthsOf(known.input.hardware, known.peak)
  const needs = bandwidthNeeds(traffic, known.plan, bandwidths)
  if (needs.length > 0) notes.lack('step.communicationSeconds', needs)
  const time = communicationTime(traffic, known.plan, bandwidths)
  if (time === undefined) return undefined
  if (traffic.length > 0) notes.assume(`${bandwidths.gpusPerNode} GPUs per node, tensor ranks side by side`)
  const seconds = figures.add(
    'step.communicationSeconds',
    {
      value: time.data + time.other,
      formula: 'W + R',
      letters: { W: time.data, R: time.other },
      source: sources.nccl,
      assumption: 'W data-parallel, R other traffic, each at the full bandwidth of the link it crosses',
    },
    'seconds',
  )
  return { ...time, seconds }
}

function utilisation(flops: number, tokens: number, seconds: number, known: Known & { peak: Peak }): Derived {
  const { devices } = known.plan
  return {
    value: (flops * tokens) / (seconds * devices * known.peak.flopsPerSecond),
    formula: 'F·D / (T·N·X)',
    letters: { F: flops, D: tokens, T: seconds, N: devices, X: known.peak.flopsPerSecond },
    source: sources.palm,
    assumption: `over ${known.peak.title}; an upper bound, as only matmuls, bubble and exposed communication take time`,
  }
}

export function predictStep(known: Known, work: Work, figures: Figures, notes: Notes) {
  const { plan, peak } = known
  const { flops, tokens } = work
  const bubble = figures.add('step.bubbleRatio', bubbleRatio(plan), 'ratio')
  const time = predictCommunicationTime(known, work.traffic, figures, notes)
  const step: StepPrediction = present<StepPrediction>({
    computeSeconds: undefined,
    seconds: undefined,
    bubbleRatio: bubble,
    communicationSeconds: time?.seconds,
  })
  const { perToken, hardwarePerToken } = flops
  if (peak === undefined || tokens === undefined || perToken === undefined || hardwarePerToken === undefined) {
    notes.lack(
      'step.seconds',
      ['hardware', 'batch.global', 'model'].filter((_, index) => [peak, tokens, perToken][index] === undefined),
    )
    return { step, mfu: undefined, hfu: undefined }
  }
  const compute = computeSeconds(hardwarePerToken, tokens, plan.devices, peak)
  figures.add('step.computeSeconds', compute, 'seconds')
  step.computeSeconds = compute.value
  if (bubble === undefined) return { step, mfu: undefined, hfu: undefined }
  const whole = stepSeconds(compute.value, bubble, time, known.input.calibration?.overlapRatio)
  figures.add('step.seconds', whole, 'seconds')
  step.seconds = whole.value
  const sure = { ...known, peak }
  return {
    step,
    mfu: figures.add('mfu', utilisation(perToken, tokens, whole.value, sure), 'ratio'),
    hfu: figures.add('hfu', utilisation(hardwarePerToken, tokens, whole.value, sure), 'ratio'),
  }
}
