/**
 * What XLA prints below an error of memory: on a TPU the program's needs (`Total hbm usage`, `HLO temp`, the largest
 * allocations), on a GPU the statistics of its buffers (`BufferAssignment stats`, `Peak buffers`). It becomes the parts of the
 * event above it. https://github.com/openxla/xla/blob/main/xla/service/buffer_assignment.cc
 */
import type { RecordOf } from '../../wire/records'
import { sizeOf } from './crash-figures'

type Event = RecordOf<'event'>
type Part = NonNullable<Event['parts']>[number]

const IS_XLA = /RESOURCE_EXHAUSTED|Resource exhausted|Ran out of memory in memory space|ResourceExhausted/
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
/** Whether a report may stand below the message. */
export const hasReport = ({ message = '' }: Event) => IS_XLA.test(message)

/** True: the line belongs to the report below this event. `held.largest`: the largest allocations are being listed. */
export function readReportLine(text: string, event: Event, held: { largest: boolean }): boolean {
  if (!hasReport(event)) return false
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
