/** NeMo: a formula for each family of models, with the vocabulary of that family. */
import type { ModelShape } from '../dimensions'
import type { Derived } from '../explain'
import { lettersOf } from '../parameters'
import { defineConvention, program } from './convention'

const source = program('NeMo', 'NVIDIA/NeMo@8cfedd7', 'nemo/utils/flops_formulas.py')
const VOCABULARY = { gpt3: 51_200, llama2: 32_000, llama3: 128_256, mixtral: 32_000 }

/** Families are told apart by what sets them apart; undefined for a model of none. */
function familyOf(shape: ModelShape): keyof typeof VOCABULARY | undefined {
  if (shape.experts > 1) return 'mixtral'
  if (!shape.gatedFfn) return shape.learnedPositions ? 'gpt3' : undefined
  if (shape.slidingWindow !== undefined) return undefined
  return shape.vocabularySize > 100_000 ? 'llama3' : 'llama2'
}

function flops(shape: ModelShape): Derived | undefined {
  const family = familyOf(shape)
  if (family === undefined) return undefined
  const { hiddenSize: h, layers: L, sequenceLength: s, ffnHiddenSize: f } = shape
  const V = VOCABULARY[family]
  const letters = { ...lettersOf(shape), V }
  const assumption = `the family ${family}, with ${V} tokens whatever the model has; the causal half of attention`
  if (family === 'gpt3') {
    const value = (24 * h * h + 2 * s * h) * 3 * L + 6 * h * V
    return { value, formula: '(24·h·h + 2·s·h)·3·L + 6·h·V', letters, source, assumption }
  }
  const ffn = 18 * shape.activeExperts * f
  const value = L * h * (12 * h + (12 * h * shape.keyValueHeads) / shape.attentionHeads + ffn + 6 * s) + 6 * V * h
  return { value, formula: 'L·h·(12·h + 12·h·k / a + 18·A·f + 6·s) + 6·V·h', letters, source, assumption }
}

export const nemo = defineConvention({
  name: 'nemo',
  title: 'NeMo',
  help: 'a formula for each family (GPT-3, Llama 2, Llama 3, Mixtral), with the vocabulary of the family',
  source,
  count({ shape }) {
    const flopsPerToken = flops(shape)
    return flopsPerToken === undefined ? {} : { flopsPerToken }
  },
})
