/** A model as the `config.json` of Hugging Face's transformers describes it. */
import type { EncoderInput, ModelInput } from './input'

type Json = Readonly<Record<string, unknown>>

/** Families whose FFN is a gated one, with rotary positions and no biases; what others have is said one by one. */
const GATED =
  /^(llama|mistral|mixtral|qwen|gemma|deepseek|phi3|cohere|olmo|smollm|granite|internlm|yi|kimi|glm|gpt_oss|minimax)/
const LEARNED_POSITIONS = /^(gpt2|opt|gpt_neo$|gpt_bigcode|bert|roberta|xglm)/
const NO_BIASES = /^(mpt|falcon)/

/** The same dimension under the names that configurations give it, the commonest first. */
const NAMES = {
  layers: ['num_hidden_layers', 'n_layer', 'n_layers', 'num_layers'],
  hiddenSize: ['hidden_size', 'n_embd', 'd_model'],
  attentionHeads: ['num_attention_heads', 'n_head', 'n_heads', 'num_heads'],
  keyValueHeads: ['num_key_value_heads', 'num_kv_heads', 'multi_query_group_num'],
  headSize: ['head_dim', 'qk_nope_head_dim'],
  ffnHiddenSize: ['intermediate_size', 'n_inner', 'ffn_dim', 'ffn_hidden_size', 'd_ff'],
  vocabularySize: ['vocab_size', 'padded_vocab_size'],
  sequenceLength: ['max_position_embeddings', 'n_positions', 'max_seq_len', 'seq_length', 'n_ctx'],
  slidingWindow: ['sliding_window'],
  experts: ['num_local_experts', 'num_experts', 'n_routed_experts', 'moe_num_experts'],
  activeExperts: ['num_experts_per_tok', 'num_experts_per_token', 'moe_topk', 'moe_top_k'],
  expertFfnHiddenSize: ['moe_intermediate_size'],
  denseLayers: ['first_k_dense_replace'],
  keyValueRank: ['kv_lora_rank'],
  queryRank: ['q_lora_rank'],
  ropeHeadSize: ['qk_rope_head_dim'],
  valueHeadSize: ['v_head_dim'],
} as const satisfies Partial<Record<keyof ModelInput, readonly string[]>>

const isNumber = (value: unknown): value is number => typeof value === 'number' && Number.isFinite(value) && value > 0
const isFlag = (value: unknown): value is boolean => typeof value === 'boolean'

/** Whether this is such a configuration: it names its type, or its architectures. */
export function isHuggingFaceConfig(value: Json): boolean {
  return typeof value['model_type'] === 'string' || Array.isArray(value['architectures'])
}

/** Text models with a vision tower beside them keep their own configuration apart. */
function textOf(config: Json): Json {
  const { text_config: text } = config
  return typeof text === 'object' && text !== null && !Array.isArray(text) ? { ...config, ...text } : config
}

function nameOf(config: Json): ModelInput {
  const { _name_or_path: name } = config
  return typeof name === 'string' && name !== '' ? { name } : {}
}

function dimensionsOf(config: Json): ModelInput {
  const found = Object.entries(NAMES).flatMap(([field, names]) => {
    const name = names.find(one => isNumber(config[one]))
    return name === undefined ? [] : [[field, config[name]]]
  })
  return Object.fromEntries(found) as ModelInput
}

function sharedWidth(config: Json): number | undefined {
  const width = config['shared_expert_intermediate_size']
  if (isNumber(width)) return width
  const count = config['n_shared_experts']
  const each = config['moe_intermediate_size']
  return isNumber(count) && isNumber(each) ? count * each : undefined
}

/** Sliding windows may be switched off, or be of some layers only: then the whole sequence is counted. */
function windowOf(config: Json, dimensions: ModelInput): number | undefined {
  const partial = config['use_sliding_window'] === false || config['layer_types'] !== undefined
  return partial || config['sliding_window_pattern'] !== undefined ? undefined : dimensions.slidingWindow
}

const DROPOUTS = /^(?:.{0,40}_)?(?:dropout|pdrop|dropout_prob|dropout_rate)$/
/** Undefined where the file names none: then it is as usual for its kind. */
function dropoutOf(config: Json): boolean | undefined {
  const named = Object.keys(config).filter(name => DROPOUTS.test(name) && isNumber(config[name]))
  return named.length === 0 ? undefined : named.some(name => config[name] !== 0)
}

const numberAt = (config: Json, ...names: readonly string[]) => names.map(name => config[name]).find(isNumber)

