'use client'
import { useMemo } from 'react'
import { format, type Unit } from '../../../../base/units'
import type { RankInfo } from '../../../../wire/api'
import { HEAT_METRICS, HEAT_METRIC_NAMES, type HeatMap as Map, type HeatMetricName } from '../../../../wire/heat'
import { heatHeight, heatRange } from '../../../chart/heat'
import { HeatChart } from '../../../chart/heat-chart'
import { useAxis } from '../../../chart/shared-axis'
import { useChoice } from '../../../data/address'
import { ORDERS, orderOf, rowTitle, type OrderName } from '../../../data/rank-order'
import { useHeat } from '../../../data/run-parts'
import { Card } from '../../../ui/card'
import { Select } from '../../../ui/choice'
import { Clock } from '../../../ui/clock'
import { Provenance } from '../../../ui/provenance'
import { Raw } from '../raw'
import { useRunPage } from '../run-context'
import styles from './heat-map.module.css'

const OPTIONS = HEAT_METRIC_NAMES.map(name => ({ name, title: HEAT_METRICS[name].title }))
const ORDER_NAMES = ORDERS.map(({ name }) => name)
const STOPS = [0, 1, 2, 3, 4, 5]

function Scale({ map, unit }: { map: Map | undefined; unit: Unit }) {
  const range = map && heatRange(map.values)
  return (
    <span className={styles.scale}>
      <span>{format(range?.low, unit)}</span>
      <svg width="96" height="8" aria-hidden="true">
        <linearGradient id="heat">
          {STOPS.map(stop => (
            <stop key={stop} offset={`${stop * 20}%`} stopColor={`var(--heat-${stop})`} />
          ))}
        </linearGradient>
        <rect width="96" height="8" rx="2" fill="url(#heat)" />
      </svg>
      <span>{format(range?.high, unit)}</span>
    </span>
  )
}

/** A synchronous step takes all ranks the same time: where phases are known, their own work tells them apart. */
function tellingMetric(ranks: readonly RankInfo[]): HeatMetricName {
  return ranks.length === 0 || ranks.some(({ communicationSeconds }) => communicationSeconds !== null)
    ? 'computeSeconds'
    : 'stepSeconds'
}

interface HeatMapProps {
  ranks: readonly RankInfo[]
  picked: number | undefined
  onPick: (rank: number) => void
  usualOrder?: OrderName
}

/** Rank by time: a slow rank is a line, a slow moment a column. */
export function HeatMap({ ranks, picked, onPick, usualOrder = 'rank' }: HeatMapProps) {
  const [metric, choose] = useChoice<HeatMetricName>('metric', HEAT_METRIC_NAMES, tellingMetric(ranks))
  const [order, chooseOrder] = useChoice<OrderName>('sort', ORDER_NAMES, usualOrder)
  const axis = useAxis()
  const { title, unit, help } = HEAT_METRICS[metric]
  const { map, error } = useHeat(useRunPage(), metric)
  const infos = useMemo(() => new globalThis.Map(ranks.map(info => [info.rank, info])), [ranks])
  const rows = useMemo(() => (map === undefined ? [] : orderOf(order, map, infos)), [order, map, infos])
  if (axis === undefined) return null
  const count = map?.ranks.length ?? ranks.length
  const empty =
    error !== undefined
      ? error.message
      : map !== undefined && heatRange(map.values) === undefined
        ? `No rank reports this (${title.toLowerCase()}): attach the hook, or choose another metric.`
        : undefined
  const describe = (row: number, column: number) => {
    if (map === undefined) return null
    const rank = map.ranks[row] ?? 0
    const value = map.values[row * map.columns + column]
    return (
      <>
        <strong className={styles.value}>{format(value, unit)}</strong> {rowTitle(infos.get(rank), rank)},{' '}
        <Clock time={map.from + ((column + 0.5) / map.columns) * (map.to - map.from)} />
      </>
    )
  }
  return (
    <Card
      title="Ranks over time"
      aside={
        <>
          {HEAT_METRICS[metric].of !== 'host' && <Raw of={HEAT_METRICS[metric].of === 'device' ? 'gpus' : 'steps'} />}
          <Scale map={map} unit={unit} />
          <Select label="Metric of the map" options={OPTIONS} value={metric} onChange={choose} />
          <Select label="Order of the ranks" options={ORDERS} value={order} onChange={chooseOrder} />
          <Provenance kind={metric === 'syncWaitSeconds' ? 'derived' : 'measured'} />
        </>
      }
    >
      <HeatChart
        name={`${title} of ${count} ranks over time`}
        map={map}
        order={rows}
        axis={axis}
        rowLabel={row => rowLabel(order, infos.get(map?.ranks[row] ?? -1), map?.ranks[row] ?? 0)}
        label={`${title} of ${count} ranks over time: ${help.charAt(0).toLowerCase()}${help.slice(1)}`}
        height={heatHeight(count)}
        empty={empty}
        picked={picked === undefined ? undefined : map?.ranks.indexOf(picked)}
        onPick={row => onPick(map?.ranks[row] ?? 0)}
        describe={describe}
      />
    </Card>
  )
}

/** What stands beside a row: that by which rows are ordered. */
function rowLabel(order: OrderName, info: RankInfo | undefined, rank: number): string {
  if (order === 'node') return info?.node ?? '–'
  if (order === 'leaf') return info?.leaf ?? '–'
  if (order === 'stage') return info?.stage == null ? '–' : `stage ${info.stage}`
  return `rank ${rank}`
}
