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
  /** What is blamed; several links where it cannot be told which of them. */
  ranks: z.array(z.number()).optional(),
  nodes: z.array(z.string()).optional(),
  links: z.array(z.string()).optional(),
  nextStep: z.string(),
  provenance: provenanceSchema,
})
export type Finding = z.infer<typeof findingSchema>
