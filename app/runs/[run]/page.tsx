import { first, soon } from '../../data/server'
import { OverviewPage } from './overview-page'

/** The first frame does not carry the agents of a whole cluster: they come right after it. */
const MOST_NODES = 64

export default async function Page({ params }: { params: Promise<{ run: string }> }) {
  const run = decodeURIComponent((await params).run)
  const [budget, nodes] = await Promise.all([first(door => door.budget(run, soon())), first(door => door.nodes())])
  const few = nodes !== undefined && nodes.length <= MOST_NODES ? nodes : undefined
  return <OverviewPage budget={budget} nodes={few} />
}
