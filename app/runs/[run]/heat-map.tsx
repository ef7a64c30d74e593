'use client'
import { format, type Unit } from '../../../base/units'
import type { RankInfo, RankMap, RankMetric } from '../../../wire/api'
import { clockText, stepText } from '../../chart/axis'
import { heatHeight, heatRange } from '../../chart/heat'
import { HeatCanvas, type Cell } from '../../chart/heat-canvas'
import type { RunView } from '../../data/run-view'
import { useRankMap } from '../../data/use-rank-map'
import type { ViewState } from '../../data/view-state'
import { Card } from '../../ui/card'
import { Select } from '../../ui/choice'
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
export function HeatMap({ run, view, state }: { run: string; view: RunView; state: ViewState }) {
  const metric = state.metric ?? tellingMetric(view.detail.ranks)
  const { title, unit } = METRICS[metric]
  const from = Number.isFinite(state.range.seconds) ? view.steps.time[0] : undefined
  const answer = useRankMap(run, metric, from, view.updatedAt)
  const map = answer?.metric === metric ? answer : undefined
  const { ranks } = view.detail
  const rows = Math.max(answer?.ranks.length ?? 0, ranks.length)
  const choose = (metric: RankMetric) => state.set({ metric })
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
