'use client'
import { format, type Unit } from '../../../../base/units'
import type { Explanation } from '../../../../math/explain'
import type { Prediction } from '../../../../math/predict'
import { differenceText, Explained } from '../../../ui/figure'
import { Provenance } from '../../../ui/provenance'
import { Table, type Column } from '../../../ui/table'
import { Tooltip } from '../../../ui/tooltip'

interface Row {
  readonly title: string
  readonly unit: Unit
  readonly measured: number | null
  readonly asIs: Explanation | undefined
  readonly whatIf: Explanation | undefined
}

const FIGURES: readonly { path: string; title: string; unit: Unit }[] = [
  { path: 'step.seconds', title: 'Step time', unit: 'seconds' },
  { path: 'mfu', title: 'MFU', unit: 'ratio' },
  { path: 'step.computeSeconds', title: 'Compute of a step', unit: 'seconds' },
  { path: 'step.communicationSeconds', title: 'Communication of a step', unit: 'seconds' },
  { path: 'step.bubbleRatio', title: 'Pipeline bubble', unit: 'ratio' },
  { path: 'memory.totalBytes', title: 'Memory of a device', unit: 'bytes' },
  { path: 'memory.parametersBytes', title: 'of which parameters', unit: 'bytes' },
  { path: 'memory.gradientsBytes', title: 'of which gradients', unit: 'bytes' },
  { path: 'memory.optimizerBytes', title: 'of which optimizer', unit: 'bytes' },
  { path: 'memory.activationsBytes', title: 'of which activations', unit: 'bytes' },
]

function Value({ title, explanation, unit }: { title: string; explanation: Explanation | undefined; unit: Unit }) {
  if (explanation === undefined) return <>–</>
  const text = format(explanation.value, unit)
  return (
    <Tooltip label={text} name={`${title}: ${text}`} align="end">
      <Explained explanation={explanation} unit={unit} />
    </Tooltip>
  )
}

const COLUMNS: readonly Column<Row>[] = [
  { name: 'figure', title: 'Figure', width: '28%', cell: ({ title }) => title },
  {
    name: 'measured',
    title: <Provenance kind="measured" />,
    number: true,
    cell: ({ measured, unit }) => format(measured, unit),
  },
  {
    name: 'asIs',
    title: 'As it runs',
    number: true,
    cell: ({ title, asIs, unit }) => <Value title={`${title}, as it runs`} explanation={asIs} unit={unit} />,
  },
  {
    name: 'whatIf',
    title: 'What if',
    number: true,
    cell: ({ title, whatIf, unit }) => <Value title={`${title}, what if`} explanation={whatIf} unit={unit} />,
  },
  {
    name: 'change',
    title: 'Change',
    number: true,
    cell: ({ asIs, whatIf }) =>
      asIs === undefined || whatIf === undefined ? '–' : differenceText(whatIf.value, asIs.value) || '–',
  },
]

interface ComparedProps {
  measured: Readonly<Record<string, number | null>>
  asIs: Prediction | undefined
  whatIf: Prediction | undefined
}

/** The run as measured, as predicted, and as it would be. */
export function Compared({ measured, asIs, whatIf }: ComparedProps) {
  const rows = FIGURES.map(({ path, title, unit }) => ({
    title,
    unit,
    measured: measured[path] ?? null,
    asIs: asIs?.explain[path],
    whatIf: whatIf?.explain[path],
  })).filter(row => row.asIs !== undefined || row.whatIf !== undefined)
  return <Table label="As it runs, and what if" columns={COLUMNS} rows={rows} rowKey={row => row.title} />
}
