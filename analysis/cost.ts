/** What a finding costs, and how loud it is said. */
import type { Finding } from '../wire/findings'

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
