'use client'
import { format, type Unit } from '../../../../base/units'
import { RANK_METRICS, type RankInfo, type RankMap, type RankMetric } from '../../../../wire/api'
import { clockText, stepText } from '../../../chart/axis'
import { heatHeight, heatRange } from '../../../chart/heat'
import { HeatCanvas, type Cell } from '../../../chart/heat-canvas'
import { useChoice } from '../../../data/address'
import { useRankMap } from '../../../data/run-parts'
import { Card } from '../../../ui/card'
import { Select } from '../../../ui/choice'
import { useRunPage } from '../run-context'
import styles from './heat-map.module.css'

const METRICS: Readonly<Record<RankMetric, { title: string; unit: Unit }>> = {
  stepSeconds: { title: 'Step time', unit: 'seconds' },
  computeSeconds: { title: 'Compute time', unit: 'seconds' },
  communicationSeconds: { title: 'Time in collectives', unit: 'seconds' },
  syncWaitSeconds: { title: 'Sync wait', unit: 'seconds' },
  dataSeconds: { title: 'Data loading', unit: 'seconds' },
  memoryAllocatedBytes: { title: 'Memory allocated', unit: 'bytes' },
  residentBytes: { title: 'Resident host memory', unit: 'bytes' },
}
const OPTIONS = Object.entries(METRICS).map(([name, { title }]) => ({ name: name as RankMetric, title }))

function Scale({ map, unit }: { map: RankMap | undefined; unit: Unit }) {
  const range = map === undefined ? undefined : heatRange(map)
  return (
    <span className={styles.scale}>
      <span>{format(range?.low, unit)}</span>
      <span className={styles.gradient} aria-hidden="true" />
      <span>{format(range?.high, unit)}</span>
    </span>
  )
}

/** A synchronous step takes all ranks the same time: where phases are known, their own work tells them apart. */
function tellingMetric(ranks: readonly RankInfo[]): RankMetric {
  return ranks.some(({ communicationSeconds }) => communicationSeconds !== null) ? 'computeSeconds' : 'stepSeconds'
}

function emptyText(map: RankMap | undefined, title: string): string | undefined {
  if (map === undefined) return ''
  return heatRange(map) === undefined ? `No rank reports this (${title.toLowerCase()}): attach the hook.` : undefined
}

function CellNote({ map, cell, ranks }: { map: RankMap; cell: Cell; ranks: readonly RankInfo[] }) {
  const rank = map.ranks[cell.row]
  const value = map.values[cell.row]?.[cell.column]
  const time = map.time[cell.column]
  const node = ranks.find(each => each.rank === rank)?.node
  const last = (map.step[cell.column] ?? 0) + map.bucketSteps - 1
  return (
    <>
      <strong>
        rank {rank}, step {stepText(map.step[cell.column] ?? 0)}
        {map.bucketSteps > 1 && `–${stepText(last)}`}: {format(value, METRICS[map.metric].unit)}
      </strong>
      <br />
      <span className="muted">
        {node ?? 'unknown node'}
        {time !== undefined && `, ${clockText(time * 1000)}`}
      </span>
    </>
  )
}

/** Rank by step: a slow rank is a line, a slow moment a column. */
export function HeatMap({ ranks }: { ranks: readonly RankInfo[] }) {
  const [metric, choose] = useChoice<RankMetric>('metric', RANK_METRICS, tellingMetric(ranks))
  const { title, unit } = METRICS[metric]
  const map = useRankMap(useRunPage(), metric)
  const rows = Math.max(map?.ranks.length ?? 0, ranks.length)
  return (
    <Card
      title="Ranks × steps"
      aside={
        <>
          <Scale map={map} unit={unit} />
          <Select label="Metric of the map" options={OPTIONS} value={metric} onChange={choose} />
        </>
      }
    >
      <HeatCanvas
        map={map}
        label={`${title} of ${rows} ranks by step`}
        height={heatHeight(rows)}
        empty={emptyText(map, title)}
        describe={cell => map !== undefined && <CellNote map={map} cell={cell} ranks={ranks} />}
      />
    </Card>
  )
}
