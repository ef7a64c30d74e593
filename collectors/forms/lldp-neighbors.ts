/** `lldpctl -f json` (or json0) and `networkctl lldp --json=short`: which switch port each card of a node is plugged into. */
import { textForm } from '../form'
import { countLines, parseDocument } from '../topology/document'
import { cablesOfDocument } from '../topology/lldp'

const LOOKS = /^\s*\{\s*"(?:lldp|Neighbors)"\s*:/

export const lldpNeighbors = textForm({
  name: 'lldp-neighbors',
  tool: 'lldp',
  help: 'the switch and port that each card is plugged into from `lldpctl -f json` or `networkctl lldp --json=short`',
  origin: 'https://lldpd.github.io/usage.html',
  claims: ({ text }) => LOOKS.test(text) && /"(?:interface|InterfaceName)"\s*:/.test(text),
  parse(text) {
    if (!LOOKS.test(text)) return undefined
    const cables = cablesOfDocument(parseDocument(text))
    return cables.length === 0 ? undefined : { records: cables, linesRead: countLines(text), linesUnread: 0 }
  },
})
