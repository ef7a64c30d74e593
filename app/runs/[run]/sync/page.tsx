import type { Metadata } from 'next'
import { firstOfSync } from './first-of-sync'
import { SyncPage } from './sync-page'

export const metadata: Metadata = { title: 'Sync and network' }

export default async function Page({ params }: { params: Promise<{ run: string }> }) {
  return <SyncPage first={await firstOfSync(decodeURIComponent((await params).run))} />
}
