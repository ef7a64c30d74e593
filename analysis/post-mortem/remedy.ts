/** What remedies of every kind have in common: the bytes that stay free, and one whose saving was measured. */
import type { Prediction } from '../../math/predict'
import type { Remedy } from '../../wire/post-mortem'
import { neededBytes, type Figures } from './figures'

/** Bytes that would be left with so much saved; null where neither the event nor the prediction tells. */
export function headroom(figures: Figures, saved: number, after: Prediction | undefined): number | null {
  const needed = neededBytes(figures)
  if (needed !== undefined && figures.capacity !== undefined) return figures.capacity - needed + saved
  const { deviceBytes, capacityBytes } = after?.memory ?? {}
  const capacity = figures.capacity ?? capacityBytes
  return deviceBytes === undefined || capacity === undefined ? null : capacity - deviceBytes
}

/** Nothing where nothing is saved. */
export function measured(
  name: string,
  title: string,
  how: string | null,
  saved: number | undefined,
  figures: Figures,
): Remedy[] {
  if (saved === undefined || saved <= 0) return []
  const left = headroom(figures, saved, undefined)
  return [
    {
      name,
      title,
      how,
      savedBytes: saved,
      headroomBytes: left,
      fits: left === null ? null : left >= 0,
      stepTimeChange: 0,
      provenance: 'derived',
    },
  ]
}

/** What to do, where no bytes can be said of it. */
export const advice = (name: string, title: string, how: string | null = null): Remedy => ({
  name,
  title,
  how,
  savedBytes: null,
  headroomBytes: null,
  fits: null,
  stepTimeChange: null,
  provenance: 'derived',
})
