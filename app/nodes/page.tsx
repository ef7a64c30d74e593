import type { Metadata } from 'next'
import { first } from '../data/server'
import { NodesPage } from './nodes-page'

export const metadata: Metadata = { title: 'Nodes' }

export default async function Page() {
  const found = await first(door => door.nodes())
  return <NodesPage first={found?.value} />
}
