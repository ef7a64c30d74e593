/** A model's config as transformers logs it: the JSON of `config.json`, under the names of many families. */
import type { RecordOf } from '../../wire/records'

export type HfModel = { [name: string]: number | string | boolean }

const NAMES = {
  layers: ['num_hidden_layers', 'n_layer', 'n_layers', 'num_layers'],
  hiddenSize: ['hidden_size', 'n_embd', 'd_model'],
  attentionHeads: ['num_attention_heads', 'n_head', 'n_heads', 'num_heads'],
  keyValueHeads: ['num_key_value_heads', 'num_kv_heads'],
  ffnHiddenSize: ['intermediate_size', 'n_inner', 'ffn_dim', 'd_ff'],
  vocabularySize: ['vocab_size', 'padded_vocab_size'],
  experts: ['num_local_experts', 'num_experts', 'n_routed_experts'],
  activeExperts: ['num_experts_per_tok', 'moe_topk'],
} as const satisfies Partial<Record<keyof NonNullable<RecordOf<'config'>['model']>, readonly string[]>>

const isTable = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

function parsed(text: string): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(text)
    return isTable(value) ? value : undefined
  } catch {
    return undefined
  }
}

/** What the config says of the model's dimensions; the context that it could take is no sequence length of a job. */
export function modelOf(text: string): HfModel | undefined {
  const whole = parsed(text)
  if (whole === undefined) return undefined
  const config = isTable(whole['text_config']) ? { ...whole, ...whole['text_config'] } : whole
  const model: HfModel = {}
  for (const [field, names] of Object.entries(NAMES)) {
    const name = names.find(one => typeof config[one] === 'number' && Number.isFinite(config[one]))
    if (name !== undefined) model[field] = config[name] as number
  }
  if (model['layers'] === undefined && model['hiddenSize'] === undefined) return undefined
  const { tie_word_embeddings: tied, model_type: type, _name_or_path: path } = config
  if (typeof tied === 'boolean') model['tiedEmbeddings'] = tied
  const name = typeof path === 'string' && path !== '' ? path.replace(/\/+$/, '').split('/').slice(-1)[0] : type
  if (typeof name === 'string' && name.length <= 200) model['name'] = name
  return model
}
