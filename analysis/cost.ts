/** What a finding costs, and how loud it is said. */
import type { Finding } from '../wire/findings'
import type { DetectorWindow } from './detector'

/** Of the step time. */
const CRITICAL = 0.25
const WARNING = 0.02

/** `seconds` of a step that takes `step` seconds: NaN is not known. */
export function costOf(seconds: number, step: number): Pick<Finding, 'severity' | 'costSecondsPerStep' | 'costRatio'> {
  if (!Number.isFinite(seconds)) return { severity: 'warning' }
  const ratio = seconds / step
  if (!Number.isFinite(ratio)) return { severity: 'warning', costSecondsPerStep: seconds }
  const severity = ratio >= CRITICAL ? 'critical' : ratio >= WARNING ? 'warning' : 'info'
  return { severity, costSecondsPerStep: seconds, costRatio: ratio }
}

/** What a finding has cost since its moment: of every GPU of the run, the share of time that its steps were longer by. */
export function withLoss(finding: Finding, { now, facts, pricePerGpuHour }: DetectorWindow): Finding {
  const { costRatio, since } = finding
  const hours = ((facts.worldSize ?? NaN) * (costRatio ?? NaN) * ((facts.endedAt ?? now) - since)) / 3600
  if (!Number.isFinite(hours) || hours < 0) return finding
  const money = hours * (pricePerGpuHour ?? NaN)
  return { ...finding, costGpuHours: hours, ...(Number.isFinite(money) && { costMoney: money }) }
}
