'use client'
import { format } from '../../../base/units'
import type { Figure } from '../../../wire/findings'
import type { BudgetBar, BudgetPart, FlopsBudget, Waterfall } from '../../../wire/flops-budget'
import { percent } from '../../chart/path'
import { useBudget } from '../../data/run-parts'
import { useChoice } from '../../data/address'
import { Card } from '../../ui/card'
import { Choice } from '../../ui/choice'
import { FigureText } from '../../ui/figure-text'
import { Provenance } from '../../ui/provenance'
import styles from './budget.module.css'
import { useRunPage } from './run-context'

const PARTS: Readonly<Record<BudgetPart, { title: string; color: string }>> = {
  useful: { title: 'Useful work at the peak', color: 'var(--series-3)' },
  ceiling: { title: 'What matmuls cannot reach', color: 'var(--series-7)' },
  recomputation: { title: 'Recomputation', color: 'var(--series-6)' },
  kernels: { title: 'Kernels slower than that', color: 'var(--series-1)' },
  bubble: { title: 'Pipeline bubble', color: 'var(--series-8)' },
  communication: { title: 'Transfers nothing hides', color: 'var(--series-5)' },
  'sync-wait': { title: 'Waiting for other ranks', color: 'var(--series-2)' },
  data: { title: 'Loading data', color: 'var(--series-4)' },
  optimizer: { title: 'Optimizer', color: 'var(--series-6)' },
  unexplained: { title: 'Not explained', color: 'var(--series-7)' },
}

/** Less than this of the step is what is left of rounding. */
const NOTHING = 1e-5

/** The bars of a waterfall, without what is left of rounding. */
function tidy(fall: Waterfall): Waterfall {
  const clean = (figure: Figure, whole: Figure): Figure =>
    Math.abs(figure.value ?? NaN) < NOTHING * (whole.value ?? 0) ? { ...figure, value: 0 } : figure
  const bars = fall.bars.map(({ part, measured, predicted }) => ({
    part,
    measured: clean(measured, fall.measured),
    predicted: clean(predicted, fall.predicted),
  }))
  return { ...fall, bars }
}

const isTold = ({ measured, predicted }: BudgetBar) => measured.value !== null || predicted.value !== null

/** Without a ceiling nothing can be said of how far kernels stay below it: all of their time stands in one bar. */
const titleOf = (part: BudgetPart, told: readonly BudgetBar[]) =>
  part === 'kernels' && !told.some(bar => bar.part === 'useful') ? 'Computing, useful or not' : PARTS[part].title

/** What cannot be told, and why, in one line instead of rows of dashes. */
function Untold({ bars }: { bars: readonly BudgetBar[] }) {
  const reasons = new Map<string, string[]>()
  for (const { part, measured } of bars)
    reasons.set(measured.source, [...(reasons.get(measured.source) ?? []), PARTS[part].title])
  return (
    <dl className={styles.untold} aria-label="Not told apart">
      {[...reasons].map(([reason, titles]) => (
        <div key={reason}>
          <dt>{titles.join(', ')}</dt>
          <dd>{reason}</dd>
        </div>
      ))}
    </dl>
  )
}

/** Where each bar begins: at the end of those before it. */
function starts(bars: readonly BudgetBar[], of: (bar: BudgetBar) => Figure): number[] {
  let sum = 0
  return bars.map(bar => {
    const start = sum
    sum += of(bar).value ?? 0
    return start
  })
}

interface BarProps {
  start: number
  value: number | null
  whole: number
  color: string
  isPredicted?: boolean
}

function Bar({ start, value, whole, color, isPredicted = false }: BarProps) {
  const range = { low: 0, high: whole }
  if (value === null) return null
  return (
    <rect
      x={percent(Math.min(start, start + value), range)}
      width={percent(Math.abs(value), range)}
      y={isPredicted ? 14 : 3}
      height={isPredicted ? 4 : 9}
      rx="1"
      fill={isPredicted ? 'var(--predicted)' : color}
    />
  )
}

