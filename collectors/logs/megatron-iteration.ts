/**
 * Megatron's iteration line: `iteration N/ M | key: value | …`. Relatives write `key=value` and underscores; GPT-NeoX
 * begins with `samples/sec: … |`. A terminal or a mail may have wrapped it.
 */
import type { RecordOf, WireRecord } from '../../wire/records'
import { flushTimers } from './megatron-report'
import type { MegatronState } from './megatron-state'
import { flopsOf, isNotFinite, localTime, numberOf, scaled } from './values'

/** NeMo's `epoch 0, iteration 1/99` is Lightning's. */
const HEAD = /(?:^|\W)(?<!epoch \d{1,9}, )iteration[ =]{1,16}(\d{1,12}) {0,12}\/ {0,12}(\d{1,12}|infinity) {0,4}$/
const PAIR =
  /^(.{1,80}?)(?:: |=|: ?=| ) {0,20}([-+]?(?:\d[\d.,eE+-]{0,40}(?:%|[KMGTPE]?FLOPS)?|nan|inf))(?:\/[\d.]{1,20}| \(avg [\d.]{1,20}\))?$/i
const ELAPSED = /elapsed[ _]time[ _]per[ _]iteration/
/** Lines that a wrapped one may go on for: a line of 500 characters in a terminal of 80. */
const MOST_WRAPS = 12

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
const TERAFLOPS = [
  'throughput per gpu (tflop/s/gpu)',
  'compute per gpu (tflop/s/gpu)',
  'tflops',
  '[lm]tflops',
  '[lm]-tflops',
]
const TOKENS_PER_GPU = [
  'tokens per second per gpu (tok/s/gpu)',
  'tokens per gpu (tokens/s/gpu)',
  'tokens per gpu per second (tgs)',
  'tokens per gpu per second tgs',
  'tokens/sec/gpu',
  // Primus: now, and the mean so far
  'tokens/s/gpu inst/harmonic mean',
]
const LOSS = ['lm loss', 'loss', 'lm-loss']
const SAMPLES_PER_SECOND = ['samples per second', 'samples/sec']

/** GPT-NeoX counts what its kernels do with recomputation, and says the model's share of the peak beside it. */
const PERCENT = /%$/
const mfuOf = (figures: Figures) => scaled(numberOf(figures.get('mfu')?.replace(PERCENT, '')), 1e-2)

function flopsPerSecondOf(figures: Figures): number | undefined {
  return scaled(numberOf(first(figures, TERAFLOPS)), 1e12) ?? flopsOf(figures.get('approx flops per gpu'))
}

/**
 * Samples per second of the whole job. Megatron-DeepSpeed once divided by milliseconds: what contradicts the batch and
 * the time beside it a hundredfold is left out.
 */
function samplesPerSecondOf(figures: Figures, samples: number | undefined, seconds: number | undefined) {
  const rate = numberOf(first(figures, SAMPLES_PER_SECOND))
  if (rate === undefined || samples === undefined || seconds === undefined) return rate
  return rate * seconds < samples / 100 ? undefined : rate
}

function stepOf(figures: Figures, step: number, total: string, state: MegatronState): RecordOf<'step'> {
  const neox = figures.has('samples/sec')
  // GPT-NeoX has no ramp-up: its batch is that of the arguments.
  const samples = numberOf(figures.get('global batch size')) ?? (neox ? state.config?.batch['global'] : undefined)
  const sequence = numberOf(first(figures, ['actual seqlen', 'curriculum seqlen'])) ?? state.sequenceLength ?? undefined
  const seconds = scaled(numberOf(first(figures, MILLISECONDS)), 1e-3) ?? numberOf(first(figures, SECONDS))
  return {
    kind: 'step',
    step,
    totalSteps: numberOf(total),
    source: neox ? 'gpt-neox' : 'megatron',
    stepSeconds: seconds,
    samples,
    tokens: samples === undefined || sequence === undefined ? undefined : samples * sequence,
    samplesPerSecond: samplesPerSecondOf(figures, samples, seconds),
    tokensPerSecondPerGpu: numberOf(first(figures, TOKENS_PER_GPU)),
    flopsPerSecondPerGpu: flopsPerSecondOf(figures) ?? state.flops ?? undefined,
    mfu: mfuOf(figures),
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

/** The part that names the iteration stands first; in GPT-NeoX second. */
function headOf(parts: readonly string[]): RegExpExecArray | null {
  for (const part of parts.slice(0, 2)) {
    const match = HEAD.exec(part.slice(-200))
    if (match !== null) return match
  }
  return null
}

/**
 * The figures of a line that may have been wrapped: a break stands for a blank or for nothing, so both are tried; the
 * wrong one gives names that nobody asks for.
 */
function figuresOfLines(lines: readonly string[]): Figures {
  const [one = ''] = lines
  if (lines.length <= 1) return figuresOf(one.split('|'))
  return new Map([...figuresOf(lines.join('').split('|')), ...figuresOf(lines.join(' ').split('|'))])
}

function recordsOf(lines: readonly string[], readAt: number | undefined, state: MegatronState): WireRecord[] {
  const figures = figuresOfLines(lines)
  const parts = (lines[0] ?? '').split('|')
  const match = headOf(parts)
  if (match === null || first(figures, [...MILLISECONDS, ...SECONDS]) === undefined) return []
  // Timers so far are of the iteration before.
  const before = flushTimers(state)
  state.timers = null
  state.step = Number(match[1])
  // A dump that was cut off ends here at the latest.
  state.dump = null
  const record = stepOf(figures, state.step, match[2] ?? '', state)
  state.flops = null
  record.time = localTime((parts[0] ?? '').slice(0, 400)) ?? readAt
  state.time = record.time ?? null
  return [...before, record, ...nanEvent(figures, state, record.time)]
}

/** What the held parts of a wrapped line say, now that no more of it comes. */
export function flushIteration(state: MegatronState): WireRecord[] {
  const { wrapped } = state
  state.wrapped = null
  return wrapped === null ? [] : recordsOf(wrapped.lines, wrapped.time ?? undefined, state)
}

/** Of a wrapped line only what is between two bars is whole: the first and the last part may be cut anywhere. */
function isContinuation(text: string): boolean {
  if (text.length > 2000 || !text.includes('|') || text.includes('(ms) |') || text.includes('(MB) |')) return false
  const parts = text.split('|').slice(1, -1)
  return parts.every(part => part.length <= 200 && PAIR.test(part.trim()))
}

/** Whether nothing more is to come: a line may have been wrapped behind a bar as well, but hardly so late. */
function isWhole(lines: readonly string[]): boolean {
  return (
    lines.at(-1)?.endsWith('|') === true && first(figuresOfLines(lines), [...MILLISECONDS, ...SECONDS]) !== undefined
  )
}

/** `readAt`: when the line was read; a time in the line itself wins. */
export function readIteration(
  text: string,
  readAt: number | undefined,
  state: MegatronState,
): WireRecord[] | undefined {
  const parts = text.length < 8192 && text.includes('iteration') && text.includes('|') ? text.split('|') : []
  if (headOf(parts) !== null && (text.includes('consumed') || ELAPSED.test(text))) {
    const before = flushIteration(state)
    if (isWhole([text])) return [...before, ...recordsOf([text], readAt, state)]
    state.wrapped = { lines: [text], time: readAt ?? null }
    return before
  }
  const { wrapped } = state
  if (wrapped === null || wrapped.lines.length > MOST_WRAPS || !isContinuation(text)) return undefined
  wrapped.lines.push(text)
  return isWhole(wrapped.lines) ? flushIteration(state) : []
}
