/**
 * Events about memory that are held back because their message may go on below: in the report that XLA prints, in what is known of
 * a pod, in the rest of a sentence that a terminal or a library broke.
 */
import type { RecordOf, WireRecord } from '../../wire/records'
import type { Json } from '../collector'
import { figuresIn } from './crash-figures'
import { saysMemory } from './crash-memory'
import { readPodLine, type Pod } from './crash-pod'
import { hasReport, readReportLine } from './crash-xla'

type Event = RecordOf<'event'>

const MOST_OPEN = 64
/** Lines of a sentence beyond its first. */
const MOST_LINES = 12
const MESSAGE_LENGTH = 4000

type HeldEvent = {
  rank: number | null
  event: { [field: string]: Json }
  /** Nothing more of it comes; it waits for those that began before it. */
  closed: boolean
  /** The largest allocations are being listed. */
  largest: boolean
  lines: number
}
/** In the order in which they began, of each rank at most one that is open. */
export type Held = HeldEvent[]
type Holder = { held: Held; pod: Pod }

const asEvent = ({ event }: HeldEvent): Event => event as unknown as Event
const isOf = (rank: number | undefined) => (held: HeldEvent) => !held.closed && held.rank === (rank ?? null)

/** Holds an event back; gives what is to be sent now. */
export function hold(event: Event, rank: number | undefined, holder: Holder): WireRecord[] {
  closeOf(rank, holder)
  const known = Object.fromEntries(Object.entries(event).filter(([, value]) => value !== undefined))
  holder.held.push({
    rank: rank ?? null,
    event: known as { [field: string]: Json },
    ...{ closed: false, largest: false, lines: 0 },
  })
  if (holder.held.length > MOST_OPEN) return releaseAll(holder)
  const open = holder.held.findIndex(({ closed }) => !closed)
  return holder.held.splice(0, open).map(asEvent)
}

function closeOf(rank: number | undefined, { held }: Holder): void {
  const own = held.find(isOf(rank))
  if (own !== undefined) own.closed = true
}

/** Something else came of a rank: what is held is sent, but for reports of other ranks that may still go on. */
export function release(rank: number | undefined, holder: Holder): WireRecord[] {
  closeOf(rank, holder)
  const kept = holder.held.filter(held => !held.closed && hasReport(asEvent(held)))
  const sent = holder.held.filter(held => !kept.includes(held))
  holder.held = kept
  return sent.map(asEvent)
}

export function releaseAll(holder: Holder): WireRecord[] {
  const events = holder.held.map(asEvent)
  holder.held = []
  return events
}

/** True: the line belongs to the event that is held. */
export function goesOn(text: string, rank: number | undefined, { held, pod }: Holder): boolean {
  const own = held.find(isOf(rank))
  if (own === undefined) return false
  const event = asEvent(own)
  return readReportLine(text, event, own) || readPodLine(text, event, pod) || readRest(text, event, own)
}

/** A line that begins something: an error, a traceback, what a logger or a scheduler says. */
const BEGINS =
  /^(?:Traceback \(most|(?:[A-Za-z_]\w{0,80}\.){0,12}\w{1,120}(?:Error|Exception|Interrupt)\b|\[?\d{4}-\d\d-\d\d|[EWI]\d{4} |[\w.-]{1,60}: (?:error|warning): )/
/** What libraries add to their error and what says nothing of this one. */
const REST =
  /^\s{0,8}(?:what\(\): |Search for `\w{1,80}' in |CUDA kernel errors might be |(?:CUDA|HIP) kernel errors |For debugging consider passing |Compile with `TORCH_USE_|Device-side assertion)/

function readRest(text: string, event: Event, held: { lines: number }): boolean {
  held.lines += 1
  if (held.lines > MOST_LINES || text.length > MESSAGE_LENGTH) return false
  if (REST.test(text)) return true
  if (BEGINS.test(text) || saysMemory(text)) return false
  const joined = `${(event.message ?? '').trimEnd()} ${text.trim()}`.slice(0, MESSAGE_LENGTH)
  const added = Object.entries(figuresIn(joined)).filter(([field]) => !(field in event))
  if (added.length === 0) return false
  Object.assign(event, Object.fromEntries(added), { message: joined })
  return true
}
