'use client'
import { format } from '../../../../../base/units'
import { heldAt, rowOf } from '../../../../data/snapshot/held'
import { callerText } from '../../../../data/snapshot/names'
import { Card } from '../../../../ui/card'
import type { Picture } from './draw-timeline'
import { categoryColor } from './swatch'
import type { Block, Explored } from './use-explorer'
import styles from './snapshot.module.css'

const MOST = 12

interface HeldListProps {
  picture: Picture
  explored: Explored
  when: string
  onBlock: (block: Block) => void
  onPoint: (row: number) => void
}

/** The largest that are held at the moment. */
export function HeldList({ picture: { window }, explored, when, onBlock, onPoint }: HeldListProps) {
  const held = heldAt(window, explored.entry)
  const { begin, address, stack } = window.allocations
  const picked = rowOf(window, explored.block)
  const largest = held
    .flatMap(one => (one.row === undefined ? [] : [{ ...one, row: one.row }]))
    .sort((one, other) => other.bytes - one.bytes)
    .slice(0, MOST)
  return (
    <Card
      title={`${when}, the largest`}
      aside={`${format(
        held.reduce((sum, { bytes }) => sum + bytes, 0),
        'bytes',
      )} held`}
    >
      {largest.length === 0 && <p className="muted">Nothing that is told by itself.</p>}
      <ol className={styles.largest} data-testid="at-entry" onPointerLeave={() => onPoint(-1)}>
        {largest.map(({ row, bytes, category }) => (
          <li key={row}>
            <button
              type="button"
              aria-pressed={row === picked}
              onPointerEnter={() => onPoint(row)}
              onClick={() => onBlock({ begin: begin[row] ?? 0, address: address[row] ?? 0 })}
            >
              <i style={{ background: categoryColor(category) }} aria-hidden="true" />
              <b>{format(bytes, 'bytes')}</b>
              <span>{callerText(window, stack[row] ?? 0)}</span>
              <small>from {(begin[row] ?? 0).toLocaleString('en-US')}</small>
            </button>
          </li>
        ))}
      </ol>
    </Card>
  )
}
