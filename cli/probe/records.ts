/** What a probe measured, as records; and sent to the hub by an agent of its own. */
import { unixSeconds } from '../../base/clock'
import { PlumblineError } from '../../base/errors'
import type { RecordOf } from '../../wire/records'
import { startMessenger } from '../messenger'
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
  const { token, data, spoolBytes } = settings
  const agent = await startMessenger({
    hub,
    token,
    data,
    spool: `probe-${probe}`,
    spoolBytes,
    run: '',
    synthetic: false,
    log: () => undefined,
  })
  for (const record of recordsOf(result, probe, unixSeconds())) agent.add(record)
  const { pending } = await agent.stop({ flushMs: FLUSH_MS })
  if (pending > 0)
    throw new PlumblineError(`the hub at ${hub} did not take what was measured`, { fix: 'check --hub and --token' })
}
