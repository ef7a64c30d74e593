/** What a probe measured, as records; and sent to the hub by an agent of its own. */
import { startAgent } from '../../agent/agent'
import { unixSeconds } from '../../base/clock'
import { PlumblineError } from '../../base/errors'
import { localHost } from '../../collectors/host'
import type { RecordOf } from '../../wire/records'
import type { PlumblineSettings } from '../settings'
import type { ProbeResult } from './probing'

const FLUSH_MS = 60_000

export function recordsOf({ pairs, products, groups }: ProbeResult, probe: string, time: number): RecordOf<'probe'>[] {
  const base = { kind: 'probe' as const, time, probe }
  return [
    ...pairs.map(({ from, to, bytes, bytesPerSecond, roundTripSeconds }) => ({
      ...base,
      operation: 'send',
      node: from,
      peer: to,
      bytes,
      bytesPerSecond,
      roundTripSeconds,
    })),
    ...products.map(product => ({ ...base, operation: 'matmul', ...product })),
    ...groups.map(({ nodes, backend, bytes, busBytesPerSecond }) => ({
      ...base,
      operation: 'all-reduce',
      node: nodes[0] ?? '',
      peer: nodes.join(),
      device: backend,
      bytes,
      bytesPerSecond: busBytesPerSecond,
    })),
  ]
}

/** Throws PlumblineError where the hub does not take them. */
export async function keep(
  result: ProbeResult,
  probe: string,
  hub: string,
  settings: PlumblineSettings,
): Promise<void> {
  const agent = await startAgent({
    host: localHost(),
    hub,
    token: settings.token,
    data: settings.data,
    spool: `probe-${probe}`,
    spoolBytes: settings.spoolBytes,
    temporary: true,
    collectors: [],
    log: () => undefined,
    collectorSettings: {
      intervalMs: 1000,
      logs: [],
      scrape: [],
      topology: '',
      run: '',
      fromStart: true,
      synthetic: false,
    },
  })
  for (const record of recordsOf(result, probe, unixSeconds())) agent.add(record)
  const { pending } = await agent.stop({ flushMs: FLUSH_MS })
  if (pending > 0)
    throw new PlumblineError(`the hub at ${hub} did not take what was measured`, { fix: 'check --hub and --token' })
}
