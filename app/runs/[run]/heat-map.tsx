'use client'
import { useMemo } from 'react'
import { format, type Unit } from '../../../base/units'
import type { RankMap, RankMetric } from '../../../wire/api'
import { Chart } from '../../chart/chart'
import { heatHeight, heatOption, heatRange } from '../../chart/heat'
import { usePalette } from '../../chart/palette'
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

function emptyText(map: RankMap | undefined, title: string): string | undefined {
  if (map === undefined) return ''
  return heatRange(map) === undefined ? `No rank reports this (${title.toLowerCase()}): attach the hook.` : undefined
}

/** Rank by step: a slow rank is a line, a slow moment a column. */
export function HeatMap({ run, view, state }: { run: string; view: RunView; state: ViewState }) {
  const { title, unit } = METRICS[state.metric]
  const palette = usePalette()
  const from = Number.isFinite(state.range.seconds) ? view.steps.time[0] : undefined
  const answer = useRankMap(run, state.metric, from, view.updatedAt)
  const map = answer?.metric === state.metric ? answer : undefined
  const { ranks } = view.detail
  const option = useMemo(() => {
    if (map === undefined || palette === undefined) return { animation: false }
    const nodes = new Map(ranks.map(({ rank, node }) => [rank, node]))
    return heatOption(map, unit, palette, rank => nodes.get(rank) ?? null)
  }, [map, unit, palette, ranks])
  const rows = Math.max(answer?.ranks.length ?? 0, ranks.length, 4)
  return (
    <Card
      title="Ranks × steps"
      aside={
        <>
          <Scale map={map} unit={unit} />
          <Select
            label="Metric of the map"
            options={OPTIONS}
            value={state.metric}
            onChange={metric => state.set({ metric })}
          />
        </>
      }
    >
      <Chart
        option={option}
        label={`${title} of ${rows} ranks by step`}
        height={heatHeight(rows)}
        empty={emptyText(map, title)}
      />
    </Card>
  )
}
