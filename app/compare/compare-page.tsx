'use client'
import { useSearchParams } from 'next/navigation'
import { useMemo } from 'react'
import type { Unit } from '../../base/units'
import type { RunSummary, StepSeries } from '../../wire/api'
import { MOST_COLOURS, seriesColor } from '../chart/colour'
import { LineChart } from '../chart/line-chart'
import { useChangeAddress } from '../data/address'
import { door } from '../data/door'
import { STATES } from '../data/health'
import { usePolled } from '../data/use-polled'
import { useRuns } from '../data/use-runs'
import { Badge } from '../ui/badge'
import { Card } from '../ui/card'
import { FigureText } from '../ui/figure-text'
import { Link } from '../ui/link'
import { Table, type Column } from '../ui/table'
import styles from './compare.module.css'

const POINTS = 600

interface Compared {
  readonly title: string
  readonly unit: Unit
  readonly column: 'loss' | 'stepSeconds' | 'tokensPerSecond' | 'mfu'
}

const CHARTS: readonly Compared[] = [
  { title: 'Loss', unit: 'none', column: 'loss' },
  { title: 'Step time', unit: 'seconds', column: 'stepSeconds' },
  { title: 'Tokens/s', unit: 'tokensPerSecond', column: 'tokensPerSecond' },
  { title: 'MFU', unit: 'ratio', column: 'mfu' },
]

type Series = readonly { readonly run: RunSummary; readonly steps: StepSeries }[]

/** Runs of one name are told apart by their id. */
function nameOf(run: RunSummary, all: readonly RunSummary[]): string {
  return all.filter(({ name }) => name === run.name).length > 1 ? `${run.name} ${run.run.slice(-6)}` : run.name
}

function OneChart({ chart, series, runs }: { chart: Compared; series: Series; runs: readonly RunSummary[] }) {
  const input = useMemo(
    () => ({
      lines: series.map(({ run, steps }) => ({ name: nameOf(run, runs), x: steps.step, y: steps[chart.column] })),
      unit: chart.unit,
      axis: 'step' as const,
      fromZero: chart.column !== 'loss',
      cutOutliers: chart.column === 'stepSeconds',
    }),
    [chart, series, runs],
  )
  return (
    <Card title={chart.title} aside="by step">
      <LineChart input={input} label={`${chart.title} by step`} height={200} empty="No step yet." />
    </Card>
  )
}

function columnsFor(chosen: readonly string[], toggle: (run: string) => void): Column<RunSummary>[] {
  const figure = (name: 'stepSeconds' | 'tokensPerSecond' | 'mfu' | 'loss', title: string, unit: Unit) => ({
    name,
    title,
    number: true,
    value: (row: RunSummary) => row[name].value,
    cell: (row: RunSummary) => (
      <FigureText title={`${title} of ${row.name}`} figure={row[name]} unit={unit} align="end" />
    ),
  })
  return [
    {
      name: 'chosen',
      title: <span className="visually-hidden">Compared</span>,
      width: '4%',
      cell: row => {
        const place = chosen.indexOf(row.run)
        return (
          <label className={styles.pick}>
            <input
              type="checkbox"
              aria-label={`Compare ${row.name} ${row.run}`}
              checked={place >= 0}
              disabled={place < 0 && chosen.length >= MOST_COLOURS}
              onChange={() => toggle(row.run)}
            />
            <svg width="9" height="9" aria-hidden="true">
              {place >= 0 && <rect width="9" height="9" rx="2" fill={seriesColor(place)} />}
            </svg>
          </label>
        )
      },
    },
    {
      name: 'name',
      title: 'Run',
      value: row => row.name,
      cell: row => <Link href={`/runs/${encodeURIComponent(row.run)}`}>{row.name}</Link>,
    },
    { name: 'run', title: 'Id', isMinor: true, value: row => row.run, cell: row => <code>{row.run}</code> },
    {
      name: 'state',
      title: 'State',
      value: row => row.state,
      cell: row => <Badge tone={STATES[row.state].tone}>{STATES[row.state].title}</Badge>,
    },
    { name: 'worldSize', title: 'Ranks', number: true, value: row => row.worldSize, cell: row => row.worldSize ?? '–' },
    {
      name: 'step',
      title: 'Step',
      number: true,
      value: row => row.step,
      cell: row => row.step?.toLocaleString('en-US') ?? '–',
    },
    figure('stepSeconds', 'Step time', 'seconds'),
    figure('tokensPerSecond', 'Tokens/s', 'tokensPerSecond'),
    figure('mfu', 'MFU', 'ratio'),
    figure('loss', 'Loss', 'none'),
  ]
}

/** The runs that the address names, or the two newest. */
function useChosen(runs: readonly RunSummary[]): [string[], (run: string) => void] {
  const given = useSearchParams().get('runs')
  const change = useChangeAddress()
  const usual = runs.slice(0, 2).map(({ run }) => run)
  const chosen = given === null ? usual : given.split(',').filter(id => runs.some(({ run }) => run === id))
  const toggle = (run: string) => {
    const next = chosen.includes(run) ? chosen.filter(id => id !== run) : [...chosen, run]
    change({ runs: next.join(',') })
  }
  return [chosen, toggle]
}

/** What is not drawn, and why. */
function comparedText(chosen: number, come: number, untold: readonly Compared[]): string {
  if (chosen === 0) return 'Choose runs below: their lines are laid over one another, step by step.'
  if (come === 0) return 'Asking the hub for their steps …'
  const titles = untold.map(({ title }) => title).join(', ')
  return titles === '' ? '' : `None of these runs tells: ${titles}.`
}

/** Runs under each other, step by step. */
export function ComparePage({ first }: { first: readonly RunSummary[] | undefined }) {
  const { runs = [] } = useRuns(first)
  const [chosen, toggle] = useChosen(runs)
  const key = chosen.join(',')
  const { value } = usePolled(
    `compare ${key}`,
    signal =>
      Promise.all(chosen.map(async run => ({ id: run, steps: await door.steps(run, { points: POINTS }, signal) }))),
    5000,
  )
  const series = useMemo(
    () =>
      (value ?? []).flatMap(({ id, steps }) => {
        const run = runs.find(one => one.run === id)
        return run === undefined ? [] : [{ run, steps }]
      }),
    [value, runs],
  )
  const told = CHARTS.filter(({ column }) => series.some(({ steps }) => steps[column].some(value => value !== null)))
  const untold = CHARTS.filter(chart => !told.includes(chart))
  return (
    <>
      <div className={styles.head}>
        <h1>Compare runs</h1>
        <p className="muted">
          {chosen.length} of {runs.length} runs, {MOST_COLOURS} at most
        </p>
      </div>
      {series.length > 0 && (
        <div className={styles.charts}>
          {told.map(chart => (
            <OneChart key={chart.column} chart={chart} series={series} runs={runs} />
          ))}
        </div>
      )}
      <p className="muted">{comparedText(chosen.length, series.length, untold)}</p>
      <Card title="Runs">
        <Table label="Runs" columns={columnsFor(chosen, toggle)} rows={runs} rowKey={row => row.run} scrolls />
      </Card>
    </>
  )
}
