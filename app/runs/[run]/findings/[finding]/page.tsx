import type { Metadata } from 'next'
import { SyncPage } from '../../sync/sync-page'

export const metadata: Metadata = { title: 'Finding' }

/** The address of one finding, which can be passed on: it stays when the finding is closed. */
export default async function Page({ params }: { params: Promise<{ finding: string }> }) {
  const { finding } = await params
  return <SyncPage finding={decodeURIComponent(finding)} />
}
