/**
 * JSON Lines of libraries on Hugging Face's Trainer: LLaMA-Factory's `trainer_log.jsonl`, ms-swift's `logging.jsonl`,
 * and what transformers itself printed before version 4.
 */
import type { RecordOf, WireRecord } from '../../wire/records'
import { defineFormat, type LogLine } from './format'
import { figuresOf } from './hf-figures'
import { isNotFinite, numberOf, scaled } from './values'

type State = {
  last: { step: number; elapsed: number } | null
  nan: boolean
}

/** What only these libraries write: their count of steps, or a Trainer's dict as JSON. */
const OWN = /"(?:current_steps|global_step\/max_steps)": ?["\d]/
const TRAINER = /"learning_rate": ?.{1,400}"epoch": ?/
const NOT_FINITE = /: ?(-?Infinity|NaN)(?=[,}])/g
const GIBIBYTE = 1024 ** 3

/** Members as text, as the printed dicts have them; nested ones are left out. */
function membersOf(text: string): Map<string, string> | undefined {
  try {
    // Python writes NaN and Infinity, which JSON does not have.
    const value: unknown = JSON.parse(text.replaceAll(NOT_FINITE, ': "$1"'))
    if (typeof value !== 'object' || value === null) return undefined
    const plain = Object.entries(value).filter(([, member]) => typeof member === 'number' || typeof member === 'string')
    return new Map(plain.map(([name, member]) => [name, String(member)]))
  } catch {
    return undefined
  }
}

/** Seconds of `1 day, 2:03:04` or `0:03:25`. */
function elapsedOf(text: string | undefined): number | undefined {
  const match = /^(?:(\d{1,6}) days?, )?(\d{1,6}):(\d\d):(\d\d)$/.exec(text ?? '')
  if (match === null) return undefined
  const [days, hours, minutes, seconds] = match.slice(1).map(part => Number(part ?? 0))
  return (((days ?? 0) * 24 + (hours ?? 0)) * 60 + (minutes ?? 0)) * 60 + (seconds ?? 0)
}

/** Whole seconds between two lines: too coarse for a step's time where few of them passed. */
const LEAST_SECONDS = 20

function stepSeconds(step: number, elapsed: number | undefined, state: State): number | undefined {
  const { last } = state
  if (elapsed === undefined || (last !== null && step === last.step)) return undefined
  const steps = step - (last?.step ?? step)
  const seconds = elapsed - (last?.elapsed ?? elapsed)
  if (last !== null && steps > 0 && seconds >= 0 && seconds < LEAST_SECONDS) return undefined
  state.last = { step, elapsed }
  return steps > 0 && seconds > 0 ? Number((seconds / steps).toPrecision(3)) : undefined
}

const gibibytes = (text: string | undefined) => {
  const value = scaled(numberOf(text), GIBIBYTE)
  return value === undefined ? undefined : Math.round(value)
}

function trained(members: ReadonlyMap<string, string>, state: State): WireRecord[] {
  const own = figuresOf(members)
  const step = own.step ?? numberOf(members.get('current_steps'))
  const nan = isNotFinite(members.get('loss'))
  const event: WireRecord[] =
    nan && !state.nan ? [{ kind: 'event', type: 'nan-loss', message: `the loss is not a number at step ${step}` }] : []
  state.nan = nan
  const elapsed = elapsedOf(members.get('elapsed_time'))
  const record: RecordOf<'step'> = {
    kind: 'step',
    source: 'hf-jsonl',
    ...own,
    step,
    totalSteps: own.totalSteps ?? numberOf(members.get('total_steps')),
    stepSeconds: own.stepSeconds ?? (step === undefined ? undefined : stepSeconds(step, elapsed, state)),
    memoryReservedBytes: own.memoryReservedBytes ?? gibibytes(members.get('vram_reserved')),
    memoryPeakBytes: own.memoryPeakBytes ?? gibibytes(members.get('vram_allocated')),
  }
  return [record, ...event]
}

export const hfJsonl = defineFormat({
  name: 'hf-jsonl',
  help: 'JSON Lines of LLaMA-Factory (trainer_log.jsonl), ms-swift (logging.jsonl) and early transformers',
  origin: 'https://github.com/hiyouga/LLaMA-Factory/blob/main/src/llamafactory/train/callbacks.py',
  begin: (): State => ({ last: null, nan: false }),
  parse({ text }: LogLine, state: State) {
    if (!text.startsWith('{"') || text.length > 16_384 || !(OWN.test(text) || TRAINER.test(text))) return undefined
    const members = membersOf(text)
    if (members === undefined) return undefined
    if (members.has('loss')) return trained(members, state)
    const evaluated = [...members].filter(([name]) => name.startsWith('eval_'))
    if (evaluated.length === 0) return []
    // The time up to the next line is not that of its steps alone.
    state.last = null
    const message = [...evaluated, ['epoch', members.get('epoch') ?? '?'] as const]
      .map(pair => pair.join(' '))
      .join(', ')
    return [{ kind: 'event', type: 'evaluation', message: message.slice(0, 1000) }]
  },
})
