/** Figures of Hugging Face's Trainer and of the libraries on top of it, by the names that each gives them. */
import type { RecordOf } from '../../wire/records'
import { numberOf, scaled } from './values'

type Figures = ReadonlyMap<string, string>

const GIBIBYTE = 1024 ** 3
/** TRL's trainers of PPO and RLOO have no loss of their own: that of the policy is what is trained. */
export const POLICY_LOSS = 'loss/policy_avg'

/** axolotl's present and former names; ms-swift's `memory(GiB)` is the most that was reserved. */
const PEAK = ['memory/max_allocated (GiB)', 'memory/max_mem_allocated(gib)', 'memory/max_memory_allocated']
const RESERVED = ['memory/device_reserved (GiB)', 'memory/device_mem_reserved(gib)', 'memory(GiB)']
/** axolotl: tokens of one rank per second. */
const TOKENS_PER_GPU = ['tokens_per_second_per_gpu', 'tokens/train_per_sec_per_gpu']

function first(figures: Figures, names: readonly string[]): number | undefined {
  return numberOf(names.map(name => figures.get(name)).find(value => value !== undefined))
}

function bytesOf(figures: Figures, names: readonly string[]): number | undefined {
  const value = scaled(first(figures, names), GIBIBYTE)
  return value === undefined ? undefined : Math.round(value)
}

/** ms-swift: `'global_step/max_steps': '78/176'`. */
function stepsOf(figures: Figures): { step?: number | undefined; totalSteps?: number | undefined } {
  const [step, total] = (figures.get('global_step/max_steps') ?? '').split('/').map(numberOf)
  return { step: step ?? numberOf(figures.get('step')), totalSteps: total }
}

/** What one logged dict says of its step. */
export function figuresOf(figures: Figures): Partial<RecordOf<'step'>> {
  return {
    ...stepsOf(figures),
    // TRL's trainers that generate as they train time each step.
    stepSeconds: numberOf(figures.get('step_time')),
    // LLaMA-Factory and the Trainer: tokens of all devices since the start, by the time since.
    tokensPerSecond: first(figures, ['throughput', 'train_tokens_per_second']),
    tokensPerSecondPerGpu: first(figures, TOKENS_PER_GPU),
    loss: first(figures, ['loss', 'step_loss', 'train_loss', POLICY_LOSS]),
    gradientNorm: numberOf(figures.get('grad_norm')),
    learningRate: first(figures, ['learning_rate', 'lr']),
    memoryReservedBytes: bytesOf(figures, RESERVED),
    memoryPeakBytes: bytesOf(figures, PEAK),
  }
}

/** Tokens of all devices that were read up to a step. */
export type TokenCount = { step: number; total: number }

/** Tokens of one step, from what was counted at this logged step and at the one before. */
export function tokensSince(
  figures: Figures,
  step: number | undefined,
  before: TokenCount | null,
): { tokens: number | undefined; counted: TokenCount | null } {
  const total = numberOf(figures.get('num_input_tokens_seen'))
  if (total === undefined || step === undefined) return { tokens: undefined, counted: before }
  const counted = { step, total }
  if (before === null || step <= before.step || total < before.total) return { tokens: undefined, counted }
  return { tokens: Math.round((total - before.total) / (step - before.step)), counted }
}
