/** What the hub answers to commands. */
import type { z } from 'zod'
import { messageOf, PlumblineError } from '../base/errors'
import { hubUrl, type PlumblineSettings } from './settings'

const TIMEOUT_MS = 30_000

/** Whether a hub is there. */
export async function hubAnswers(url: string): Promise<boolean> {
  try {
    return (await fetch(`${url}/api/health`, { signal: AbortSignal.timeout(1000) })).ok
  } catch {
    return false
  }
}

/** The hub of these settings, which answers. Throws a PlumblineError where none does. */
export async function reachedHub(settings: PlumblineSettings): Promise<string> {
  const hub = hubUrl(settings)
  if (await hubAnswers(hub)) return hub
  throw new PlumblineError(`no hub answers at ${hub}`, {
    fix: 'start one with `plumbline start`, or name it with --hub',
  })
}

export interface HubDoor {
  readonly url: string
  /** '' where the hub asks for none. */
  readonly token: string
}

/** The hub of these settings, for somebody who only looks. */
export function hubDoor(settings: PlumblineSettings): HubDoor {
  return { url: hubUrl(settings), token: settings.viewToken === '' ? settings.token : settings.viewToken }
}

/** The text of an answer. Throws what the hub says where it is no answer, and what to do where no hub is. */
export async function hubText({ url, token }: HubDoor, path: string): Promise<string> {
  let response: Response
  try {
    const headers: Record<string, string> = token === '' ? {} : { authorization: `Bearer ${token}` }
    response = await fetch(`${url}${path}`, { headers, signal: AbortSignal.timeout(TIMEOUT_MS) })
  } catch (error) {
    throw new PlumblineError(`no hub answers at ${url}: ${messageOf(error)}`, {
      fix: 'start one with `plumbline start`, or name it with --hub',
    })
  }
  const text = await response.text()
  if (response.ok) return text
  let said: { error?: string; fix?: string } = {}
  try {
    said = JSON.parse(text) as typeof said
  } catch {
    // A proxy in between answers in its own words.
  }
  throw new PlumblineError(said.error ?? `the hub answered ${response.status}`, {
    fix: said.fix ?? 'see the list of runs at /',
  })
}

/** The same as JSON of a schema; a hub of another version may answer otherwise, and that is said. */
export async function hubJson<T>(hub: HubDoor, path: string, schema: z.ZodType<T>): Promise<T> {
  const parsed = schema.safeParse(JSON.parse(await hubText(hub, path)))
  if (parsed.success) return parsed.data
  throw new PlumblineError(`the hub at ${hub.url} answers ${path} in another form`, {
    fix: 'use the same version of Plumbline for both',
  })
}
