'use client'
import { useMemo } from 'react'
import type { Unit } from '../../../base/units'
import type { StepSeries } from '../../../wire/api'
import type { Band } from '../../chart/plot'
import { LineChart } from '../../chart/line-chart'
import type { FigureName, PredictedRun } from '../../data/prediction'
import type { RunView } from '../../data/run-view'
import { Card } from '../../ui/card'
import { Provenance } from '../../ui/provenance'
import styles from './run.module.css'

type ColumnName =
  'stepSeconds' | 'tokensPerSecond' | 'loss' | 'flopsPerSecondPerGpu' | 'mfu' | 'syncWaitSeconds' | 'transferSeconds'

type BandColumn = 'stepSecondsMin' | 'stepSecondsMax' | 'lossMin' | 'lossMax'

interface StepChart {
  readonly title: string
  readonly unit: Unit
  readonly lines: readonly { readonly name: string; readonly column: ColumnName }[]
  readonly figure?: FigureName
  /** Between what, and what of. */
  readonly band?: {
    readonly name: string
    readonly low: BandColumn
    readonly high: BandColumn
    /** Of the steps in a point: nothing where a point is one step. */
    readonly ofSteps?: boolean
  }
  readonly fromZero?: boolean
  /** Of ranks that wait for each other: one alone has none of it. */
  readonly ofSeveral?: boolean
  readonly empty: string
}

const CHARTS: readonly StepChart[] = [
  {
    title: 'Step time',
    unit: 'seconds',
    lines: [{ name: 'mean', column: 'stepSeconds' }],
    figure: 'stepSeconds',
    band: { name: 'of ranks', low: 'stepSecondsMin', high: 'stepSecondsMax' },
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
    band: { name: 'of steps', low: 'lossMin', high: 'lossMax', ofSteps: true },
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
    ofSeveral: true,
  },
]

function provenanceOf(series: StepSeries, chart: StepChart) {
  return chart.lines.map(line => series.provenance[line.column]).find(entry => entry !== undefined)
}

function bandOf({ band }: StepChart, steps: StepSeries): Band | undefined {
  if (band === undefined || (band.ofSteps === true && steps.bucketSteps === 1)) return undefined
  return { name: band.name, x: steps.time, low: steps[band.low], high: steps[band.high] }
}

interface OneChartProps {
  chart: StepChart
  title: string
  steps: StepSeries
  predicted: number | undefined
}

function OneChart({ chart, title, steps, predicted }: OneChartProps) {
  const input = useMemo(
    () => ({
      lines: chart.lines.map(({ name, column }) => ({ name, x: steps.time, y: steps[column] })),
      band: bandOf(chart, steps),
      unit: chart.unit,
      axis: 'time' as const,
      predicted,
      fromZero: chart.fromZero ?? true,
      cutOutliers: chart.unit === 'seconds',
    }),
    [chart, steps, predicted],
  )
  const from = provenanceOf(steps, chart)
  const aside = from !== undefined && (
    <span title={from.source}>
      <Provenance kind={from.provenance} />
    </span>
  )
  return (
    <Card title={title} aside={aside}>
      <LineChart input={input} label={`${title} over time`} empty={chart.empty} />
    </Card>
  )
}

const hasData = (steps: StepSeries, { lines }: StepChart) =>
  lines.some(({ column }) => steps[column].some(value => value !== null))

/** What each step took and gave, beside what it should. What nobody measures is named, and takes no room. */
export function StepCharts({ view, predicted }: { view: RunView; predicted: PredictedRun | undefined }) {
  const titleOf = ({ title, figure }: StepChart) =>
    figure === 'flopsPerSecondPerGpu' && view.detail.summary.gpus === 0 ? 'FLOP/s per rank' : title
  const isAlone = view.detail.summary.worldSize === 1
  const shown = CHARTS.filter(chart => hasData(view.overall, chart) && !(isAlone && chart.ofSeveral === true))
  const absent = CHARTS.filter(chart => !shown.includes(chart) && !(isAlone && chart.ofSeveral === true))
  return (
    <>
      <div className={styles.charts} data-count={shown.length}>
        {shown.map(chart => (
          <OneChart
            key={chart.title}
            chart={chart}
            title={titleOf(chart)}
            steps={view.steps}
            predicted={chart.figure === undefined ? undefined : predicted?.figures[chart.figure]?.value}
          />
        ))}
      </div>
      {absent.length > 0 && (
        <Card title="Not told by this run">
          <dl className={styles.absent}>
            {absent.map(chart => (
              <div key={chart.title}>
                <dt>{titleOf(chart)}</dt>
                <dd>{chart.empty}</dd>
              </div>
            ))}
          </dl>
        </Card>
      )}
    </>
  )
}
