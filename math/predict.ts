/**
 * What should be: parameters, FLOPs, memory, communication and step time of a training job from its configuration. What
 * cannot be known from the input is absent and named in `missing`; what was taken for granted is in `assumptions`.
 */
import { recomputedFlops } from './activations'
import { budgetOf } from './budget'
import type { Counted } from './conventions/convention'
import { countedAsAsked } from './conventions/job'
import { missingDimensions, completeShape, type ModelShape } from './dimensions'
import { explainModelFlops } from './efficiency'
import { encoderParameters, encoderShare, encoderWeights } from './encoder'
import { backwardFlops, flopParts, forwardFlops, type FlopParts } from './flop-parts'
import type { Derived, Explanation } from './explain'
import { Figures } from './figures'
import { flopsByConvention, hardwareFlopsBySize, hardwareFlopsPerToken } from './flops'
import { servingMemory } from './inference'
import type { PredictInput } from './input'
import { Notes, type Missing } from './notes'
import { parameterCount } from './parameters'
import { peakOfJob, whyNoPeak } from './peak'
import { readPlan, weightPrecisionOf, type Plan } from './plan'
import { flashAttention, predictCommunication, predictMemory, predictStep, type Known } from './predict-parts'
import type { CommunicationPrediction, MemoryPrediction, StepPrediction } from './predict-parts'
import { tidyInput } from './tidy'
import { sources } from './sources'

export type { PredictInput } from './input'

export interface FlopsPrediction {
  /** Model FLOPs, without recomputation. */
  perToken?: number
  /** Of the whole job. */
  perStep?: number
  /** With recomputation. */
  hardwarePerToken?: number
  /** Of `perToken`, as far as no other convention was asked for. */
  forwardPerToken?: number
  backwardPerToken?: number
  /** Adding up to `perToken`. */
  parts?: Partial<Record<keyof FlopParts, number>>
  /** FLOPs per token as tools count them. */
  byConvention?: Record<string, number>
}

export interface Prediction {
  parameters?: number
  /** Parameters that one token uses, where they are fewer. */
  activeParameters?: number
  flops: FlopsPrediction
  /** Of one device of the fullest pipeline stage. */
  memory: MemoryPrediction
  /** Bytes per device and step. */
  communication: CommunicationPrediction
  step: StepPrediction
  /** Expected model and hardware FLOPs utilisation. */
  mfu?: number
  hfu?: number
  /** What a token budget takes. */
  budget?: BudgetPrediction
  /** Memory of a device that serves the model, where `serving` was given. */
  serving?: { weightsBytes: number; cacheBytes: number; totalBytes: number }
  /** The denominator. */
  peak?: { flopsPerSecond: number; title: string }
  /** By path of the figure, `memory.optimizerBytes`. */
  explain: Record<string, Explanation>
  assumptions: readonly string[]
  missing: readonly Missing[]
}

export interface BudgetPrediction {
  chinchillaTokens?: number
  computeFlops?: number
  seconds?: number
  deviceHours?: number
  cost?: number
}

/** Leaves undefined fields out, so that JSON and `toEqual` see the same thing. */
function defined<T extends object>(fields: { [K in keyof T]: T[K] | undefined }): T {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined)) as T
}

function givenParameters(input: PredictInput): Derived | undefined {
  const value = input.model?.parameters
  return value === undefined ? undefined : { value, formula: 'P', letters: { P: value }, source: sources.input }
}

function tokensPerStep(input: PredictInput, plan: Plan): number | undefined {
  const sequence = input.model?.sequenceLength
  return sequence === undefined || plan.globalBatch === undefined ? undefined : sequence * plan.globalBatch
}

function perStep(perToken: number | undefined, input: PredictInput, plan: Plan): Derived | undefined {
  const s = input.model?.sequenceLength
  if (perToken === undefined || s === undefined || plan.globalBatch === undefined) return undefined
  const letters = { F: perToken, s, B: plan.globalBatch }
  return { value: perToken * s * plan.globalBatch, formula: 'F·s·B', letters, source: sources.transformerMath }
}

function hardwareFlops(known: Known, perToken: number | undefined, attention: number): Derived | undefined {
  if (perToken === undefined) return undefined
  const { shape, plan } = known
  if (plan.recompute !== 'by-size' || shape === undefined || plan.microBatch === undefined)
    return hardwareFlopsPerToken(perToken, attention, plan.recompute)
  const flash = flashAttention(known, new Notes())
  return hardwareFlopsBySize(perToken, shape.layers, recomputedFlops(shape, plan, plan.microBatch, flash))
}

/** Forward and backward pass, and the parts of both. */
function passesOf({ shape, input }: Known, own: Derived & { attention: number }, figures: Figures): FlopsPrediction {
  const P = own.letters['P']
  if (shape === undefined || P === undefined) return {}
  const working = P - encoderWeights(shape) * (1 - encoderShare(shape))
  const forward = forwardFlops(P, own.attention, working)
  const parts = flopParts(shape, P, input.attention ?? 'full', input.model?.trainableParameters)
  const entries = Object.entries(parts).filter(([name]) => name !== 'encoder' || shape.encoder !== undefined)
  return defined<FlopsPrediction>({
    forwardPerToken: figures.add('flops.forwardPerToken', forward, 'flops'),
    backwardPerToken: figures.add('flops.backwardPerToken', backwardFlops(own.value, forward.value), 'flops'),
    parts: Object.fromEntries(
      entries.map(([name, part]) => [name, figures.add(`flops.parts.${name}`, part, 'flops')]),
    ) as FlopsPrediction['parts'],
  })
}

