import { first } from '../../data/server'
import { OverviewPage } from './overview-page'

/** The first frame waits no longer for the budget, which is added up from the last steps of all ranks. */
const MOST_WAIT_MS = 150

export default async function Page({ params }: { params: Promise<{ run: string }> }) {
  const run = decodeURIComponent((await params).run)
  const budget = await first(door => door.budget(run, AbortSignal.timeout(MOST_WAIT_MS)))
  return <OverviewPage budget={budget?.value} />
}
