/** Each answer of another calculator beside the same figure by its convention, over the jobs in the fixture. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { conventions } from '../../math/conventions/index'
import type { CountedFigure } from '../../math/conventions/convention'
import { jobOf } from '../../math/conventions/job'
import { inputOf, type Row } from '../unit/math-reference'

const fixture = join(import.meta.dirname, '../fixtures/reference/calculators.json')
const { rows } = JSON.parse(readFileSync(fixture, 'utf8')) as { rows: Row[] }

interface Reference {
  readonly calculator: string
  readonly output: string
  readonly convention: string
  readonly figure: CountedFigure
  /** Of the answer, where it counts another thing of the same kind. */
  readonly times?: number
  readonly only?: (row: Row) => boolean
}

const isSelective = ({ inputs: { config } }: Row) => config.sequence_parallel && config.recompute === 'selective'
const flops = (calculator: string, convention: string, output = 'flops_per_token'): Reference => ({
  calculator,
  convention,
  output,
  figure: 'flopsPerToken',
})
const COOKBOOK = 'cookbook.calc_transformer_mem'
const NEOX = 'gpt_neox.get_actual_flops/get_forward_backward_flops'
const MEGATRON_MEMORY = 'megatron.theoretical_memory_usage'
const DEEPSPEED = 'deepspeed.estimate_zero_mem_needs'
const LLM_ANALYSIS = 'llm_analysis.training'

export const references: readonly Reference[] = [
  { calculator: COOKBOOK, output: 'total_params', convention: 'eleuther', figure: 'parameters' },
  { calculator: COOKBOOK, output: 'per_gpu_model_mem', convention: 'eleuther', figure: 'parametersBytes' },
  { calculator: COOKBOOK, output: 'per_gpu_gradient_mem', convention: 'eleuther', figure: 'gradientsBytes' },
  { calculator: COOKBOOK, output: 'per_gpu_optimizer_mem', convention: 'eleuther', figure: 'optimizerBytes' },
  { calculator: COOKBOOK, output: 'per_gpu_communication_mem', convention: 'eleuther', figure: 'buffersBytes' },
  { calculator: COOKBOOK, output: 'per_gpu_activation_mem', convention: 'eleuther', figure: 'activationsBytes' },
  flops('cookbook.calc_transformer_flops[no_ckpt]', 'eleuther', 'total_flops_per_token'),
  {
    calculator: 'cookbook.calc_transformer_flops[ckpt_default]',
    output: 'total_flops_per_token',
    convention: 'eleuther',
    figure: 'hardwareFlopsPerToken',
  },
  flops('megatron.num_floating_point_operations[HEAD,causal_half]', 'megatron'),
  flops('megatron.num_floating_point_operations[pre-2025-03,full_attn]', 'megatron-2024'),
  {
    calculator: MEGATRON_MEMORY,
    output: 'weight_and_optimizer_bytes_most_loaded',
    convention: 'megatron',
    figure: 'statesBytes',
  },
  {
    calculator: MEGATRON_MEMORY,
    output: 'activation_bytes_sp_selective_formula',
    convention: 'megatron',
    figure: 'activationsBytes',
    only: isSelective,
  },
  {
    calculator: MEGATRON_MEMORY,
    output: 'activation_bytes_without_sp_formula',
    convention: 'megatron',
    figure: 'activationsBytes',
    only: row => !isSelective(row),
  },
  flops('torchtitan.get_dense_model_nparams_and_flops', 'torchtitan'),
  flops('nanogpt.estimate_mfu', 'nanogpt'),
  flops('llm_foundry.flops_per_batch', 'llm-foundry'),
  flops('olmo_core.num_flops_per_token', 'olmo-core'),
  flops('maxtext.calculate_tflops_training_per_device', 'maxtext'),
  flops('lingua.get_num_flop_per_token', 'lingua'),
  flops('picotron.get_mfu', 'picotron'),
  flops('litgpt.flops_per_param', 'litgpt'),
  flops('nanochat.estimate_flops', 'nanochat'),
  flops('nanotron.get_flops', 'nanotron'),
  { ...flops('levanter.lm_flops_per_token[forward_only]', 'levanter', 'fwd_flops_per_token'), times: 3 },
  flops('nemo.flops_formulas', 'nemo'),
  flops(NEOX, 'gpt-neox', 'forward_backward_flops_per_token(MFU)'),
  { calculator: NEOX, output: 'actual_flops_per_token(HFU)', convention: 'gpt-neox', figure: 'hardwareFlopsPerToken' },
  {
    calculator: DEEPSPEED,
    output: 'zero2_gpu_bytes',
    convention: 'deepspeed',
    figure: 'statesBytes',
    only: row => row.inputs.config.zero === 2,
  },
  {
    calculator: DEEPSPEED,
    output: 'zero3_gpu_bytes',
    convention: 'deepspeed',
    figure: 'statesBytes',
    only: row => row.inputs.config.zero === 3,
  },
  { calculator: LLM_ANALYSIS, output: 'num_params_total', convention: 'llm-analysis', figure: 'parameters' },
  { calculator: LLM_ANALYSIS, output: 'weight_memory_per_gpu', convention: 'llm-analysis', figure: 'parametersBytes' },
  { calculator: LLM_ANALYSIS, output: 'gradient_memory_per_gpu', convention: 'llm-analysis', figure: 'gradientsBytes' },
  {
    calculator: LLM_ANALYSIS,
    output: 'optimizer_state_memory_per_gpu',
    convention: 'llm-analysis',
    figure: 'optimizerBytes',
  },
  {
    calculator: LLM_ANALYSIS,
    output: 'flops_per_token_incl_recompute',
    convention: 'llm-analysis',
    figure: 'hardwareFlopsPerToken',
  },
]

export interface Comparison {
  readonly reference: Reference
  readonly job: string
  readonly theirs: number
  readonly ours: number
  /** Relative, against theirs. */
  readonly error: number
}

function compare(reference: Reference, row: Row): Comparison | undefined {
  const answer = row.outputs[reference.calculator]?.[reference.output]
  if (answer === undefined || reference.only?.(row) === false) return undefined
  const job = jobOf({
    ...inputOf(row),
    model: { ...inputOf(row).model, slidingWindow: row.inputs.arch.window ?? undefined },
  })
  const counted = job === undefined ? undefined : conventions.get(reference.convention)?.count(job)[reference.figure]
  const theirs = answer * (reference.times ?? 1)
  const ours = counted?.value ?? NaN
  return { reference, job: row.id, theirs, ours, error: theirs === 0 ? Math.abs(ours) : Math.abs(ours / theirs - 1) }
}

export const comparisonsOf = (reference: Reference): Comparison[] => rows.flatMap(row => compare(reference, row) ?? [])
