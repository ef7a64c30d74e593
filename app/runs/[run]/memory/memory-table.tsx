import { format } from '../../../../base/units'
import type { RankInfo } from '../../../../wire/api'
import type { PredictedRun } from '../../../data/prediction'
import { Card } from '../../../ui/card'
import { Explained } from '../../../ui/figure'
import { Provenance } from '../../../ui/provenance'
import { Table, type Column } from '../../../ui/table'
import { Tooltip } from '../../../ui/tooltip'

type Category = 'parameters' | 'gradients' | 'optimizer' | 'activations' | 'buffers'

interface Row {
  readonly name: Category
  readonly predicted: PredictedRun['figures']['mfu']
  /** Of the rank that holds the most. */
  readonly measured: number | null
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

function residual({ predicted, measured }: Row): string {
  if (predicted === undefined || measured === null) return '–'
  const bytes = Math.round(measured - predicted.value)
  return `${bytes > 0 ? '+' : bytes < 0 ? '−' : ''}${format(Math.abs(bytes), 'bytes')}`
}

const COLUMNS: readonly Column<Row>[] = [
  { name: 'name', title: 'Category', cell: row => row.name },
  { name: 'predicted', title: <Provenance kind="predicted" />, number: true, cell: row => <Expected row={row} /> },
  {
    name: 'measured',
    title: <Provenance kind="measured" />,
    number: true,
    cell: row => format(row.measured, 'bytes'),
  },
  { name: 'residual', title: 'Residual', number: true, cell: residual },
]

interface MemoryTableProps {
  categories: readonly Category[]
  ranks: readonly RankInfo[]
  predicted: PredictedRun | undefined
}

/** Category by category: predicted, measured by the hook, and what is left between them. */
export function MemoryTable({ categories, ranks, predicted }: MemoryTableProps) {
  const rows = categories.map(name => {
    const seen = ranks.map(rank => rank.memoryCategories[name]).filter(bytes => bytes !== undefined)
    const measured = seen.length === 0 ? null : Math.max(...seen)
    return { name, measured, predicted: predicted?.prediction.explain[`memory.${name}Bytes`] }
  })
  return (
    <Card title="Memory by category" aside="measured: the fullest rank, by the hook">
      <Table label="Memory by category" columns={COLUMNS} rows={rows} rowKey={row => row.name} />
    </Card>
  )
}
