/** A saved /proc/net/dev. */
import { textForm } from '../form'
import { parseNetDev } from '../kernel/ethernet'

const HEADING = /^(?:Inter-\|| ?face \|)/

export const procNetDev = textForm({
  name: 'proc-net-dev',
  tool: 'proc',
  help: 'bytes, errors and drops of every interface but the loopback, from a saved /proc/net/dev',
  origin: 'https://docs.kernel.org/filesystems/proc.html',
  begins: /Inter-\|/,
  parse(text) {
    const lines = text.split(/\r?\n/).filter(line => line.trim() !== '')
    if (!HEADING.test(lines[0] ?? '')) return undefined
    const read = lines.map(line => (HEADING.test(line) ? 'heading' : parseNetDev(line)[0]))
    const interfaces = read.filter(line => line !== 'heading' && line !== undefined).filter(({ name }) => name !== 'lo')
    const linesUnread = read.filter(line => line === undefined).length
    return {
      records: interfaces.map(({ name, ...counters }) => ({ kind: 'link', device: name, ...counters })),
      linesRead: lines.length - linesUnread,
      linesUnread,
    }
  },
})
