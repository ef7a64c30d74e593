'use client'
import { useCallback, useMemo, useRef, useState, type KeyboardEvent } from 'react'
import { format } from '../../../../../base/units'
import { CATEGORIES } from '../../../../../wire/memory-categories'
import type { SnapshotMoment } from '../../../../../wire/memory-snapshot'
import { magnified, memoryMap, NO_GLASS, placedAt, shifted, type Placed } from '../../../../data/snapshot/memory-map'
import { callerText, isFound } from '../../../../data/snapshot/names'
import { Card } from '../../../../ui/card'
import { drawMap, MAP_HEIGHT, ROWS, rowBytesOf, type MapPicture } from './draw-map'
import type { Shown } from './stack'
import type { Explored, Explore } from './use-explorer'
import { useGestures, type Place } from './use-gestures'
import { usePainted, type Surface } from './use-painted'
import styles from './snapshot.module.css'

interface MemoryMapProps {
  moment: SnapshotMoment
  explored: Explored
  explore: Explore
  when: string
  onPoint: (shown: Shown | undefined) => void
}

function blockText(moment: SnapshotMoment, { bytes, state, category, stack, segment, address }: Placed): string {
  const own = moment.segments[segment]
  const asked = state === 'free' ? '' : `, ${CATEGORIES[category] ?? 'other'}, ${callerText(moment, stack)}`
  const where = own === undefined ? '' : `; segment 0x${own.address.toString(16)}, ${format(own.bytes, 'bytes')}`
  const kind = own?.isExpandable === true ? ', expandable' : ''
  return `${format(bytes, 'bytes')} ${state} at 0x${address.toString(16)}${asked}${where}${kind}, stream ${own?.stream ?? 0}`
}

const NOTE = 'a line begins a segment; red: freed, and a stream still uses it'

/** All that the allocator reserved, segment after segment, block by block: what is in use, and the holes between. */
export function MemoryMap({ moment, explored, explore, when, onPoint }: MemoryMapProps) {
  const box = useRef<HTMLDivElement>(null)
  const [glass, setGlass] = useState(NO_GLASS)
  const [under, setUnder] = useState<Placed>()
  const placed = useMemo(() => memoryMap(moment), [moment])
  const { block, find } = explored
  const picture = useMemo(
    (): MapPicture => ({
      placed,
      perRow: rowBytesOf(placed),
      isFaded: one => find !== '' && (one.begin < 0 || !isFound(moment, one.stack, find)),
    }),
    [placed, find, moment],
  )
  const picked = placed.find(one => one.begin === block?.begin && one.address === block.address)
  const paint = useCallback((surface: Surface) => drawMap(surface, picture, glass, picked), [picture, glass, picked])
  const canvas = usePainted(MAP_HEIGHT, paint)

  const blockAt = ({ x, y }: Place): Placed | undefined => {
    const [column, line] = [glass.left + x / glass.scale, (glass.top + y / glass.scale) * ROWS]
    return placedAt(placed, (Math.floor(line) + column) * picture.perRow)
  }
  const shownOf = (one: Placed): Shown => ({ named: moment, stack: one.stack, what: blockText(moment, one) })
  const pick = (one: Placed | undefined) => {
    setUnder(one)
    if (one !== undefined && one.begin >= 0) explore({ block: { begin: one.begin, address: one.address } })
  }
  const handlers = useGestures(box, {
    isAllInSight: glass.scale === 1,
    onMove: (right, down) => setGlass(shifted(glass, right, down)),
    onScale: (factor, at) => setGlass(magnified(glass, factor, at.x, at.y)),
    onPress: place => pick(blockAt(place)),
    onPoint: place => {
      const one = place && blockAt(place)
      setUnder(one)
      onPoint(one !== undefined && one.begin >= 0 ? shownOf(one) : undefined)
    },
  })
  const step = (way: 1 | -1) => {
    const blocks = placed.filter(({ begin }) => begin >= 0)
    const at = picked === undefined ? (way === 1 ? -1 : blocks.length) : blocks.indexOf(picked)
    pick(blocks[Math.min(blocks.length - 1, Math.max(0, at + way))])
  }
  const keys = (event: KeyboardEvent) => {
    const act = {
      ArrowRight: () => (event.shiftKey ? setGlass(shifted(glass, 0.2, 0)) : step(1)),
      ArrowLeft: () => (event.shiftKey ? setGlass(shifted(glass, -0.2, 0)) : step(-1)),
      ArrowDown: () => setGlass(shifted(glass, 0, 0.2)),
      ArrowUp: () => setGlass(shifted(glass, 0, -0.2)),
      '+': () => setGlass(magnified(glass, 1.5, 0.5, 0.5)),
      '=': () => setGlass(magnified(glass, 1.5, 0.5, 0.5)),
      '-': () => setGlass(magnified(glass, 1 / 1.5, 0.5, 0.5)),
      Escape: () => setGlass(NO_GLASS),
    }[event.key]
    if (act === undefined || event.ctrlKey || event.metaKey) return
    event.preventDefault()
    act()
  }
  const { omitted, segments } = moment
  const said = under ?? picked
  return (
    <Card
      title={`${when}, segments and holes`}
      aside={`${segments.length + omitted.segments} segments`}
      note={
        omitted.segments > 0
          ? `the ${omitted.segments} smallest, ${format(omitted.bytes, 'bytes')}, are left out; ${NOTE}`
          : NOTE
      }
    >
      <div
        ref={box}
        className={styles.map}
        data-moves={glass.scale > 1}
        tabIndex={0}
        role="application"
        aria-label={`Map of memory: ${format(moment.activeBytes, 'bytes')} in use of ${format(moment.reservedBytes, 'bytes')} reserved, ${format(moment.holeBytes, 'bytes')} free between blocks. Left and right go from block to block, plus and minus magnify.`}
        onKeyDown={keys}
        data-testid="memory-map"
        {...handlers}
      >
        <canvas ref={canvas} style={{ height: MAP_HEIGHT }} />
      </div>
      <p className={styles.under} aria-live="polite">
        {said === undefined ? 'Point at a block; drag and wheel magnify as above.' : blockText(moment, said)}
      </p>
    </Card>
  )
}
