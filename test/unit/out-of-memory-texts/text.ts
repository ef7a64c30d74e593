/** A text that some tool prints, and what is to be read from it. */
import type { RecordOf } from '../../../wire/records'

export const KIB = 1024
export const MIB = 1024 ** 2
export const GIB = 1024 ** 3

export interface Text {
  readonly name: string
  readonly text: string
  /** Of the events about memory, in order, these fields; one that is undefined is to be absent. */
  readonly events: readonly Partial<RecordOf<'event'>>[]
}
