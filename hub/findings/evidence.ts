/** What devices, hosts and cards of those that are blamed say, and of some of their peers. */
import type { DetectorWindow } from '../../analysis/detector'
import { withSigns } from '../../analysis/signs'
import type { Finding } from '../../wire/findings'
import { samplesOf } from '../queries/evidence'
import type { RunFacts } from '../run-facts'
import type { Store } from '../store/store'

/** Nodes that nobody blames, beside which those that are blamed are looked at. */
const PEER_NODES = 16

export async function withEvidence(
  store: Store,
  facts: RunFacts,
  window: DetectorWindow,
  findings: readonly Finding[],
): Promise<Finding[]> {
  const nodeOf = (rank: number) => window.places?.get(rank)?.node
  const blamed = new Set(
    findings.flatMap(({ nodes = [], ranks = [] }) => [...nodes, ...ranks.flatMap(rank => nodeOf(rank) ?? [])]),
  )
  if (blamed.size === 0) return [...findings]
  const peers = [...facts.nodes].filter(node => !blamed.has(node)).slice(0, PEER_NODES)
  const since = Math.min(...findings.map(finding => finding.since))
  const asked = { nodes: [...blamed, ...peers], since, until: window.now, events: window.events }
  const samples = await samplesOf(store, facts.run, asked)
  return findings.map(finding => withSigns(finding, samples, nodeOf))
}
