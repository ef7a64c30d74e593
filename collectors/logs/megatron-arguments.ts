/** Megatron's argument dump and the few lines of sizes after it, as a `config` record. */
import type { RecordOf, WireRecord } from '../../wire/records'
import type { MegatronConfig, MegatronState } from './megatron-state'
import { numberOf, scaled } from './values'

const BEGIN = /-{4,40} arguments -{4,40}$/
const END = /-{4,40} end of arguments -{4,40}$/
const isRule = (text: string, rule: RegExp) => text.endsWith('---') && text.length < 400 && rule.test(text)
/** Dots fill up to 48 columns, 32 in the early years; a name that is longer has none. */
const ARGUMENT = /^\s{1,8}(?:([A-Za-z_][\w-]{0,80}) \.{1,60}|([A-Za-z_][\w-]{30,120}) ) ?(.{1,2000})$/
/** GPT-NeoX fills up to 64 columns and says where a value is from. */
const NEOX_ORIGIN = /\.{0,64}(?:default|updated)$/

/** Field of the record by argument name. Later names win, so the old name of a thing stands before its new one. */
const MODEL = {
  num_layers: 'layers',
  hidden_size: 'hiddenSize',
  num_attention_heads: 'attentionHeads',
  num_query_groups: 'keyValueHeads',
  num_key_value_heads: 'keyValueHeads',
  num_kv_heads: 'keyValueHeads',
  intermediate_size: 'ffnHiddenSize',
  ffn_hidden_size: 'ffnHiddenSize',
  vocab_size: 'vocabularySize',
  padded_vocab_size: 'vocabularySize',
  seq_length: 'sequenceLength',
  num_experts: 'experts',
  moe_router_topk: 'activeExperts',
} as const
const PARALLELISM = {
  world_size: 'worldSize',
  global_num_gpus: 'worldSize',
  model_parallel_size: 'tensor',
  tensor_model_parallel_size: 'tensor',
  pipe_parallel_size: 'pipeline',
  pipeline_model_parallel_size: 'pipeline',
  data_parallel_size: 'data',
  context_parallel_size: 'context',
  expert_model_parallel_size: 'expert',
  virtual_pipeline_model_parallel_size: 'virtualStages',
  zero_stage: 'zeroStage',
} as const
const BATCH = {
  batch_size: 'micro',
  micro_batch_size: 'micro',
  train_micro_batch_size_per_gpu: 'micro',
  train_batch_size: 'global',
  global_batch_size: 'global',
} as const
const OTHER = [
  'bf16',
  'fp16',
  'fp8',
  'params_dtype',
  'precision',
  'optimizer',
  'optimizer_type',
  'recompute_granularity',
  'checkpoint_activations',
  'recompute_activations',
  'use_distributed_optimizer',
  'group_query_attention',
  'swiglu',
  'activation',
  'mlp_type',
  'no_weight_tying',
  'sequence_parallel',
  'untie_embeddings_and_output_weights',
]
const WANTED = new Set([...Object.keys(MODEL), ...Object.keys(PARALLELISM), ...Object.keys(BATCH), ...OTHER])

type Dump = Readonly<Record<string, string>>

function pick(dump: Dump, names: Readonly<Record<string, string>>): Record<string, number> {
  const picked: Record<string, number> = {}
  for (const [argument, field] of Object.entries(names)) {
    const value = numberOf(dump[argument])
    if (value !== undefined) picked[field] = value
  }
  return picked
}

const isTrue = (value: string | undefined) => value === 'True'
const given = (value: string | undefined) => value !== undefined && value !== 'None' && value !== 'False'

const NEOX_PRECISION: Readonly<Record<string, string>> = { bfloat16: 'bf16', fp16: 'fp16', fp32: 'fp32' }

function precisionOf(dump: Dump): string | null {
  if (dump['precision'] !== undefined) return NEOX_PRECISION[dump['precision']] ?? null
  if (given(dump['fp8'])) return 'fp8'
  if (isTrue(dump['bf16']) || dump['params_dtype'] === 'torch.bfloat16') return 'bf16'
  if (isTrue(dump['fp16']) || dump['params_dtype'] === 'torch.float16') return 'fp16'
  return dump['params_dtype'] === 'torch.float32' || dump['bf16'] === 'False' ? 'fp32' : null
}

function recomputeOf(dump: Dump): string | null {
  const granularity = dump['recompute_granularity']
  if (granularity !== undefined && granularity !== 'None') return granularity
  if (isTrue(dump['checkpoint_activations'])) return 'full'
  if (isTrue(dump['recompute_activations'])) return 'selective'
  return granularity === undefined && dump['checkpoint_activations'] === undefined ? null : 'none'
}

/** What only GPT-NeoX's dump says, or says in its own way. */
function takeNeox(dump: Dump, { model, parallelism }: MegatronConfig): void {
  // One expert is a dense model, no stage is one stage.
  if (model['experts'] === 1) delete model['experts']
  if (parallelism['pipeline'] === 0) parallelism['pipeline'] = 1
  if (dump['no_weight_tying'] !== undefined) model['tiedEmbeddings'] = !isTrue(dump['no_weight_tying'])
  const activation = dump['activation']
  if (activation !== undefined) model['gatedFfn'] = activation.endsWith('glu') || dump['mlp_type'] === 'llama'
}

