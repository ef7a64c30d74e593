/** Encoder-decoders and vision towers. */
import { describe, expect, it } from 'vitest'
import { fromHuggingFace } from '../../math/hugging-face'
import type { PredictInput } from '../../math/input'
import { servingMemory } from '../../math/inference'
import { predict } from '../../math/predict'
import { findPreset } from '../../math/presets'
import { shapeOf } from './math-shapes'

const model = (name: string) => ({ ...findPreset(name)?.model })

describe('parameters', () => {
  it('of the configurations of Hugging Face: T5, Flan-T5, BART, Whisper, LLaVA', () => {
    const t5 = {
      model_type: 't5',
      is_encoder_decoder: true,
      d_model: 768,
      d_kv: 64,
      d_ff: 3072,
      num_layers: 12,
      num_decoder_layers: 12,
      num_heads: 12,
      vocab_size: 32128,
      n_positions: 512,
      feed_forward_proj: 'relu',
    }
    const flan = { ...t5, d_ff: 2048, feed_forward_proj: 'gated-gelu', tie_word_embeddings: false }
    const bart = {
      model_type: 'bart',
      is_encoder_decoder: true,
      d_model: 1024,
      encoder_layers: 12,
      decoder_layers: 12,
      encoder_attention_heads: 16,
      decoder_attention_heads: 16,
      encoder_ffn_dim: 4096,
      decoder_ffn_dim: 4096,
      vocab_size: 50265,
      max_position_embeddings: 1024,
    }
    const whisper = {
      model_type: 'whisper',
      is_encoder_decoder: true,
      d_model: 1280,
      encoder_layers: 32,
      decoder_layers: 32,
      encoder_attention_heads: 20,
      decoder_attention_heads: 20,
      encoder_ffn_dim: 5120,
      decoder_ffn_dim: 5120,
      vocab_size: 51865,
      max_source_positions: 1500,
      max_target_positions: 448,
    }
    const llava = {
      model_type: 'llava',
      text_config: {
        model_type: 'llama',
        hidden_size: 4096,
        num_hidden_layers: 32,
        num_attention_heads: 32,
        intermediate_size: 11008,
        vocab_size: 32064,
        max_position_embeddings: 4096,
      },
      vision_config: {
        model_type: 'clip_vision_model',
        hidden_size: 1024,
        intermediate_size: 4096,
        num_hidden_layers: 24,
        num_attention_heads: 16,
        image_size: 336,
        patch_size: 14,
      },
    }
    const counts = [t5, flan, bart, whisper, llava].map(
      config => predict({ model: fromHuggingFace(config) }).parameters ?? NaN,
    )
    const published = [222_903_552, 247_577_856, 406_291_456, 1_543_304_960, 7_063_427_072]
    counts.forEach((count, index) => {
      // Whisper's two convolutions, BART's extra positions and norms; of LLaVA's projector one matrix of two.
      expect(count / (published[index] ?? NaN)).toBeGreaterThan(0.995)
      expect(count / (published[index] ?? NaN)).toBeLessThan(1.002)
    })
  })
})

describe('FLOPs', () => {
  it('count the encoder’s weights on the encoder’s tokens', () => {
    const equal = predict({ model: model('t5-3b') }).flops.perToken ?? NaN
    const short = { ...model('t5-3b'), encoder: { ...model('t5-3b').encoder, sequenceLength: 1 } }
    const perToken = predict({ model: short }).flops.perToken ?? NaN
    // Encoder and decoder of as many tokens: every parameter works once a token, as in a model without an encoder.
    const P = predict({ model: model('t5-3b') }).parameters ?? NaN
    expect(equal / (6 * P)).toBeGreaterThan(1)
    expect(equal / (6 * P)).toBeLessThan(1.2)
    // With a single token to read, the encoder and the keys and values of cross-attention cost next to nothing.
    expect(perToken / equal).toBeCloseTo(0.5, 1)
  })

  it('of a vision tower grow with its patches', () => {
    const at = (sequenceLength: number) =>
      predict({ model: { ...model('llava-1.5-7b'), encoder: { ...model('llava-1.5-7b').encoder, sequenceLength } } })
        .flops.perToken ?? NaN
    expect(at(2305)).toBeGreaterThan(at(577))
  })
})

describe('memory', () => {
  const job: PredictInput = {
    model: model('t5-11b'),
    precision: 'bf16',
    optimizer: 'adamw',
    recompute: 'none',
    flashAttention: true,
    parallelism: { tensor: 8 },
    batch: { micro: 4, global: 64 },
    hardware: { gpu: 'a100-sxm-80gb', count: 64 },
  }

  it('holds the layers of both stacks', () => {
    const both = predict(job).memory.activationsBytes ?? NaN
    const longer = { ...job.model, encoder: { ...job.model?.encoder, sequenceLength: 2048 } }
    expect(predict({ ...job, model: longer }).memory.activationsBytes).toBeGreaterThan(both)
    const shallow = { ...job.model, encoder: { ...job.model?.encoder, layers: 12 } }
    expect(predict({ ...job, model: shallow }).memory.activationsBytes).toBeLessThan(both)
  })

  it('of a pipeline has the encoder on the first stage', () => {
    const { stages = [] } = predict({ ...job, parallelism: { tensor: 8, pipeline: 4 } }).memory
    const [first = NaN, second = NaN] = stages.map(one => one.deviceParameters)
    expect(first).toBeGreaterThan(2 * second)
    const sum = stages.reduce((all, one) => all + one.deviceParameters * 8, 0)
    // Tied embeddings are held twice: on the first stage and on the last.
    expect(sum - 32128 * 1024).toBeCloseTo(predict(job).parameters ?? NaN, -1)
  })

  it('of serving keeps keys and values of the encoder’s output', () => {
    const serving = { weights: 'bf16', cache: 'bf16', batch: 1, tokens: 512, tensor: 1 } as const
    const { cacheBytes } = servingMemory(shapeOf('t5-11b'), serving)
    expect(cacheBytes.value).toBe(24 * 2 * 128 * 128 * (512 + 512) * 2)
  })
})

it('a plan that cuts the heads of an encoder unevenly is refused', async () => {
  const { planProblems } = await import('../../math/check-plan')
  const [problem] = planProblems({ model: { encoder: { attentionHeads: 12 } }, parallelism: { tensor: 8 } })
  expect(problem?.message).toContain('model.encoder.attentionHeads 12 cannot be divided by 8')
})
