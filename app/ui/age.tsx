'use client'
import { format } from '../../base/units'
import { useNow } from '../data/now'

/** `0.4 s`, `12 s`, `3 min 10 s`: seconds as people say them. Whole from 10 s on, so that it does not flicker. */
export function ageText(seconds: number): string {
  const age = Math.max(0, seconds)
  if (age < 10) return `${age.toFixed(1)} s`
  return format(Math.round(age), 'seconds').replace('.0', '')
}

/** How long ago `since` was, counting up. */
export function Age({ since, periodMs = 200 }: { since: number; periodMs?: number }) {
  const now = useNow(periodMs)
  return <>{now === 0 ? '–' : `${ageText(now - since)} ago`}</>
}
