/** What a post-mortem looks at: the event, what came before and after it, the job's configuration. Pure data. */
import type { PredictInput } from '../../math/input'
import type { RecordOf } from '../../wire/records'

export type Event = RecordOf<'event'>

/** Of the rank that died, a row a step, ascending. NaN is absent. */
export interface MemoryHistory {
  readonly step: ArrayLike<number>
  readonly time: ArrayLike<number>
  /** Most that tensors held in the step; of a host's memory, what the process held. */
  readonly peakBytes: ArrayLike<number>
  readonly reservedBytes: ArrayLike<number>
}

export interface Scene {
  readonly run: string
  /** Ascending by time. */
  readonly events: readonly Event[]
  readonly config: PredictInput | undefined
  readonly history: MemoryHistory
  /** Most that tensors held in the last steps, by rank. */
  readonly peaksByRank: ReadonlyMap<number, number>
  /** The last step that anybody finished, and when. */
  readonly lastStep: number | undefined
  readonly lastStepAt: number | undefined
  /** The ranks compute on the host, and what they hold is in its memory. */
  readonly isOnHost?: boolean
  /** Of the device, where its samples are known. */
  readonly device: { readonly capacityBytes?: number | undefined; readonly usedBytes?: number | undefined }
}

const TYPES = new Set(['oom', 'host-oom'])
export const isOutOfMemory = ({ type }: Event) => TYPES.has(type ?? '')

const timeOf = (event: Event) => event.time ?? Infinity

/** A process that was killed with SIGKILL: in a container, or by the kernel, that is most often for its memory. */
const KILLED = 137
const isKilled = ({ exitCode }: Event) => exitCode === KILLED

const sameRank = (one: Event, other: Event) =>
  one.rank === undefined || other.rank === undefined || one.rank === other.rank

/** Seconds within which a process, its allocator's snapshot and its launcher tell of one failure; clocks of a trace drift. */
const SAME_SECONDS = 30
/** Messages round to two places. */
const SAME_BYTES = 0.01

const FIGURES = ['requestedBytes', 'capacityBytes', 'freeBytes', 'processBytes', 'allocatedBytes', 'parts'] as const
const figuresOf = (event: Event) => FIGURES.filter(name => event[name] !== undefined).length

/** Whether both tell of the same request that failed. */
function isSameFailure(one: Event, other: Event): boolean {
  const apart = Math.abs(timeOf(one) - timeOf(other))
  if (one.type !== other.type || !sameRank(one, other) || !(apart <= SAME_SECONDS)) return false
  if (one.gpuIndex !== undefined && other.gpuIndex !== undefined && one.gpuIndex !== other.gpuIndex) return false
  const [asked, also] = [one.requestedBytes, other.requestedBytes]
  // Lines of one moment: a traceback and the launcher's report tell of the same; kernel and job tell of a kill apart.
  const moment = one.type === 'host-oom' ? SAME_SECONDS : 1
  return asked === undefined || also === undefined ? apart <= moment : Math.abs(asked - also) <= SAME_BYTES * asked
}

/** One event of all that tell of the same failure: the words of who says most, what the others add, the latest moment. */
function merged(events: readonly Event[]): Event | undefined {
  const [most, ...others] = events.toSorted((one, other) => figuresOf(other) - figuresOf(one))
  if (most === undefined) return undefined
  const known = (event: Event) => Object.entries(event).filter(([, value]) => value !== undefined)
  const added = others.toReversed().flatMap(known)
  const time = events.reduce<number | undefined>(
    (latest, event) => (event.time === undefined ? latest : Math.max(latest ?? -Infinity, event.time)),
    undefined,
  )
  // Nodes that an import made up say less than the rank's own.
  const node = events.find(event => event.rank !== undefined)?.node ?? most.node
  const own: Event = { kind: 'event', ...Object.fromEntries([...added, ...known(most)]) }
  return { ...own, time, node }
}

/** The earliest failure, of all that is told of it. */
function earliest(events: readonly Event[]): Event | undefined {
  const first = events.reduce<Event | undefined>(
    (best, event) => (best === undefined || timeOf(event) < timeOf(best) ? event : best),
    undefined,
  )
  return first && merged(events.filter(event => event === first || isSameFailure(first, event)))
}

/** The rank that the launcher saw fail first; undefined where it says none. */
const firstRank = (events: readonly Event[]) =>
  events.find(({ type, message = '' }) => type === 'crash' && / failed first, /.test(message))?.rank

/**
 * The event that began it: that of the rank which the launcher saw fail first, else the earliest. A process that was only
 * killed counts where nothing else tells of memory, as a host that ran out. Undefined where there is none.
 */
export function firstOf(events: readonly Event[]): Event | undefined {
  const told = events.filter(isOutOfMemory)
  const rank = firstRank(events)
  const first = earliest(told.filter(event => rank !== undefined && event.rank === rank)) ?? earliest(told)
  if (first !== undefined) return rank !== undefined && first.rank === undefined ? { ...first, rank } : first
  const killed = earliest(events.filter(isKilled))
  return killed && { ...killed, type: 'host-oom' }
}

const FOLLOWS = new Set(['nccl-timeout', 'gloo-timeout', 'traceback', 'crash', 'exit', 'oom', 'host-oom'])

const isSame = (one: Event, other: Event) => one === other || (isOutOfMemory(one) && isSameFailure(one, other))

/** What failed from then on, the event itself left out. */
export function victimsOf(events: readonly Event[], first: Event): Event[] {
  return events.filter(
    event =>
      !isSame(event, first) &&
      !(event.message === first.message && sameRank(event, first)) &&
      FOLLOWS.has(event.type ?? '') &&
      timeOf(event) >= timeOf(first) - SAME_SECONDS,
  )
}
