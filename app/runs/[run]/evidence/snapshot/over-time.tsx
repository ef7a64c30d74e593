'use client'
import type { ReactNode } from 'react'
import { CATEGORIES } from '../../../../../wire/memory-categories'
import type { SnapshotWindow } from '../../../../../wire/memory-snapshot'
import { isWhole, wholeOf, zoomed } from '../../../../data/snapshot/look'
import { Card } from '../../../../ui/card'
import type { Picture } from './draw-timeline'
import { Minimap } from './minimap'
import { Swatch } from './swatch'
import { Timeline } from './timeline'
import type { Explored, Explore } from './use-explorer'
import styles from './snapshot.module.css'

const HEIGHTS = { active: 320, state: 160, segments: 320 } as const
const KEYS =
  'Left and right move the moment, up and down go through what is held then; plus and minus scale, PageUp and PageDown the height alone; with Shift the arrows move what is in sight, Escape shows all of it.'

interface PartProps {
  explored: Explored
  explore: Explore
}

function Scaling({ explored: { look, device }, explore }: PartProps) {
  const { entries } = device
  return (
    <span className={styles.places} role="group" aria-label="Scale">
      <button type="button" aria-label="Closer" onClick={() => explore({ look: zoomed(look, 0.5, 0.5, entries) })}>
        +
      </button>
      <button type="button" aria-label="Further" onClick={() => explore({ look: zoomed(look, 2, 0.5, entries) })}>
        −
      </button>
      <button type="button" disabled={isWhole(look, entries)} onClick={() => explore({ look: wholeOf(entries) })}>
        All of it
      </button>
    </span>
  )
}

interface OverTimeProps extends PartProps {
  /** Of the whole trace, once it is there. */
  whole: SnapshotWindow | undefined
  picture: Picture
  children: ReactNode
  onPoint: (row: number) => void
}

/** The timeline with the whole trace below it. */
export function OverTime({ explored, explore, whole, picture, children, onPoint }: OverTimeProps) {
  const { view, device, look } = explored
  const { allocations, count } = picture.window
  const told = allocations.begin.length.toLocaleString('en-US')
  return (
    <Card
      title={view === 'segments' ? 'Segments over time' : 'Held over time'}
      aside={<Scaling explored={explored} explore={explore} />}
      note={`${told} of ${count.toLocaleString('en-US')} by themselves, the others in sums; dashed: reserved. Press to pick; drag to move, with Shift to look closer; the wheel scales once it is pressed, or with Ctrl.`}
    >
      <Timeline picture={picture} explored={explored} explore={explore} height={HEIGHTS[view]} onPoint={onPoint} />
      <p id="timeline-keys" className={styles.hidden}>
        {KEYS}
      </p>
      {whole !== undefined && (
        <Minimap
          whole={whole}
          entries={device.entries}
          failures={device.outOfMemory}
          look={look}
          onLook={next => explore({ look: next })}
        />
      )}
      {children}
      <p className={styles.legend}>
        {CATEGORIES.map(category => (
          <Swatch key={category} category={category} />
        ))}
      </p>
    </Card>
  )
}