function predictFlops(known: Known, figures: Figures, notes: Notes): FlopsPrediction {
  const { input, plan, shape } = known
  const own = explainModelFlops(input)
  const flops = known.counted.flopsPerToken ?? own
  const perToken = figures.add('flops.perToken', flops, 'flops')
  if (perToken === undefined)
    notes.lack('flops.perToken', ['model.parameters', ...missingDimensions(input.model ?? {})])
  const step = figures.add('flops.perStep', perStep(perToken, input, plan), 'flops')
  if (step === undefined) {
    const batch = plan.globalBatch === undefined ? ['batch.global'] : []
    notes.lack('flops.perStep', [
      ...batch,
      ...(input.model?.sequenceLength === undefined ? ['model.sequenceLength'] : []),
    ])
  }
  const attention = own?.attention ?? 0
  const hardware = known.counted.hardwareFlopsPerToken ?? hardwareFlops(known, perToken, attention)
  return defined<FlopsPrediction>({
    perToken,
    perStep: step,
    hardwarePerToken: figures.add('flops.hardwarePerToken', hardware, 'flops'),
    ...(known.counted.flopsPerToken === undefined && own !== undefined ? passesOf(known, own, figures) : {}),
    byConvention:
      shape && own && shape.encoder === undefined ? flopsByConvention(shape, own.letters['P'] ?? NaN) : undefined,
  })
}

function predictParameters(
  input: PredictInput,
  shape: ModelShape | undefined,
  counted: Counted,
  figures: Figures,
  notes: Notes,
) {
  const count =
    counted.parameters ?? givenParameters(input) ?? (shape === undefined ? undefined : parameterCount(shape))
  const parameters = figures.add('parameters', count, 'count')
  if (parameters === undefined) notes.lack('parameters', missingDimensions(input.model ?? {}))
  const active = shape !== undefined && shape.experts > 1 ? parameterCount(shape, true) : undefined
  if (shape?.encoder !== undefined) figures.add('encoderParameters', encoderParameters(shape.encoder), 'count')
  return { parameters, activeParameters: figures.add('activeParameters', active, 'count') }
}

function predictBudget(
  { input, plan, parameters }: Known,
  flopsPerToken: number | undefined,
  tokensPerSecond: number | undefined,
  figures: Figures,
): BudgetPrediction | undefined {
  if (parameters === undefined) return undefined
  const { tokens, pricePerDeviceHour } = input.budget ?? {}
  const budget = budgetOf({
    parameters,
    flopsPerToken,
    tokens,
    tokensPerSecond,
    devices: plan.devices,
    pricePerDeviceHour,
  })
  return defined<BudgetPrediction>({
    chinchillaTokens: figures.add('budget.chinchillaTokens', budget.chinchillaTokens, 'tokens'),
    computeFlops: figures.add('budget.computeFlops', budget.compute, 'flops'),
    seconds: figures.add('budget.seconds', budget.seconds, 'seconds'),
    deviceHours: figures.add('budget.deviceHours', budget.deviceHours, 'count'),
    cost: figures.add('budget.cost', budget.cost, 'none'),
  })
}

function predictServing({ input, plan, shape }: Known, figures: Figures, notes: Notes): Prediction['serving'] {
  if (input.serving === undefined) return undefined
  if (shape === undefined) {
    notes.lack('serving', missingDimensions(input.model ?? {}))
    return undefined
  }
  const { batch = 1, tokens = shape.sequenceLength } = input.serving
  const weights = weightPrecisionOf(input.serving.weights ?? plan.precision) ?? plan.precision
  const cache = weightPrecisionOf(input.serving.cache ?? 'bf16') ?? 'bf16'
  const memory = servingMemory(shape, { weights, cache, batch, tokens, tensor: plan.tensor })
  const add = (name: keyof typeof memory) => figures.add(`serving.${name}`, memory[name], 'bytes') ?? NaN
  return { weightsBytes: add('weightsBytes'), cacheBytes: add('cacheBytes'), totalBytes: add('totalBytes') }
}

/** Never throws: fields that are no sensible numbers are noted and count as absent. Validate before, where a person types. */
export function predict(given: PredictInput): Prediction {
  const notes = new Notes()
  const figures = new Figures()
  const input = tidyInput(given, notes)
  const plan = readPlan(input, notes)
  const shape = completeShape(input.model ?? {}, notes)
  const counted = countedAsAsked(input, shape, plan, notes)
  const counts = predictParameters(input, shape, counted, figures, notes)
  const peak = peakOfJob(input, plan.precision)
  const known: Known = { input, plan, shape, peak, counted, parameters: counts.parameters }
  const flops = predictFlops(known, figures, notes)
  const { memory, states } = predictMemory(known, figures, notes)
  const { communication, traffic } = predictCommunication(known, states, figures, notes)
  if (peak === undefined) notes.lack('mfu', [`hardware (${whyNoPeak(input.hardware, plan.precision)})`])
  const tokens = tokensPerStep(input, plan)
  const { step, mfu, hfu } = predictStep(known, { flops, tokens, traffic }, figures, notes)
  const rate = tokens === undefined || step.seconds === undefined ? undefined : tokens / step.seconds
  return defined<Prediction>({
    ...counts,
    flops,
    memory,
    communication,
    step,
    mfu,
    hfu,
    budget: predictBudget(known, flops.perToken, rate, figures),
    serving: predictServing(known, figures, notes),
    peak: peak === undefined ? undefined : { flopsPerSecond: peak.flopsPerSecond, title: peak.title },
    explain: figures.explain,
    assumptions: notes.assumptions,
    missing: notes.missing,
  })
}
