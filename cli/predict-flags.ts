/** Flags of `plumbline predict`: each sets one field of the config and wins over the file. */
import type { Command } from 'commander'
import { PlumblineError } from '../base/errors'
import { conventions } from '../math/conventions/index'
import type { PredictInput } from '../math/predict'
import { optimizerNames } from '../math/states'

type Group = 'model' | 'parallelism' | 'batch' | 'hardware' | 'budget' | 'serving' | 'calibration'
interface Flag {
  readonly name: string
  readonly value: '<number>' | '<word>' | ''
  readonly group: Group | undefined
  readonly field: string
  readonly help: string
}

const number = (name: string, group: Group | undefined, field: string, help: string): Flag => ({
  name,
  group,
  field,
  help,
  value: '<number>',
})
const word = (name: string, group: Group | undefined, field: string, help: string): Flag => ({
  name,
  group,
  field,
  help,
  value: '<word>',
})

const flags: readonly Flag[] = [
  word('gpu', 'hardware', 'gpu', 'GPU, by our name or as nvidia-smi prints it'),
  number('count', 'hardware', 'count', 'devices in all'),
  number('peak', 'hardware', 'peakFlopsPerSecond', 'peak of one device in FLOP/s, in place of the table'),
  number('network', 'hardware', 'networkBytesPerSecond', 'bytes per second of one device to other nodes'),
  number('link', 'hardware', 'linkBytesPerSecond', 'bytes per second of one device inside its node'),
  number('micro', 'batch', 'micro', 'sequences of a micro-batch'),
  number('global', 'batch', 'global', 'sequences of a step, over the whole job'),
  number('sequence', 'model', 'sequenceLength', 'tokens of a sequence'),
  number('tensor', 'parallelism', 'tensor', 'tensor parallel degree'),
  number('pipeline', 'parallelism', 'pipeline', 'pipeline stages'),
  number('virtual', 'parallelism', 'virtualStages', 'interleaved stages per device'),
  number('data-parallel', 'parallelism', 'data', 'data parallel degree; what is left of the devices where absent'),
  number('context', 'parallelism', 'context', 'context parallel degree'),
  number('expert', 'parallelism', 'expert', 'expert parallel degree'),
  number('zero', 'parallelism', 'zeroStage', 'ZeRO stage, 0 to 3'),
  number(
    'shard-group',
    'parallelism',
    'shardGroup',
    'devices over which ZeRO or FSDP shards (HSDP); all replicas where absent',
  ),
  word('schedule', 'parallelism', 'schedule', 'of the pipeline: 1f1b or gpipe'),
  word('offload', undefined, 'offload', 'to host memory: optimizer, or parameters as well'),
  {
    name: 'sequence-parallel',
    value: '',
    group: 'parallelism',
    field: 'sequenceParallel',
    help: 'sequence parallelism',
  },
  number('trainable', 'model', 'trainableParameters', 'parameters that are trained, where the rest is frozen'),
  number('achievable', 'calibration', 'achievableRatio', 'share of the peak that compute reaches, 0 to 1'),
  number('activation-factor', 'calibration', 'activationFactor', 'activations held, over those that are predicted'),
  number('tokens', 'budget', 'tokens', 'tokens of the whole training'),
  number('price', 'budget', 'pricePerDeviceHour', 'price of one device for an hour'),
  number('serve', 'serving', 'batch', 'memory of serving so many sequences at a time'),
  number('serve-tokens', 'serving', 'tokens', 'tokens of each, prompt and answer'),
  word('serve-weights', 'serving', 'weights', 'precision of served weights: bf16, fp8, int8, int4 …'),
  word('serve-cache', 'serving', 'cache', 'precision of keys and values'),
  word('precision', undefined, 'precision', 'fp32, tf32, bf16, fp16 or fp8'),
  word('gradient-precision', undefined, 'gradientPrecision', 'precision of gradients'),
  word(
    'frozen-precision',
    undefined,
    'frozenPrecision',
    'precision of weights that are not trained: bf16, int8, int4 …',
  ),
  word('optimizer', undefined, 'optimizer', optimizerNames.join(', ')),
  word('recompute', undefined, 'recompute', 'none, selective, full, or by-size'),
  number(
    'recompute-above',
    undefined,
    'recomputeAboveBytes',
    'recompute activations of more bytes than this on a device',
  ),
  word('framework', undefined, 'framework', 'the framework, for its habits in memory'),
  word('attention', undefined, 'attention', 'count full or causal attention'),
  word('conventions', undefined, 'conventions', `count as ${conventions.names.join(', ')} does`),
  { name: 'flash', value: '', group: undefined, field: 'flashAttention', help: 'attention scores are not kept' },
]

const optionOf = (name: string) => name.replace(/-[a-z]/g, part => part.slice(1).toUpperCase())

/** The flag that sets the field of a path: `--zero` sets `parallelism.zeroStage`. */
export function flagOf(path: string): { readonly name: string; readonly help: string } | undefined {
  const flag = flags.find(({ group, field }) => path === (group === undefined ? field : `${group}.${field}`))
  return flag === undefined ? undefined : { name: `--${flag.name}`, help: flag.help }
}

export function declareFlags(program: Command): void {
  for (const flag of flags) program.option(`--${flag.name}${flag.value === '' ? '' : ` ${flag.value}`}`, flag.help)
}

function valueOf(flag: Flag, given: unknown): unknown {
  if (flag.value !== '<number>') return given
  const value = Number(given)
  if (String(given).trim() !== '' && Number.isFinite(value)) return value
  throw new PlumblineError(`--${flag.name}: ${JSON.stringify(given)} is not a number`, { fix: flag.help, usage: true })
}

/** The config with what the flags say put in; the caller checks the result. */
export function applyFlags(input: PredictInput, options: Readonly<Record<string, unknown>>): PredictInput {
  const result: Record<string, unknown> = { ...input }
  for (const flag of flags) {
    const given = options[optionOf(flag.name)]
    if (given === undefined) continue
    const value = valueOf(flag, given)
    if (flag.group === undefined) result[flag.field] = value
    else result[flag.group] = { ...(result[flag.group] as object | undefined), [flag.field]: value }
  }
  // A log says how many devices there are as its world size: the flag is about that as well.
  if (options['count'] !== undefined && input.parallelism?.worldSize !== undefined)
    result['parallelism'] = { ...(result['parallelism'] as object | undefined), worldSize: Number(options['count']) }
  return result
}
