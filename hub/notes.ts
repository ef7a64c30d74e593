/** What people write beside a run: events of the type `note`, stored, pushed and exported as all events are. */
import { messageOf } from '../base/errors'
import { NOTE } from '../wire/live'
import { Batch } from '../wire/table'
import type { Store } from './store/store'

/** Under which notes are stored, as batches of agents are under theirs. */
const NOTES_AGENT = 'notes'

interface NotesOptions {
  readonly store: Store
  /** Called when one of that run is stored. */
  stored(run: string, receivedAt: number): void
  log(line: string): void
}

export interface NewNote {
  readonly run: string
  /** Unix seconds of the moment that it is about. */
  readonly time: number
  readonly message: string
}

export class Notes {
  private queue: Promise<unknown> = Promise.resolve()

  constructor(private readonly options: NotesOptions) {}

  /** Resolves when it is stored: one after the other, as the store takes the batches of one sender in order. */
  add(note: NewNote): Promise<void> {
    const work = this.queue.then(() => this.keep(note))
    this.queue = work.catch((error: unknown) => this.options.log(`error: a note was not stored: ${messageOf(error)}`))
    return work
  }

  private async keep(note: NewNote): Promise<void> {
    const { store, stored } = this.options
    const batch = new Batch()
    batch.add({ kind: 'event', type: NOTE, time: note.time, run: note.run, message: note.message })
    const receivedAt = store.arrival()
    const agent = store.sender(NOTES_AGENT)
    const sequence = store.lastSequence(agent) + 1
    await store.insert(batch, { agent, sequence, receivedAt })
    stored(note.run, receivedAt)
  }

  async close(): Promise<void> {
    await this.queue
  }
}
