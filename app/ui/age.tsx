'use client'
import { format } from '../../base/units'
import { useNow } from '../data/now'

/** `0 s`, `12 s`, `3 min 10 s`: whole seconds as people say them, so that they do not dance. */
export function ageText(seconds: number): string {
  const age = Math.max(0, Math.round(seconds))
  return age < 60 ? `${age} s` : format(age, 'seconds').replace('.0', '')
}

/** How long ago `since` was, counting up. */
export function Age({ since }: { since: number }) {
  const now = useNow()
  return <>{now === 0 ? '–' : `${ageText(now - since)} ago`}</>
}
