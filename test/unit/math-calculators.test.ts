/**
 * FLOPs and memory beside the answers of other calculators for the same jobs. Where one counts something else, `why` says
 * what, and the difference is bounded: a bound that no longer holds is a change in our own arithmetic.
 */
import { describe, expect, it } from 'vitest'
import { predict, type Prediction } from '../../math/predict'
import { calculators, inputOf, there, type Row } from './math-reference'

const MEGATRON = 'megatron.num_floating_point_operations[HEAD,causal_half]'
/** Megatron pads the vocabulary so that it divides among tensor ranks. */
const padded = (row: Row) => row.outputs[MEGATRON]?.['padded_vocab']
const convention = (name: string, row: Row, vocabulary?: number) =>
  predict(inputOf(row, vocabulary)).flops.byConvention?.[name] ?? NaN
const isLlama = (row: Row) => row.inputs.arch.swiglu
const isDense = (row: Row) => row.inputs.arch.moe === null
const untied = (row: Row) => !row.inputs.arch.tied

interface Comparison {
  readonly calculator: string
  readonly output: string
  readonly ours: (row: Row) => number
  /** Largest relative difference. */
  readonly within: number
  readonly why: string
  readonly only?: (row: Row) => boolean
}
const EXACT = 1e-9

const FLOPS: readonly Comparison[] = [
  {
    calculator: MEGATRON,
    output: 'flops_per_token',
    within: 1e-4,
    why: 'exact but for the router of an MoE layer',
    ours: row => convention('matmul weights + causal attention', row, padded(row)),
  },
  {
    calculator: 'megatron.num_floating_point_operations[pre-2025-03,full_attn]',
    output: 'flops_per_token',
    within: 1e-4,
    why: 'before March 2025 it counted the whole square; the router as above',
    ours: row => convention('matmul weights + full attention', row, padded(row)),
  },
  {
    calculator: 'picotron.get_mfu',
    output: 'flops_per_token',
    within: 1e-6,
    only: isDense,
    why: '6·P with embeddings; BLOOM has a norm after its embedding, 2·h parameters that we leave out',
    ours: row => predict(inputOf(row)).flops.perToken ?? NaN,
  },
  {
    calculator: 'litgpt.flops_per_param',
    output: 'flops_per_token',
    within: 1e-6,
    only: isDense,
    why: 'as picotron; of a mixture of experts both count every expert, we those that a token visits',
    ours: row => predict(inputOf(row)).flops.perToken ?? NaN,
  },
  {
    calculator: 'nanogpt.estimate_mfu',
    output: 'flops_per_token',
    within: 0.006,
    why: 'leaves learned positions out',
    ours: row => convention('6P + full attention', row),
  },
  {
    calculator: 'torchtitan.get_dense_model_nparams_and_flops',
    output: 'flops_per_token',
    within: 1e-6,
    why: 'leaves an embedding out that has no twin in the output layer',
    only: row => !untied(row),
    ours: row => predict(inputOf(row)).flops.perToken ?? NaN,
  },
  {
    calculator: 'torchtitan.get_dense_model_nparams_and_flops',
    output: 'flops_per_token',
    within: 0.001,
    why: 'the same without the input embedding; norms, biases and positions remain in its P',
    only: untied,
    ours: row => convention('matmul weights + full attention', row),
  },
  {
    calculator: 'maxtext.calculate_tflops_training_per_device',
    output: 'flops_per_token',
    within: EXACT,
    why: 'the same count: weights of matmuls, causal half',
    ours: row => convention('matmul weights + causal attention', row),
  },
  {
    calculator: 'nanochat.estimate_flops',
    output: 'flops_per_token',
    within: 0.0006,
    why: 'norms and biases remain in its P; it shortens attention to a sliding window, which we do not know of',
    only: row => !row.id.includes('mistral'),
    ours: row => convention('matmul weights + full attention', row),
  },
  {
    calculator: 'nanotron.get_flops',
    output: 'flops_per_token',
    within: EXACT,
    why: 'the same count',
    ours: row => convention('matmul weights + full attention', row),
  },
  {
    calculator: 'levanter.lm_flops_per_token[forward_only]',
    output: 'fwd_flops_per_token',
    within: 0.0035,
    why: 'counts the softmax and the activation function as well',
    ours: row => convention('matmul weights + full attention', row) / 3,
  },
  {
    calculator: 'cookbook.calc_transformer_params',
    output: 'total_params',
    within: 0.019,
    why: 'gives every model learned positions and norms with a bias',
    ours: row => predict(inputOf(row)).parameters ?? NaN,
  },
]

const stateBytes = ({ memory }: Prediction) =>
  (memory.parametersBytes ?? NaN) + (memory.gradientsBytes ?? NaN) + (memory.optimizerBytes ?? NaN)
