'use client'
import type { ReactNode } from 'react'
import { format } from '../../../../../base/units'
import { CATEGORIES } from '../../../../../wire/memory-categories'
import type { Holder } from '../../../../data/snapshot/holders'
import { squarified, type Box } from '../../../../data/snapshot/squarified'
import { Card } from '../../../../ui/card'
import { categoryColor } from './swatch'
import styles from './snapshot.module.css'

const MOST_OF_A_CATEGORY = 40
const WHOLE: Box = { x: 0, y: 0, width: 100, height: 40 }

/** Smaller, a label would be cut to pieces; what it says is shown under the pointer. */
const isReadable = ({ width, height }: Box) => width > 8 && height > 4

interface TreemapProps {
  holders: readonly Holder[]
  when: string
  onStack: (stack: number) => void
  aside: ReactNode
}

/** What is held at a moment: a field a category, in it one for each place that asked. */
export function Treemap({ holders, when, onStack, aside }: TreemapProps) {
  const groups = CATEGORIES.map((category, place) => {
    const own = holders.filter(holder => holder.category === category)
    return { category, place, own, bytes: own.reduce((sum, { bytes }) => sum + bytes, 0) }
  })
    .filter(({ bytes }) => bytes > 0)
    .sort((one, other) => other.bytes - one.bytes)
  const fields = squarified(
    groups.map(({ bytes }) => bytes),
    WHOLE,
  )
  return (
    <Card title={`${when}, by who asked for it`} aside={aside} note="Press a field for its stack.">
      <div className={styles.treemap}>
        {groups.flatMap(({ own, place, category }, group) => {
          const field = fields[group]
          if (field === undefined) return []
          const shown = own.slice(0, MOST_OF_A_CATEGORY)
          return squarified(
            shown.map(({ bytes }) => bytes),
            field,
          ).map((box, at) => {
            const holder = shown[at]
            if (holder === undefined) return null
            return (
              <button
                key={`${category} ${at}`}
                type="button"
                aria-label={isReadable(box) ? undefined : `${holder.caller}, ${format(holder.bytes, 'bytes')}`}
                title={`${holder.caller}: ${format(holder.bytes, 'bytes')} in ${holder.count}, ${category}`}
                style={{
                  left: `${box.x}%`,
                  top: `${(100 * box.y) / WHOLE.height}%`,
                  width: `${box.width}%`,
                  height: `${(100 * box.height) / WHOLE.height}%`,
                  background: categoryColor(place),
                }}
                onClick={() => onStack(holder.stack)}
              >
                {isReadable(box) && (
                  <span className={styles.label}>
                    <span>{holder.caller}</span> <b>{format(holder.bytes, 'bytes')}</b>
                  </span>
                )}
              </button>
            )
          })
        })}
      </div>
    </Card>
  )
}
