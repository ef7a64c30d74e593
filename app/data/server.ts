/** What a page holds before its first script has run: asked of the hub while the page is made. For the server only. */
import { headers } from 'next/headers'
import { doorAt, type Door } from './door'

const PASSED_ON = ['cookie', 'authorization'] as const

/** The hub's door as the visitor of this request may use it; undefined where the page runs without a hub. */
export async function serverDoor(): Promise<Door | undefined> {
  const given = await headers()
  const hub = given.get('x-plumbline-hub')
  if (hub === null) return undefined
  const passed = PASSED_ON.map(name => [name, given.get(name)] as const).filter(([, value]) => value !== null)
  return doorAt(hub, Object.fromEntries(passed) as Record<string, string>)
}

/** The first frame waits no longer for what takes long where much is stored. */
const MOST_WAIT_MS = 150
export const soon = () => AbortSignal.timeout(MOST_WAIT_MS)

/** An answer, for the first frame. Undefined where there is none: the browser then asks by itself. */
export async function first<T>(ask: (door: Door) => Promise<T>): Promise<T | undefined> {
  const door = await serverDoor()
  return door && ask(door).catch(() => undefined)
}

/** What is told of each rank of a larger run would weigh more than the page: it comes right after the first frame. */
const MOST_RANKS = 64

/** `first`, soon, of a run of few ranks. */
export function firstOfFew<T>(
  run: string,
  ask: (door: Door, signal: AbortSignal) => Promise<T>,
): Promise<T | undefined> {
  return first(async door => {
    const { worldSize } = (await door.head(run, soon())).summary
    return (worldSize ?? Infinity) > MOST_RANKS ? undefined : ask(door, soon())
  })
}
