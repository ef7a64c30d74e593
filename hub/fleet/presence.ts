/** Who is connected to which hub, and what is looked at there: each hub says so a few times while its lease lasts. */
import { repeat } from '../../base/clock'
import type { Fleet } from './fleet'
import type { Heard } from './messages'

type Present = Extract<Heard, { what: 'present' }>

const EVERY_MS = 3000
/** Who says nothing for so long is not counted. */
const FORGOTTEN_MS = 15_000

export interface PresenceOptions {
  readonly fleet: Fleet
  /** Of this hub. */
  own(): Pick<Present, 'agents' | 'watched'>
  /** Agents that are connected to other hubs. */
  others(agents: Present['agents']): void
}

export class Presence {
  private readonly known = new Map<string, { readonly said: Present; readonly at: number }>()
  private readonly stopped = new AbortController()
  private running: Promise<void> = Promise.resolve()

  constructor(private readonly options: PresenceOptions) {}

  start(): void {
    if (this.options.fleet.isAlone) return
    this.running = repeat(
      EVERY_MS,
      this.stopped.signal,
      () => Promise.resolve(this.say()),
      () => undefined,
    )
  }

  hear(said: Present): void {
    const isNew = !this.known.has(said.hub)
    this.known.set(said.hub, { said, at: performance.now() })
    this.tell()
    // Who has come is told at once.
    if (isNew) this.say()
  }

  /** Runs that somebody looks at at other hubs. */
  watched(): string[] {
    return [...this.known.values()].flatMap(({ said }) => said.watched)
  }

  async close(): Promise<void> {
    this.stopped.abort()
    await this.running
  }

  private say(): void {
    this.options.fleet.say({ what: 'present', ...this.options.own() })
    const now = performance.now()
    const gone = [...this.known].filter(([, { at }]) => now - at > FORGOTTEN_MS)
    for (const [hub] of gone) this.known.delete(hub)
    if (gone.length > 0) this.tell()
  }

  private tell(): void {
    this.options.others([...this.known.values()].flatMap(({ said }) => said.agents))
  }
}
