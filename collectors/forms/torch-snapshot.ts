/** `torch.cuda.memory._dump_snapshot()`: a pickle of the allocator's segments and of what it did. */
import { format } from '../../base/units'
import type { RecordOf, WireRecord } from '../../wire/records'
import { memoryOf, type DeviceMemory, type OutOfMemory } from '../evidence/snapshot'
import { readSnapshot } from '../evidence/snapshot-read'
import type { Form } from '../form'
import { holdsText } from '../pickle/read'

const size = (bytes: number) => format(bytes, 'bytes')

function failure(event: OutOfMemory): RecordOf<'event'> {
  const asked = event.requestedBytes === undefined ? 'memory' : size(event.requestedBytes)
  return {
    kind: 'event',
    time: event.time,
    type: 'oom',
    gpuIndex: event.device,
    message: `${asked} could not be had${event.at === undefined ? '' : ` at ${event.at}`}`,
    requestedBytes: event.requestedBytes,
    freeBytes: event.freeBytes,
    allocatedBytes: event.allocatedBytes,
    reservedBytes: event.reservedBytes,
    reservedUnallocatedBytes: Math.max(0, event.reservedBytes - event.allocatedBytes),
  }
}

function state(memory: DeviceMemory): RecordOf<'event'> {
  const holders = memory.holders.slice(0, 5).map(({ frame, bytes }) => `${frame} ${size(bytes)}`)
  const peak = memory.peakActiveBytes === undefined ? [] : [`peak in the trace ${size(memory.peakActiveBytes)}`]
  const parts = [
    `segments: ${memory.segments}`,
    `${size(memory.holeBytes)} free between blocks in use, largest free block ${size(memory.largestFreeBytes)}`,
    ...peak,
    ...(holders.length === 0 ? [] : [`held by ${holders.join(', ')}`]),
  ]
  return {
    kind: 'event',
    type: 'memory-snapshot',
    gpuIndex: memory.device,
    message: parts.join('; '),
    allocatedBytes: memory.allocatedBytes,
    reservedBytes: memory.reservedBytes,
    reservedUnallocatedBytes: Math.max(0, memory.reservedBytes - memory.allocatedBytes),
  }
}

export const torchSnapshot: Form = {
  name: 'torch-snapshot',
  tool: 'torch',
  help: 'a memory snapshot of PyTorch: reserved, in use, holes, largest holders, and what could not be had',
  origin: 'https://pytorch.org/docs/stable/torch_cuda_memory.html',
  claims: ({ bytes }) =>
    holdsText(bytes, 'device_traces') || (holdsText(bytes, 'segments') && holdsText(bytes, 'total_size')),
  async read(chunks, write) {
    const snapshot = await readSnapshot(chunks)
    if (snapshot === undefined) return { linesRead: 0, linesUnread: 1 }
    const records: WireRecord[] = memoryOf(snapshot).flatMap(device => [
      state(device),
      ...device.outOfMemory.map(failure),
    ])
    await write(records)
    return { linesRead: 1, linesUnread: 0 }
  },
}
