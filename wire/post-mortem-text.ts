/** A post-mortem in words: the same on the page and in reports. */
import { format } from '../base/units'
import type { Cause, PostMortem, Remedy } from './post-mortem'

export const bytesText = (value: number | null) => (value === null ? 'not known' : format(value, 'bytes'))
export const CERTAINTY: Readonly<Record<Cause['certainty'], string>> = {
  certain: '',
  likely: 'likely: ',
  possible: 'possible: ',
}

/** `+12 %`, `no change`; `not known`. */
export function stepTimeText(change: number | null): string {
  if (change === null) return 'not known'
  if (Math.abs(change) < 0.005) return 'no change'
  return `${change > 0 ? '+' : '−'}${(100 * Math.abs(change)).toFixed(0)} %`
}

export const fitsText = ({ fits }: Remedy) => (fits === null ? 'cannot be said' : fits ? 'yes' : 'no')

/** Where and when, in one line. */
export function placeText({ event, memory }: PostMortem): string {
  const parts = [
    memory === 'host' ? 'host memory' : event.gpuIndex === null ? 'device memory' : `GPU ${event.gpuIndex}`,
    event.rank === null ? undefined : `rank ${event.rank}`,
    event.node === null ? undefined : `node ${event.node}`,
    event.step === null ? 'before the first step was finished' : `after step ${event.step}`,
    event.time === null ? undefined : `${new Date(event.time * 1000).toISOString().slice(0, 19).replace('T', ' ')} UTC`,
  ]
  return parts.filter(Boolean).join(', ')
}

const FIGURES = [
  ['asked for', 'requestedBytes'],
  ['capacity', 'capacityBytes'],
  ['free', 'freeBytes'],
  ['held by the process', 'processBytes'],
  ['held by tensors', 'allocatedBytes'],
  ['reserved by the allocator', 'reservedBytes'],
  ['reserved, not in use', 'reservedUnallocatedBytes'],
] as const

/** What the error says, field by field. */
export function figuresText({ event }: PostMortem): [what: string, bytes: string][] {
  return FIGURES.flatMap(([what, field]) => (event[field] === null ? [] : [[what, bytesText(event[field])]]))
}
