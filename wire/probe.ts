/** What `plumbline probe` measured between idle nodes. `GET /api/runs/:run/probe`, of the newest that saw nodes of the run. */
import { z } from 'zod'

export const probePairSchema = z.object({
  from: z.string(),
  to: z.string(),
  /** Of the median message. */
  bytesPerSecond: z.number(),
  roundTripSeconds: z.number().nullable(),
})
export type ProbePair = z.infer<typeof probePairSchema>

export const probeProductSchema = z.object({
  node: z.string(),
  device: z.string(),
  /** Devices of one name are alike. */
  name: z.string(),
  dtype: z.string(),
  flopsPerSecond: z.number(),
})
export type ProbeProduct = z.infer<typeof probeProductSchema>

export const probeGroupSchema = z.object({
  nodes: z.array(z.string()),
  backend: z.string(),
  bytes: z.number().nullable(),
  busBytesPerSecond: z.number(),
})

export const probeVerdictSchema = z.object({
  title: z.string(),
  evidence: z.string(),
  links: z.array(z.string()),
  nodes: z.array(z.string()),
})
export type ProbeVerdict = z.infer<typeof probeVerdictSchema>

export const probeReportSchema = z.object({
  probe: z.string(),
  time: z.number(),
  nodes: z.array(z.string()),
  pairs: z.array(probePairSchema),
  products: z.array(probeProductSchema),
  groups: z.array(probeGroupSchema),
  verdicts: z.array(probeVerdictSchema),
})
export type ProbeReport = z.infer<typeof probeReportSchema>
