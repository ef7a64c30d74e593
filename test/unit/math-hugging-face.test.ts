import { describe, expect, it } from 'vitest'
import { fromHuggingFace, isHuggingFaceConfig } from '../../math/hugging-face'
import { predict } from '../../math/predict'

/** Fields of the published config.json files that a count needs. */
const CONFIGS: readonly (readonly [
  name: string,
  config: Record<string, unknown>,
  parameters: number,
  within: number,
])[] = [
  [
    'gpt2',
    { model_type: 'gpt2', n_embd: 768, n_head: 12, n_layer: 12, n_positions: 1024, vocab_size: 50257 },
    ...([124_439_808, 0] as const),
  ],
  [
    'Llama 3 8B',
    {
      model_type: 'llama',
      hidden_size: 4096,
      intermediate_size: 14336,
      num_attention_heads: 32,
      num_hidden_layers: 32,
      num_key_value_heads: 8,
      vocab_size: 128256,
      max_position_embeddings: 8192,
      tie_word_embeddings: false,
    },
    ...([8_030_261_248, 0] as const),
  ],
  [
    'Mistral 7B',
    {
      model_type: 'mistral',
      hidden_size: 4096,
      intermediate_size: 14336,
      num_attention_heads: 32,
      num_hidden_layers: 32,
      num_key_value_heads: 8,
      vocab_size: 32000,
      max_position_embeddings: 32768,
      sliding_window: 4096,
      tie_word_embeddings: false,
    },
    ...([7_241_732_096, 0] as const),
  ],
  [
    'Mixtral 8x7B',
    {
      model_type: 'mixtral',
      hidden_size: 4096,
      intermediate_size: 14336,
      num_attention_heads: 32,
      num_hidden_layers: 32,
      num_key_value_heads: 8,
      vocab_size: 32000,
      max_position_embeddings: 32768,
      num_local_experts: 8,
      num_experts_per_tok: 2,
      tie_word_embeddings: false,
      sliding_window: null,
    },
    ...([46_702_792_704, 0] as const),
  ],
  [
    'Pythia 1.4B',
    {
      model_type: 'gpt_neox',
      hidden_size: 2048,
      intermediate_size: 8192,
      num_attention_heads: 16,
      num_hidden_layers: 24,
      vocab_size: 50304,
      max_position_embeddings: 2048,
      tie_word_embeddings: false,
    },
    ...([1_414_647_808, 0] as const),
  ],
  [
    'DeepSeek-V3',
    {
      model_type: 'deepseek_v3',
      hidden_size: 7168,
      intermediate_size: 18432,
      moe_intermediate_size: 2048,
      num_hidden_layers: 61,
      num_attention_heads: 128,
      num_key_value_heads: 128,
      vocab_size: 129280,
      n_routed_experts: 256,
      n_shared_experts: 1,
      num_experts_per_tok: 8,
      first_k_dense_replace: 3,
      q_lora_rank: 1536,
      kv_lora_rank: 512,
      qk_nope_head_dim: 128,
      qk_rope_head_dim: 64,
      v_head_dim: 128,
      max_position_embeddings: 163840,
      tie_word_embeddings: false,
    },
    ...([671_026_419_200, 1e-7] as const),
  ],
  [
    'Qwen3 30B A3B',
    {
      model_type: 'qwen3_moe',
      hidden_size: 2048,
      intermediate_size: 6144,
      moe_intermediate_size: 768,
      num_hidden_layers: 48,
      num_attention_heads: 32,
      num_key_value_heads: 4,
      head_dim: 128,
      vocab_size: 151936,
      num_experts: 128,
      num_experts_per_tok: 8,
      max_position_embeddings: 40960,
      tie_word_embeddings: false,
    },
    ...([30_532_122_624, 1e-6] as const),
  ],
]

describe('a config.json of Hugging Face', () => {
  it.each(CONFIGS)('of %s gives its published number of parameters', (_, config, parameters, within) => {
    expect(isHuggingFaceConfig(config)).toBe(true)
    const counted = predict({ model: fromHuggingFace(config) }).parameters ?? NaN
    expect(Math.abs(counted / parameters - 1)).toBeLessThanOrEqual(within)
  })

  it('keeps the window of a model that slides one, and not of one that may', () => {
    const base = { model_type: 'mistral', sliding_window: 4096 }
    expect(fromHuggingFace(base).slidingWindow).toBe(4096)
    expect(fromHuggingFace({ ...base, use_sliding_window: false }).slidingWindow).toBeUndefined()
  })

  it('takes the text model out of one that also sees', () => {
    const text = { model_type: 'llama', num_hidden_layers: 32, hidden_size: 4096 }
    expect(fromHuggingFace({ model_type: 'llava', text_config: text })).toMatchObject({ layers: 32, hiddenSize: 4096 })
  })

  it('is not taken at its word where it is nonsense', () => {
    const model = fromHuggingFace({ model_type: 'llama', num_hidden_layers: 'many', hidden_size: -1, vocab_size: NaN })
    expect(model).toMatchObject({ gatedFfn: true })
    for (const field of ['layers', 'hiddenSize', 'vocabularySize']) expect(model).not.toHaveProperty(field)
    expect(isHuggingFaceConfig({ model: { layers: 3 } })).toBe(false)
  })
})
