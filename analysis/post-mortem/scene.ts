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

/** The event that began it: the earliest; of several of one moment the one that says most. Undefined where there is none. */
export function firstOf(events: readonly Event[]): Event | undefined {
  const figures = (event: Event) =>
    [event.requestedBytes, event.capacityBytes, event.allocatedBytes].filter(Boolean).length
  return events.filter(isOutOfMemory).reduce<Event | undefined>((best, event) => {
    if (best === undefined || timeOf(event) < timeOf(best) - 1) return event
    // Lines of one moment: a traceback and the launcher's report tell of the same.
    return Math.abs(timeOf(event) - timeOf(best)) <= 1 && figures(event) > figures(best) ? event : best
  }, undefined)
}

const FOLLOWS = new Set(['nccl-timeout', 'gloo-timeout', 'traceback', 'crash', 'exit', 'oom', 'host-oom'])

/** What failed from then on, the event itself left out. */
export function victimsOf(events: readonly Event[], first: Event): Event[] {
  return events.filter(event => event !== first && FOLLOWS.has(event.type ?? '') && timeOf(event) >= timeOf(first))
}
