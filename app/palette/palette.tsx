'use client'
import { usePathname, useRouter } from 'next/navigation'
import { useEffect, useState, type KeyboardEvent } from 'react'
import type { RunSummary } from '../../wire/api'
import { door } from '../data/door'
import { Dialog } from '../ui/dialog'
import { commandsFor, type Command } from './commands'
import styles from './palette.module.css'

/** The run of an address, `/runs/RUN/gpus`. */
export function runOfPath(path: string): string | undefined {
  const part = /^\/runs\/([^/]+)/.exec(path)?.[1]
  return part === undefined ? undefined : decodeURIComponent(part)
}

function List({
  commands,
  active,
  onGo,
}: {
  commands: readonly Command[]
  active: number
  onGo: (one: Command) => void
}) {
  return (
    <ul id="palette-list" role="listbox" aria-label="Commands" className={styles.list}>
      {commands.map((command, place) => (
        <li
          key={`${command.title} ${command.help}`}
          id={`palette-${place}`}
          role="option"
          aria-selected={place === active}
          onClick={() => onGo(command)}
        >
          <span>{command.title}</span>
          <span className="muted">{command.help}</span>
        </li>
      ))}
      {commands.length === 0 && (
        <li role="option" aria-selected="false" aria-disabled="true">
          Nothing is called that.
        </li>
      )}
    </ul>
  )
}

/** Every page, run and rank by typing a part of its name. */
export function Palette({ onClose }: { onClose: () => void }) {
  const router = useRouter()
  const run = runOfPath(usePathname())
  const [query, setQuery] = useState('')
  const [active, setActive] = useState(0)
  const [runs, setRuns] = useState<readonly RunSummary[]>([])
  useEffect(() => {
    const closing = new AbortController()
    door.runs(closing.signal).then(setRuns, () => undefined)
    return () => closing.abort()
  }, [])
  const commands = commandsFor({ query, run, runs })
  const go = (command: Command | undefined) => {
    if (command === undefined) return
    onClose()
    if (typeof command.go === 'string') router.push(command.go)
    else command.go()
  }
  const press = (event: KeyboardEvent) => {
    const way = event.key === 'ArrowDown' ? 1 : event.key === 'ArrowUp' ? -1 : 0
    if (event.key === 'Enter') go(commands[active])
    if (way === 0) return
    event.preventDefault()
    setActive((active + way + commands.length) % Math.max(1, commands.length))
  }
  return (
    <Dialog label="Go to" onClose={onClose}>
      <input
        className={styles.input}
        role="combobox"
        aria-expanded="true"
        aria-controls="palette-list"
        aria-activedescendant={`palette-${active}`}
        aria-label="A page, a run, a rank"
        placeholder="A page, a run, a rank …"
        autoComplete="off"
        spellCheck={false}
        value={query}
        onChange={event => {
          setQuery(event.target.value)
          setActive(0)
        }}
        onKeyDown={press}
      />
      <List commands={commands} active={active} onGo={go} />
    </Dialog>
  )
}
