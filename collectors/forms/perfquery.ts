/** `perfquery`: counters of one port of the fabric, known by its LID, in one or several sections. */
import type { RecordOf } from '../../wire/records'
import { textForm } from '../form'
import { wordsToBytes } from '../kernel/infiniband'
import { perfqueryName } from '../kernel/rdma-counters'

const HEADING =
  /^# (?:Port \w{0,20} ?counters|Port\w{1,40} counters|Port counters): (?:Lid (\d{1,9})|DR path [^;]{1,200};[^;]{1,40};(?: [\d,]{1,200})?) port (\d{1,4}|all)\b/i
const FIELD = /^([A-Z][A-Za-z]\w{0,60}):(?:\.{1,60}| )(0x[\da-f]{1,16}|\d{1,20})$/i
const BYTES: Readonly<Record<string, 'receiveBytes' | 'transmitBytes'>> = {
  PortXmitData: 'transmitBytes',
  XmtData: 'transmitBytes',
  XmtBytes: 'transmitBytes',
  PortRcvData: 'receiveBytes',
  RcvData: 'receiveBytes',
  RcvBytes: 'receiveBytes',
}
/** Some scripts cut the heading off; then the first field tells. */
const FIRST_FIELD = /^PortSelect:/

export const perfquery = textForm({
  name: 'perfquery',
  tool: 'perfquery',
  help: 'bytes and errors of a port of the InfiniBand fabric from `perfquery`, also `-x` and error details',
  origin: 'https://github.com/linux-rdma/rdma-core/blob/master/infiniband-diags/perfquery.c',
  begins: /# Port\w{0,20}(?: \w{1,20})? counters: /,
  parse(text) {
    const records: RecordOf<'link'>[] = []
    const counts = { linesRead: 0, linesUnread: 0 }
    let seen = new Set<string>()
    let link: RecordOf<'link'> | undefined
    const begin = (lid?: string, port?: string) => {
      seen = new Set()
      link = { kind: 'link', ...(lid !== undefined && { device: `lid ${lid}` }), ...(port !== undefined && { port }) }
      records.push(link)
    }
    for (const line of text.split(/\r?\n/)) {
      if (line.trim() === '') continue
      const heading = HEADING.exec(line)
      const [, name = '', value = ''] = FIELD.exec(line.trim()) ?? []
      if (heading !== null) begin(heading[1], heading[2])
      else if (link === undefined && FIRST_FIELD.test(line)) begin()
      if (link === undefined || (heading === null && name === '')) {
        counts.linesUnread += 1
        continue
      }
      counts.linesRead += 1
      const bytes = BYTES[name]
      const error = perfqueryName(name)
      if (bytes === undefined && error === undefined) continue
      // Sections follow one another without a heading where scripts cut it off: a name that comes again begins the next.
      if (seen.has(name)) begin(link.device?.slice('lid '.length), link.port)
      seen.add(name)
      if (bytes !== undefined) link[bytes] = wordsToBytes(Number(value))
      else if (error !== undefined) link.errors = { ...link.errors, [error]: Number(value) }
    }
    return records.length === 0 ? undefined : { records, ...counts }
  },
})
