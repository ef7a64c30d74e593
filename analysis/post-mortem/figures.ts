/** Figures of an out-of-memory event, those that it does not say derived from those that it does. */
import type { Event, Scene } from './scene'

/** Bytes. `tensors + unused + context + others + free` is the capacity, as far as they are known. */
export interface Figures {
  readonly requested: number | undefined
  readonly capacity: number | undefined
  readonly free: number | undefined
  /** Held by the process that asked. */
  readonly process: number | undefined
  /** Held by tensors. */
  readonly tensors: number | undefined
  /** Reserved by the allocator and in use by no tensor. */
  readonly unused: number | undefined
  /** Of this process beyond its allocator: context and libraries. */
  readonly context: number | undefined
  /** Of other processes on the device. */
  readonly others: number | undefined
}

const difference = (from: number | undefined, ...less: (number | undefined)[]): number | undefined => {
  if (from === undefined || less.some(part => part === undefined)) return undefined
  return Math.max(
    0,
    less.reduce<number>((rest, part) => rest - (part ?? 0), from),
  )
}

export function figuresOf(event: Event, { device, history }: Scene): Figures {
  const capacity = event.capacityBytes ?? device.capacityBytes
  const last = history.step.length - 1
  const seen = history.peakBytes[last]
  // What is seen of a host is what processes held.
  const tensors = event.allocatedBytes ?? (Number.isFinite(seen) && event.type === 'oom' ? seen : undefined)
  const unused = event.reservedUnallocatedBytes ?? difference(event.reservedBytes, event.allocatedBytes)
  const context = difference(event.processBytes, tensors, unused)
  // Where only a limit is told of: as it was after the last step.
  const resident = Number.isFinite(seen) && event.type === 'host-oom' && capacity !== undefined ? seen : undefined
  return {
    requested: event.requestedBytes,
    capacity,
    free: event.freeBytes,
    process: event.processBytes ?? resident,
    tensors,
    unused,
    context,
    others: difference(capacity, event.freeBytes, event.processBytes),
  }
}

/** Bytes that the device would have needed for the job to go on. */
export function neededBytes({ capacity, free, requested }: Figures): number | undefined {
  // A program that does not fit as a whole is told of with all that it needs.
  if (capacity !== undefined && free === undefined && requested !== undefined && requested > capacity) return requested
  return capacity === undefined || free === undefined || requested === undefined
    ? undefined
    : capacity - free + requested
}
