/** Plumbline's own hook: one record of the catalogue a line. */
import { asRecord, type RecordOf, type WireRecord } from '../../wire/records'
import { readOutOfMemory } from './crash-memory'
import { defineFormat, type LogLine } from './format'

const KINDS: readonly string[] = ['run', 'rank', 'config', 'step', 'event', 'collective', 'flow']

/** Python writes NaN and Infinity, which are not JSON: such a figure is absent. */
const NOT_JSON = /(?<=[:,[]\s{0,4})(?:NaN|-?Infinity)(?=\s{0,4}[,}\]])/g

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text) as unknown
  } catch {
    const repaired = text.replaceAll(NOT_JSON, 'null')
    if (repaired === text) return undefined
    try {
      return JSON.parse(repaired) as unknown
    } catch {
      return undefined
    }
  }
}

/** Without the members that are null: absent, as the catalogue has it. */
function withoutNulls(value: unknown): unknown {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return value
  return Object.fromEntries(
    Object.entries(value)
      .filter(([, member]) => member !== null)
      .map(([key, member]) => [key, withoutNulls(member)]),
  )
}

/** Ranks whose last loss was not a number: said once, when it begins. */
type State = { nan: number[] }

function nanEvent(step: RecordOf<'step'>, text: string, state: State): WireRecord[] {
  const rank = step.rank ?? -1
  const before = state.nan.includes(rank)
  const nan = step.loss === undefined && /"loss"\s{0,4}:\s{0,4}(?:NaN|-?Infinity)/.test(text)
  state.nan = state.nan.filter(other => other !== rank)
  if (!nan) return []
  state.nan.push(rank)
  const message = `the loss is not a number at step ${step.step ?? 'unknown'}`
  return before
    ? []
    : [{ kind: 'event', type: 'nan-loss', time: step.time, run: step.run, node: step.node, rank: step.rank, message }]
}

/** What an error's text says of memory. The hook itself only knows that an exception ended the program. */
function withFigures(event: RecordOf<'event'>): RecordOf<'event'> {
  const read = event.message === undefined ? undefined : readOutOfMemory(event.message, event.rank)
  return read === undefined ? event : { ...read, ...event, type: read.type }
}

export const hook = defineFormat({
  name: 'hook',
  help: 'records of the hook: one JSON object a line, fields as in the catalogue',
  origin: 'hook/plumbline_hook.py',
  begin: (): State => ({ nan: [] }),
  parse({ text }: LogLine, state: State): WireRecord[] | undefined {
    if (!text.startsWith('{"kind"')) return undefined
    const record = asRecord(withoutNulls(parseJson(text)))
    if (record === undefined || !KINDS.includes(record.kind)) return undefined
    if (record.kind === 'event') return [withFigures(record)]
    if (record.kind !== 'step') return [record]
    const step: RecordOf<'step'> = { ...record, source: 'hook' }
    return [step, ...nanEvent(step, text, state)]
  },
})
