/** The settings that a script gave its tracker, as a `config` record: by the last part of each name, whichever framework's it is. */
import type { RecordOf } from '../../wire/records'
import { isOn, numbersBy, optimizerOf, precisionOf, type Settings } from '../logs/settings'

const MODEL = {
  num_hidden_layers: 'layers',
  n_layer: 'layers',
  n_layers: 'layers',
  num_layers: 'layers',
  hidden_size: 'hiddenSize',
  n_embd: 'hiddenSize',
  d_model: 'hiddenSize',
  num_attention_heads: 'attentionHeads',
  n_head: 'attentionHeads',
  n_heads: 'attentionHeads',
  num_heads: 'attentionHeads',
  num_key_value_heads: 'keyValueHeads',
  num_query_groups: 'keyValueHeads',
  n_kv_heads: 'keyValueHeads',
  intermediate_size: 'ffnHiddenSize',
  ffn_hidden_size: 'ffnHiddenSize',
  padded_vocab_size: 'vocabularySize',
  vocab_size: 'vocabularySize',
  seq_length: 'sequenceLength',
  seq_len: 'sequenceLength',
  max_seq_length: 'sequenceLength',
  max_seq_len: 'sequenceLength',
  sequence_length: 'sequenceLength',
  block_size: 'sequenceLength',
  num_local_experts: 'experts',
  num_experts: 'experts',
  num_experts_per_tok: 'activeExperts',
  moe_router_topk: 'activeExperts',
}
const PARALLELISM = {
  world_size: 'worldSize',
  tensor_model_parallel_size: 'tensor',
  tensor_parallel_size: 'tensor',
  tensor_parallel_degree: 'tensor',
  pipeline_model_parallel_size: 'pipeline',
  pipeline_parallel_size: 'pipeline',
  pipeline_parallel_degree: 'pipeline',
  data_parallel_size: 'data',
  context_parallel_size: 'context',
  context_parallel_degree: 'context',
  expert_model_parallel_size: 'expert',
  zero_stage: 'zeroStage',
}
const BATCH = {
  micro_batch_size: 'micro',
  per_device_train_batch_size: 'micro',
  train_micro_batch_size_per_gpu: 'micro',
  device_train_microbatch_size: 'micro',
  local_batch_size: 'micro',
  global_batch_size: 'global',
  global_train_batch_size: 'global',
}
/** Of what may be whole texts and lists the beginning tells. */
const MOST_VALUE = 200

function withoutGroups(settings: Settings): Map<string, string> {
  const bare = new Map<string, string>()
  // What stands at the top is the script's own; in groups, model and trainer may both have a name.
  const byDepth = [...settings].sort(([a], [b]) => a.split('/').length - b.split('/').length)
  for (const [name, value] of byDepth) {
    const last = name.split('/').at(-1) ?? name
    if (!bare.has(last)) bare.set(last, value.slice(0, MOST_VALUE))
  }
  return bare
}

function precision(settings: Settings): string | undefined {
  for (const name of ['precision', 'dtype', 'torch_dtype', 'params_dtype', 'mixed_precision', 'amp']) {
    const known = precisionOf(settings.get(name))
    if (known !== undefined) return known
  }
  return ['fp8', 'bf16', 'fp16'].find(name => isOn(settings.get(name)) === true)
}

function recompute(settings: Settings): string | undefined {
  const granularity = settings.get('recompute_granularity')
  if (granularity === 'full' || granularity === 'selective') return granularity
  const on = isOn(settings.get('gradient_checkpointing') ?? settings.get('activation_checkpointing'))
  return on === undefined ? undefined : on ? 'full' : 'none'
}

/** What they say of model, parallelism and batch; undefined where nothing of it is known. `settings`: nested ones by the path to them. */
export function configOfSettings(framework: string | undefined, settings: Settings): RecordOf<'config'> | undefined {
  const bare = withoutGroups(settings)
  const model = numbersBy(bare, MODEL)
  const parallelism = numbersBy(bare, PARALLELISM)
  const batch = numbersBy(bare, BATCH)
  const name = bare.get('model_name_or_path') ?? bare.get('model_name') ?? bare.get('_name_or_path')
  if ([model, parallelism, batch].every(part => Object.keys(part).length === 0)) return undefined
  return {
    kind: 'config',
    framework,
    model: name === undefined ? model : { ...model, name: name.replace(/\/+$/, '').split('/').at(-1) },
    parallelism,
    batch,
    precision: precision(bare),
    optimizer: optimizerOf(bare.get('optimizer') ?? bare.get('optim') ?? bare.get('optimizer_name')),
    recompute: recompute(bare),
  }
}
