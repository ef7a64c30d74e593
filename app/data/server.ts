/** What a page holds before its first script has run: asked of the hub while the page is made. For the server only. */
import { headers } from 'next/headers'
import { unixSeconds } from '../../base/clock'
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

/** An answer with the time at which it was had. Undefined where there is none: the browser then asks by itself. */
export interface First<T> {
  readonly at: number
  readonly value: T
}

export async function first<T>(ask: (door: Door) => Promise<T>): Promise<First<T> | undefined> {
  const door = await serverDoor()
  if (door === undefined) return undefined
  try {
    const value = await ask(door)
    return { at: unixSeconds(), value }
  } catch {
    return undefined
  }
}
