/** `trainer_state.json`, which Hugging Face's Trainer writes beside each checkpoint: every figure that it logged. */
import { z } from 'zod'
import type { WireRecord } from '../../wire/records'
import { textForm, type FileReading } from '../form'
import { figuresOf, paused, sinceLogged, type Counted } from '../logs/hf-figures'
import { isNotFinite, numberOf } from '../logs/values'

const scalar = z.union([z.number(), z.string(), z.boolean(), z.null()])
const schema = z.object({
  global_step: z.number(),
  max_steps: z.number().optional(),
  train_batch_size: z.number().nullish(),
  log_history: z.array(z.record(z.string(), z.unknown())),
})
type Logged = ReadonlyMap<string, string>

/** Python writes NaN and Infinity, which JSON does not have. */
const NOT_FINITE = /(": ?)(-?Infinity|NaN)(?=\s{0,8}[,}])/g

function parsed(text: string): z.infer<typeof schema> | undefined {
  if (!text.trimStart().startsWith('{') || !text.includes('"log_history"')) return undefined
  try {
    return schema.safeParse(JSON.parse(text.replaceAll(NOT_FINITE, '$1"$2"'))).data
  } catch {
    return undefined
  }
}

function loggedOf(entry: Readonly<Record<string, unknown>>): Logged {
  const scalars = Object.entries(entry).filter(([, value]) => scalar.safeParse(value).success)
  return new Map(scalars.map(([name, value]) => [name, String(value)]))
}

const listed = (entry: Logged, names: readonly string[]) =>
  names
    .map(name => `${name} ${entry.get(name)}`)
    .join(', ')
    .slice(0, 1000)

type Since = ReturnType<typeof sinceLogged>['own']

function recordsOf(entry: Logged, totalSteps: number | undefined, since: Since): WireRecord[] {
  const names = [...entry.keys()]
  if (entry.has('loss')) {
    const step = { ...figuresOf(entry), totalSteps, ...since }
    const nan = isNotFinite(entry.get('loss'))
    const message = `the loss is not a number at step ${step.step}`
    return [
      { kind: 'step', source: 'hf-trainer', ...step },
      ...(nan ? ([{ kind: 'event', type: 'nan-loss', message }] as const) : []),
    ]
  }
  if (entry.has('train_runtime'))
    return [
      {
        kind: 'event',
        type: 'summary',
        message: listed(
          entry,
          names.filter(name => name.startsWith('train_')),
        ),
      },
    ]
  const evaluated = names.filter(name => name.startsWith('eval_') || name === 'epoch' || name === 'step')
  return names.some(name => name.startsWith('eval_'))
    ? [{ kind: 'event', type: 'evaluation', message: listed(entry, evaluated) }]
    : []
}

/** The loss is said once to be no number, when it begins. */
function withoutRepeats(records: readonly WireRecord[]): WireRecord[] {
  let nan = false
  return records.filter((record, place) => {
    const isNan = record.kind === 'event' && record.type === 'nan-loss'
    const next = records[place + 1]
    const kept = !(isNan && nan)
    if (isNan) nan = true
    else if (record.kind === 'step' && !(next?.kind === 'event' && next.type === 'nan-loss')) nan = false
    return kept
  })
}

/** Absent members and what zod would refuse are left out, so that a record is one of the catalogue. */
const withoutAbsent = (record: WireRecord): WireRecord =>
  Object.fromEntries(Object.entries(record).filter(([, value]) => value !== undefined)) as WireRecord

function parse(text: string): FileReading | undefined {
  const state = parsed(text)
  if (state === undefined) return undefined
  const totalSteps = state.max_steps !== undefined && state.max_steps > 0 ? state.max_steps : undefined
  let before: Counted | null = null
  const read = state.log_history.map(logged => {
    const entry = loggedOf(logged)
    if (!entry.has('loss')) {
      before = paused(before)
      return recordsOf(entry, totalSteps, {})
    }
    const { own, counted } = sinceLogged(entry, numberOf(entry.get('step')), before)
    before = counted
    return recordsOf(entry, totalSteps, own)
  })
  const config: WireRecord = {
    kind: 'config',
    framework: 'hf-trainer',
    ...(typeof state.train_batch_size === 'number' && { batch: { micro: state.train_batch_size } }),
  }
  return {
    records: [config, ...withoutRepeats(read.flat())].map(withoutAbsent),
    linesRead: read.filter(records => records.length > 0).length,
    linesUnread: read.filter(records => records.length === 0).length,
  }
}

export const hfTrainerState = textForm({
  name: 'hf-trainer-state',
  tool: 'hf-trainer-state',
  help: 'trainer_state.json of Hugging Face’s Trainer: the history of every logged step and evaluation',
  origin: 'https://github.com/huggingface/transformers/blob/main/src/transformers/trainer_callback.py',
  // The head of a long file is no whole JSON text.
  claims: ({ text }) =>
    text.trimStart().startsWith('{') &&
    /"(?:best_metric|global_step|epoch)": /.test(text) &&
    /"log_history": ?\[/.test(text),
  parse,
})
