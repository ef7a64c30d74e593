/** What analysis says: seen, against what, since when, what it costs, what to do next. */
import { z } from 'zod'

export const PROVENANCES = ['measured', 'derived', 'estimated', 'predicted'] as const
export const provenanceSchema = z.enum(PROVENANCES)
export type Provenance = z.infer<typeof provenanceSchema>

/** A number that says where it comes from. `value` null: not known, and `source` says why. */
export const figureSchema = z.object({
  value: z.number().nullable(),
  provenance: provenanceSchema,
  source: z.string(),
})
export type Figure = z.infer<typeof figureSchema>

/** One thing that a device, a host or a card of what is blamed says, beside what its peers say. */
export const signSchema = z.object({
  /** A field of the catalogue, or the type of an event: `gpu.smClockHertz`, `host.cpuStealRatio`, `event.xid`. */
  field: z.string(),
  /** Whose: `rank 5`, `node0003`, `node0003 mlx5_0`. */
  of: z.string(),
  own: z.number().nullable(),
  /** The median of its peers, or what it was before; null where there is nothing to hold it against. */
  peers: z.number().nullable(),
  /** In words, both numbers with their units. */
  says: z.string(),
})
export type Sign = z.infer<typeof signSchema>

export const findingSchema = z.object({
  detector: z.string(),
  run: z.string(),
  severity: z.enum(['info', 'warning', 'critical']),
  title: z.string(),
  /** What was seen, against what. */
  evidence: z.string(),
  since: z.number(),
  costSecondsPerStep: z.number().optional(),
  /** Of the step time: 0.1 makes steps 10 % longer than they would be. */
  costRatio: z.number().optional(),
  /** Of all GPUs of the run, from `since` until now. */
  costGpuHours: z.number().optional(),
  /** The same in the currency of the price that the hub was given. */
  costMoney: z.number().optional(),
  currency: z.string().optional(),
  /** What is behind it, as far as the signs tell: `thermal`, `power cap`, `data loader`, … */
  cause: z.string().optional(),
  signs: z.array(signSchema).optional(),
  /** What is blamed; several links where it cannot be told which of them. */
  ranks: z.array(z.number()).optional(),
  nodes: z.array(z.string()).optional(),
  links: z.array(z.string()).optional(),
  nextStep: z.string(),
  provenance: provenanceSchema,
  /** The hub gives these: the same id as long as it is the same thing; when it was last seen, of one that is closed. */
  id: z.string().optional(),
  state: z.enum(['open', 'closed']).optional(),
  until: z.number().optional(),
})
export type Finding = z.infer<typeof findingSchema>
