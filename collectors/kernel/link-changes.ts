/** What became of a link since it was looked at before: up, down, faster, slower. Told as events, with what it was before. */
import { format } from '../../base/units'
import type { RecordOf } from '../../wire/records'
import type { Json } from '../collector'

interface Seen {
  state: string | null
  /** Speed when it was last up: a link that comes back slower is seen too. */
  rate: number | null
}
export interface LinkNow {
  readonly state: string | undefined
  readonly rateBitsPerSecond: number | undefined
}
type Event = RecordOf<'event'>

const MOST_LINKS = 4096
const FIX =
  'look at the cable, the transceiver and the switch port of this link, and at its error counters; a link that trains slower slows every job whose ring crosses it'

function seenOf(value: Json | undefined): Seen | undefined {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return undefined
  const { state = null, rate = null } = value
  const good = (state === null || typeof state === 'string') && (rate === null || typeof rate === 'number')
  return good ? { state, rate } : undefined
}

export class LinkChanges {
  private readonly links = new Map<string, Seen>()

  /** Begins with what `cursor` gave, so that a change while nobody looked is told of. */
  constructor(cursor: Json | undefined) {
    if (typeof cursor !== 'object' || cursor === null || Array.isArray(cursor)) return
    for (const [name, value] of Object.entries(cursor).slice(0, MOST_LINKS)) {
      const seen = seenOf(value)
      if (seen !== undefined) this.links.set(name, seen)
    }
  }

  cursor(): Json {
    return Object.fromEntries([...this.links].map(([name, seen]) => [name, { ...seen }]))
  }

  /** Events of one look at a link; the first look gives none. A reading without a state says nothing. */
  note(name: string, { state, rateBitsPerSecond: rate }: LinkNow): Event[] {
    if (state === undefined) return []
    const before = this.links.get(name)
    // The speed of a link that is down is what its card would begin with.
    const speed = state === 'up' ? (rate ?? before?.rate ?? null) : (before?.rate ?? null)
    this.links.set(name, { state, rate: speed })
    if (before === undefined) return []
    const event = (type: string, message: string, more: Partial<Event> = {}): Event => ({
      kind: 'event',
      type,
      device: name,
      message: `${name} ${message}`,
      ...more,
    })
    const events: Event[] = []
    if (before.state === 'up' && state !== 'up')
      events.push(
        event('link-down', `was up and is ${state}`, { meaning: 'the link of a network card went down', fix: FIX }),
      )
    if (before.state !== null && before.state !== 'up' && state === 'up')
      events.push(event('link-up', `was ${before.state} and is up`))
    if (before.rate !== null && speed !== null && before.rate !== speed) {
      const message = `ran at ${format(before.rate, 'bitsPerSecond')} and runs at ${format(speed, 'bitsPerSecond')} now`
      events.push(
        speed < before.rate
          ? event('link-slower', message, { meaning: 'the link came up slower than it was', fix: FIX })
          : event('link-faster', message),
      )
    }
    return events
  }
}
