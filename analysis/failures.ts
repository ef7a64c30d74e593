/** Events that end runs, turned into findings: what was said, and what to do next. */
import { format } from '../base/units'
import type { Finding } from '../wire/findings'
import type { RecordOf } from '../wire/records'
import { defineDetector, type DetectorWindow } from './detector'

type Event = RecordOf<'event'>

const OUT_OF_MEMORY: Record<string, string> = {
  oom: 'Compare the predicted memory with the device’s: a smaller micro-batch, recomputation or a higher ZeRO stage takes least.',
  'host-oom': 'The host ran out of memory: fewer data-loader workers, less pinned memory, or no offload to the host.',
}
const CRASHES: Record<string, string> = {
  crash: 'Read the lines before the first failing rank ended; other ranks fail after it.',
  traceback: 'Read the traceback of the rank that failed first; other ranks fail after it.',
  'nccl-timeout':
    'One rank did not come to a collective: find the one that stopped first, and look at its node and links.',
  xid: 'Look the Xid up in NVIDIA’s list; drain the node if it repeats.',
}

/** A watchdog speaks up on a rank that waits: that one is told of, not blamed. */
const WAITING = 'nccl-timeout'

/** The sizes that an out-of-memory error names. */
function sizes(event: Event): string {
  const parts = [
    ['asked for', event.requestedBytes],
    ['free', event.freeBytes],
    ['allocated', event.allocatedBytes],
    ['reserved and unused', event.reservedUnallocatedBytes],
    ['device', event.capacityBytes],
  ] as const
  const known = parts.flatMap(([what, bytes]) => (bytes === undefined ? [] : [`${what} ${format(bytes, 'bytes')}`]))
  return known.length === 0 ? '' : ` (${known.join(', ')})`
}

const place = ({ rank, node }: Event) =>
  `${rank === undefined ? '' : ` on rank ${rank}`}${node === undefined ? '' : ` of ${node}`}`

/** The first event of each type: those after it are mostly its echoes. */
function firstOfType(events: readonly Event[], nextSteps: Record<string, string>): Event[] {
  const first = new Map<string, Event>()
  for (const event of events) {
    if (event.type === undefined || !Object.hasOwn(nextSteps, event.type)) continue
    const before = first.get(event.type)
    if (before === undefined || (event.time ?? Infinity) < (before.time ?? Infinity)) first.set(event.type, event)
  }
  return [...first.values()]
}

function findings(
  detector: string,
  title: string,
  nextSteps: Record<string, string>,
  window: DetectorWindow,
): Finding[] {
  return firstOfType(window.events, nextSteps).map(event => {
    const type = event.type ?? ''
    const again = window.events.filter(other => other.type === type).length
    return {
      detector,
      run: window.run,
      severity: 'critical',
      provenance: 'measured',
      title: `${title}${place(event)}`,
      evidence: `${event.message ?? type}${sizes(event)}${again > 1 ? `; the first of ${again} such events` : ''}`,
      since: event.time ?? window.facts.endedAt ?? window.facts.startedAt,
      ...(event.rank === undefined || type === WAITING ? {} : { ranks: [event.rank] }),
      nextStep: nextSteps[type] ?? '',
    }
  })
}

export const outOfMemory = defineDetector({
  name: 'out-of-memory',
  help: 'A device or a host ran out of memory.',
  detect: window => findings('out-of-memory', 'Out of memory', OUT_OF_MEMORY, window),
})

export const crash = defineDetector({
  name: 'crash',
  help: 'A process failed, a collective timed out, or the driver reported a fault.',
  detect: window => findings('crash', 'A failure', CRASHES, window),
})
