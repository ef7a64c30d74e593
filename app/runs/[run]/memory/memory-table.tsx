import { format } from '../../../../base/units'
import type { RankInfo } from '../../../../wire/api'
import type { Figure } from '../../../../wire/findings'
import type { PredictedRun } from '../../../data/prediction'
import { Card } from '../../../ui/card'
import { Explained } from '../../../ui/figure'
import { FigureText } from '../../../ui/figure-text'
import { Provenance } from '../../../ui/provenance'
import { Table, type Column } from '../../../ui/table'
import { Tooltip } from '../../../ui/tooltip'

type Category = 'parameters' | 'gradients' | 'optimizer' | 'activations' | 'buffers'

interface Row {
  readonly name: Category
  readonly predicted: PredictedRun['figures']['mfu']
  /** Of the rank that holds the most. */
  readonly measured: Figure
}

function Expected({ row }: { row: Row }) {
  if (row.predicted === undefined) return <>–</>
  const text = format(row.predicted.value, 'bytes')
  return (
    <Tooltip label={text} name={`${row.name}: predicted ${text}`} align="end">
      <Explained explanation={row.predicted} unit="bytes" />
    </Tooltip>
  )
}

function residual({ predicted, measured: { value: measured } }: Row): string {
  if (predicted === undefined || measured === null) return '–'
  const bytes = Math.round(measured - predicted.value)
  return `${bytes > 0 ? '+' : bytes < 0 ? '−' : ''}${format(Math.abs(bytes), 'bytes')}`
}

const COLUMNS: readonly Column<Row>[] = [
  { name: 'name', title: 'Category', value: row => row.name, cell: row => row.name },
  {
    name: 'predicted',
    title: <Provenance kind="predicted" />,
    number: true,
    value: row => row.predicted?.value ?? null,
    cell: row => <Expected row={row} />,
  },
  {
    name: 'measured',
    title: <Provenance kind="measured" />,
    number: true,
    value: row => row.measured.value,
    cell: row => <FigureText title={`${row.name}, measured`} figure={row.measured} unit="bytes" align="end" />,
  },
  { name: 'residual', title: 'Residual', number: true, cell: residual },
]

interface MemoryTableProps {
  categories: readonly Category[]
  ranks: readonly RankInfo[]
  predicted: PredictedRun | undefined
}

function mostOf(name: Category, ranks: readonly RankInfo[]): Figure {
  const [most] = ranks
    .flatMap(({ rank, memoryCategories: { [name]: bytes } }) => (bytes === undefined ? [] : [{ rank, bytes }]))
    .sort((one, other) => other.bytes - one.bytes)
  const provenance = 'measured'
  return most === undefined
    ? { value: null, provenance, source: 'no rank tells it: attach the hook' }
    : { value: most.bytes, provenance, source: `rank ${most.rank}, which holds the most of it, by the hook` }
}

/** Category by category: predicted, measured by the hook, and what is left between them. */
export function MemoryTable({ categories, ranks, predicted }: MemoryTableProps) {
  const rows = categories.map(name => {
    return { name, measured: mostOf(name, ranks), predicted: predicted?.prediction.explain[`memory.${name}Bytes`] }
  })
  return (
    <Card title="Memory by category" aside="measured: the fullest rank, by the hook">
      {rows.every(({ measured, predicted: expected }) => measured.value === null && expected === undefined) ? (
        <p className="muted">
          Nothing to compare: the hook tells what a rank holds (attach it), and the prediction needs the model’s
          dimensions.
        </p>
      ) : (
        <Table label="Memory by category" columns={COLUMNS} rows={rows} rowKey={row => row.name} />
      )}
    </Card>
  )
}
