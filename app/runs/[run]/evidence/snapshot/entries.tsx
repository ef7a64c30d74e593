'use client'
import { useEffect, useRef, type KeyboardEvent } from 'react'
import { format } from '../../../../../base/units'
import type { SnapshotEntries } from '../../../../../wire/memory-snapshot'
import { evidenceDoor } from '../../../../data/evidence'
import { callerText, isFound } from '../../../../data/snapshot/names'
import { usePolled } from '../../../../data/use-polled'
import { Card } from '../../../../ui/card'
import type { Shown } from './stack'
import type { Explored, Explore } from './use-explorer'
import { useRested, type Asking } from './use-snapshot'
import styles from './snapshot.module.css'

/** Entries that are told at once; another part is asked for when the moment leaves it. */
const PAGE = 200

const ACTIONS: Readonly<Record<string, string>> = {
  alloc: 'allocate',
  free_requested: 'give back',
  free_completed: 'free',
  segment_alloc: 'new segment',
  segment_free: 'return segment',
  segment_map: 'map',
  segment_unmap: 'unmap',
  oom: 'out of memory',
}
const hex = (address: number | null | undefined) => (address == null ? '' : `0x${address.toString(16)}`)

interface Row {
  readonly entry: number
  readonly at: number
  readonly action: string
}

/** What is given back and at once free is one. */
function rowsOf({ from, action, address }: SnapshotEntries): Row[] {
  return action.flatMap((name, at) => {
    const isOne = (place: number) =>
      action[place] === 'free_requested' &&
      action[place + 1] === 'free_completed' &&
      address[place] === address[place + 1]
    return isOne(at) ? [] : [{ entry: from + at, at, action: isOne(at - 1) ? 'free' : (ACTIONS[name] ?? name) }]
  })
}

interface EntriesProps {
  asking: Asking
  explored: Explored
  explore: Explore
  onShow: (shown: Shown) => void
}

/** What the allocator did, around the moment; keys go from entry to entry. */
export function Entries({ asking, explored, explore, onShow }: EntriesProps) {
  const { run, id, device, entries } = asking
  const { entry, find } = explored
  const from = Math.max(0, Math.floor(useRested(entry) / PAGE - 0.5) * PAGE)
  const { value, error } = usePolled(
    `${id} ${device} ${from}`,
    signal => evidenceDoor.entries(run, id, { device, from, count: 2 * PAGE }, signal),
    Infinity,
  )
  const list = useRef<HTMLOListElement>(null)
  const rows = value === undefined ? [] : rowsOf(value)
  const near = rows.find(row => row.entry >= entry)
  const go = (row: Row | undefined) => {
    if (row === undefined || value === undefined) return
    explore({ entry: row.entry, block: undefined })
    const { stack, bytes } = value
    onShow({
      named: value,
      stack: stack[row.at] ?? 0,
      what: `entry ${row.entry.toLocaleString('en-US')}: ${row.action} ${format(bytes[row.at] ?? null, 'bytes')}`,
    })
  }
  const keys = (event: KeyboardEvent) => {
    const by = { ArrowDown: 1, ArrowUp: -1, PageDown: 20, PageUp: -20 }[event.key]
    if (by === undefined || near === undefined) return
    event.preventDefault()
    go(rows[Math.min(rows.length - 1, Math.max(0, rows.indexOf(near) + by))])
  }
  useEffect(() => {
    const picked = list.current?.querySelector<HTMLElement>('[aria-selected=true]')
    // Within the list alone: the page stays where it is.
    if (picked != null && list.current !== null)
      list.current.scrollTop = picked.offsetTop - list.current.offsetTop - list.current.clientHeight / 2
  }, [near?.entry, value])
  return (
    <Card title="What the allocator did" aside={`${entries.toLocaleString('en-US')} entries`}>
      {error !== undefined && <p className="muted">{error.message}</p>}
      <ol
        ref={list}
        className={styles.entries}
        role="listbox"
        aria-label="Entries of the trace"
        aria-activedescendant={near && `entry-${near.entry}`}
        tabIndex={0}
        onKeyDown={keys}
        data-testid="entries"
      >
        {rows.map(row => (
          <li
            key={row.entry}
            id={`entry-${row.entry}`}
            role="option"
            aria-selected={row === near}
            data-action={value?.action[row.at]}
            data-faded={find !== '' && value !== undefined && !isFound(value, value.stack[row.at] ?? 0, find)}
            onClick={() => go(row)}
          >
            <span>{row.entry.toLocaleString('en-US')}</span>
            <b>{row.action}</b>
            <span>{format(value?.bytes[row.at] ?? null, 'bytes')}</span>
            <code>{hex(value?.address[row.at])}</code>
            <span>{value === undefined ? '' : callerText(value, value.stack[row.at] ?? 0)}</span>
          </li>
        ))}
      </ol>
    </Card>
  )
}
