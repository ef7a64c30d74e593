/** Plans that cannot be: a job of them would not start. */
import type { PredictInput } from './input'

export interface PlanProblem {
  readonly message: string
  readonly fix: string
}

const divisors = (value: number, most: number) =>
  Array.from({ length: Math.min(value, most) }, (_, index) => index + 1).filter(one => value % one === 0)

function checkWorld({ parallelism = {}, hardware }: PredictInput): PlanProblem[] {
  const { tensor = 1, pipeline = 1, context = 1, data, worldSize } = parallelism
  const world = worldSize ?? hardware?.count
  const model = tensor * pipeline * context
  if (world === undefined || (data === undefined ? world % model === 0 : world === model * data)) return []
  const product = `tensor ${tensor} × pipeline ${pipeline} × context ${context}${data === undefined ? '' : ` × data ${data}`}`
  return [
    {
      message: `parallelism: ${product} does not make ${world} devices`,
      fix: 'correct the degrees, or the number of devices (--count)',
    },
  ]
}

function checkTensor({ model = {}, parallelism = {} }: PredictInput): PlanProblem[] {
  const { tensor = 1 } = parallelism
  const problems: PlanProblem[] = []
  for (const [name, count] of [
    ['attentionHeads', model.attentionHeads],
    ['hiddenSize', model.hiddenSize],
    ['ffnHiddenSize', model.ffnHiddenSize],
    ['encoder.attentionHeads', model.encoder?.attentionHeads],
    ['encoder.hiddenSize', model.encoder?.hiddenSize],
  ] as const) {
    if (count === undefined || count % tensor === 0) continue
    problems.push({
      message: `parallelism.tensor: model.${name} ${count} cannot be divided by ${tensor}`,
      fix: `use one of: ${divisors(count, 64).join(', ')}`,
    })
  }
  return problems
}

function checkStages({ model = {}, parallelism = {} }: PredictInput): PlanProblem[] {
  const { pipeline = 1, virtualStages = 1 } = parallelism
  const { layers } = model
  const chunks = pipeline * virtualStages
  if (layers === undefined || pipeline === 1) return []
  if (layers < pipeline) {
    return [{ message: `parallelism.pipeline: ${layers} layers are too few for ${pipeline} stages`, fix: 'use fewer' }]
  }
  // Uneven stages are real (BLOOM, Llama 3 405B); chunks of interleaved ones must be even.
  if (virtualStages === 1 || layers % chunks === 0) return []
  return [
    {
      message: `parallelism.virtualStages: ${layers} layers cannot be divided into ${pipeline} × ${virtualStages} chunks`,
      fix: `use as many as divide the layers: pipeline × virtual stages one of ${divisors(layers, 128).join(', ')}`,
    },
  ]
}

function checkBatch({ batch = {}, parallelism = {}, hardware }: PredictInput): PlanProblem[] {
  const { tensor = 1, pipeline = 1, context = 1 } = parallelism
  const world = parallelism.worldSize ?? hardware?.count
  const data = parallelism.data ?? (world === undefined ? undefined : world / (tensor * pipeline * context))
  const { micro, global } = batch
  if (micro === undefined || global === undefined || data === undefined || global % (micro * data) === 0) return []
  return [
    {
      message: `batch.global: ${global} sequences are no multiple of micro-batch ${micro} × data ${data}`,
      fix: `use a multiple of ${micro * data}`,
    },
  ]
}

function checkExperts({ model = {}, parallelism = {} }: PredictInput): PlanProblem[] {
  const { expert = 1 } = parallelism
  const { experts = 1 } = model
  if (expert === 1 || experts % expert === 0) return []
  return [
    {
      message: `parallelism.expert: ${experts} experts cannot be divided by ${expert}`,
      fix: `use one of: ${divisors(experts, 512).join(', ')}`,
    },
  ]
}

/** What is wrong with a plan, worst first; empty for one that can run. Fields that are absent are not judged. */
export function planProblems(input: PredictInput): PlanProblem[] {
  return [checkWorld, checkTensor, checkStages, checkBatch, checkExperts].flatMap(check => check(input))
}
