/** `ethtool INTERFACE`: speed and state of a link. */
import type { RecordOf } from '../../wire/records'
import { textForm } from '../form'

const HEADING = /^Settings for ([\w.@:-]{1,32}):$/
const SPEED = /^\s*Speed: (\d{1,9})Mb\/s$/
/** All else stands deeper than the heading. */
const OWN = /^(?:\t| {2}|Cannot |netlink error|No data available)/
const LINK = /^\s*Link detected: (yes|no)\b/

export const ethtoolSettings = textForm({
  name: 'ethtool-settings',
  tool: 'ethtool',
  help: 'speed and state of a link from `ethtool INTERFACE`',
  origin: 'https://man7.org/linux/man-pages/man8/ethtool.8.html',
  begins: /Settings for \S{1,32}:/,
  parse(text) {
    const records: RecordOf<'link'>[] = []
    const counts = { linesRead: 0, linesUnread: 0 }
    for (const line of text.split(/\r?\n/)) {
      if (line.trim() === '') continue
      const device = HEADING.exec(line.trim())?.[1]
      if (device !== undefined) records.push({ kind: 'link', device })
      const link = records.at(-1)
      if (link === undefined || (device === undefined && !OWN.test(line))) {
        counts.linesUnread += 1
        continue
      }
      counts.linesRead += 1
      const speed = SPEED.exec(line)?.[1]
      // -1 as an unsigned number is printed by old versions for an unknown speed.
      if (speed !== undefined && Number(speed) < 0xffff_ffff && Number(speed) > 0)
        link.rateBitsPerSecond = Number(speed) * 1e6
      const up = LINK.exec(line)?.[1]
      if (up !== undefined) link.state = up === 'yes' ? 'up' : 'down'
    }
    return records.length === 0 ? undefined : { records, ...counts }
  },
})
