import type { Metadata } from 'next'
import { firstOfSync } from '../../sync/first-of-sync'
import { SyncPage } from '../../sync/sync-page'

export const metadata: Metadata = { title: 'Finding' }

/** The address of one finding, which can be passed on: it stays when the finding is closed. */
export default async function Page({ params }: { params: Promise<{ run: string; finding: string }> }) {
  const { run, finding } = await params
  return <SyncPage finding={decodeURIComponent(finding)} first={await firstOfSync(decodeURIComponent(run))} />
}
