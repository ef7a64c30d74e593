/** What the page is told of a memory snapshot first: the figures of each device. Pure; bounded. */
import type { DeviceSummary, SnapshotSummary } from '../../wire/memory-snapshot'
import type { KeptSnapshot } from './kept-snapshot'
import { levelsOf } from './levels'
import { Names } from './names'
import { memoryOf, type DeviceMemory } from './snapshot'
import { Trace, type Snapshot } from './snapshot-read'

const MOST_FAILURES = 64

function peakOf(kept: KeptSnapshot, device: number): Pick<DeviceSummary, 'peakBytes' | 'peakEntry'> {
  const levels = levelsOf(kept.lives(device, 'blocks'), { from: 0, to: Math.max(0, kept.entriesOf(device) - 1) })
  let peakEntry = 0
  for (let entry = 1; entry < levels.length; entry += 1)
    if ((levels[entry] ?? 0) > (levels[peakEntry] ?? 0)) peakEntry = entry
  return { peakBytes: levels[peakEntry] ?? 0, peakEntry }
}

function failuresIn(trace: Trace, names: Names): DeviceSummary['outOfMemory'] {
  const found = []
  for (let entry = 0; entry < trace.length; entry += 1) {
    if (trace.actionAt(entry) !== 'oom') continue
    const size = trace.size.at(entry)
    const requestedBytes = Number.isFinite(size) ? size : null
    const stack = names.stack(trace.stack.at(entry))
    found.push({ entry, requestedBytes, freeBytes: trace.free.get(entry) ?? null, stack })
  }
  return found.slice(-MOST_FAILURES)
}

function deviceOf(memory: DeviceMemory, trace: Trace, kept: KeptSnapshot, names: Names): DeviceSummary {
  const { device, reservedBytes, allocatedBytes, requestedBytes, holeBytes, largestFreeBytes } = memory
  return {
    device,
    entries: trace.length,
    reservedBytes,
    allocatedBytes,
    requestedBytes,
    holeBytes,
    largestFreeBytes,
    ...peakOf(kept, device),
    outOfMemory: failuresIn(trace, names),
  }
}

export function summaryOf(snapshot: Snapshot, kept: KeptSnapshot): SnapshotSummary {
  const names = new Names(snapshot.stacks)
  const devices = memoryOf(snapshot).map(memory =>
    deviceOf(memory, snapshot.traces[memory.device] ?? new Trace(), kept, names),
  )
  return { ...names.named, devices }
}
