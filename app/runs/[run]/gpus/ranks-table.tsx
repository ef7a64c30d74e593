import { format } from '../../../../base/units'
import type { RankInfo } from '../../../../wire/api'
import { count } from '../../../data/health'
import { Card } from '../../../ui/card'
import { Table, type Column } from '../../../ui/table'

function deviceText(rank: RankInfo): string {
  if (rank.gpuIndex !== null) return `GPU ${rank.gpuIndex}`
  return rank.device ?? '–'
}

const COLUMNS: readonly Column<RankInfo>[] = [
  { name: 'rank', title: 'Rank', cell: row => row.rank },
  { name: 'node', title: 'Node', cell: row => row.node ?? '–' },
  { name: 'device', title: 'Device', cell: deviceText },
  { name: 'pid', title: 'Pid', number: true, cell: row => row.pid ?? '–' },
  { name: 'step', title: 'Step', number: true, cell: row => (row.lastStep === null ? '–' : count(row.lastStep)) },
  { name: 'time', title: 'Step time', number: true, cell: row => format(row.stepSeconds, 'seconds') },
  { name: 'comm', title: 'In collectives', number: true, cell: row => format(row.communicationSeconds, 'seconds') },
  { name: 'wait', title: 'Sync wait', number: true, cell: row => format(row.syncWaitSeconds, 'seconds') },
  { name: 'allocated', title: 'Allocated', number: true, cell: row => format(row.memoryAllocatedBytes, 'bytes') },
  { name: 'reserved', title: 'Reserved', number: true, cell: row => format(row.memoryReservedBytes, 'bytes') },
  { name: 'peak', title: 'Peak', number: true, cell: row => format(row.memoryPeakBytes, 'bytes') },
  { name: 'resident', title: 'Resident (host)', number: true, cell: row => format(row.residentBytes, 'bytes') },
]

/** A column that no rank has anything in says nothing. */
function filled(ranks: readonly RankInfo[]): Column<RankInfo>[] {
  return COLUMNS.filter(
    ({ name, cell }) => name === 'rank' || ranks.length === 0 || ranks.some(rank => cell(rank) !== '–'),
  )
}

export function RanksTable({ ranks }: { ranks: readonly RankInfo[] }) {
  return (
    <Card title="Ranks" aside={ranks.length === 0 ? undefined : 'last step of each'}>
      {ranks.length === 0 ? (
        <p className="muted">No rank has named itself: the hook does, and so do logs with rank prefixes.</p>
      ) : (
        <Table label="Ranks" columns={filled(ranks)} rows={ranks} rowKey={row => String(row.rank)} maxHeight={420} />
      )}
    </Card>
  )
}
