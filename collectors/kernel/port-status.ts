/** `ibstat` and `ibstatus`: a heading for each port, then `name: value` lines. */
import type { RecordOf } from '../../wire/records'
import type { FileReading } from '../form'
import { readRate, readState } from './infiniband'

interface Headings {
  readonly device: RegExp
  /** Names the port; the second group of `device` does where this is absent. */
  readonly port?: RegExp
}
const FIELD = /^\s*([A-Za-z][\w ]{0,40}?):\s{1,40}(\S.{0,200})$/

/** `400` (ibstat) or `400 Gb/sec (4X NDR)` (ibstatus). */
function rateOf(text: string): number | undefined {
  return /^\d{1,5}(?:\.\d{1,2})?$/.test(text) ? Number(text) * 1e9 : readRate(text)
}

/** Undefined where no port was named. */
export function parsePortStatus(text: string, { device, port }: Headings): FileReading | undefined {
  const records: RecordOf<'link'>[] = []
  const counts = { linesRead: 0, linesUnread: 0 }
  let name: string | undefined
  let link: RecordOf<'link'> | undefined
  const begin = (number: string | undefined) => records.push((link = { kind: 'link', device: name, port: number }))
  for (const line of text.split(/\r?\n/)) {
    if (line.trim() === '') continue
    counts.linesRead += 1
    const head = device.exec(line)
    const number = port?.exec(line)?.[1]
    if (head !== null) {
      name = head[1]
      link = undefined
      if (head[2] !== undefined) begin(head[2])
    } else if (number !== undefined && name !== undefined) begin(number)
    else {
      const field = name === undefined ? null : FIELD.exec(line)
      if (field === null) {
        counts.linesRead -= 1
        counts.linesUnread += 1
        continue
      }
      const [, title = '', value = ''] = field
      const rate = /^rate$/i.test(title) ? rateOf(value) : undefined
      if (link === undefined) continue
      if (/^state$/i.test(title)) link.state = readState(value)
      else if (rate !== undefined && rate > 0) link.rateBitsPerSecond = rate
    }
  }
  return records.length === 0 ? undefined : { records, ...counts }
}
