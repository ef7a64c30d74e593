/** The FLOPs budget: where the time of a step goes, from the chip's peak down to MFU. `GET /api/runs/:run/budget`. */
import { z } from 'zod'
import { figureSchema } from './findings'

/**
 * The bars, from the top of the waterfall down. Of a step and device: useful work at the peak (its share of the step is MFU),
 * what matmuls cannot reach of the peak, recomputation, kernels slower than that, the pipeline's bubble, transfers that
 * nothing hides, waiting for other ranks, loading data, the optimizer, and what none of these explains.
 */
export const BUDGET_PARTS = [
  'useful',
  'ceiling',
  'recomputation',
  'kernels',
  'bubble',
  'communication',
  'sync-wait',
  'data',
  'optimizer',
  'unexplained',
] as const
export type BudgetPart = (typeof BUDGET_PARTS)[number]
export const budgetPartSchema = z.enum(BUDGET_PARTS)

/** Seconds of a step. A bar that is not known is null, its figure says why, and its time is in `unexplained`. */
export const budgetBarSchema = z.object({
  part: budgetPartSchema,
  measured: figureSchema,
  predicted: figureSchema,
})
export type BudgetBar = z.infer<typeof budgetBarSchema>

export const waterfallSchema = z.object({
  /** `run`, or `stage 0` and on. */
  of: z.string(),
  /** Ranks whose mean it is; 0 where only the job as a whole is known. */
  ranks: z.number(),
  /** The whole: the bars add up to it, the measured ones and the predicted ones each. */
  measured: figureSchema,
  predicted: figureSchema,
  bars: z.array(budgetBarSchema),
})
export type Waterfall = z.infer<typeof waterfallSchema>

export const flopsBudgetSchema = z.object({
  /** The steps that it is the mean of. */
  from: z.number().nullable(),
  to: z.number().nullable(),
  run: waterfallSchema,
  /** One for each pipeline stage, where there are several. */
  stages: z.array(waterfallSchema),
  /** Measured seconds by rank, as columns: null where not known. */
  ranks: z.object({
    rank: z.array(z.number()),
    stepSeconds: z.array(z.number().nullable()),
    parts: z.partialRecord(budgetPartSchema, z.array(z.number().nullable())),
  }),
})
export type FlopsBudget = z.infer<typeof flopsBudgetSchema>
