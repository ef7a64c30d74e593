/**
 * What the page is told of an allocator's snapshot: a summary, and of whatever it then asks a bounded answer, whatever the
 * snapshot's size. Time is counted in entries of the trace, as the allocator wrote them. Columns are arrays of one length.
 */
import { z } from 'zod'
import { CATEGORIES } from './memory-categories'

const category = z
  .number()
  .int()
  .min(0)
  .max(CATEGORIES.length - 1)
const numbers = z.array(z.number())
const maybe = z.array(z.number().nullable())

/** Frames, and stacks of them, innermost first, by the numbers that this answer uses. */
const named = {
  frames: z.array(z.object({ file: z.string(), line: z.number(), name: z.string() })),
  stacks: z.array(numbers),
}
export const namedSchema = z.object(named)
export type Named = z.infer<typeof namedSchema>

export const deviceSummarySchema = z.object({
  device: z.number(),
  /** Of the trace. */
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
})
export type DeviceSummary = z.infer<typeof deviceSummarySchema>

export const snapshotSummarySchema = z.object({ ...named, devices: z.array(deviceSummarySchema) })
export type SnapshotSummary = z.infer<typeof snapshotSummarySchema>

/** Blocks of tensors, or the segments in which they lie. */
export const HELD_KINDS = ['blocks', 'segments'] as const
export type HeldKind = (typeof HELD_KINDS)[number]

const device = z.coerce.number().int().min(0)
const entry = z.coerce.number().int().min(0)

/** A stretch of the trace. With `find`, what was asked for by a stack with this text in it is told by itself, and no other. */
export const windowAskedSchema = z.object({
  device,
  of: z.enum(HELD_KINDS),
  from: entry,
  to: entry,
  find: z.string().max(200).optional(),
})
export type WindowAsked = z.infer<typeof windowAskedSchema>

export const snapshotWindowSchema = z.object({
  ...named,
  from: z.number(),
  to: z.number(),
  /** The course: the highest of each stretch of entries, which ends with `entry`. */
  course: z.object({
    entry: numbers,
    /** Unix seconds; null in snapshots before PyTorch 2.2. */
    time: maybe,
    heldBytes: numbers,
    reservedBytes: numbers,
    /** By category, in the order of CATEGORIES: what is not among `allocations`. */
    restBytes: z.array(numbers),
  }),
  /** The largest, in the order in which they began. `end` is the number of entries for what was never freed. */
  allocations: z.object({
    begin: numbers,
    end: numbers,
    bytes: numbers,
    address: numbers,
    stack: numbers,
    category: z.array(category),
  }),
  /** How many there are in the stretch, told by themselves or not. */
  count: z.number(),
  /** Of those that were searched for: how many, and the most that they held together. */
  found: z.object({ count: z.number(), bytes: z.number() }).nullable(),
})
export type SnapshotWindow = z.infer<typeof snapshotWindowSchema>

export const momentAskedSchema = z.object({ device, entry })
export type MomentAsked = z.infer<typeof momentAskedSchema>

/** What the allocator held after one entry. */
export const snapshotMomentSchema = z.object({
  ...named,
  entry: z.number(),
  time: z.number().nullable(),
  activeBytes: z.number(),
  reservedBytes: z.number(),
  /** Free in segments that hold something as well. */
  holeBytes: z.number(),
  largestFreeBytes: z.number(),
  /** By address. */
  segments: z.array(
    z.object({
      address: z.number(),
      bytes: z.number(),
      stream: z.number(),
      isExpandable: z.boolean(),
      /** By address; between them it is free. */
      blocks: z.object({
        address: numbers,
        bytes: numbers,
        begin: numbers,
        /** 1: given back, and a stream still uses it. */
        awaiting: z.array(z.number().int().min(0).max(1)),
        stack: numbers,
        category: z.array(category),
      }),
    }),
  ),
  /** Segments that are left out, being the smallest, and their bytes. */
  omitted: z.object({ segments: z.number(), bytes: z.number() }),
  /** All that was held, by stack, the largest first. */
  holders: z.object({ stack: numbers, bytes: numbers, count: numbers, category: z.array(category) }),
})
export type SnapshotMoment = z.infer<typeof snapshotMomentSchema>

export const entriesAskedSchema = z.object({ device, from: entry, count: z.coerce.number().int().min(1).max(2000) })
export type EntriesAsked = z.infer<typeof entriesAskedSchema>

/** What the allocator did, in order. */
export const snapshotEntriesSchema = z.object({
  ...named,
  from: z.number(),
  action: z.array(z.string()),
  address: maybe,
  bytes: maybe,
  time: maybe,
  stream: numbers,
  stack: numbers,
})
export type SnapshotEntries = z.infer<typeof snapshotEntriesSchema>

export type SnapshotQuestion =
  ({ view: 'window' } & WindowAsked) | ({ view: 'moment' } & MomentAsked) | ({ view: 'entries' } & EntriesAsked)
