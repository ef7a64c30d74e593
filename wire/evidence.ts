/** Files that tell how a run ended, as the hub has them: allocator snapshots, and the last minutes that an agent kept. */
import { z } from 'zod'
import { evidenceSchema } from './messages'
import { processesSchema } from './processes'

export const evidenceInfoSchema = evidenceSchema.extend({
  /** coming: not all of it is here. reading, ready or failed: whether its digest can be had. dropped: no longer kept. */
  state: z.enum(['coming', 'reading', 'ready', 'failed', 'dropped']),
  heldBytes: z.number(),
  /** Why it could not be read, or is no longer here. */
  error: z.string().nullable(),
})
export type EvidenceInfo = z.infer<typeof evidenceInfoSchema>

/** What the agent kept of the last minutes. */
export const blackBoxDigestSchema = z.object({
  reason: z.string(),
  from: z.number(),
  to: z.number(),
  records: z.number(),
  steps: z.number(),
  /** The largest processes of the node when it was last looked at. */
  processes: processesSchema,
  host: z.object({ time: z.array(z.number()), usedBytes: z.array(z.number()), totalBytes: z.number().nullable() }),
  logs: z.array(z.object({ path: z.string(), text: z.string() })),
})
export type BlackBoxDigest = z.infer<typeof blackBoxDigestSchema>