const isWhole = ({ inputs: { arch, config } }: Row) => arch.L % config.pp === 0
/** Its memory report knows mixed-precision Adam with fp32 gradients, with and without the distributed optimizer. */
const megatronStates = ({ inputs: { config } }: Row) =>
  config.zero <= 1 && config.grad_bytes === 4 && config.optimizer === 'adamw' && config.precision !== 'fp32'
const selectiveFormula = ({ inputs: { config, arch } }: Row) =>
  config.sequence_parallel && config.pp > 1 && config.recompute !== 'full' && config.cp === 1 && arch.moe === null

const MEMORY: readonly Comparison[] = [
  {
    calculator: 'megatron.theoretical_memory_usage',
    output: 'weight_and_optimizer_bytes_most_loaded',
    within: 0.0035,
    only: row => megatronStates(row) && isWhole(row),
    why: 'leaves biases out; exact for models without',
    ours: row => stateBytes(predict(inputOf(row))),
  },
  {
    calculator: 'megatron.theoretical_memory_usage',
    output: 'weight_and_optimizer_bytes_most_loaded',
    within: 0.023,
    only: row => megatronStates(row) && !isWhole(row),
    why: 'gives a stage a fraction of a layer where the stages do not divide the layers, we the whole layer',
    ours: row => stateBytes(predict(inputOf(row))),
  },
  {
    calculator: 'megatron.theoretical_memory_usage',
    output: 'activation_bytes_sp_selective_formula',
    within: 1e-5,
    only: row => selectiveFormula(row) && !isLlama(row),
    why: 'the same s·b·h·34 / t; it also counts the token ids, 8 bytes each',
    ours: row => predict(inputOf(row)).memory.activationsBytes ?? NaN,
  },
  {
    calculator: 'megatron.theoretical_memory_usage',
    output: 'activation_bytes_sp_selective_formula',
    within: 0.04,
    only: row => selectiveFormula(row) && isLlama(row),
    why: 'takes 4·f + 18·h for any model; a gated FFN keeps 6·f, and without dropout and with few key heads less else',
    ours: row => predict(inputOf(row)).memory.activationsBytes ?? NaN,
  },
  {
    calculator: 'cookbook.calc_transformer_mem',
    output: 'per_gpu_activation_mem',
    within: 0.004,
    why: 'with recomputation it takes any policy as selective; with flash attention, several stages or tensor ranks it differs too',
    only: ({ inputs: { config } }) =>
      config.pp === 1 &&
      !config.flash_attn &&
      (config.recompute === 'none' ? config.tp === 1 : config.sequence_parallel),
    ours: row => predict(inputOf(row)).memory.activationsBytes ?? NaN,
  },
  {
    calculator: 'llm_analysis.training',
    output: 'optimizer_state_memory_per_gpu',
    within: 0.02,
    why: 'leaves input embedding and output layer to one of the two ends; compared where they weigh little',
    only: row => row.inputs.config.optimizer === 'adamw' && row.inputs.config.precision !== 'fp32' && lightEnds(row),
    ours: row => predict(inputOf(row)).memory.optimizerBytes ?? NaN,
  },
  {
    calculator: 'llm_analysis.training',
    output: 'activation_memory_layernorm_per_gpu',
    within: 1e-9,
    why: 'the inputs of all layers stay; it holds 2 bytes of each in fp32 as well, and cuts them without sequence parallelism',
    only: ({ inputs: { config } }) =>
      [config.recompute === 'full', config.pp === 1, config.cp === 1, config.precision !== 'fp32'].every(Boolean) &&
      (config.tp === 1 || config.sequence_parallel),
    ours: row => row.inputs.arch.L * (predict(inputOf(row)).explain['memory.layerActivationsBytes']?.value ?? NaN),
  },
]

/** The embedding is less than a fiftieth of what a stage holds. */
function lightEnds({ inputs: { params, config, arch } }: Row): boolean {
  return params.embedding * config.pp < 0.02 * params.total && arch.L % config.pp === 0
}

describe.skipIf(!there)('beside other calculators', () => {
  it.each([...FLOPS, ...MEMORY])('$calculator $output: $why', ({ calculator, output, ours, within, only }) => {
    const rows = calculators.filter(row => row.outputs[calculator]?.[output] !== undefined && only?.(row) !== false)
    expect(rows.length).toBeGreaterThan(0)
    for (const row of rows) {
      const theirs = row.outputs[calculator]?.[output] ?? NaN
      expect(Math.abs(ours(row) / theirs - 1), row.id).toBeLessThanOrEqual(within)
    }
  })

  it('counts the parameters of every configuration', () => {
    for (const row of calculators) {
      const { parameters, activeParameters } = predict(inputOf(row))
      // BLOOM has a norm after its embedding: 2·h parameters of 176 billion.
      const slack = row.id.includes('bloom') ? 2 * row.inputs.arch.h : 0
      expect(row.inputs.params.total - (parameters ?? NaN), row.id).toBe(slack)
      expect(row.inputs.params.active - (activeParameters ?? parameters ?? NaN), row.id).toBe(slack)
    }
  })
})
