/** Calculators that count 6 FLOPs for each weight they hold to be used, and attention on top: which weights, how much. */
import type { ModelShape } from '../dimensions'
import type { Derived } from '../explain'
import { attentionFlopsPerToken, matmulParameters } from '../flops'
import { embeddingParameters, lettersOf, parameterCount, positionParameters } from '../parameters'
import { defineConvention, paddedVocabulary, program, type Convention, type Job } from './convention'

interface Weights {
  readonly count: (shape: ModelShape) => number
  readonly says: string
}

const all = (shape: ModelShape, active: boolean) => parameterCount(shape, active).value
const routers = (shape: ModelShape) => (shape.experts > 1 ? shape.layers * shape.hiddenSize * shape.experts : 0)
/** A tied embedding works as the output layer; one of its own only looks rows up. */
const lookedUp = (shape: ModelShape) => (shape.tiedEmbeddings ? 0 : embeddingParameters(shape))

const EVERYTHING: Weights = { count: shape => all(shape, false), says: 'all parameters, experts that rest included' }
const WITHOUT_POSITIONS: Weights = {
  count: shape => all(shape, false) - positionParameters(shape),
  says: 'all parameters but learned positions',
}
const WITHOUT_OWN_EMBEDDING: Weights = {
  count: shape => all(shape, true) - lookedUp(shape),
  says: 'active parameters without an input embedding of its own',
}
const WITHOUT_LOOKUPS: Weights = {
  count: shape => all(shape, true) - lookedUp(shape) - (shape.tiedEmbeddings ? 0 : positionParameters(shape)),
  says: 'active parameters without embeddings, which look rows up; tied ones stay, as they are the output layer',
}
const MATMULS: Weights = {
  count: matmulParameters,
  says: 'weights of matmuls alone: no embedding lookup, norm or bias',
}
const WITHOUT_ROUTERS: Weights = {
  count: shape => matmulParameters(shape) - routers(shape),
  says: 'weights of matmuls alone; the router of a mixture of experts left out',
}
const WITHOUT_EMBEDDING: Weights = {
  count: shape => all(shape, true) - embeddingParameters(shape),
  says: 'active parameters without the input embedding, even where the output layer is the same',
}

interface Attention {
  /** Of T, the term over the whole square. */
  readonly share: number
  readonly formula: string
  readonly says: string
  /** Counted over the sliding window, where there is one. */
  readonly windowed?: boolean
}
const FULL: Attention = { share: 1, formula: 'T', says: 'attention over the whole square' }
const WINDOWED: Attention = { ...FULL, windowed: true, says: 'attention over the whole square, or the sliding window' }
const CAUSAL: Attention = { share: 1 / 2, formula: 'T / 2', says: 'attention over the causal half' }
/** 3.5 forward passes of the causal half: FlashAttention recomputes the scores. */
const FLASH: Attention = {
  share: 7 / 12,
  formula: '7·T / 12',
  says: 'attention over the causal half, its recomputation by FlashAttention in',
}

function counted(
  job: Job,
  weights: Weights,
  { share, windowed, says, formula }: Attention,
): Derived & Pick<Convention, 'source'> {
  const { shape } = job
  const seen = windowed === true ? shape : { ...shape, slidingWindow: undefined }
  const W = weights.count(shape)
  const T = attentionFlopsPerToken(seen)
  return {
    value: 6 * W + share * T,
    formula: `6·W + ${formula}`,
    letters: { ...lettersOf(shape), W, T },
    source: { title: '', url: '' },
    assumption: `W ${weights.says}; ${says}`,
  }
}

interface Entry {
  readonly name: string
  readonly title: string
  readonly at: readonly [repository: string, path: string]
  readonly weights: Weights
  readonly attention: Attention
  /** Megatron pads the vocabulary. */
  readonly padded?: boolean
}

const ENTRIES: readonly Entry[] = [
  {
    name: 'megatron-2024',
    title: 'Megatron-LM before March 2025',
    padded: true,
    at: ['NVIDIA/Megatron-LM@fdfcef8', 'megatron/training/training.py'],
    weights: WITHOUT_ROUTERS,
    attention: FULL,
  },
  {
    name: 'torchtitan',
    title: 'torchtitan',
    at: ['pytorch/torchtitan@b5bcd76', 'torchtitan/models/utils.py'],
    weights: WITHOUT_LOOKUPS,
    attention: FULL,
  },
  {
    name: 'nanogpt',
    title: 'nanoGPT',
    at: ['karpathy/nanoGPT@3adf61e', 'model.py'],
    weights: WITHOUT_POSITIONS,
    attention: FULL,
  },
  {
    name: 'llm-foundry',
    title: 'llm-foundry',
    at: ['mosaicml/llm-foundry@8c8dd48', 'llmfoundry/models/mpt/modeling_mpt.py'],
    weights: WITHOUT_OWN_EMBEDDING,
    attention: FULL,
  },
  {
    name: 'olmo-core',
    title: 'OLMo-core',
    at: ['allenai/OLMo-core@fa6c501', 'src/olmo_core/nn/transformer/model.py'],
    weights: MATMULS,
    attention: WINDOWED,
  },
  {
    name: 'maxtext',
    title: 'MaxText',
    at: ['AI-Hypercomputer/maxtext@e591f30', 'src/MaxText/maxtext_utils.py'],
    weights: MATMULS,
    attention: CAUSAL,
  },
  {
    name: 'lingua',
    title: 'Lingua',
    at: ['facebookresearch/lingua@437d680', 'apps/main/transformer.py'],
    weights: WITHOUT_EMBEDDING,
    attention: FLASH,
  },
  {
    name: 'picotron',
    title: 'picotron',
    at: ['huggingface/picotron@59714b1', 'picotron/utils.py'],
    weights: EVERYTHING,
    attention: FULL,
  },
  {
    name: 'litgpt',
    title: 'LitGPT',
    at: ['Lightning-AI/litgpt@2685705', 'litgpt/utils.py'],
    weights: EVERYTHING,
    attention: FULL,
  },
  {
    name: 'nanochat',
    title: 'nanochat',
    at: ['karpathy/nanochat@92d63d4', 'nanochat/gpt.py'],
    weights: MATMULS,
    attention: WINDOWED,
  },
  {
    name: 'nanotron',
    title: 'Nanotron',
    at: ['huggingface/nanotron@2411b02', 'src/nanotron/models/llama.py'],
    weights: MATMULS,
    attention: FULL,
  },
]

function toConvention({ name, title, at, weights, attention, padded }: Entry): Convention {
  const source = program(title, ...at)
  return defineConvention({
    name,
    title,
    source,
    help: `6 FLOPs a weight: ${weights.says}; ${attention.says}`,
    count(job) {
      const own = padded === true ? { ...job, shape: { ...job.shape, vocabularySize: paddedVocabulary(job) } } : job
      return { flopsPerToken: { ...counted(own, weights, attention), source } }
    },
  })
}

export const weightConventions = ENTRIES.map(toConvention)
/** What Megatron-LM counts since March 2025. */
export const megatronFlops = (job: Job): Derived => {
  const shape = { ...job.shape, vocabularySize: paddedVocabulary(job) }
  return counted({ ...job, shape }, WITHOUT_ROUTERS, CAUSAL)
}
