/**
 * What the page is told of an allocator's snapshot: bounded, whatever the snapshot's size. Time is counted in entries of the
 * trace, as the allocator wrote them. Columns are arrays of one length.
 */
import { z } from 'zod'

export const CATEGORIES = [
  'parameters',
  'gradients',
  'optimizer',
  'activations',
  'backward',
  'communication',
  'input',
  'other',
] as const
export type Category = (typeof CATEGORIES)[number]
const category = z
  .number()
  .int()
  .min(0)
  .max(CATEGORIES.length - 1)
const numbers = z.array(z.number())
const maybe = z.array(z.number().nullable())

export const deviceSnapshotSchema = z.object({
  device: z.number(),
  entries: z.number(),
  reservedBytes: z.number(),
  allocatedBytes: z.number(),
  requestedBytes: z.number(),
  holeBytes: z.number(),
  largestFreeBytes: z.number(),
  peakBytes: z.number(),
  /** The entry at which it was highest. */
  peakEntry: z.number(),
  outOfMemory: z.array(
    z.object({
      entry: z.number(),
      requestedBytes: z.number().nullable(),
      freeBytes: z.number().nullable(),
      stack: z.number(),
    }),
  ),
  /** The course: the highest of each stretch of entries. */
  course: z.object({
    entry: numbers,
    /** Unix seconds; null in snapshots before PyTorch 2.2. */
    time: maybe,
    activeBytes: numbers,
    reservedBytes: numbers,
    /** By category, in the order of CATEGORIES: what allocations too small for `allocations` hold. */
    restBytes: z.array(numbers),
  }),
  /** The largest of the trace, in the order in which they began. `end` is `entries` for what was never freed. */
  allocations: z.object({ begin: numbers, end: numbers, bytes: numbers, stack: numbers, category: z.array(category) }),
  /** All that was held at the peak, by stack, the largest first. */
  holders: z.object({ stack: numbers, bytes: numbers, count: numbers, category: z.array(category) }),
  /** What the allocator held at the end of the trace. Blocks of a segment stand one behind the other. */
  segments: z.array(
    z.object({
      address: z.string(),
      bytes: z.number(),
      stream: z.number(),
      pool: z.string(),
      /** active, awaiting, inactive: 0, 1, 2. */
      state: z.array(z.number().int().min(0).max(2)),
      size: numbers,
      stack: numbers,
      category: z.array(category),
    }),
  ),
  /** Segments that are left out, being the smallest, and their bytes. */
  omitted: z.object({ segments: z.number(), bytes: z.number() }),
})
export type DeviceSnapshot = z.infer<typeof deviceSnapshotSchema>

export const snapshotDigestSchema = z.object({
  frames: z.array(z.object({ file: z.string(), line: z.number(), name: z.string() })),
  /** By the numbers that the devices use: numbers of frames, innermost first. */
  stacks: z.array(numbers),
  devices: z.array(deviceSnapshotSchema),
})
export type SnapshotDigest = z.infer<typeof snapshotDigestSchema>
