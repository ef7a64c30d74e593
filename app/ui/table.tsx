'use client'
import { useDeferredValue, useMemo, useRef, useState, type KeyboardEvent, type ReactNode } from 'react'
import { tableColumns } from '../data/csv'
import type { Figure } from '../../wire/findings'
import { Origin, Provenance } from './provenance'
import { Save } from './save'
import { nextSort, sortRows, type Sort } from './sort'
import styles from './table.module.css'
import { Tooltip } from './tooltip'

export interface Column<T> {
  readonly name: string
  readonly title: ReactNode
  readonly number?: boolean
  /** How the figures of the column are known: said at its head, and of each of its cells under the pointer. */
  readonly about?: Pick<Figure, 'provenance' | 'source'> | undefined
  /** Left out where the window is narrow. */
  readonly isMinor?: boolean
  /** Of the table, `14%`, where tables under each other should line up. */
  readonly width?: string
  readonly cell: (row: T) => ReactNode
  /** What the column is sorted by and saved as: SI base units, null where absent. Without it neither is done. */
  readonly value?: (row: T) => number | string | null
}

interface TableProps<T> {
  label: string
  columns: readonly Column<T>[]
  rows: readonly T[]
  rowKey: (row: T) => string
  /** Scrolls within a part of the window. */
  scrolls?: boolean
  /** A press on a row, or Enter. */
  onPick?: (row: T) => void
  isPicked?: (row: T) => boolean
  /** The row under the pointer; undefined where it is on none. */
  onPoint?: (row: T | undefined) => void
}

/** Longer tables hold only the rows in sight, some twenty, and some around them: all of this height. */
const MOST_ROWS = 36
const ROW_PIXELS = 29
/** They move on by so many rows at once: not every pixel that is scrolled draws anew. */
const AHEAD_ROWS = 8

function classOf({ number, isMinor }: { number?: boolean; isMinor?: boolean }): string {
  return `${number === true ? 'number' : ''} ${isMinor === true ? (styles.minor ?? '') : ''}`.trim()
}

const strideAt = (pixels: number) => Math.floor(pixels / ROW_PIXELS / AHEAD_ROWS) * AHEAD_ROWS

type About = Pick<Figure, 'provenance' | 'source'>

const aboutText = (about: About | undefined) => about && `${about.provenance}: ${about.source}`

function About({ title, about: { provenance, source } }: { title: ReactNode; about: About }) {
  const name = `${typeof title === 'string' ? title : 'This column'}: ${provenance}, ${source}`
  return (
    <span className={styles.about} data-screen="">
      <Tooltip label={<Provenance kind={provenance} short />} name={name} align="end">
        <Origin title={title} of={{ provenance, source }} />
      </Tooltip>
    </span>
  )
}

interface HeadProps<T> {
  columns: readonly Column<T>[]
  sort: Sort | undefined
  onSort: (name: string) => void
}

function Head<T>({ columns, sort, onSort }: HeadProps<T>) {
  return (
    <thead>
      <tr>
        {columns.map(({ name, title, value, about, ...column }) => {
          const way = sort?.name === name ? (sort.descending ? 'descending' : 'ascending') : undefined
          return (
            <th key={name} scope="col" className={classOf(column)} aria-sort={way}>
              {value === undefined ? (
                title
              ) : (
                <button type="button" onClick={() => onSort(name)}>
                  {title}
                  <span aria-hidden="true">{way === undefined ? '' : way === 'descending' ? ' ↓' : ' ↑'}</span>
                </button>
              )}
              {about !== undefined && <About title={title} about={about} />}
            </th>
          )
        })}
      </tr>
    </thead>
  )
}

/** Keys go from row to row; the row that has the focus is picked by Enter. */
function walkRows(event: KeyboardEvent<HTMLTableSectionElement>): void {
  const way = event.key === 'ArrowDown' ? 'nextElementSibling' : event.key === 'ArrowUp' ? 'previousElementSibling' : ''
  if (way === '' || !(event.target instanceof HTMLTableRowElement)) return
  event.preventDefault()
  const next = event.target[way]
  if (next instanceof HTMLTableRowElement) next.focus()
}

/** The one table: sorted by its heads, numbers to the right, the head stays while rows scroll; any number of rows. */
export function Table<T>({ label, columns, rows, rowKey, scrolls = false, onPick, isPicked, onPoint }: TableProps<T>) {
  const [sort, setSort] = useState<Sort>()
  /** The row at the top, in whole strides. */
  const [top, setTop] = useState(0)
  const box = useRef<HTMLDivElement>(null)
  // The head says at once how it is sorted; the rows follow when the browser has time.
  const settled = useDeferredValue(sort)
  const sorted = useMemo(() => sortRows(rows, columns, settled), [rows, columns, settled])
  const isLong = scrolls && rows.length > MOST_ROWS
  const from = isLong ? Math.max(0, top - AHEAD_ROWS) : 0
  const shown = isLong ? sorted.slice(from, from + MOST_ROWS) : sorted
  const after = sorted.length - from - shown.length
  const saved = columns.filter(column => column.value !== undefined)
  return (
    <>
      {/* A box that scrolls must be reachable by keyboard. */}
      <div
        ref={box}
        className={scrolls ? `${styles.scroll} ${styles.bounded}` : styles.scroll}
        tabIndex={0}
        role="group"
        aria-label={label}
        onScroll={isLong ? event => setTop(strideAt(event.currentTarget.scrollTop)) : undefined}
      >
        <table className={styles.table}>
          <colgroup>
            {columns.map(({ name, width, ...column }) => (
              <col key={name} width={width} className={classOf({ ...column, number: false })} />
            ))}
          </colgroup>
          <Head columns={columns} sort={sort} onSort={name => setSort(nextSort(sort, name))} />
          <tbody onKeyDown={walkRows} onPointerLeave={onPoint && (() => onPoint(undefined))}>
            {from > 0 && <Space rows={from} columns={columns.length} />}
            {shown.map(row => (
              <tr
                key={rowKey(row)}
                tabIndex={onPick === undefined ? undefined : 0}
                data-picks={onPick !== undefined}
                aria-selected={isPicked?.(row)}
                onPointerEnter={onPoint && (() => onPoint(row))}
                onClick={onPick && (() => onPick(row))}
                onKeyDown={onPick && (event => event.key === 'Enter' && onPick(row))}
              >
                {columns.map(column => (
                  <td key={column.name} className={classOf(column)} title={aboutText(column.about)}>
                    {column.cell(row)}
                  </td>
                ))}
              </tr>
            ))}
            {after > 0 && <Space rows={after} columns={columns.length} />}
          </tbody>
        </table>
      </div>
      {saved.length > 1 && (
        <p className={styles.foot}>
          <span>{rows.length === 1 ? '1 row' : `${rows.length.toLocaleString('en-US')} rows`}</span>
          <Save name={label} columns={() => tableColumns(saved, sorted)} />
        </p>
      )}
    </>
  )
}

function Space({ rows, columns }: { rows: number; columns: number }) {
  return (
    <tr aria-hidden="true">
      <td colSpan={columns} height={rows * ROW_PIXELS} />
    </tr>
  )
}
