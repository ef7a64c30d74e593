/** Names that training scripts have in common for the figures of a step, whoever wrote them. */
import type { RecordOf } from '../../wire/records'
import { tidy } from './values'
import { GIBIBYTE, stepFigures, type Figures, type Meaning } from './figures'

/** `train/Loss (avg)` and `train_loss_avg` are the same name. */
export const plainName = (name: string) =>
  name
    .trim()
    .toLowerCase()
    // A fraction, where other slashes part a group from its member.
    .replace(/\b(time|ms|s|sec|seconds)\/(step|iter|iteration|batch)\b/, '$1_per_$2')
    .replaceAll(/[^a-z0-9]+/g, '_')
    .replaceAll(/^_|_$/g, '')

const MEMORY = '(?:gpu_)?(?:mem|memory|vram)'
const UNIT = /_(gib|gb|mib|mb|kib|kb|bytes|b|g|m)$/
/** What scripts call GB is mostly 1024³: torch's counters divided so. */
const BYTES: Readonly<Record<string, number>> = {
  gib: GIBIBYTE,
  gb: GIBIBYTE,
  g: GIBIBYTE,
  mib: 1024 ** 2,
  mb: 1024 ** 2,
  m: 1024 ** 2,
  kib: 1024,
  kb: 1024,
  bytes: 1,
  b: 1,
}
/** Plain names, in the order in which they are believed. The last word may be a unit. */
const NAMES: readonly {
  readonly pattern: RegExp
  readonly field: Exclude<Meaning, readonly unknown[]>
  readonly unit?: number
}[] = [
  {
    pattern:
      /^(?:train(?:er|ing)?_)?(?:global_)?(?:steps?|iters?|iteration|update|updates|num_updates|optimizer_step|step_i)$/,
    field: 'step',
  },
  { pattern: /^(?:max|total|num|train)_(?:train_)?(?:steps|iters|iterations|updates)$/, field: 'totalSteps' },
  {
    pattern:
      /^(?:train(?:ing)?_|losses_)?(?:lm_|ce_|xent_|nll_|total_|tot_|cross_entropy_|crossentropy|mean_|avg_|running_|global_avg_|step_|gpt_|current_|curr?_|act(?:or)?_|policy_|pg_)?loss(?:_mean|_avg|_step|_train|_train_total)?$/,
    field: 'loss',
  },
  {
    pattern: /^(?:train_|global_|total_|optim_)?(?:grad(?:ient)?_?norm|gnorm|norm)(?:_total)?$/,
    field: 'gradientNorm',
  },
  { pattern: /^(?:train_|optim_)?(?:learning_rate|lr)(?:_group_?0|_0)?$/, field: 'learningRate' },
  {
    pattern:
      /^(?:train_|perf_)?(?:(?:per_)?step_?time|time_per_(?:step|iter|iteration|batch)|iter(?:ation)?_time|batch_time|step_duration|end_to_end_s|dt|s_it|sec_per_step|seconds_per_step|s_per_step|step_seconds|step_time_s(?:ec(?:onds)?)?|iter_time_s|time_s_it)$/,
    field: 'stepSeconds',
  },
  {
    pattern:
      /^(?:train_|perf_)?(?:step_?time|time_per_(?:step|iter|iteration|batch)|iter(?:ation)?_time|batch_time|dt|elapsed_time_per_iteration)_ms$|^ms_per_(?:step|iter|iteration|batch)$/,
    field: 'stepSeconds',
    unit: 1e-3,
  },
  {
    pattern:
      /^(?:train_|perf_|throughput_)?(?:tok(?:en)?s?_per_s(?:ec(?:ond)?)?_(?:per_)?(?:gpu|device|chip)|tgs|tok(?:en)?s?_(?:s|sec)_(?:gpu|device|chip)|tok(?:en)?s?_(?:gpu|device|chip)_(?:s|sec|second)|tps_per_gpu|device_tokens_per_sec(?:ond)?)$/,
    field: 'tokensPerSecondPerGpu',
  },
  {
    pattern:
      /^(?:train_|perf_|throughput_)?(?:tok(?:en)?s?_per_s(?:ec(?:ond)?)?|tok(?:en)?s?_(?:s|sec|second)|tps|wps|throughput_tokens)$/,
    field: 'tokensPerSecond',
  },
  {
    pattern:
      /^(?:train_|perf_|throughput_)?(?:(?:samples|sequences|seqs|examples|images|imgs?)_(?:per_)?(?:s|sec|second))$/,
    field: 'samplesPerSecond',
  },
  {
    pattern: /^(?:train_|perf_)?(?:model_)?tflop_?s?(?:_s)?(?:_per_(?:gpu|device))?(?:_(?:gpu|device))?$/,
    field: 'flopsPerSecondPerGpu',
    unit: 1e12,
  },
  { pattern: /^(?:train_|perf_|throughput_)?(?:\w{1,8}_)?mfu$/, field: 'mfu' },
  {
    pattern: new RegExp(
      `^(?:perf_)?(?:(?:peak|max)_${MEMORY}(?:_allocated|_alloc|_used|_usage|_active)?|${MEMORY}_(?:peak|max)(?:_allocated|_active|_mem_allocated)?)$`,
    ),
    field: 'memoryPeakBytes',
    unit: NaN,
  },
  {
    pattern: new RegExp(
      `^(?:perf_)?(?:max_)?${MEMORY}_reserved$|^reserved_${MEMORY}$|^${MEMORY}_(?:max|device)_(?:mem_)?reserved$`,
    ),
    field: 'memoryReservedBytes',
    unit: NaN,
  },
  {
    pattern: new RegExp(`^(?:perf_)?${MEMORY}(?:_allocated|_alloc|_used|_usage)?$|^allocated(?:_${MEMORY})?$`),
    field: 'memoryAllocatedBytes',
    unit: NaN,
  },
]
const MOST_NAMES = 500
const known = new Map<string, Meaning | null>()