function Rows({ fall }: { fall: Waterfall }) {
  const whole = Math.max(fall.measured.value ?? 0, fall.predicted.value ?? 0)
  const told = fall.bars.filter(isTold)
  const untold = fall.bars.filter(bar => !isTold(bar))
  const hasPredicted = fall.predicted.value !== null || told.some(({ predicted }) => predicted.value !== null)
  const measured = starts(told, bar => bar.measured)
  const predicted = starts(told, bar => bar.predicted)
  return (
    <>
      <table className={styles.table}>
        <thead>
          <tr>
            <th scope="col">Where a step’s time goes</th>
            <th scope="col" className="number">
              Share
            </th>
            <th scope="col" className="number">
              Time
            </th>
            <th scope="col" className={styles.bars}>
              <Provenance kind={fall.measured.provenance} /> {hasPredicted && <Provenance kind="predicted" />}
            </th>
            {hasPredicted && (
              <th scope="col" className="number">
                Predicted
              </th>
            )}
          </tr>
        </thead>
        <tbody>
          {told.map(({ part, ...bar }, place) => (
            <tr key={part} data-part={part}>
              <th scope="row">{titleOf(part, told)}</th>
              <td className="number">{bar.measured.value === null ? '–' : shareText(bar.measured.value, fall)}</td>
              <td className="number">
                <FigureText title={titleOf(part, told)} figure={bar.measured} unit="seconds" />
              </td>
              <td>
                <svg width="100%" height="20" aria-hidden="true">
                  <Bar
                    start={measured[place] ?? 0}
                    value={bar.measured.value}
                    whole={whole}
                    color={PARTS[part].color}
                  />
                  <Bar start={predicted[place] ?? 0} value={bar.predicted.value} whole={whole} color="" isPredicted />
                </svg>
              </td>
              {hasPredicted && (
                <td className="number">
                  <FigureText
                    title={`${titleOf(part, told)}, predicted`}
                    figure={bar.predicted}
                    unit="seconds"
                    align="end"
                  />
                </td>
              )}
            </tr>
          ))}
          <tr className={styles.sum}>
            <th scope="row">The whole step</th>
            <td className="number">{fall.measured.value === null ? '–' : '100 %'}</td>
            <td className="number">
              <FigureText title="The whole step" figure={fall.measured} unit="seconds" />
            </td>
            <td />
            {hasPredicted && (
              <td className="number">
                <FigureText title="The whole step, predicted" figure={fall.predicted} unit="seconds" align="end" />
              </td>
            )}
          </tr>
        </tbody>
      </table>
      {untold.length > 0 && <Untold bars={untold} />}
    </>
  )
}

const shareText = (value: number, { measured }: Waterfall) =>
  measured.value === null || measured.value === 0 ? '–' : format(value / measured.value, 'ratio')

/** From the chip's peak down to MFU: each bar measured, and predicted below it; they add up to the step. */
export function Budget({ first }: { first?: FlopsBudget | undefined }) {
  const { value, error } = useBudget(useRunPage(), first)
  const falls = value === undefined ? [] : [value.run, ...value.stages].map(tidy)
  const [of, choose] = useChoice(
    'budget',
    falls.map(fall => fall.of),
    'run',
  )
  const fall = falls.find(one => one.of === of) ?? falls[0]
  const aside = falls.length > 2 && (
    <Choice
      label="Whose budget"
      options={falls.map(one => ({ name: one.of, title: one.of }))}
      value={of}
      onChange={choose}
    />
  )
  return (
    <Card title="FLOPs budget" aside={aside}>
      {error !== undefined && <p className="muted">{error.message}</p>}
      {fall === undefined && error === undefined && (
        <p className={`muted ${styles.waiting ?? ''}`}>Adding up the last steps of all ranks …</p>
      )}
      {fall !== undefined && fall.measured.value === null && <p className="muted">{fall.measured.source}</p>}
      {fall !== undefined && fall.measured.value !== null && <Rows fall={fall} />}
    </Card>
  )
}
