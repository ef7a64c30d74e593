/** `rdma link` as text and as JSON (`-j`): state of RDMA ports. It says no speed. */
import type { RecordOf } from '../../wire/records'
import { textForm } from '../form'
import { readState } from '../kernel/infiniband'
import { countLines, itemsOf, membersOf, parseDocument, textOf } from '../topology/document'

const LINE = /^link ([\w.-]{1,64})\/(\d{1,4}) (?:\w{1,32} \S{1,64} ){0,8}?state (\w{1,32})\b/
const JSON_LINE = /^\s*\[\s*\{[^{}]{0,400}"ifname"\s*:[^{}]{0,400}"physical_state"\s*:/

function ofJson(value: unknown): RecordOf<'link'>[] {
  const { ifname, port, state } = membersOf(value)
  const device = textOf(ifname)
  return device === undefined ? [] : [{ kind: 'link', device, port: textOf(port), state: readState(textOf(state)) }]
}

export const rdmaLink = textForm({
  name: 'rdma-link',
  tool: 'rdma',
  help: 'state of every RDMA port from `rdma link`, as text or JSON',
  origin: 'https://man7.org/linux/man-pages/man8/rdma-link.8.html',
  claims: ({ text }) => JSON_LINE.test(text) || LINE.test(text.trimStart()),
  parse(text) {
    if (JSON_LINE.test(text)) {
      const records = itemsOf(parseDocument(text)).flatMap(ofJson)
      return records.length === 0 ? undefined : { records, linesRead: countLines(text), linesUnread: 0 }
    }
    const lines = text.split(/\r?\n/).filter(line => line.trim() !== '')
    const records = lines.flatMap((line): RecordOf<'link'>[] => {
      const [, device, port, state] = LINE.exec(line.trim()) ?? []
      return device === undefined ? [] : [{ kind: 'link', device, port, state: readState(state) }]
    })
    return records.length === 0
      ? undefined
      : { records, linesRead: records.length, linesUnread: lines.length - records.length }
  },
})
