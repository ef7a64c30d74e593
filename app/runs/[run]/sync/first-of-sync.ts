/** What the page of sync and network holds before its first script has run. For the server only. */
import { first, firstOfFew, soon } from '../../../data/server'

export async function firstOfSync(run: string) {
  const [findings, members, fabric] = await Promise.all([
    first(door => door.findings(run, soon())),
    firstOfFew(run, (door, signal) => door.members(run, signal)),
    firstOfFew(run, (door, signal) => door.fabric(run, signal)),
  ])
  return { findings, members, fabric }
}
export type FirstOfSync = Awaited<ReturnType<typeof firstOfSync>>
