'use client'
import { useEffect, useRef, type KeyboardEvent } from 'react'
import type { LogLine } from '../../../../wire/api'
import { nearestPlace } from '../../../chart/plot'
import { useAxis, useCursor, type Cursor } from '../../../chart/shared-axis'
import { useLines } from '../../../data/run-parts'
import { Card } from '../../../ui/card'
import { Clock } from '../../../ui/clock'
import { useRunPage } from '../run-context'
import styles from './log-card.module.css'

/** Around a line that was pressed. */
const AROUND_SECONDS = 30
const AT_END_PIXELS = 8

const whereText = ({ rank, source }: LogLine) => (rank === null ? source : `rank ${rank}`)
const timeOf = (row: Element | null) =>
  row instanceof HTMLElement && row.dataset['time'] !== undefined ? Number(row.dataset['time']) : undefined

/** The line of the moment under the pointer of any chart is marked. Else the list stays at its end, as a terminal does. */
function useScrolled(lines: readonly LogLine[], cursor: Cursor) {
  const box = useRef<HTMLOListElement>(null)
  const isAtEnd = useRef(true)
  const at = useCursor(cursor)
  const place =
    at === undefined || lines.length === 0
      ? undefined
      : nearestPlace(
          lines.map(({ time }) => time),
          at,
        )
  useEffect(() => {
    // Who points at a line itself has it where it is.
    if (place === undefined || box.current === null || box.current.matches(':hover, :focus-within')) return
    box.current.children[place]?.scrollIntoView({ block: 'nearest' })
  }, [place])
  useEffect(() => {
    if (box.current !== null && isAtEnd.current) box.current.scrollTop = box.current.scrollHeight
  }, [lines])
  const scrolled = () => {
    if (box.current === null) return
    const { scrollHeight, scrollTop, clientHeight } = box.current
    isAtEnd.current = scrollHeight - scrollTop - clientHeight < AT_END_PIXELS
  }
  return { box, place, scrolled }
}

function Lines({ lines, cursor }: { lines: readonly LogLine[]; cursor: Cursor }) {
  const { setWindow } = useRunPage()
  const { box, place, scrolled } = useScrolled(lines, cursor)
  const press = (row: Element | null) => {
    const time = timeOf(row)
    if (time !== undefined) setWindow({ from: time - AROUND_SECONDS, to: time + AROUND_SECONDS })
  }
  const walk = (event: KeyboardEvent) => {
    const way = event.key === 'ArrowDown' ? 1 : event.key === 'ArrowUp' ? -1 : 0
    const row = box.current?.children[place ?? lines.length - 1] ?? null
    if (event.key === 'Enter') press(row)
    const next = lines[(place ?? lines.length) + way]
    if (way === 0 || next === undefined) return
    event.preventDefault()
    cursor.set(next.time)
    box.current?.children[(place ?? lines.length) + way]?.scrollIntoView({ block: 'nearest' })
  }
  return (
    <ol
      ref={box}
      className={styles.lines}
      tabIndex={0}
      aria-label="Log. Arrow keys walk from line to line, Enter shows the minute around one."
      onScroll={scrolled}
      onKeyDown={walk}
      onPointerOver={event => event.target instanceof Element && cursor.set(timeOf(event.target.closest('li')))}
      onPointerLeave={() => cursor.set(undefined)}
      onBlur={() => cursor.set(undefined)}
      onClick={event => event.target instanceof Element && press(event.target.closest('li'))}
    >
      {lines.map((line, row) => (
        <li key={`${line.time} ${line.source}`} data-time={line.time} data-marked={row === place}>
          <Clock time={line.time} />
          <span className={styles.where} title={[line.node, line.source].filter(Boolean).join(', ')}>
            {whereText(line)}
          </span>
          <span className={styles.text}>{line.text}</span>
        </li>
      ))}
    </ol>
  )
}

/** What the job printed, beside the moments in which it did. */
export function LogCard() {
  const { value, error } = useLines(useRunPage())
  const axis = useAxis()
  const aside =
    value === undefined || value.length === 0 ? undefined : `the newest ${value.length} lines of the stretch`
  return (
    <Card title="Log" aside={aside}>
      {error !== undefined && <p className="muted">{error.message}</p>}
      {value?.length === 0 && (
        <p className="muted">
          No line in the stretch of time that is shown. Lines come from <code>plumbline run</code>, from logs that an
          agent follows (<code>--logs</code>) and from imported logs; they are kept for 30 days.
        </p>
      )}
      {value !== undefined && value.length > 0 && axis !== undefined && <Lines lines={value} cursor={axis.cursor} />}
    </Card>
  )
}
