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

/** The earliest; of several of one moment and rank the one that says most. */
function earliest(events: readonly Event[]): Event | undefined {
  const figures = (event: Event) =>
    [event.requestedBytes, event.capacityBytes, event.allocatedBytes, event.parts].filter(Boolean).length
  return events.reduce<Event | undefined>((best, event) => {
    if (best === undefined || timeOf(event) < timeOf(best) - 1) return event
    // Lines of one moment: a traceback and the launcher's report tell of the same.
    const isSame = Math.abs(timeOf(event) - timeOf(best)) <= 1 && sameRank(event, best)
    return isSame && figures(event) > figures(best) ? event : best
  }, undefined)
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

const isSame = (one: Event, other: Event) =>
  one.message === other.message && one.time === other.time && sameRank(one, other)

/** What failed from then on, the event itself left out. */
export function victimsOf(events: readonly Event[], first: Event): Event[] {
  return events.filter(
    event => !isSame(event, first) && FOLLOWS.has(event.type ?? '') && timeOf(event) >= timeOf(first),
  )
}
