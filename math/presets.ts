/** Models by name. Dimensions from the papers and the published configurations. */
import { registry } from '../base/registry'
import type { ModelInput } from './input'
import type { Source } from './sources'

export interface Preset {
  readonly name: string
  readonly model: ModelInput
  readonly source: Source
}

type Sizes = [layers: number, hiddenSize: number, attentionHeads: number]
const GPT2: Source = { title: 'GPT-2 configurations', url: 'https://huggingface.co/openai-community/gpt2' }
const GPT3: Source = { title: 'GPT-3 (Brown et al. 2020), table 2.1', url: 'https://arxiv.org/abs/2005.14165' }
const LLAMA2: Source = { title: 'Llama 2 (Touvron et al. 2023)', url: 'https://arxiv.org/abs/2307.09288' }
const LLAMA3: Source = { title: 'The Llama 3 Herd of Models, table 3', url: 'https://arxiv.org/abs/2407.21783' }
const PYTHIA: Source = { title: 'Pythia (Biderman et al. 2023), table 1', url: 'https://arxiv.org/abs/2304.01373' }
const NANOGPT: Source = {
  title: 'nanoGPT, train_shakespeare_char',
  url: 'https://github.com/karpathy/nanoGPT/blob/master/config/train_shakespeare_char.py',
}
const MISTRAL: Source = { title: 'Mistral 7B (Jiang et al. 2023)', url: 'https://arxiv.org/abs/2310.06825' }
const MIXTRAL: Source = { title: 'Mixtral of Experts (Jiang et al. 2024)', url: 'https://arxiv.org/abs/2401.04088' }
const NEOX: Source = { title: 'GPT-NeoX-20B (Black et al. 2022)', url: 'https://arxiv.org/abs/2204.06745' }
const BLOOM: Source = { title: 'BLOOM (BigScience 2022)', url: 'https://arxiv.org/abs/2211.05100' }

const MIXTRAL22: Source = {
  title: 'Mixtral 8x22B, config.json',
  url: 'https://huggingface.co/mistralai/Mixtral-8x22B-v0.1',
}
const QWEN3: Source = { title: 'Qwen3 (2025), config.json', url: 'https://huggingface.co/Qwen' }
const DEEPSEEK: Source = { title: 'DeepSeek-V3 (2024), section 4.2', url: 'https://arxiv.org/abs/2412.19437' }

const T5: Source = { title: 'T5 (Raffel et al. 2019), section 3.7', url: 'https://arxiv.org/abs/1910.10683' }
const LLAVA: Source = {
  title: 'LLaVA-1.5, config.json',
  url: 'https://huggingface.co/llava-hf/llava-1.5-7b-hf',
}

const gptTraits = { gatedFfn: false, tiedEmbeddings: true, learnedPositions: true, biases: true }
const llamaTraits = { gatedFfn: true, tiedEmbeddings: false, learnedPositions: false, biases: false }
const neoxTraits = { gatedFfn: false, tiedEmbeddings: false, learnedPositions: false, biases: true }

function gpt(name: string, [layers, hiddenSize, attentionHeads]: Sizes, rest: ModelInput, source: Source): Preset {
  const model = { name, layers, hiddenSize, attentionHeads, ffnHiddenSize: 4 * hiddenSize, ...gptTraits, ...rest }
  return { name, model, source }
}

/** Encoder and decoder alike; relative positions, 32 a head and stack, are left out: less than 0.001 % of the parameters. */
function t5(
  name: string,
  [layers, hiddenSize, attentionHeads]: Sizes,
  headSize: number,
  ffnHiddenSize: number,
): Preset {
  const model = {
    name,
    layers,
    hiddenSize,
    attentionHeads,
    ffnHiddenSize,
    ...neoxTraits,
    biases: false,
    tiedEmbeddings: true,
    headSize,
    vocabularySize: 32128,
    sequenceLength: 512,
    encoder: { layers, crossAttention: true },
  }
  return { name, model, source: T5 }
}

/** CLIP's ViT-L/14 at 336 pixels, with the token of its class, and two matrices with biases into the text model. */
const clipLarge = {
  layers: 24,
  hiddenSize: 1024,
  attentionHeads: 16,
  ffnHiddenSize: 4096,
  gatedFfn: false,
  biases: true,
  learnedPositions: true,
  patchSize: 14,
  sequenceLength: 577,
  projectorParameters: 1024 * 4096 + 4096 ** 2 + 8192,
}

function llama(name: string, [layers, hiddenSize, attentionHeads]: Sizes, rest: ModelInput, source: Source): Preset {
  return { name, model: { name, layers, hiddenSize, attentionHeads, ...llamaTraits, ...rest }, source }
}

const gpt2 = { vocabularySize: 50257, sequenceLength: 1024 }
const llama2 = { vocabularySize: 32000, sequenceLength: 4096 }
const llama3 = { vocabularySize: 128256, sequenceLength: 8192, keyValueHeads: 8 }
/** QK norms of 2·headSize a layer are left out: 0.0001 % of the parameters. */
const qwen3 = {
  vocabularySize: 151936,
  sequenceLength: 4096,
  keyValueHeads: 4,
  headSize: 128,
  experts: 128,
  activeExperts: 8,
}
const pythia = { vocabularySize: 50304, sequenceLength: 2048, ...neoxTraits }
const character = { vocabularySize: 65, sequenceLength: 256, biases: false }

