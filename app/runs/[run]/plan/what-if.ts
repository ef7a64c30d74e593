/** The fields of a plan that one may turn, each with where it stands in a configuration. Pure. */
import { gpus } from '../../../../math/gpus'
import type { PredictInput } from '../../../../math/input'
import { predict, type Prediction } from '../../../../math/predict'
import type { FoundPlan } from '../../../../math/plan-search'

export interface PlanField {
  /** Its name in the address. */
  readonly name: string
  readonly title: string
  readonly help: string
  /** The values to choose from; a whole number where absent. */
  readonly options?: readonly string[]
  read(config: PredictInput): string | undefined
  write(config: PredictInput, value: string): PredictInput
}

type Degree = 'tensor' | 'pipeline' | 'context' | 'expert' | 'virtualStages' | 'zeroStage'

const textOf = (value: number | string | undefined) => (value === undefined ? undefined : String(value))

function degree(name: Degree, title: string, help: string): PlanField {
  return {
    name,
    title,
    help,
    read: ({ parallelism }) => textOf(parallelism?.[name] ?? (name === 'zeroStage' ? 0 : 1)),
    // What is left of the devices is data parallel: it follows from the others.
    write: (config, value) => ({
      ...config,
      parallelism: { ...config.parallelism, [name]: Number(value), data: undefined },
    }),
  }
}

export const PLAN_FIELDS: readonly PlanField[] = [
  {
    name: 'gpu',
    title: 'GPU',
    help: 'The device that all ranks have',
    options: [...gpus].map(({ name }) => name),
    read: ({ hardware }) => hardware?.gpu,
    // A peak that was measured is of the device that was there.
    write: (config, value) => ({
      ...config,
      hardware: { ...config.hardware, gpu: value, peakFlopsPerSecond: undefined, peakSource: undefined },
    }),
  },
  {
    name: 'devices',
    title: 'Devices',
    help: 'Of the whole job',
    read: ({ parallelism, hardware }) => textOf(parallelism?.worldSize ?? hardware?.count),
    write: (config, value) => ({
      ...config,
      parallelism: { ...config.parallelism, worldSize: Number(value), data: undefined },
      hardware: { ...config.hardware, count: Number(value) },
    }),
  },
  degree('tensor', 'Tensor', 'Devices that share each matrix'),
  degree('pipeline', 'Pipeline', 'Stages of the pipeline'),
  degree('context', 'Context', 'Devices that share a sequence'),
  degree('expert', 'Expert', 'Devices that share the experts'),
  degree('virtualStages', 'Virtual stages', 'Chunks of layers that each stage holds'),
  degree('zeroStage', 'ZeRO', '0 shards nothing; 1 optimizer, 2 and gradients, 3 and parameters'),
  {
    name: 'micro',
    title: 'Micro-batch',
    help: 'Sequences of a replica at once',
    read: ({ batch }) => textOf(batch?.micro),
    write: (config, value) => ({ ...config, batch: { ...config.batch, micro: Number(value) } }),
  },
  {
    name: 'global',
    title: 'Global batch',
    help: 'Sequences of a step',
    read: ({ batch }) => textOf(batch?.global),
    write: (config, value) => ({ ...config, batch: { ...config.batch, global: Number(value) } }),
  },
  {
    name: 'sequence',
    title: 'Sequence',
    help: 'Tokens of a sequence',
    read: ({ model }) => textOf(model?.sequenceLength),
    write: (config, value) => ({ ...config, model: { ...config.model, sequenceLength: Number(value) } }),
  },
  {
    name: 'recompute',
    title: 'Recompute',
    help: 'Activations that are made again in the backward pass',
    options: ['none', 'selective', 'full'],
    read: ({ recompute }) => recompute ?? 'none',
    write: (config, value) => ({ ...config, recompute: value }),
  },
]

export type Changes = Readonly<Record<string, string>>

/** `tensor:4,zeroStage:1` of the address. Fields and numbers that make no sense are left out. */
export function readChanges(text: string | null): Changes {
  const pairs = (text ?? '').split(',').map(pair => pair.split(':'))
  const valid = pairs.filter(([name, value]) => {
    const field = PLAN_FIELDS.find(one => one.name === name)
    if (field === undefined || value === undefined) return false
    return field.options?.includes(value) ?? (/^\d{1,9}$/.test(value) && (name === 'zeroStage' || Number(value) > 0))
  })
  return Object.fromEntries(valid) as Record<string, string>
}

export function writeChanges(changes: Changes): string | undefined {
  const text = Object.entries(changes)
    .map(([name, value]) => `${name}:${value}`)
    .join(',')
  return text === '' ? undefined : text
}

export function changed(config: PredictInput, changes: Changes): PredictInput {
  return PLAN_FIELDS.reduce((now, field) => {
    const value = changes[field.name]
    return value === undefined ? now : field.write(now, value)
  }, config)
}

/** Undefined where the arithmetic cannot say anything of it. */
export function tryPredict(config: PredictInput): Prediction | undefined {
  try {
    return predict(config)
  } catch {
    return undefined
  }
}

/** A plan that a search found, as changes of the run's own. */
export function changesOf(config: PredictInput, { plan }: FoundPlan): Changes {
  const wanted: Record<string, string | undefined> = {
    tensor: textOf(plan.tensor),
    pipeline: textOf(plan.pipeline),
    context: textOf(plan.context),
    virtualStages: textOf(plan.virtualStages),
    zeroStage: textOf(plan.zeroStage),
    micro: textOf(plan.microBatch),
    recompute: plan.recompute,
  }
  const different = PLAN_FIELDS.flatMap(field => {
    const value = wanted[field.name]
    return value === undefined || value === field.read(config) ? [] : [[field.name, value] as const]
  })
  return Object.fromEntries(different)
}
