'use client'
/** What only the page of sync and network shows. */
import type { FabricPicture } from '../../wire/fabric-picture'
import type { Finding } from '../../wire/findings'
import type { ProbeReport } from '../../wire/probe'
import type { Ways } from '../../wire/ways'
import { door } from './door'
import type { Part } from './run-parts'
import { usePolled, type Polled } from './use-polled'

const EVERY_MS = 3000
/** A probe comes when somebody starts one, long after the run’s end as well. */
const PROBE_MS = 10_000
/** Told once and when it changed. */
const WAYS_MS = 30_000

const everyMs = ({ view }: Part) => {
  const { state } = view.detail.summary
  return state === 'live' || state === 'silent' ? EVERY_MS : Infinity
}
const keyOf = (what: string, { run, view }: Part) =>
  `${what} ${run} ${view.detail.summary.state} ${view.detail.findings.length}`

export function useFindings(part: Part, first?: readonly Finding[]): Polled<readonly Finding[]> {
  return usePolled(keyOf('findings', part), signal => door.findings(part.run, signal), everyMs(part), first)
}

export function useProbe(part: Part): Polled<ProbeReport | null> {
  return usePolled(keyOf('probe', part), signal => door.probe(part.run, signal), PROBE_MS)
}

export function useFabric(part: Part, first?: FabricPicture): Polled<FabricPicture> {
  return usePolled(keyOf('fabric', part), signal => door.fabric(part.run, signal), everyMs(part), first)
}

export function useWays(part: Part): Polled<Ways> {
  return usePolled(keyOf('ways', part), signal => door.ways(part.run, signal), WAYS_MS)
}
