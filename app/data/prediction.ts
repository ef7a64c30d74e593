/** What the arithmetic says of a run, for each figure that the page shows. */
import { substitute, type Explanation } from '../../math/explain'
import { predict, type PredictInput, type Prediction } from '../../math/predict'
import { sources } from '../../math/sources'
import { needsText, TELL_IT } from './needs'

export const FIGURES = [
  'stepSeconds',
  'tokensPerSecond',
  'loss',
  'flopsPerSecondPerGpu',
  'mfu',
  'syncWaitSeconds',
] as const
export type FigureName = (typeof FIGURES)[number]

export interface PredictedRun {
  readonly prediction: Prediction
  readonly figures: Readonly<Partial<Record<FigureName, Explanation>>>
  /** For a figure without a prediction: why, in short before the colon. */
  readonly why: Readonly<Partial<Record<FigureName, string>>>
}

function tokensPerSecond({ flops, step }: Prediction): Explanation | undefined {
  if (flops.perStep === undefined || flops.perToken === undefined || step.seconds === undefined) return undefined
  const letters = { D: flops.perStep / flops.perToken, T: step.seconds }
  return {
    formula: 'D / T',
    substituted: substitute('D / T', letters),
    source: sources.transformerMath,
    value: letters.D / letters.T,
    unit: 'tokensPerSecond',
    assumption: 'D tokens of a step in T seconds, the predicted step time',
  }
}

function flopsPerSecond({ mfu, peak }: Prediction): Explanation | undefined {
  if (mfu === undefined || peak === undefined) return undefined
  const letters = { U: mfu, X: peak.flopsPerSecond }
  return {
    formula: 'U·X',
    substituted: substitute('U·X', letters),
    source: sources.palm,
    value: mfu * peak.flopsPerSecond,
    unit: 'flopsPerSecond',
    assumption: `U the predicted MFU, X ${peak.title}`,
  }
}

function needsOf({ missing }: Prediction): string {
  const needs = needsText(missing)
  return `not predicted: ${needs === '' ? 'the configuration is not complete' : `needs ${needs}. ${TELL_IT}`}`
}

/** Undefined where the run has no configuration yet. */
export function predictRun(config: PredictInput | Readonly<Record<string, unknown>> | null): PredictedRun | undefined {
  if (config === null) return undefined
  const prediction = predict(config as PredictInput)
  const { explain } = prediction
  const figures = {
    stepSeconds: explain['step.seconds'],
    tokensPerSecond: tokensPerSecond(prediction),
    flopsPerSecondPerGpu: flopsPerSecond(prediction),
    mfu: explain['mfu'],
  }
  const known = Object.entries(figures).filter(([, figure]) => figure !== undefined)
  const needs = needsOf(prediction)
  const why = {
    stepSeconds: needs,
    tokensPerSecond: needs,
    flopsPerSecondPerGpu: needs,
    mfu: needs,
    loss: 'not predicted: a loss is not arithmetic',
    syncWaitSeconds: 'ideal 0 s: a balanced job waits for nobody',
  }
  return { prediction, figures: Object.fromEntries(known), why }
}
