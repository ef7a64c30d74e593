'use client'
import { format } from '../../../../base/units'
import type { CountedFigure } from '../../../../math/conventions/convention'
import type { Answer } from '../../../../math/conventions/job'
import type { Explanation } from '../../../../math/explain'
import type { Prediction } from '../../../../math/predict'
import { Card } from '../../../ui/card'
import { differenceText, Source } from '../../../ui/figure'
import { Table, type Column } from '../../../ui/table'
import styles from './arithmetic.module.css'

interface Row {
  readonly title: string
  readonly help: string
  readonly explanation: Explanation
  /** Our own figure. */
  readonly ours: number | undefined
}

const COLUMNS: readonly Column<Row>[] = [
  { name: 'calculator', title: 'Calculator', width: '14%', cell: row => row.title },
  {
    name: 'value',
    title: 'Answer',
    number: true,
    width: '9%',
    cell: ({ explanation: { value, unit } }) => format(value, unit),
  },
  {
    name: 'difference',
    title: 'Against ours',
    number: true,
    width: '8%',
    cell: ({ ours, explanation }) => (ours === undefined ? '–' : differenceText(explanation.value, ours) || '–'),
  },
  {
    name: 'formula',
    title: 'How it counts',
    width: '45%',
    cell: ({ explanation: { formula, assumption } }) => (
      <div className={styles.formula}>
        <code>{formula}</code>
        {assumption !== undefined && <p className="muted">{assumption}</p>}
      </div>
    ),
  },
  { name: 'source', title: 'Source', isMinor: true, cell: ({ explanation }) => <Source source={explanation.source} /> },
]

function statesOf({ memory }: Prediction): number | undefined {
  const { parametersBytes, gradientsBytes, optimizerBytes } = memory
  if (parametersBytes === undefined || gradientsBytes === undefined || optimizerBytes === undefined) return undefined
  return parametersBytes + gradientsBytes + optimizerBytes
}

const SUBJECTS: readonly {
  readonly figure: CountedFigure
  readonly title: string
  readonly ours: (prediction: Prediction) => number | undefined
}[] = [
  {
    figure: 'flopsPerToken',
    title: 'FLOPs per token, without recomputation',
    ours: ({ flops }) => flops.perToken,
  },
  { figure: 'parameters', title: 'Parameters', ours: ({ parameters }) => parameters },
  { figure: 'statesBytes', title: 'Model states of a device', ours: statesOf },
  { figure: 'optimizerBytes', title: 'Optimizer of a device', ours: ({ memory }) => memory.optimizerBytes },
  { figure: 'activationsBytes', title: 'Activations of a device', ours: ({ memory }) => memory.activationsBytes },
]

/** Where sources disagree: each calculator's answer for this job, by its own convention. */
export function Disagreement({ prediction, answers }: { prediction: Prediction; answers: readonly Answer[] }) {
  return SUBJECTS.map(({ figure, title, ours }) => {
    const rows = answers.flatMap(({ convention, figures }) => {
      const explanation = figures[figure]
      return explanation === undefined
        ? []
        : [{ title: convention.title, help: convention.help, explanation, ours: ours(prediction) }]
    })
    if (rows.length === 0) return null
    return (
      <Card key={figure} title={title} aside="as other calculators count it" id={`others-${figure}`}>
        <Table label={title} columns={COLUMNS} rows={rows} rowKey={row => row.title} />
      </Card>
    )
  })
}
