/** Megatron's iteration line: `iteration N/ M | key: value | …`. Relatives write `key=value` and underscores. */
import type { RecordOf, WireRecord } from '../../wire/records'
import { flushTimers } from './megatron-report'
import type { MegatronState } from './megatron-state'
import { isNotFinite, localTime, numberOf, scaled } from './values'

const HEAD = /(?:^|\W)iteration[ =]{1,16}(\d{1,12}) {0,12}\/ {0,12}(\d{1,12}|infinity) {0,4}$/
const PAIR = /^(.{1,80}?)(?:: |=|: ?=| ) {0,20}([-+]?(?:\d[\d.,eE+-]{0,40}|nan|inf))(?:\/[\d.]{1,20})?$/i

type Figures = ReadonlyMap<string, string>

/** Keys in lower case with blanks for underscores; values as printed. */
function figuresOf(parts: readonly string[]): Figures {
  const figures = new Map<string, string>()
  for (const part of parts) {
    const match = part.length > 200 ? null : PAIR.exec(part.trim())
    if (match === null) continue
    const key = (match[1] ?? '').toLowerCase().replaceAll('_', ' ').trim()
    if (!figures.has(key)) figures.set(key, match[2] ?? '')
  }
  return figures
}

function first(figures: Figures, keys: readonly string[]): string | undefined {
  return keys.map(key => figures.get(key)).find(value => value !== undefined)
}

const MILLISECONDS = ['elapsed time per iteration (ms)', 'elapsed time per iteration ms']
const SECONDS = ['elapsed time per iteration (s)', 'elapsed time per iteration s']
const TERAFLOPS = ['throughput per gpu (tflop/s/gpu)', 'tflops', '[lm]tflops', '[lm]-tflops']
const TOKENS_PER_GPU = [
  'tokens per second per gpu (tok/s/gpu)',
  'tokens per gpu (tokens/s/gpu)',
  'tokens per gpu per second (tgs)',
  'tokens per gpu per second tgs',
  'tokens/sec/gpu',
]
const LOSS = ['lm loss', 'loss', 'lm-loss']

function isIteration(parts: readonly string[]): boolean {
  return parts.some(part => part.includes('elapsed time per iteration') || part.includes('elapsed_time_per_iteration'))
}

function stepOf(figures: Figures, step: number, total: string, state: MegatronState): RecordOf<'step'> {
  const samples = numberOf(figures.get('global batch size'))
  const sequence = numberOf(figures.get('actual seqlen')) ?? state.sequenceLength ?? undefined
  return {
    kind: 'step',
    step,
    totalSteps: numberOf(total),
    source: 'megatron',
    stepSeconds: scaled(numberOf(first(figures, MILLISECONDS)), 1e-3) ?? numberOf(first(figures, SECONDS)),
    samples,
    tokens: samples === undefined || sequence === undefined ? undefined : samples * sequence,
    samplesPerSecond: numberOf(figures.get('samples per second')),
    tokensPerSecondPerGpu: numberOf(first(figures, TOKENS_PER_GPU)),
    flopsPerSecondPerGpu: scaled(numberOf(first(figures, TERAFLOPS)), 1e12),
    loss: numberOf(first(figures, LOSS)),
    gradientNorm: numberOf(figures.get('grad norm')),
    learningRate: numberOf(figures.get('learning rate')),
  }
}

/** A loss that is no number is left out of the line or printed as nan; the count of such iterations stands beside it. */
function nanEvent(figures: Figures, state: MegatronState, time: number | undefined): WireRecord[] {
  const count = numberOf(figures.get('number of nan iterations')) ?? 0
  const before = state.nan
  state.nan = count > 0 || isNotFinite(first(figures, LOSS))
  if (before || !state.nan) return []
  return [{ kind: 'event', type: 'nan-loss', time, message: `the loss is not a number at iteration ${state.step}` }]
}

/** `readAt`: when the line was read; a time in the line itself wins. */
export function readIteration(
  text: string,
  readAt: number | undefined,
  state: MegatronState,
): WireRecord[] | undefined {
  if (!text.includes('iteration') || !text.includes('|')) return undefined
  const parts = text.split('|')
  const [head = '', ...rest] = parts
  const match = HEAD.exec(head.slice(-200))
  if (match === null || !isIteration(rest)) return undefined
  const step = Number(match[1])
  // Timers so far are of the iteration before.
  const before = flushTimers(state)
  state.timers = null
  state.step = step
  // A dump that was cut off ends here at the latest.
  state.dump = null
  const figures = figuresOf(rest)
  const record = stepOf(figures, step, match[2] ?? '', state)
  record.time = localTime(head.slice(0, 400)) ?? readAt
  state.time = record.time ?? null
  return [...before, record, ...nanEvent(figures, state, record.time)]
}
