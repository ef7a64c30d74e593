'use client'
import type { ReactNode } from 'react'
import { ServedAt } from '../data/now'

/** Tells what is below when the server made the page. */
export function Served({ at, children }: { at: number; children: ReactNode }) {
  return <ServedAt value={at}>{children}</ServedAt>
}