export const presets = registry<Preset>('preset', [
  gpt('nanogpt-char', [6, 384, 6], character, NANOGPT),
  gpt('gpt2', [12, 768, 12], gpt2, GPT2),
  gpt('gpt2-medium', [24, 1024, 16], gpt2, GPT2),
  gpt('gpt2-large', [36, 1280, 20], gpt2, GPT2),
  gpt('gpt2-xl', [48, 1600, 25], gpt2, GPT2),
  gpt('gpt3-175b', [96, 12288, 96], { vocabularySize: 50257, sequenceLength: 2048 }, GPT3),
  gpt('pythia-70m', [6, 512, 8], pythia, PYTHIA),
  gpt('pythia-160m', [12, 768, 12], pythia, PYTHIA),
  gpt('pythia-410m', [24, 1024, 16], pythia, PYTHIA),
  gpt('pythia-1b', [16, 2048, 8], pythia, PYTHIA),
  gpt('pythia-1.4b', [24, 2048, 16], pythia, PYTHIA),
  gpt('pythia-2.8b', [32, 2560, 32], pythia, PYTHIA),
  gpt('pythia-6.9b', [32, 4096, 32], { ...pythia, vocabularySize: 50432 }, PYTHIA),
  gpt('pythia-12b', [36, 5120, 40], { ...pythia, vocabularySize: 50688 }, PYTHIA),
  gpt('gpt-neox-20b', [44, 6144, 64], { ...neoxTraits, vocabularySize: 50432, sequenceLength: 2048 }, NEOX),
  gpt('bloom-176b', [70, 14336, 112], { learnedPositions: false, vocabularySize: 250880, sequenceLength: 2048 }, BLOOM),
  llama('llama-2-7b', [32, 4096, 32], { ...llama2, ffnHiddenSize: 11008 }, LLAMA2),
  llama('llama-2-13b', [40, 5120, 40], { ...llama2, ffnHiddenSize: 13824 }, LLAMA2),
  llama('llama-2-70b', [80, 8192, 64], { ...llama2, ffnHiddenSize: 28672, keyValueHeads: 8 }, LLAMA2),
  llama(
    'llava-1.5-7b',
    [32, 4096, 32],
    { ...llama2, vocabularySize: 32064, ffnHiddenSize: 11008, encoder: clipLarge },
    LLAVA,
  ),
  t5('t5-base', [12, 768, 12], 64, 3072),
  t5('t5-large', [24, 1024, 16], 64, 4096),
  t5('t5-3b', [24, 1024, 32], 128, 16384),
  t5('t5-11b', [24, 1024, 128], 128, 65536),
  llama('llama-3-8b', [32, 4096, 32], { ...llama3, ffnHiddenSize: 14336 }, LLAMA3),
  llama('llama-3-70b', [80, 8192, 64], { ...llama3, ffnHiddenSize: 28672 }, LLAMA3),
  llama('llama-3-405b', [126, 16384, 128], { ...llama3, ffnHiddenSize: 53248 }, LLAMA3),
  llama(
    'mistral-7b',
    [32, 4096, 32],
    { vocabularySize: 32000, sequenceLength: 8192, keyValueHeads: 8, ffnHiddenSize: 14336 },
    MISTRAL,
  ),
  llama(
    'mixtral-8x7b',
    [32, 4096, 32],
    {
      vocabularySize: 32000,
      sequenceLength: 4096,
      keyValueHeads: 8,
      ffnHiddenSize: 14336,
      experts: 8,
      activeExperts: 2,
    },
    MIXTRAL,
  ),
  llama(
    'mixtral-8x22b',
    [56, 6144, 48],
    {
      vocabularySize: 32768,
      sequenceLength: 65536,
      keyValueHeads: 8,
      ffnHiddenSize: 16384,
      experts: 8,
      activeExperts: 2,
    },
    MIXTRAL22,
  ),
  llama('qwen3-30b-a3b', [48, 2048, 32], { ...qwen3, ffnHiddenSize: 6144, expertFfnHiddenSize: 768 }, QWEN3),
  llama('qwen3-235b-a22b', [94, 4096, 64], { ...qwen3, ffnHiddenSize: 12288, expertFfnHiddenSize: 1536 }, QWEN3),
  llama(
    'deepseek-v3',
    [61, 7168, 128],
    {
      vocabularySize: 129280,
      sequenceLength: 4096,
      ffnHiddenSize: 18432,
      denseLayers: 3,
      experts: 256,
      activeExperts: 8,
      expertFfnHiddenSize: 2048,
      sharedFfnHiddenSize: 2048,
      headSize: 128,
      queryRank: 1536,
      keyValueRank: 512,
      ropeHeadSize: 64,
      valueHeadSize: 128,
    },
    DEEPSEEK,
  ),
])

/** A preset by its name, in any case. */
export function findPreset(name: string): Preset | undefined {
  return presets.get(name.trim().toLowerCase())
}
