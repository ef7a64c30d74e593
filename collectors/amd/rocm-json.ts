/** `rocm-smi … --json`: `{"card0": {"GPU use (%)": "7", …}, "system": {…}}`, one document a run. */
import type { WireRecord } from '../../wire/records'
import type { FileReading } from '../form'
import { complaints } from './failures'
import { documentsIn, isObject } from './documents'
import { isRocm, put, rocmRecords } from './rocm'

function cellsOf(card: Record<string, unknown>): Map<string, string> {
  const cells = new Map<string, string>()
  for (const [name, value] of Object.entries(card))
    if (typeof value === 'string' || typeof value === 'number') put(cells, name, String(value))
  return cells
}

/** `(Topology) Link type between DRM devices 0 and 1`, said of the system. */
const LINK = /^\(Topology\) Link type between DRM devices (\d{1,4}) and (\d{1,4})$/

function pathsOf(system: unknown): WireRecord[] {
  return Object.entries(isObject(system) ? system : {}).flatMap(([name, path]) => {
    const [, from, to] = LINK.exec(name) ?? []
    return from !== undefined && to !== undefined && (path === 'XGMI' || path === 'PCIE')
      ? [{ kind: 'path' as const, from: `GPU${from}`, to: `GPU${to}`, path }]
      : []
  })
}

/** Records of one document; undefined when it is not rocm-smi's. */
function recordsOf(value: unknown): WireRecord[] | undefined {
  if (!isObject(value)) return undefined
  const cards = Object.entries(value).flatMap(([name, card]) => {
    const index = /^card(\d{1,4})$/.exec(name)?.[1]
    return index !== undefined && isObject(card) ? [[Number(index), cellsOf(card)] as const] : []
  })
  const paths = pathsOf(value['system'])
  if (paths.length === 0 && !cards.some(([, cells]) => isRocm(cells))) return undefined
  return [...cards.flatMap(([index, cells]) => rocmRecords(index, cells)), ...paths]
}

export function parseRocmJson(text: string): FileReading | undefined {
  if (!/"(?:card\d{1,4}|system)"/.test(text.slice(0, 65_536))) return undefined
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
