'use client'
import { useEffect, useRef, useState, type SubmitEvent } from 'react'
import type { Cursor } from '../../chart/shared-axis'
import { door, doorError } from '../../data/door'
import type { Span } from '../../data/time-window'
import { isTyping } from '../../data/typing'
import { Clock } from '../../ui/clock'
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
  const dialog = useRef<HTMLDialogElement>(null)
  const [refusal, setRefusal] = useState<string>()
  useEffect(() => dialog.current?.showModal(), [])
  const write = (event: SubmitEvent<HTMLFormElement>) => {
    event.preventDefault()
    const message = new FormData(event.currentTarget).get('message')
    if (typeof message !== 'string' || message.trim() === '') return
    door.addNote(run, { time, message }).then(onClose, (error: unknown) => setRefusal(doorError(error).message))
  }
  return (
    <dialog
      ref={dialog}
      className={styles.dialog}
      aria-label="A note"
      onClose={onClose}
      onClick={event => event.target === dialog.current && onClose()}
    >
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
    </dialog>
  )
}
