/** What Megatron prints after an iteration line: timers (three layouts) and memory by rank. */
import type { Phase } from '../../wire/metrics'
import type { RecordOf, WireRecord } from '../../wire/records'
import type { MegatronState, TimerBlock } from './megatron-state'
import { numberOf, scaled, tidy } from './values'

const MEBIBYTE = 1024 * 1024
const HEADER = /^\s*(?:\((min), max\) |(max) )?times? across ranks \(ms\):\s*$/
const SPAN =
  /^\s{1,16}([\w/ -]{1,80}?) \.{1,60}: (?:\((\d{1,12}(?:\.\d{1,6})?), (\d{1,12}(?:\.\d{1,6})?)\)|(\d{1,12}(?:\.\d{1,6})?))$/
const TIMER_NAME = /^\s{1,16}([\w/ -]{1,80}):$/
const RANK_TIME = /^\s{1,16}rank {1,8}(\d{1,8}): (\d{1,12}(?:\.\d{1,6})?)$/
/** Without a timer to print, the line has nothing but its beginning. */
const OLD_TIMERS = /^\s*time \(ms\)(?: \|(.{0,4000}))?$/
/** More timers or ranks than any real block has: state stays small whatever comes. */
/** What a line of them goes on with where it was wrapped, the last timer perhaps cut behind its name. */
const ONLY_TIMERS =
  /^(?:[a-z][\w-]{1,60}(?: [\w-]{1,60}){0,2}: \d{1,12}\.\d{1,6}(?: \| |$| \|$)){1,60}(?:[a-z][\w-]{1,60}:)?$/
const MOST_LINES = 20_000

function readSpan(text: string, block: TimerBlock): boolean {
  const match = SPAN.exec(text)
  if (match === null) return false
  const longest = Number(match[3] ?? match[4])
  block.spans[match[1] ?? ''] = [match[2] === undefined ? null : Number(match[2]), longest]
  return true
}

function readRank(text: string, block: TimerBlock): boolean {
  const name = TIMER_NAME.exec(text)
  if (name !== null) {
    block.name = name[1] ?? null
    return true
  }
  const time = RANK_TIME.exec(text)
  if (time === null || block.name === null) return false
  const timers = (block.ranks[time[1] ?? ''] ??= {})
  timers[block.name] = Number(time[2])
  return Object.keys(block.ranks).length < MOST_LINES
}

/** `name: milliseconds` between bars, as Megatron's early years and DeepSpeed print their timers. */
export function timersOf(text: string): Record<string, Phase> {
  const phases: Record<string, Phase> = {}
  for (const part of text.split('|')) {
    const colon = part.lastIndexOf(':')
    const seconds = scaled(numberOf(part.slice(colon + 1)), 1e-3)
    if (colon > 0 && seconds !== undefined) phases[part.slice(0, colon).trim()] = { seconds }
  }
  return phases
}

function readOldTimers(text: string, state: MegatronState): WireRecord[] | undefined {
  const match = text.includes('time (ms)') ? OLD_TIMERS.exec(text) : null
  if (match !== null) return oldTimers(match[1] ?? '', state)
  const { tail } = state
  state.tail = null
  if (tail === null || text.length > 2000) return undefined
  const whole = `${tail} ${text}`.trim()
  return ONLY_TIMERS.test(whole) ? oldTimers(whole, state, tail) : undefined
}

/** Timers of a line; of one that was wrapped those that were `told` with the line before are told. */
function oldTimers(text: string, state: MegatronState, told = ''): WireRecord[] {
  const before = timersOf(told)
  const phases = Object.fromEntries(Object.entries(timersOf(text)).filter(([name]) => !(name in before)))
  state.tail = text.slice(text.lastIndexOf('|') + 1).trim()
  if (state.step === null || Object.keys(phases).length === 0) return []
  return [{ ...stepOf(state), phases }]
}

export function readTimers(text: string, state: MegatronState): WireRecord[] | undefined {
  const header = text.endsWith('(ms):') ? HEADER.exec(text) : null
  if (header !== null) {
    const before = flushTimers(state)
    const layout = header[1] === undefined && header[2] === undefined ? 'ranks' : 'minmax'
    state.timers = { layout, name: null, spans: {}, ranks: {} }
    return before
  }
  if (state.timers !== null) {
    const block = state.timers
    if (block.layout === 'minmax' ? readSpan(text, block) : readRank(text, block)) return []
  }
  return readOldTimers(text, state)
}

function spanPhases(block: TimerBlock): Record<string, Phase> {
  return Object.fromEntries(
    Object.entries(block.spans).map(([name, [min, max]]) => [
      name,
      min === null ? { maxSeconds: tidy(max / 1000) } : { minSeconds: tidy(min / 1000), maxSeconds: tidy(max / 1000) },
    ]),
  )
}

function rankPhases(timers: Readonly<Record<string, number>>): Record<string, Phase> {
  return Object.fromEntries(
    Object.entries(timers).map(([name, milliseconds]) => [name, { seconds: tidy(milliseconds / 1000) }]),
  )
}

const stepOf = (state: MegatronState, rank?: number): RecordOf<'step'> => ({
  kind: 'step',
  source: 'megatron',
  rank,
  step: state.step ?? undefined,
  time: state.time ?? undefined,
})

/**
 * What the open block of timers holds; the block stays open, as another process may have printed into it. Those of the
 * set-up, before any iteration, belong to no step and are let go.
 */
export function flushTimers(state: MegatronState): WireRecord[] {
  const block = state.timers
  if (block === null) return []
  state.timers = { layout: block.layout, name: block.name, spans: {}, ranks: {} }
  if (state.step === null) return []
  const ranks = Object.entries(block.ranks).map(([rank, timers]) => ({
    ...stepOf(state, Number(rank)),
    phases: rankPhases(timers),
  }))
  const phases = spanPhases(block)
  return Object.keys(phases).length === 0 ? ranks : [{ ...stepOf(state), phases }, ...ranks]
}

const MEMORY =
  /\[Rank (\d{1,8})\] ?\(after (\d{1,12}) iterations\) memory \(MB\) \| allocated: ([\d.]{1,24}) \| max allocated: ([\d.]{1,24}) \| (?:reserved|cached): ([\d.]{1,24})/g
const OLD_MEMORY =
  /^\s*after (\d{1,12}) iterations memory \(MB\) \| allocated: ([\d.]{1,24}) \| max allocated: ([\d.]{1,24}) \| (?:reserved|cached): ([\d.]{1,24})/

const mebibytes = (text: string | undefined) => {
  const value = scaled(numberOf(text), MEBIBYTE)
  return value === undefined ? undefined : Math.round(value)
}

/** Megatron's MB are 1024² bytes. Ranks print at once, so one line may hold several reports. */
export function readMemory(text: string): WireRecord[] | undefined {
  if (!text.includes('memory (MB) |')) return undefined
  const old = OLD_MEMORY.exec(text)
  const reports = old === null ? [...text.matchAll(MEMORY)] : [[old[0], undefined, ...old.slice(1)]]
  if (reports.length === 0) return undefined
  return reports.map(([, rank, step, allocated, peak, reserved]) => ({
    kind: 'step',
    source: 'megatron',
    rank: numberOf(rank),
    step: numberOf(step),
    memoryAllocatedBytes: mebibytes(allocated),
    memoryReservedBytes: mebibytes(reserved),
    memoryPeakBytes: mebibytes(peak),
  }))
}
