/**
 * A topology in plain YAML (or JSON): `switches`, a list of `{switch, nodes, children}`, and `blocks`, a list of `{block, nodes}`;
 * `nodes` and `children` (`switches`, as topology.conf calls them) are host lists or lists. Alone in the file, or inside the list that Slurm’s topology.yaml is.
 */
import { textForm } from '../form'
import { countLines, itemsOf, membersOf, parseDocument, textOf } from '../topology/document'
import { cablesOf } from '../topology/slurm'
import { withTiers, type Cable } from '../topology/tree'

const LOOKS = /^[ \t-]{0,40}"?(?:switches|blocks)"?\s{0,4}:/m

const hostsOf = (value: unknown) => (Array.isArray(value) ? value.map(textOf).filter(Boolean).join(',') : textOf(value))

function cablesIn(document: unknown): Cable[] {
  const parts = [document, ...itemsOf(document)].map(membersOf)
  const holders = parts.flatMap(part => [part, membersOf(part['tree']), membersOf(part['block'])])
  return holders.flatMap(holder =>
    [...itemsOf(holder['switches']), ...itemsOf(holder['blocks'])].flatMap(item => {
      const { switch: name, block, nodes, children, switches } = membersOf(item)
      const below = hostsOf(children ?? switches)
      const entry = { switch: textOf(name), block: textOf(block), nodes: hostsOf(nodes), children: below }
      return cablesOf(entry, 'file') ?? []
    }),
  )
}

export const topologyYaml = textForm({
  name: 'topology-yaml',
  tool: 'topology',
  help: 'which node hangs on which switch from a YAML file of `switches`, as Slurm’s topology.yaml has it',
  origin: 'https://slurm.schedmd.com/topology.yaml.html',
  parse(text) {
    if (!LOOKS.test(text)) return undefined
    const cables = withTiers(cablesIn(parseDocument(text)))
    return cables.length === 0 ? undefined : { records: cables, linesRead: countLines(text), linesUnread: 0 }
  },
})
