'use client'
/** What one looks at is in the address: it can be shared, and survives a reload. */
import { useRouter, useSearchParams, usePathname } from 'next/navigation'
import { RANK_METRICS, type RankMetric } from '../../wire/api'

export const RANGES = [
  { name: '5m', title: '5 min', seconds: 300 },
  { name: '30m', title: '30 min', seconds: 1800 },
  { name: '3h', title: '3 h', seconds: 10_800 },
  { name: 'all', title: 'All', seconds: Infinity },
] as const
export type RangeName = (typeof RANGES)[number]['name']
const WHOLE = RANGES[3]

export interface ViewState {
  readonly range: (typeof RANGES)[number]
  /** Undefined where nobody chose one. */
  readonly metric: RankMetric | undefined
  set: (change: { range?: RangeName; metric?: RankMetric }) => void
}

/** Reads `?range` and `?metric`; what is not known counts as not given. */
export function useViewState(): ViewState {
  const parameters = useSearchParams()
  const router = useRouter()
  const path = usePathname()
  const range = RANGES.find(({ name }) => name === parameters.get('range')) ?? WHOLE
  const metric = RANK_METRICS.find(name => name === parameters.get('metric'))
  const set: ViewState['set'] = change => {
    const next = new URLSearchParams(parameters)
    for (const [name, value] of Object.entries(change)) next.set(name, value)
    router.replace(`${path}?${next}`, { scroll: false })
  }
  return { range, metric, set }
}
