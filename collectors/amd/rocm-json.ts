/** `rocm-smi … --json`: `{"card0": {"GPU use (%)": "7", …}, "system": {…}}`, one document a run. */
import type { FileReading } from '../form'
import { complaints } from './failures'
import { documentsIn, isObject } from './documents'
import { isRocm, put, rocmRecords } from './rocm'
import type { Gpu } from './device'

function cellsOf(card: Record<string, unknown>): Map<string, string> {
  const cells = new Map<string, string>()
  for (const [name, value] of Object.entries(card))
    if (typeof value === 'string' || typeof value === 'number') put(cells, name, String(value))
  return cells
}

/** Records of one document; undefined when it is not rocm-smi's. */
function recordsOf(value: unknown): Gpu[] | undefined {
  if (!isObject(value)) return undefined
  const cards = Object.entries(value).flatMap(([name, card]) => {
    const index = /^card(\d{1,4})$/.exec(name)?.[1]
    return index !== undefined && isObject(card) ? [[Number(index), cellsOf(card)] as const] : []
  })
  if (!cards.some(([, cells]) => isRocm(cells))) return undefined
  return cards.flatMap(([index, cells]) => rocmRecords(index, cells))
}

export function parseRocmJson(text: string): FileReading | undefined {
  if (!/"card\d{1,4}"/.test(text.slice(0, 65_536))) return undefined
  const { values, others, linesRead, linesUnread } = documentsIn(text)
  const records = values.map(recordsOf)
  if (!records.some(found => found !== undefined)) return undefined
  const said = complaints(others, 'rocm-smi')
  return {
    records: [...records.flatMap(found => found ?? []), ...said.records],
    linesRead: linesRead + said.linesRead,
    linesUnread: linesUnread + said.linesUnread,
  }
}