/** Names of the parts of an encoder-decoder and of a vision tower differ from those of a decoder. */
function stackOf(config: Json, part: 'encoder' | 'decoder'): Json {
  const { [`${part}_layers`]: layers, [`${part}_attention_heads`]: heads, [`${part}_ffn_dim`]: ffn } = config
  return {
    ...config,
    ...(isNumber(layers) && { num_hidden_layers: layers }),
    ...(isNumber(heads) && { num_attention_heads: heads }),
    ...(isNumber(ffn) && { intermediate_size: ffn }),
    ...(part === 'decoder' &&
      isNumber(config['num_decoder_layers']) && { num_hidden_layers: config['num_decoder_layers'] }),
    ...(part === 'encoder' && isNumber(config['num_layers']) && { num_hidden_layers: config['num_layers'] }),
  }
}

/** T5's kind has neither biases nor a table of positions, BART's and Whisper's have both. */
const isT5 = (type: string) => /^(t5|mt5|umt5|byt5|longt5|switch_transformers)/.test(type)

function encoderDecoder(config: Json, type: string): ModelInput {
  const own = isT5(type)
  const gatedFfn = own && String(config['feed_forward_proj'] ?? '').startsWith('gated')
  const { layers, hiddenSize, attentionHeads, ffnHiddenSize } = dimensionsOf(stackOf(config, 'encoder'))
  const decoder = dimensionsOf(stackOf(config, 'decoder'))
  const headSize = numberAt(config, 'd_kv')
  const sequenceLength = decoder.sequenceLength ?? numberAt(config, 'max_target_positions')
  const tied = config['tie_word_embeddings']
  return {
    ...decoder,
    gatedFfn,
    headSize,
    sequenceLength,
    biases: !own,
    learnedPositions: !own,
    tiedEmbeddings: isFlag(tied) ? tied : true,
    encoder: {
      layers,
      hiddenSize,
      attentionHeads,
      ffnHiddenSize,
      headSize,
      crossAttention: true,
      learnedPositions: !own,
      sequenceLength: numberAt(config, 'max_source_positions') ?? sequenceLength,
    },
  }
}

/** A vision tower; undefined where the configuration has none. Its image may have any size: then its tokens are not known. */
function visionTower(config: Json): EncoderInput | undefined {
  const { vision_config: vision } = config
  if (typeof vision !== 'object' || vision === null || Array.isArray(vision)) return undefined
  const tower = vision as Json
  const patchSize = numberAt(tower, 'patch_size', 'spatial_patch_size')
  const hiddenSize = numberAt(tower, 'embed_dim', 'hidden_size')
  const ratio = numberAt(tower, 'mlp_ratio')
  const image = numberAt(tower, 'image_size')
  return {
    layers: numberAt(tower, 'num_hidden_layers', 'depth'),
    hiddenSize,
    patchSize,
    crossAttention: false,
    gatedFfn: tower['hidden_act'] === 'silu',
    biases: true,
    attentionHeads: numberAt(tower, 'num_attention_heads', 'num_heads'),
    ffnHiddenSize:
      numberAt(tower, 'intermediate_size') ?? (hiddenSize && ratio ? Math.round(hiddenSize * ratio) : undefined),
    sequenceLength: image && patchSize ? Math.floor(image / patchSize) ** 2 + 1 : undefined,
  }
}

/** Fields that the configuration does not have are absent; nothing is checked beyond its types. */
export function fromHuggingFace(given: Json): ModelInput {
  const config = textOf(given)
  const type = typeof config['model_type'] === 'string' ? config['model_type'].toLowerCase() : ''
  if (config['is_encoder_decoder'] === true || isT5(type)) return { ...nameOf(config), ...encoderDecoder(config, type) }
  const gatedFfn = GATED.test(type)
  const dimensions = dimensionsOf(config)
  const tied = config['tie_word_embeddings']
  const shared = sharedWidth(config)
  const known = type !== ''
  const tower = visionTower(given)
  // transformers ties embeddings unless told otherwise, but Llama and its kin say so in their own classes.
  const tiedEmbeddings = isFlag(tied)
    ? tied
    : known
      ? !gatedFfn && !/^(gpt_neox|gptj|mpt|falcon)/.test(type)
      : undefined
  return {
    ...dimensions,
    ...nameOf(config),
    ...(tower !== undefined && { encoder: tower }),
    ...(config['multi_query'] === true && { keyValueHeads: 1 }),
    ...(shared !== undefined && { sharedFfnHiddenSize: shared }),
    ...(type.startsWith('rwkv') && { linearAttention: true }),
    tiedEmbeddings,
    dropout: dropoutOf(config),
    slidingWindow: windowOf(config, dimensions),
    ...(known && {
      gatedFfn,
      learnedPositions: LEARNED_POSITIONS.test(type),
      biases: !gatedFfn && !NO_BIASES.test(type),
    }),
  }
}
