import { format } from '../../../../base/units'
import { stageRows, type StageRow } from '../../../data/memory-stages'
import type { StageSummary } from '../../../../math/memory'
import type { RankInfo } from '../../../../wire/api'
import { Card } from '../../../ui/card'
import { differenceText } from '../../../ui/figure'
import { FigureText } from '../../../ui/figure-text'
import { Provenance } from '../../../ui/provenance'
import { Table, type Column } from '../../../ui/table'

const bytes = (name: 'statesBytes' | 'activationsBytes' | 'buffersBytes', title: string): Column<StageRow> => ({
  name,
  title,
  number: true,
  isMinor: true,
  value: row => row[name],
  cell: row => format(row[name], 'bytes'),
})

const COLUMNS: readonly Column<StageRow>[] = [
  { name: 'stage', title: 'Stage', value: row => row.stage, cell: row => `stage ${row.stage}` },
  { name: 'ranks', title: 'Ranks', number: true, isMinor: true, value: row => row.ranks, cell: row => row.ranks },
  { name: 'layers', title: 'Layers', number: true, value: row => row.layers, cell: row => row.layers },
  {
    name: 'inFlight',
    title: 'Micro-batches held',
    number: true,
    isMinor: true,
    value: row => row.inFlight,
    cell: row => format(row.inFlight, 'count'),
  },
  bytes('statesBytes', 'Weights, gradients, optimizer'),
  bytes('activationsBytes', 'Activations'),
  bytes('buffersBytes', 'Buffers'),
  {
    name: 'totalBytes',
    title: <Provenance kind="predicted" />,
    number: true,
    value: row => row.totalBytes,
    cell: row => (
      <FigureText
        title={`Memory of stage ${row.stage}, predicted`}
        figure={{ value: row.totalBytes, provenance: 'predicted', source: sumText(row) }}
        unit="bytes"
        align="end"
      />
    ),
  },
  {
    name: 'measured',
    title: <Provenance kind="measured" />,
    number: true,
    value: row => row.measured.value,
    cell: row => <FigureText title={`Memory of stage ${row.stage}`} figure={row.measured} unit="bytes" align="end" />,
  },
  {
    name: 'difference',
    title: 'Against it',
    number: true,
    value: row => (row.measured.value === null ? null : row.measured.value - row.totalBytes),
    cell: row => (row.measured.value === null ? '–' : differenceText(row.measured.value, row.totalBytes)),
  },
]

function sumText({ statesBytes, activationsBytes, buffersBytes }: StageRow): string {
  const parts = [statesBytes, activationsBytes, buffersBytes].map(part => format(part, 'bytes'))
  return `weights, gradients and optimizer + activations + buffers = ${parts.join(' + ')}`
}

/** Stages do not hold the same: the first has the most micro-batches at once, the ends have embeddings and logits. */
export function StageTable({ stages, ranks }: { stages: readonly StageSummary[]; ranks: readonly RankInfo[] }) {
  return (
    <Card title="Memory by pipeline stage" aside="a device of each stage; measured: its fullest rank">
      <Table
        label="Memory by pipeline stage"
        columns={COLUMNS}
        rows={stageRows(stages, ranks)}
        rowKey={row => String(row.stage)}
        scrolls
      />
    </Card>
  )
}
