/**
 * Nodes of Kubernetes with the labels of their place in the network, as topograph sets them: `kubectl get nodes -o json`
 * or `-o yaml`. A label says which switch a node is under on each level.
 */
import { textForm } from '../form'
import { countLines, itemsOf, membersOf, parseDocument, textOf } from '../topology/document'
import type { Cable } from '../topology/tree'

/** From the node up; the second names are those of topograph before NVIDIA’s. */
const LEVELS = [
  ['leaf', 'network.topology.nvidia.com/leaf', 'network.topology.kubernetes.io/block'],
  ['spine', 'network.topology.nvidia.com/spine', 'network.topology.kubernetes.io/spine'],
  ['core', 'network.topology.nvidia.com/core', 'network.topology.kubernetes.io/datacenter'],
] as const
const ACCELERATOR = ['network.topology.nvidia.com/accelerator', 'network.topology.kubernetes.io/accelerator']
const LABEL = /network\.topology\.(?:nvidia\.com|kubernetes\.io)\/(?:leaf|block|spine|core|datacenter|accelerator)/
const NODES = /"?kind"?\s{0,4}:\s{0,4}"?(?:NodeList|List|Node)"?\s/

function cablesOfNode(value: unknown): Cable[] {
  const metadata = membersOf(membersOf(value)['metadata'])
  const labels = membersOf(metadata['labels'])
  const node = textOf(metadata['name'])
  if (node === undefined) return []
  const source = 'kubernetes'
  const domain = ACCELERATOR.map(label => textOf(labels[label])).find(Boolean)
  const cables: Cable[] =
    domain === undefined ? [] : [{ kind: 'topology', node, switch: domain, tier: 'accelerator', source }]
  let below: string | undefined
  for (const [tier, ...names] of LEVELS) {
    const name = names.map(label => textOf(labels[label])).find(Boolean)
    if (name === undefined) continue
    cables.push({ kind: 'topology', ...(below === undefined ? { node } : { below }), switch: name, tier, source })
    below = name
  }
  return cables
}

export const topologyKubernetes = textForm({
  name: 'topology-kubernetes',
  tool: 'topology',
  help: 'which node hangs on which switch from the labels of `kubectl get nodes -o json` (or yaml)',
  origin: 'https://github.com/NVIDIA/topograph/blob/main/docs/k8s.md',
  claims: ({ text }) => LABEL.test(text) && NODES.test(text),
  parse(text) {
    if (!LABEL.test(text)) return undefined
    const document = parseDocument(text)
    const items = itemsOf(membersOf(document)['items'])
    const cables = (items.length > 0 ? items : [document]).flatMap(cablesOfNode)
    // A cable between two switches is told of by every node under it.
    const once = new Map(cables.map(cable => [`${cable.node ?? ''}|${cable.below ?? ''}|${cable.switch}`, cable]))
    return once.size === 0 ? undefined : { records: [...once.values()], linesRead: countLines(text), linesUnread: 0 }
  },
})
