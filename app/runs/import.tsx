'use client'
import { useRouter } from 'next/navigation'
import { useCallback, useEffect, useRef, useState } from 'react'
import { door, doorError, type DoorError } from '../data/door'
import styles from './import.module.css'

type State =
  | { readonly kind: 'idle' }
  | { readonly kind: 'sending'; readonly done: number; readonly files: readonly File[] }
  | { readonly kind: 'reading' }
  | { readonly kind: 'failed'; readonly error: DoorError }

const OUT_OF_MEMORY = new Set(['oom', 'host-oom'])

/** Made up here; no secret. Pages of other machines have no `crypto.randomUUID`. */
const newId = () => `${Date.now().toString(36)}-${Math.random().toString(36).slice(2).padEnd(8, '0')}`

/** Sends files one after the other, makes a run of them, and goes to it: where it ran out of memory, to why. */
function useImport() {
  const [state, setState] = useState<State>({ kind: 'idle' })
  const router = useRouter()
  const start = useCallback(
    async (files: readonly File[]) => {
      const [first] = files
      if (first === undefined) return
      const id = newId()
      try {
        for (const [done, file] of files.entries()) {
          setState({ kind: 'sending', done, files })
          await door.importFile(id, file)
        }
        setState({ kind: 'reading' })
        const { run, events } = await door.finishImport(id, first.name)
        const page = events.some(type => OUT_OF_MEMORY.has(type)) ? '/out-of-memory' : ''
        router.push(`/runs/${encodeURIComponent(run)}${page}`)
      } catch (error) {
        setState({ kind: 'failed', error: doorError(error) })
      }
    },
    [router],
  )
  return { state, start }
}

/** Files may be dropped anywhere on the page; `isOver` while they hang above it. */
function useDrop(take: (files: readonly File[]) => void): boolean {
  const [isOver, setOver] = useState(false)
  useEffect(() => {
    const hasFiles = (event: DragEvent) => event.dataTransfer?.types.includes('Files') === true
    const over = (event: DragEvent) => {
      if (!hasFiles(event)) return
      event.preventDefault()
      setOver(true)
    }
    const leave = (event: DragEvent) => {
      if (event.relatedTarget === null) setOver(false)
    }
    const drop = (event: DragEvent) => {
      if (!hasFiles(event)) return
      event.preventDefault()
      setOver(false)
      take([...(event.dataTransfer?.files ?? [])])
    }
    document.addEventListener('dragover', over)
    document.addEventListener('dragleave', leave)
    document.addEventListener('drop', drop)
    return () => {
      document.removeEventListener('dragover', over)
      document.removeEventListener('dragleave', leave)
      document.removeEventListener('drop', drop)
    }
  }, [take])
  return isOver
}

function Progress({ state }: { state: State }) {
  if (state.kind === 'idle') return null
  if (state.kind === 'failed')
    return (
      <p className={styles.failed} role="alert">
        {state.error.message}
        {state.error.fix !== undefined && ` – ${state.error.fix}`}
      </p>
    )
  if (state.kind === 'reading') return <p role="status">Reading what was sent …</p>
  const { done, files } = state
  return (
    <p role="status">
      Sending {files[done]?.name} ({done + 1} of {files.length}) …
    </p>
  )
}

/** A past run from its files: a button, and the whole page to drop them on. */
export function Import() {
  const { state, start } = useImport()
  const input = useRef<HTMLInputElement>(null)
  const take = useCallback((files: readonly File[]) => void start(files), [start])
  const isOver = useDrop(take)
  const isBusy = state.kind === 'sending' || state.kind === 'reading'
  return (
    <div className={styles.import}>
      <button type="button" disabled={isBusy} onClick={() => input.current?.click()} title="Or drop files on the page">
        Import files …
      </button>
      <input
        ref={input}
        type="file"
        multiple
        hidden
        aria-label="Files of a run"
        onChange={event => take([...(event.target.files ?? [])])}
      />
      <Progress state={state} />
      {isOver && (
        <div className={styles.over} aria-hidden="true">
          Drop logs, SMI output or traces of one run
        </div>
      )}
    </div>
  )
}
