import { memo } from 'react'
import { format, type Unit } from '../../../../base/units'
import type { RankInfo } from '../../../../wire/api'
import type { Figure } from '../../../../wire/findings'
import { count } from '../../../data/health'
import { Card } from '../../../ui/card'
import { Table, type Column } from '../../../ui/table'
import { Raw } from '../raw'

function deviceText(rank: RankInfo): string {
  if (rank.gpuIndex !== null) return `GPU ${rank.gpuIndex}`
  return rank.device ?? '–'
}

type Known = number | string | null

const RECENT = 'mean over the newest 20 steps of the rank, as the hook tells them'
const ALLOCATOR = 'the framework’s allocator, at the newest step that tells it'

/** How the figures of a column are known: all of a column in the same way. */
const ABOUT: Readonly<Record<string, Pick<Figure, 'provenance' | 'source'>>> = {
  stepSeconds: { provenance: 'measured', source: RECENT },
  communicationSeconds: { provenance: 'measured', source: `time inside collectives: ${RECENT}` },
  syncWaitSeconds: {
    provenance: 'derived',
    source: `d − min d, where d is a rank’s time inside the collectives of a step and min d the least of all ranks; ${RECENT}`,
  },
  memoryAllocatedBytes: { provenance: 'measured', source: `held by tensors: ${ALLOCATOR}` },
  memoryReservedBytes: { provenance: 'measured', source: `held by ${ALLOCATOR}` },
  memoryPeakBytes: {
    provenance: 'measured',
    source: 'the most that tensors held since the last report: the allocator',
  },
  residentBytes: { provenance: 'measured', source: 'resident memory of the rank’s process on its host: /proc' },
}

const column = (name: string, title: string, value: (row: RankInfo) => Known, unit?: Unit): Column<RankInfo> => ({
  name,
  title,
  about: ABOUT[name],
  value,
  number: unit !== undefined,
  cell: row => {
    const known = value(row)
    return typeof known === 'number' && unit !== undefined ? format(known, unit) : (known ?? '–')
  },
})

const COLUMNS: readonly Column<RankInfo>[] = [
  column('rank', 'Rank', row => row.rank),
  column('node', 'Node', row => row.node),
  column('leaf', 'Switch', row => row.leaf),
  column('stage', 'Stage', row => row.stage),
  { ...column('device', 'Device', row => row.gpuIndex ?? row.device), cell: deviceText },
  column('pid', 'Pid', row => row.pid, 'none'),
  { ...column('step', 'Step', row => row.lastStep, 'count'), cell: row => stepCell(row) },
  column('stepSeconds', 'Step time', row => row.stepSeconds, 'seconds'),
  column('communicationSeconds', 'In collectives', row => row.communicationSeconds, 'seconds'),
  column('syncWaitSeconds', 'Sync wait', row => row.syncWaitSeconds, 'seconds'),
  column('memoryAllocatedBytes', 'Allocated', row => row.memoryAllocatedBytes, 'bytes'),
  column('memoryReservedBytes', 'Reserved', row => row.memoryReservedBytes, 'bytes'),
  column('memoryPeakBytes', 'Peak', row => row.memoryPeakBytes, 'bytes'),
  column('residentBytes', 'Resident (host)', row => row.residentBytes, 'bytes'),
]

const stepCell = (row: RankInfo) => (row.lastStep === null ? '–' : count(row.lastStep))

/** A column that no rank has anything in says nothing. */
const filled = (ranks: readonly RankInfo[]) =>
  COLUMNS.filter(({ name, value }) => name === 'rank' || ranks.some(rank => value?.(rank) !== null))

interface RanksTableProps {
  ranks: readonly RankInfo[]
  picked: number | undefined
  onPick: (rank: number) => void
}

/** Drawn anew when its ranks change, not with each update of the run. */
export const RanksTable = memo(function RanksTable({ ranks, picked, onPick }: RanksTableProps) {
  return (
    <Card
      title="Ranks"
      aside={
        ranks.length > 0 && (
          <>
            <span>means of the last 20 steps; a row opens its rank</span>
            <Raw of="steps" />
          </>
        )
      }
    >
      {ranks.length === 0 ? (
        <p className="muted">No rank has named itself: the hook does, and so do logs with rank prefixes.</p>
      ) : (
        <Table
          label="Ranks"
          columns={filled(ranks)}
          rows={ranks}
          rowKey={row => String(row.rank)}
          scrolls
          onPick={row => onPick(row.rank)}
          isPicked={row => row.rank === picked}
        />
      )}
    </Card>
  )
})
