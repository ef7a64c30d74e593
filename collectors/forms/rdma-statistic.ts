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
/** Counters of single queue pairs, which are part of their port's. */
const QUEUE_PAIR = /^(?:cntn \d|\w{1,20} \d{1,10} (?:pid|comm) )/
/** A terminal wrapped the counters between their names and values; optional ones have a line of their own. */
const GOES_ON = /^(?:Optional-set: )?(?:\d{1,20} ?)?(?:[a-z]\w{1,63} \d{1,20} ?)*(?:[a-z]\w{1,63})?$/
const MOST_WRAPPED = 100

/** Each link with the lines that go on with it. */
function joined(lines: readonly string[]): { links: string[]; linesUnread: number } {
  const links: string[] = []
  let [wrapped, linesUnread] = [0, 0]
  for (const line of lines) {
    const last = links.at(-1)
    wrapped = LINE.test(line) ? 0 : wrapped + 1
    if (wrapped === 0) links.push(line)
    else if (last !== undefined && wrapped < MOST_WRAPPED && line.length < 2000 && GOES_ON.test(line))
      links[links.length - 1] = `${last} ${line.replace('Optional-set: ', '')}`
    else linesUnread += 1
  }
  return { links, linesUnread }
}

function ofText(link: string): RecordOf<'link'>[] {
  const [, device = '', port = '', rest = ''] = LINE.exec(link) ?? []
  const pairs = [...rest.matchAll(/(\w{1,64}) (\d{1,20})(?= |$)/g)].map(
    ([, name = '', value]) => [name, Number(value)] as const,
  )
  return pairs.length === 0 || QUEUE_PAIR.test(rest) ? [] : [linkOf(device, port, new Map(pairs))]
}

function parseText(text: string): FileReading | undefined {
  const lines = text
    .split(/\r?\n/)
    .map(line => line.trim())
    .filter(line => line !== '')
  const { links, linesUnread } = joined(lines)
  const linesRead = lines.length - linesUnread
  const isStatistic = links.some(link => /(?: [a-z]\w{1,63} \d{1,20}){2}/.test(link))
  return isStatistic ? { records: links.flatMap(ofText), linesRead, linesUnread } : undefined
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
