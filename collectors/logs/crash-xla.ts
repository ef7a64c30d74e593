/**
 * What XLA prints below an error of memory: on a TPU the program's needs (`Total hbm usage`, `HLO temp`, the largest
 * allocations), on a GPU the statistics of its buffers (`BufferAssignment stats`, `Peak buffers`). It becomes the parts of the
 * event above it. https://github.com/openxla/xla/blob/main/xla/service/buffer_assignment.cc
 */
import type { RecordOf, WireRecord } from '../../wire/records'
import { sizeOf } from './crash-figures'
import type { Json } from '../collector'

type Event = RecordOf<'event'>
type Part = NonNullable<Event['parts']>[number]

const IS_XLA = /RESOURCE_EXHAUSTED|Ran out of memory in memory space|ResourceExhausted/
/** A line of the report: a heading, a figure, or a word about one of the largest. */
const HEADING =
  /^\s{0,16}(?:Total [hv]\w{2,4} usage >= |Exceeded \w{3,5} capacity by |Program \w{3,5} requirement |Output size |Largest program allocations in |BufferAssignment (?:OOM Debugging|stats)|Peak buffers:|Allocation type: |Unpadded size: |Extra memory due to padding|XLA [Ll]abel: |Entry Parameter Subshape: |Operator: |Shape: |={6,}|There are |Buffer \d{1,4}:$|This (?:program|operation) )/
const FIGURE =
  /^\s{1,24}(reserved|program|arguments|global|scoped|stack|overlays|HLO temp|(?:parameter|constant|maybe_live_out|preallocated temp|total) (?:allocation|fragmentation)|preallocated temp fragmentation):?\s{1,24}([\d.]{1,20}[KMGT]?i?B?)\b/
const SIZE = /^\s{0,16}(?:\d{1,4}\. )?Size: ([\d.]{1,20}[KMGT]?i?B?)\s{0,4}$/
const OPERATOR = /^\s{0,16}Operator: op_(?:name|type)="([^"]{1,4000})"/
const SHAPE = /^\s{0,16}(?:Shape|Entry Parameter Subshape): ([^\s{]{1,200})/
/** Sums of others: they would count twice. */
const SUMS = new Set(['total allocation', 'program', 'total fragmentation', 'preallocated temp fragmentation'])
const MOST_LARGEST = 8
const MOST_OPEN = 64

/** Events whose report may still go on; the key is the rank, or `-`. */
export type OpenReports = { [rank: string]: { event: { [field: string]: Json }; largest: boolean } }
type Holder = { reports: OpenReports }

const keyOf = (rank: number | undefined) => (rank === undefined ? '-' : String(rank))
const asEvent = (held: { [field: string]: Json }): Event => held as unknown as Event

/** Holds an event back whose report may follow; gives what is to be sent now. */
export function holdReport(event: Event, rank: number | undefined, holder: Holder): WireRecord[] {
  const before = closeReport(rank, holder)
  const open = holder.reports
  if (!IS_XLA.test(event.message ?? '') || Object.keys(open).length >= MOST_OPEN) return [...before, event]
  const held = Object.fromEntries(Object.entries(event).filter(([, value]) => value !== undefined))
  open[keyOf(rank)] = { event: held as { [field: string]: Json }, largest: false }
  return before
}

export function closeReport(rank: number | undefined, holder: Holder): WireRecord[] {
  const key = keyOf(rank)
  const held = holder.reports[key]
  if (held === undefined) return []
  holder.reports = Object.fromEntries(Object.entries(holder.reports).filter(([open]) => open !== key))
  return [asEvent(held.event)]
}

export function closeReports(holder: Holder): WireRecord[] {
  const events = Object.values(holder.reports).map(({ event }) => asEvent(event))
  holder.reports = {}
  return events
}

/** True: the line belongs to the report that is open. */
export function readReportLine(text: string, rank: number | undefined, { reports }: Holder): boolean {
  const held = reports[keyOf(rank)]
  if (held === undefined) return false
  const event = asEvent(held.event)
  const short = text.slice(0, 8000)
  const figure = FIGURE.exec(short)
  const size = SIZE.exec(short)
  if (figure !== null) add(event, { name: figure[1] ?? '', bytes: sizeOf(figure[2]) ?? 0 })
  else if (size !== null) held.largest = addLargest(event, sizeOf(size[1]) ?? 0)
  else if (held.largest) name(event, short)
  return figure !== null || size !== null || HEADING.test(short)
}

function add(event: Event, part: Part): void {
  if (part.bytes > 0 && !SUMS.has(part.name)) (event.parts ??= []).push(part)
}

function addLargest(event: Event, bytes: number): boolean {
  const parts = (event.parts ??= [])
  if (parts.filter(({ largest }) => largest === true).length >= MOST_LARGEST) return false
  parts.push({ name: 'allocation', bytes, largest: true })
  return true
}

/** The last path of an operator's name, and its shape. */
function name(event: Event, text: string): void {
  const part = event.parts?.at(-1)
  if (part?.largest !== true) return
  const operator = OPERATOR.exec(text)?.[1]
  const shape = SHAPE.exec(text)?.[1]
  if (operator !== undefined)
    part.name = operator
      .replace(/\[.{0,3000}$/, '')
      .split('/')
      .slice(-3)
      .join('/')
      .slice(-120)
  if (shape !== undefined) part.name = part.name === 'allocation' ? shape : `${part.name} ${shape}`
}
