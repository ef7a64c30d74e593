import type { Metadata } from 'next'
import { SyncPage } from './sync-page'

export const metadata: Metadata = { title: 'Sync and network' }

export default function Page() {
  return <SyncPage />
}
