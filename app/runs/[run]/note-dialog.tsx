'use client'
import { useEffect, useState, type SubmitEvent } from 'react'
import type { Cursor } from '../../chart/shared-axis'
import { door, doorError } from '../../data/door'
import type { Span } from '../../data/time-window'
import { isTyping } from '../../data/typing'
import { Clock } from '../../ui/clock'
import { Dialog } from '../../ui/dialog'
import styles from './note-dialog.module.css'

/** `n` writes a note: where the pointer is on the charts, else at the end of what is shown. */
export function useNoteKey(cursor: Cursor, span: Span | undefined, open: (at: number) => void): void {
  useEffect(() => {
    const press = (event: KeyboardEvent) => {
      if (event.key !== 'n' || span === undefined || isTyping(event)) return
      event.preventDefault()
      open(cursor.get() ?? span.to)
    }
    addEventListener('keydown', press)
    return () => removeEventListener('keydown', press)
  }, [cursor, span, open])
}

/** Writes a note beside a moment: it stands on all charts, in the list of events and in what is exported. */
export function NoteDialog({ run, time, onClose }: { run: string; time: number; onClose: () => void }) {
  const [refusal, setRefusal] = useState<string>()
  const write = (event: SubmitEvent<HTMLFormElement>) => {
    event.preventDefault()
    const message = new FormData(event.currentTarget).get('message')
    if (typeof message !== 'string' || message.trim() === '') return
    door.addNote(run, { time, message }).then(onClose, (error: unknown) => setRefusal(doorError(error).message))
  }
  return (
    <Dialog label="A note" className={styles.dialog} onClose={onClose}>
      <form onSubmit={write}>
        <label htmlFor="note">
          A note at <Clock time={time} withDate />
        </label>
        <textarea id="note" name="message" rows={3} maxLength={2000} required autoFocus />
        {refusal !== undefined && <p role="alert">{refusal}</p>}
        <p className={styles.tools}>
          <button type="button" onClick={onClose}>
            Cancel
          </button>
          <button type="submit" data-main>
            Write
          </button>
        </p>
      </form>
    </Dialog>
  )
}
