/** In which order ranks stand under each other. Pure. */
import type { RankInfo } from '../../wire/api'
import type { HeatMap } from '../../wire/heat'
import { rowMeans } from '../chart/heat'

export const ORDERS = [
  { name: 'rank', title: 'by rank' },
  { name: 'node', title: 'by node' },
  { name: 'leaf', title: 'by switch' },
  { name: 'stage', title: 'by stage' },
  { name: 'deviation', title: 'by deviation' },
] as const
export type OrderName = (typeof ORDERS)[number]['name']

type Infos = ReadonlyMap<number, RankInfo>

function median(values: readonly number[]): number {
  const sorted = values.filter(value => !Number.isNaN(value)).sort((one, other) => one - other)
  return sorted[Math.floor(sorted.length / 2)] ?? NaN
}

/** How far the mean of each row is from the middle of its pipeline stage: stages do not do the same work. */
export function deviations(map: HeatMap, infos: Infos): number[] {
  const means = rowMeans(map)
  const stageOf = (row: number) => infos.get(map.ranks[row] ?? -1)?.stage ?? -1
  const stages = new Map<number, number[]>()
  means.forEach((mean, row) => stages.set(stageOf(row), [...(stages.get(stageOf(row)) ?? []), mean]))
  const middles = new Map([...stages].map(([stage, values]) => [stage, median(values)]))
  return means.map((mean, row) => mean - (middles.get(stageOf(row)) ?? NaN))
}

const words = new Intl.Collator('en', { numeric: true })
const known = (value: number) => (Number.isNaN(value) ? 0 : Math.abs(value))

/** Rows of the map from the top down. By deviation: those furthest from their peers first. */
export function orderOf(order: OrderName, map: HeatMap, infos: Infos): number[] {
  const rows = map.ranks.map((_, row) => row)
  const info = (row: number) => infos.get(map.ranks[row] ?? -1)
  if (order === 'deviation') {
    const away = deviations(map, infos)
    return rows.sort((one, other) => known(away[other] ?? 0) - known(away[one] ?? 0))
  }
  if (order === 'stage') return rows.sort((one, other) => (info(one)?.stage ?? 0) - (info(other)?.stage ?? 0))
  if (order === 'node' || order === 'leaf')
    return rows.sort((one, other) => words.compare(info(one)?.[order] ?? '', info(other)?.[order] ?? ''))
  return rows
}

/** `rank 40 · GPU 0 of node0005 · leaf002 · stage 1` */
export function rowTitle(info: RankInfo | undefined, rank: number): string {
  if (info === undefined) return `rank ${rank}`
  const device = info.gpuIndex === null ? info.node : `GPU ${info.gpuIndex} of ${info.node ?? 'unknown node'}`
  const stage = info.stage === null ? null : `stage ${info.stage}`
  return [`rank ${rank}`, device, info.leaf, stage].filter(part => part !== null).join(' · ')
}
