import type { Metadata } from 'next'
import { first } from '../data/server'
import { ComparePage } from './compare-page'

export const metadata: Metadata = { title: 'Compare' }

export default async function Page() {
  const found = await first(door => door.runs())
  return <ComparePage first={found} />
}
