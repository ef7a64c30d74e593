/** `rdma statistic`, as text (`link mlx5_0/1 name value …`) and as JSON (`-j`): hardware counters of RDMA ports. */
import type { RecordOf } from '../../wire/records'
import { textForm, type FileReading } from '../form'
import { rdmaCounterName } from '../kernel/rdma-counters'

/** Drivers that count bytes; those of mlx5 are in sysfs alone. Unicast and multicast are counted apart. */
const BYTES = {
  receiveBytes: ['rx_rdma_ucast_bytes', 'rx_rdma_mcast_bytes', 'rx_bytes'],
  transmitBytes: ['tx_rdma_ucast_bytes', 'tx_rdma_mcast_bytes', 'tx_bytes'],
}

function linkOf(device: string, port: string, counters: ReadonlyMap<string, number>): RecordOf<'link'> {
  const link: RecordOf<'link'> = { kind: 'link', device, port }
  for (const [field, names] of Object.entries(BYTES) as [keyof typeof BYTES, string[]][]) {
    const values = names.map(name => counters.get(name)).filter(value => value !== undefined)
    if (values.length > 0) link[field] = values.reduce((sum, value) => sum + value, 0)
  }
  const errors: Record<string, number> = {}
  for (const [name, value] of counters) {
    const known = rdmaCounterName(name)
    if (known !== undefined) errors[known] = value
  }
  if (Object.keys(errors).length > 0) link.errors = errors
  return link
}

function ofJson(value: unknown): RecordOf<'link'> | undefined {
  if (typeof value !== 'object' || value === null || !('ifname' in value) || !('port' in value)) return undefined
  const { ifname, port, ...counters } = value as Record<string, unknown>
  if (typeof ifname !== 'string' || typeof port !== 'number') return undefined
  const numbers = Object.entries(counters).filter((entry): entry is [string, number] => Number.isSafeInteger(entry[1]))
  return numbers.length === 0 ? undefined : linkOf(ifname, String(port), new Map(numbers))
}

function parseJson(text: string): FileReading | undefined {
  try {
    const value = JSON.parse(text) as unknown
    const records = Array.isArray(value) ? value.map(ofJson).filter(link => link !== undefined) : []
    const lines = text.split('\n').filter(line => line.trim() !== '').length
    return records.length === 0 ? undefined : { records, linesRead: lines, linesUnread: 0 }
  } catch {
    return undefined
  }
}

const LINE = /^link ([\w.-]{1,64})\/(\d{1,4}) (?!(?:\w{1,32} \S{1,64} ){0,8}state )(.{1,8000})$/

function parseText(text: string): FileReading | undefined {
  const lines = text.split(/\r?\n/).filter(line => line.trim() !== '')
  const records = lines.flatMap(line => {
    const [, device, port, rest = ''] = LINE.exec(line.trim()) ?? []
    const pairs = [...rest.matchAll(/(\w{1,64}) (\d{1,20})(?= |$)/g)].map(
      ([, name = '', value]) => [name, Number(value)] as const,
    )
    return device === undefined || port === undefined || pairs.length === 0
      ? []
      : [linkOf(device, port, new Map(pairs))]
  })
  const linesUnread = lines.length - records.length
  return records.length === 0 ? undefined : { records, linesRead: records.length, linesUnread }
}

export const rdmaStatistic = textForm({
  name: 'rdma-statistic',
  tool: 'rdma',
  help: 'hardware counters of RDMA ports from `rdma statistic`, as text or JSON',
  origin: 'https://man7.org/linux/man-pages/man8/rdma-statistic.8.html',
  claims: ({ text }) =>
    /^\s*\[\s*\{\s*"ifname"\s*:\s*"[^"]{1,64}",\s*"port"\s*:\s*\d/.test(text) || parseText(text) !== undefined,
  parse: text => (text.trimStart().startsWith('[') ? parseJson(text) : parseText(text)),
})