function configOf(dump: Dump, isNeox: boolean): MegatronConfig {
  const model: MegatronConfig['model'] = pick(dump, MODEL)
  // num_query_groups has a default that only counts with grouped queries.
  if (dump['group_query_attention'] === 'False') delete model['keyValueHeads']
  if (dump['swiglu'] !== undefined) model['gatedFfn'] = isTrue(dump['swiglu'])
  const untied = dump['untie_embeddings_and_output_weights']
  if (untied !== undefined) model['tiedEmbeddings'] = !isTrue(untied)
  const parallelism: MegatronConfig['parallelism'] = pick(dump, PARALLELISM)
  if (isTrue(dump['use_distributed_optimizer'])) parallelism['zeroStage'] = 1
  if (dump['sequence_parallel'] !== undefined) parallelism['sequenceParallel'] = isTrue(dump['sequence_parallel'])
  const optimizer = isNeox ? dump['optimizer_type']?.toLowerCase() : dump['optimizer']
  const config: MegatronConfig = {
    framework: isNeox ? 'gpt-neox' : 'megatron',
    model,
    parallelism,
    batch: pick(dump, BATCH),
    precision: precisionOf(dump),
    optimizer: given(optimizer) ? (optimizer ?? null) : null,
    recompute: recomputeOf(dump),
  }
  if (isNeox) takeNeox(dump, config)
  return config
}

function recordOf(config: MegatronConfig): RecordOf<'config'> {
  return {
    kind: 'config',
    framework: config.framework,
    model: { ...config.model },
    parallelism: { ...config.parallelism },
    batch: { ...config.batch },
    precision: config.precision ?? undefined,
    optimizer: config.optimizer ?? undefined,
    recompute: config.recompute ?? undefined,
  }
}

export function readArgumentLine(text: string, state: MegatronState): WireRecord[] | undefined {
  if (isRule(text, BEGIN)) {
    state.dump = {}
    state.neox = false
    return []
  }
  if (state.dump === null) return undefined
  if (isRule(text, END)) {
    state.config = configOf(state.dump, state.neox)
    state.sequenceLength = numberOf(state.dump['seq_length']) ?? state.sequenceLength
    state.dump = null
    return [recordOf(state.config)]
  }
  const match = ARGUMENT.exec(text)
  if (match === null) return undefined
  const name = (match[1] ?? match[2] ?? '').replaceAll('-', '_')
  const value = (match[3] ?? '').trim()
  const origin = NEOX_ORIGIN.exec(value)
  state.neox ||= origin !== null && name === 'pipe_parallel_size'
  if (WANTED.has(name)) state.dump[name] = value.slice(0, origin?.index)
  return []
}

/** The first characters of the lines below. */
const SIZES = /^\s{0,8}[>uT]/
const PADDED_VOCABULARY = /^\s*> padded vocab \(size: \d{1,12}\) with \d{1,12} dummy tokens \(new size: (\d{1,12})\)/
const PARAMETERS = /^\s*(?:> total params: ([\d,]{1,24})|Total number of parameters in billions: {1,4}([\d.]{1,16}))$/
const WORLD = /^\s*using world size: (\d{1,8})(?:,| and) (.{1,400})$/
const DEGREES = [
  [/data-parallel[- ]size: (\d{1,8})/, 'data'],
  [/(?:^|tensor-)model-parallel[- ]size: (\d{1,8})/, 'tensor'],
  [/pipeline-model-parallel[- ]size: (\d{1,8})/, 'pipeline'],
  [/context-parallel[- ]size: (\d{1,8})/, 'context'],
  [/expert-model-parallel[- ]size: (\d{1,8})/, 'expert'],
] as const

const emptyConfig = (): MegatronConfig => ({
  framework: 'megatron',
  model: {},
  parallelism: {},
  batch: {},
  precision: null,
  optimizer: null,
  recompute: null,
})

function takeWorld(match: RegExpExecArray, parallelism: MegatronConfig['parallelism']): void {
  parallelism['worldSize'] = Number(match[1])
  for (const [pattern, field] of DEGREES) {
    const degree = pattern.exec(match[2] ?? '')
    if (degree !== null) parallelism[field] = Number(degree[1])
  }
}

/** `using world size: …` stands before the dump, padded vocabulary and parameters after it: each completes the record. */
export function readSizes(text: string, state: MegatronState): WireRecord[] | undefined {
  if (!SIZES.test(text)) return undefined
  const config = state.config ?? emptyConfig()
  const padded = PADDED_VOCABULARY.exec(text)
  const world = WORLD.exec(text)
  const parameters = PARAMETERS.exec(text)
  const count = numberOf(parameters?.[1]) ?? scaled(numberOf(parameters?.[2]), 1e9)
  if (padded !== null) config.model['vocabularySize'] = Number(padded[1])
  else if (world !== null) takeWorld(world, config.parallelism)
  else if (count !== undefined) config.model['parameters'] = count
  else return undefined
  state.config = config
  return [recordOf(config)]
}