/** Where `unit` is NaN the factor is what the name ends in; without one only a printed unit tells. */
function unitMeaning(name: string, field: Exclude<Meaning, readonly unknown[]>): Meaning {
  return [field, BYTES[UNIT.exec(name)?.[1] ?? ''] ?? NaN]
}

function lookUp(name: string): Meaning | null {
  const bare = name.replace(UNIT, '')
  for (const { pattern, field, unit } of NAMES) {
    if (unit !== undefined && Number.isNaN(unit)) {
      if (pattern.test(bare)) return unitMeaning(name, field)
    } else if (pattern.test(name)) return unit === undefined ? field : [field, unit]
  }
  return null
}

/** What a name means; undefined where it is nobody's, or that of what is held out. */
export function meaningOf(name: string): Meaning | undefined {
  let meaning = known.get(name)
  if (meaning === undefined) {
    meaning = isHeldOut(name) ? null : lookUp(plainName(name))
    // Logs have few names; a hostile one must not fill the memory.
    if (known.size < MOST_NAMES) known.set(name, meaning)
  }
  return meaning ?? undefined
}

const fieldOf = (meaning: Meaning | undefined) => (typeof meaning === 'string' ? meaning : meaning?.[0])
const HELD_OUT = /^(?:val|valid|validation|eval|evaluation|test|dev)(?:[_/ .-]|$)/i
export const isHeldOut = (name: string) => HELD_OUT.test(name)

export interface CommonStep {
  readonly fields: Partial<RecordOf<'step'>>
  /** The loss as printed. */
  readonly loss: string | undefined
}

/** A share of the peak above 1 is one in per cent: nobody trains at more than the peak. */
function inShares(fields: Partial<RecordOf<'step'>>): Partial<RecordOf<'step'>> {
  return fields.mfu !== undefined && fields.mfu > 1 ? { ...fields, mfu: tidy(fields.mfu / 100) } : fields
}

/** What figures of such names say of a step; undefined where they are not those of one: without a step, or with nothing to say of it. */
export function commonStep(figures: Figures): CommonStep | undefined {
  const meant: [string, Meaning][] = []
  for (const name of figures.keys()) {
    const meaning = meaningOf(name)
    if (meaning !== undefined) meant.push([name, meaning])
  }
  // Of two names for one thing the shorter is the whole: `loss` before `ce_loss`.
  meant.sort(([a], [b]) => a.length - b.length)
  const fields = inShares(stepFigures(figures, meant))
  const lossName = meant.find(([, meaning]) => fieldOf(meaning) === 'loss')?.[0]
  const loss = lossName === undefined ? undefined : figures.get(lossName)
  const { step, loss: value, stepSeconds, tokensPerSecond, tokensPerSecondPerGpu, samplesPerSecond, mfu } = fields
  const says = [value, stepSeconds, tokensPerSecond, tokensPerSecondPerGpu, samplesPerSecond, mfu].some(
    one => one !== undefined,
  )
  return step === undefined || !(says || loss !== undefined) ? undefined : { fields, loss }
}
