import { first } from './data/server'
import { RunsPage } from './runs/runs-page'

export default async function Page() {
  const found = await first(door => door.runs())
  return <RunsPage first={found} />
}
