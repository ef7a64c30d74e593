import type { ReactNode } from 'react'
import styles from './table.module.css'

export interface Column<T> {
  readonly name: string
  readonly title: ReactNode
  readonly number?: boolean
  /** Left out where the window is narrow. */
  readonly isMinor?: boolean
  /** CSS width, where tables under each other should line up. */
  readonly width?: string
  readonly cell: (row: T) => ReactNode
}

interface TableProps<T> {
  label: string
  columns: readonly Column<T>[]
  rows: readonly T[]
  rowKey: (row: T) => string
  /** A long table scrolls within this height. */
  maxHeight?: number
}

function classOf({ number, isMinor }: { number?: boolean; isMinor?: boolean }): string {
  return `${number === true ? 'number' : ''} ${isMinor === true ? (styles.minor ?? '') : ''}`.trim()
}

/** The one table: numbers to the right, the head stays while rows scroll. */
export function Table<T>({ label, columns, rows, rowKey, maxHeight }: TableProps<T>) {
  return (
    // A box that scrolls must be reachable by keyboard.
    <div className={styles.scroll} style={{ maxHeight }} tabIndex={0} role="group" aria-label={label}>
      <table className={styles.table}>
        <thead>
          <tr>
            {columns.map(column => (
              <th key={column.name} scope="col" className={classOf(column)} style={{ width: column.width }}>
                {column.title}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {rows.map(row => (
            <tr key={rowKey(row)}>
              {columns.map(column => (
                <td key={column.name} className={classOf(column)}>
                  {column.cell(row)}
                </td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  )
}
