import type { Metadata } from 'next'
import { first } from '../data/server'
import { ClusterPage } from './cluster-page'

export const metadata: Metadata = { title: 'Cluster' }

export default async function Page() {
  const found = await first(door => door.nodes())
  return <ClusterPage first={found} />
}
