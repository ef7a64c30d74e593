/** A post-mortem of an out-of-memory event, as the hub answers it: what was held, why it grew, what would have fitted. */
import { z } from 'zod'
import { provenanceSchema } from './findings'

const maybe = z.number().nullable()

/** A stretch of the device's memory at the moment of death. */
export const memoryPartSchema = z.object({
  name: z.string(),
  bytes: z.number(),
  provenance: provenanceSchema,
  /** What is in it, and where the figure is from. */
  help: z.string(),
})
export type MemoryPart = z.infer<typeof memoryPartSchema>

export const CAUSES = [
  'neighbour',
  'fragmentation',
  'leak',
  'fragmentation-creep',
  'checkpoint-or-evaluation',
  'larger-step',
  'first-optimizer-step',
  'uneven-stage',
  'too-large',
  'shared-memory',
  'process-limit',
  'killed',
  'host-limit',
  'host-memory',
  'unknown',
] as const
export const causeSchema = z.object({
  name: z.enum(CAUSES),
  title: z.string(),
  /** What was seen, against what. */
  evidence: z.string(),
  certainty: z.enum(['certain', 'likely', 'possible']),
})
export type Cause = z.infer<typeof causeSchema>
export type CauseName = Cause['name']

/** A change that would have helped. */
export const remedySchema = z.object({
  name: z.string(),
  title: z.string(),
  /** How to ask for it, where that is one line. */
  how: z.string().nullable(),
  savedBytes: maybe,
  /** Bytes that stay free after the request that failed; negative where it still would not fit. */
  headroomBytes: maybe,
  /** Null where it cannot be said. */
  fits: z.boolean().nullable(),
  /** Predicted step time with it over that without it, less 1; null where it cannot be predicted. */
  stepTimeChange: maybe,
  provenance: provenanceSchema,
})
export type Remedy = z.infer<typeof remedySchema>

export const postMortemSchema = z.object({
  run: z.string(),
  /** Of the device, or of the host. */
  memory: z.enum(['device', 'host']),
  /** The event that began it. */
  event: z.object({
    time: maybe,
    rank: maybe,
    node: z.string().nullable(),
    gpuIndex: maybe,
    step: maybe,
    message: z.string(),
    requestedBytes: maybe,
    capacityBytes: maybe,
    freeBytes: maybe,
    processBytes: maybe,
    allocatedBytes: maybe,
    reservedBytes: maybe,
    reservedUnallocatedBytes: maybe,
  }),
  /** What failed after it, because of it. */
  victims: z.array(z.object({ type: z.string(), time: maybe, rank: maybe, message: z.string() })),
  /** The job went on after it: somebody caught it. */
  recovered: z.boolean(),
  parts: z.array(memoryPartSchema),
  /** Most that tensors held in each step of the rank that died, before it did. */
  history: z.object({ step: z.array(z.number()), peakBytes: z.array(maybe), reservedBytes: z.array(maybe) }),
  /** The likeliest first. */
  causes: z.array(causeSchema),
  /** The best first. */
  remedies: z.array(remedySchema),
  /** What could not be said, and what it would take. */
  gaps: z.array(z.string()),
})
export type PostMortem = z.infer<typeof postMortemSchema>
