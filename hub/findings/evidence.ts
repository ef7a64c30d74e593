/** What devices, hosts and cards of those that are blamed say, and of some of their peers. */
import type { DetectorWindow } from '../../analysis/detector'
import { withChanges, withSigns } from '../../analysis/signs'
import { SLOWER_RUN } from '../../analysis/slower-run'
import type { Finding } from '../../wire/findings'
import { samplesOf } from '../queries/evidence'
import type { RunFacts } from '../run-facts'
import type { Store } from '../store/store'

/** Nodes that nobody blames, beside which those that are blamed are looked at. */
const PEER_NODES = 16

/** No sample says what was before that is older. */
const BEFORE_SECONDS = 600

/** Of a run that became slower as a whole, its nodes since then and before. */
async function changesOf(store: Store, facts: RunFacts, { now, events }: DetectorWindow, finding: Finding) {
  const nodes = [...facts.nodes].slice(0, PEER_NODES)
  const { since } = finding
  const asked = { nodes, events }
  const past = { ...asked, since: Math.max(facts.startedAt, since - BEFORE_SECONDS), until: since }
  const [own, before] = await Promise.all([
    samplesOf(store, facts.run, { ...asked, since, until: now }),
    samplesOf(store, facts.run, past),
  ])
  return withChanges(finding, own, before)
}

export async function withEvidence(
  store: Store,
  facts: RunFacts,
  window: DetectorWindow,
  all: readonly Finding[],
): Promise<Finding[]> {
  const ofRun = all.filter(({ detector }) => detector === SLOWER_RUN)
  const findings = all.filter(({ detector }) => detector !== SLOWER_RUN)
  const changed = await Promise.all(ofRun.map(finding => changesOf(store, facts, window, finding)))
  return [...(await besidePeers(store, facts, window, findings)), ...changed]
}

/** Of those that are blamed, beside some that nobody blames. */
async function besidePeers(
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
