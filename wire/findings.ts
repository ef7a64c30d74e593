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
  ranks: z.array(z.number()).optional(),
  nextStep: z.string(),
  provenance: provenanceSchema,
})
export type Finding = z.infer<typeof findingSchema>
