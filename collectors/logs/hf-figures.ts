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
    // LLaMA-Factory: tokens of all devices since the start, by the time since. The Trainer's `train_tokens_per_second` is that
    // too, its start-up included; there it is better known from what it counts.
    tokensPerSecond: numberOf(figures.get('throughput')),
    tokensPerSecondPerGpu: first(figures, TOKENS_PER_GPU),
    loss: first(figures, ['loss', 'step_loss', 'train_loss', POLICY_LOSS]),
    gradientNorm: numberOf(figures.get('grad_norm')),
    learningRate: first(figures, ['learning_rate', 'lr']),
    memoryReservedBytes: bytesOf(figures, RESERVED),
    memoryPeakBytes: bytesOf(figures, PEAK),
  }
}

export const TOKENS_SEEN = 'num_input_tokens_seen'

/** What the Trainer counted up to a step: tokens of all devices, and seconds; null where something else came between. */
export type Counted = { step: number; tokens: number | null; seconds: number | null }

/** An evaluation or a checkpoint: what is counted over it is none of the steps. */
export const paused = (counted: Counted | null): Counted | null => counted && { ...counted, seconds: null }

/** Seconds are printed with four digits: the unit of the last one. */
const lastDigitOf = (seconds: number) => 10 ** (Math.floor(Math.log10(Math.max(seconds, 1e-3))) - 3)

/** Differences of rounded times smaller than so many of their last digits are mostly rounding. */
const LEAST_DIGITS = 20

/** Tokens and seconds of one step, from what was counted at this logged step and at the one before. */
export function sinceLogged(figures: Figures, step: number | undefined, before: Counted | null) {
  const [tokens, seconds] = [TOKENS_SEEN, 'train_runtime'].map(name => numberOf(figures.get(name)) ?? null)
  if (step === undefined || (tokens === null && seconds === null)) return { own: {}, counted: before }
  const counted: Counted = { step, tokens: tokens ?? null, seconds: seconds ?? null }
  const steps = before === null ? 0 : step - before.step
  const perStep = (now: number | null, then: number | null | undefined, least: number) =>
    now === null || typeof then !== 'number' || steps <= 0 || now - then < least ? undefined : (now - then) / steps
  const ofStep = perStep(counted.tokens, before?.tokens, 0)
  const stepSeconds = perStep(counted.seconds, before?.seconds, LEAST_DIGITS * lastDigitOf(counted.seconds ?? 0))
  return {
    own: {
      ...(ofStep !== undefined && { tokens: Math.round(ofStep) }),
      ...(stepSeconds !== undefined && { stepSeconds: Number(stepSeconds.toFixed(6)) }),
    },
    counted,
  }
}
