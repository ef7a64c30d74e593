'use client'
import { useMemo } from 'react'
import type { Unit } from '../../../base/units'
import type { StepSeries } from '../../../wire/api'
import { Legend, type LegendEntry } from '../../chart/legend'
import type { LineInput } from '../../chart/line'
import { LineChart } from '../../chart/line-chart'
import type { FigureName, PredictedRun } from '../../data/prediction'
import type { RunView } from '../../data/run-view'
import { Card } from '../../ui/card'
import { Provenance } from '../../ui/provenance'
import styles from './run.module.css'

type ColumnName =
  'stepSeconds' | 'tokensPerSecond' | 'loss' | 'flopsPerSecondPerGpu' | 'mfu' | 'syncWaitSeconds' | 'transferSeconds'

interface StepChart {
  readonly title: string
  readonly unit: Unit
  readonly lines: readonly { readonly name: string; readonly column: ColumnName }[]
  readonly figure?: FigureName
  readonly hasBand?: boolean
  readonly fromZero?: boolean
  readonly empty: string
}

const CHARTS: readonly StepChart[] = [
  {
    title: 'Step time',
    unit: 'seconds',
    lines: [{ name: 'mean', column: 'stepSeconds' }],
    figure: 'stepSeconds',
    hasBand: true,
    empty: 'No step time yet: it comes with the first step that the log or the hook reports.',
  },
  {
    title: 'Tokens/s',
    unit: 'tokensPerSecond',
    lines: [{ name: 'whole job', column: 'tokensPerSecond' }],
    figure: 'tokensPerSecond',
    empty: 'No token count: the log must print it, or the hook be given the tokens of a step.',
  },
  {
    title: 'Loss',
    unit: 'none',
    lines: [{ name: 'training', column: 'loss' }],
    fromZero: false,
    empty: 'No loss in the log yet.',
  },
  {
    title: 'FLOP/s per GPU',
    unit: 'flopsPerSecond',
    lines: [{ name: 'model FLOPs', column: 'flopsPerSecondPerGpu' }],
    figure: 'flopsPerSecondPerGpu',
    empty: 'Needs tokens/s and the dimensions of the model.',
  },
  {
    title: 'MFU',
    unit: 'ratio',
    lines: [{ name: 'of the peak', column: 'mfu' }],
    figure: 'mfu',
    empty: 'Needs FLOP/s and a device whose peak is known.',
  },
  {
    title: 'Sync wait and transfer',
    unit: 'seconds',
    lines: [
      { name: 'wait, mean', column: 'syncWaitSeconds' },
      { name: 'transfer', column: 'transferSeconds' },
    ],
    empty: 'Needs the time of each rank inside its collectives: attach the hook.',
  },
]

function provenanceOf(series: StepSeries, chart: StepChart) {
  return chart.lines.map(line => series.provenance[line.column]).find(entry => entry !== undefined)
}

function legendOf(chart: StepChart, hasPrediction: boolean): LegendEntry[] {
  const lines = chart.lines.map(({ name }, place) => ({ name, color: `var(--series-${place + 1})` }))
  const shown = chart.lines.length > 1 || chart.hasBand === true ? lines : []
  const band =
    chart.hasBand === true
      ? [{ name: 'min–max over ranks', color: 'color-mix(in srgb, var(--series-1) 30%, transparent)' }]
      : []
  const predicted = hasPrediction ? [{ name: 'predicted', color: 'var(--predicted)', dashed: true }] : []
  return [...shown, ...band, ...predicted]
}

interface OneChartProps {
  chart: StepChart
  title: string
  steps: StepSeries
  predicted: number | undefined
}

function OneChart({ chart, title, steps, predicted }: OneChartProps) {
  const input = useMemo(
    (): Omit<LineInput, 'lines'> & { lines: { name: string; x: number[]; y: (number | null)[] }[] } => ({
      lines: chart.lines.map(({ name, column }) => ({ name, x: steps.step, y: steps[column] })),
      band:
        chart.hasBand === true ? { x: steps.step, low: steps.stepSecondsMin, high: steps.stepSecondsMax } : undefined,
      unit: chart.unit,
      axis: 'step',
      predicted,
      fromZero: chart.fromZero ?? true,
      cutOutliers: chart.unit === 'seconds',
    }),
    [chart, steps, predicted],
  )
  const from = provenanceOf(steps, chart)
  const aside = (
    <>
      <Legend entries={legendOf(chart, predicted !== undefined)} />
      {from !== undefined && (
        <span title={from.source}>
          <Provenance kind={from.provenance} />
        </span>
      )}
    </>
  )
  return (
    <Card title={title} aside={aside}>
      <LineChart input={input} label={`${title} by step`} empty={chart.empty} />
    </Card>
  )
}

/** What each step took and gave, beside what it should. */
export function StepCharts({ view, predicted }: { view: RunView; predicted: PredictedRun | undefined }) {
  return (
    <div className={styles.charts}>
      {CHARTS.map(chart => (
        <OneChart
          key={chart.title}
          chart={chart}
          title={
            chart.figure === 'flopsPerSecondPerGpu' && view.detail.summary.gpus === 0 ? 'FLOP/s per rank' : chart.title
          }
          steps={view.steps}
          predicted={chart.figure === undefined ? undefined : predicted?.figures[chart.figure]?.value}
        />
      ))}
    </div>
  )
}
