/** `amd-smi … --json`: documents of any of its commands, one after another in watch mode. */
import type { WireRecord } from '../../wire/records'
import type { FileReading } from '../form'
import { word } from './cells'
import { documentsIn, isObject } from './documents'
import { complaints } from './failures'
import { isMonitor, isSummary, pathsOf, processOf, smiRecords, type Process } from './smi'

type Json = Record<string, unknown>
const MAX_CELLS = 4000

/** `{"value": 10, "unit": "W"}`, `10`, `"N/A"` → the text that the tool prints for people; undefined for what is not one value. */
function textOf(value: unknown): string | undefined {
  if (typeof value === 'string') return value
  if (typeof value === 'number' || typeof value === 'boolean') return String(value)
  if (!isObject(value) || !('value' in value) || isObject(value['value'])) return undefined
  const amount = textOf(value['value'])
  return amount === undefined ? undefined : `${amount} ${typeof value['unit'] === 'string' ? value['unit'] : ''}`.trim()
}

/** Values under their paths; lists are left to those who know what they hold. */
function flatten(from: Json, to: Map<string, string>, prefix = '', depth = 0): Map<string, string> {
  for (const [name, value] of Object.entries(from)) {
    const path = `${prefix}${name.toLowerCase()}`
    const text = textOf(value)
    if (text !== undefined && to.size < MAX_CELLS) to.set(path, text)
    else if (isObject(value) && depth < 6) flatten(value, to, `${path}/`, depth + 1)
  }
  return to
}

/** Absent where nothing is said of processes, or that they may not be seen. */
function processesOf(device: Json): Process[] | undefined {
  const list = device['process_list'] ?? device['process_info']
  if (!Array.isArray(list)) return undefined
  const infos = list.map((entry: unknown) =>
    isObject(entry) && 'process_info' in entry ? entry['process_info'] : entry,
  )
  const found = infos.flatMap(info => (isObject(info) ? [processOf(flatten(info, new Map()))] : []))
  const processes = found.filter(process => process !== undefined)
  const none = infos.some(info => typeof info === 'string' && /^No running processes/i.test(info))
  return processes.length > 0 || none ? processes : undefined
}

/** Paths from one device to the others, of `topology` and of older versions of it. */
function pathsBetween(device: Json): WireRecord[] {
  const from = typeof device['bdf'] === 'string' ? device['bdf'] : `GPU${String(device['gpu'])}`
  const links: (readonly [to: string, path: unknown])[] = Array.isArray(device['links'])
    ? device['links']
        .filter(isObject)
        .map(link => [String(link['bdf'] ?? `GPU${String(link['gpu'])}`), link['link_type']])
    : Object.entries(isObject(device['link_type']) ? device['link_type'] : {}).map(([to, path]) => [
        to.replace(/^gpu_/, 'GPU'),
        path,
      ])
  return links.flatMap(([to, path]) =>
    typeof path === 'string' && to !== from && /^(?:XGMI|PCIE)$/.test(path)
      ? [{ kind: 'path' as const, from, to, path }]
      : [],
  )
}

const OWN =
  /^(?:asic|bus|vbios|limit|driver|board|ras|partition|vram|usage|power|clock|temperature|pcie|ecc|ecc_blocks|fan|mem_usage|throttle|process_list|process_info|link_accessibility|link_type|links|link_metrics|bdf|kfd_id|energy|numa)$/

/** A device: an object that says its number as amd-smi does, and something else that amd-smi says. */
const isDevice = (value: unknown): value is Json =>
  isObject(value) &&
  /^\d{1,4}$/.test(String(value['gpu'] ?? value['gpu_id'])) &&
  (isSummary(Object.keys(value)) ||
    ('gpu' in value && (Object.keys(value).some(name => OWN.test(name)) || isMonitor(Object.keys(value)))))

function* devicesIn(value: unknown, depth = 0): Generator<Json> {
  if (isDevice(value)) yield value
  else if (depth < 4 && Array.isArray(value)) for (const one of value) yield* devicesIn(one, depth + 1)
  else if (depth < 4 && isObject(value)) for (const one of Object.values(value)) yield* devicesIn(one, depth + 1)
}

/** The summary says both in one (`CPX/NPS4`); which partition it is is the last digit of its address. */
function withPartition(cells: Map<string, string>): Map<string, string> {
  const [, mode, memory] = /^([A-Z]PX)\/(NPS\d)$/.exec(cells.get('partition/compute_partition') ?? '') ?? []
  if (mode === undefined || memory === undefined) return cells
  cells.set('partition/compute_partition', mode).set('partition/memory_partition', memory)
  const [, part] = /\.([\da-f])$/.exec(cells.get('bdf') ?? '') ?? []
  if (mode !== 'SPX' && part !== undefined) cells.set('partition/partition_id', String(Number.parseInt(part, 16)))
  return cells
}

/** Records of one document, such as one turn of watch mode; undefined when it is not amd-smi's. */
export function smiDocument(value: unknown): WireRecord[] | undefined {
  const devices = [...devicesIn(value)].map(device => {
    const cells = flatten(device, new Map())
    const names = [...cells.keys()]
    const paths = isMonitor(names) || isSummary(names) ? pathsOf(names) : names
    return { device, cells: withPartition(new Map(paths.map((path, at) => [path, cells.get(names[at] ?? '') ?? '']))) }
  })
  if (devices.length === 0) return undefined
  const divided = devices.some(({ cells }) => /^[1-9]\d{0,2}$/.test(word(cells.get('xcp')) ?? ''))
  return devices.flatMap(({ device, cells }) => [
    ...smiRecords({ cells, processes: processesOf(device), divided }),
    ...pathsBetween(device),
  ])
}

export function parseSmiJson(text: string): FileReading | undefined {
  if (!/"gpu(?:_id)?"\s{0,4}:/.test(text.slice(0, 65_536))) return undefined
  const { values, others, linesRead, linesUnread } = documentsIn(text)
  const records = values.map(smiDocument)
  if (!records.some(found => found !== undefined)) return undefined
  const said = complaints(others, 'amd-smi')
  return {
    records: [...records.flatMap(found => found ?? []), ...said.records],
    linesRead: linesRead + said.linesRead,
    linesUnread: linesUnread + said.linesUnread,
  }
}
