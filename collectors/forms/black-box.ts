/** The last minutes that an agent of Plumbline kept of a run that ended badly: records, and the ends of logs. */
import { asRecord, type WireRecord } from '../../wire/records'
import { linesForm } from '../form'

const isOwn = (value: unknown, kind: string) =>
  typeof value === 'object' && value !== null && 'kind' in value && value.kind === kind

/** Undefined where it is no JSON. */
function parsed(line: string): unknown {
  try {
    return JSON.parse(line)
  } catch {
    return undefined
  }
}

export const blackBox = linesForm({
  name: 'plumbline-black-box',
  tool: 'plumbline',
  help: 'the last minutes of a run as an agent kept them: steps, memory, processes, the ends of its logs',
  origin: 'agent/last-minutes.ts',
  begin() {
    let begun = false
    return (line): WireRecord[] | undefined => {
      const value = parsed(line)
      if (isOwn(value, 'black-box')) begun = true
      if (!begun) return undefined
      if (isOwn(value, 'black-box') || isOwn(value, 'log')) return []
      const record = asRecord(value)
      return record === undefined ? undefined : [record]
    }
  },
})
