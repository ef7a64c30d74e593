'use client'
import { useEffect, useMemo, useRef, useState, type PointerEvent } from 'react'
import { format } from '../../../../base/units'
import { CATEGORIES, type DeviceSnapshot, type SnapshotDigest } from '../../../../wire/memory-snapshot'
import { callerText, memoryMap, type Placed } from '../../../data/snapshot'
import { Card } from '../../../ui/card'
import { paintsOf, sized } from './canvas'
import styles from './evidence.module.css'

const ROW = 14
const GAP = 3
const ROWS = 24
const STATES = ['in use', 'freed, a stream still uses it', 'free'] as const

/** Bytes of a row, so that all that is shown fits in the rows. */
const rowBytes = (placed: readonly Placed[]) => {
  const last = placed.at(-1)
  return Math.max(1, ((last?.from ?? 0) + (last?.bytes ?? 0)) / ROWS)
}

function draw(canvas: HTMLCanvasElement, placed: readonly Placed[], perRow: number): void {
  const surface = sized(canvas, ROWS * (ROW + GAP))
  if (surface === undefined) return
  const { context, width } = surface
  const paints = paintsOf(canvas.parentElement ?? document.body)
  let segment = -1
  for (const { from, bytes, state, category, segment: own } of placed) {
    context.globalAlpha = state === 1 ? 0.5 : 1
    context.fillStyle = state === 2 ? paints.sunken : (paints.categories[category] ?? '')
    for (let at = from; at < from + bytes;) {
      const row = Math.min(ROWS - 1, Math.floor(at / perRow))
      const end = Math.min(from + bytes, row === ROWS - 1 ? Infinity : (row + 1) * perRow)
      const x = ((at - row * perRow) / perRow) * width
      context.fillRect(x, row * (ROW + GAP), Math.max(0.5, ((end - at) / perRow) * width - 0.3), ROW)
      at = end
    }
    if (own !== segment) {
      const row = Math.min(ROWS - 1, Math.floor(from / perRow))
      context.globalAlpha = 1
      context.fillStyle = paints.text
      context.fillRect(((from - row * perRow) / perRow) * width, row * (ROW + GAP), 1, ROW)
      segment = own
    }
  }
  context.globalAlpha = 1
}

interface MemoryMapProps {
  digest: SnapshotDigest
  device: DeviceSnapshot
  onStack: (stack: number) => void
}

/** All that the allocator reserved, segment after segment, block by block: what is in use, and the holes between. */
export function MemoryMap({ digest, device, onStack }: MemoryMapProps) {
  const canvas = useRef<HTMLCanvasElement>(null)
  const placed = useMemo(() => memoryMap(device), [device])
  const perRow = rowBytes(placed)
  const [under, setUnder] = useState<Placed>()
  useEffect(() => {
    const element = canvas.current
    if (element === null) return
    const paint = () => draw(element, placed, perRow)
    const observer = new ResizeObserver(paint)
    observer.observe(element)
    const theme = new MutationObserver(paint)
    theme.observe(document.documentElement, { attributes: true, attributeFilter: ['data-theme'] })
    return () => {
      observer.disconnect()
      theme.disconnect()
    }
  }, [placed, perRow])
  const find = (event: PointerEvent): Placed | undefined => {
    const box = event.currentTarget.getBoundingClientRect()
    const row = Math.floor((event.clientY - box.top) / (ROW + GAP))
    const at = (row + (event.clientX - box.left) / box.width) * perRow
    return placed.find(({ from, bytes }) => at >= from && at < from + bytes)
  }
  const segment = under === undefined ? undefined : device.segments[under.segment]
  return (
    <Card
      title="Segments and holes"
      aside={`${device.segments.length + device.omitted.segments} segments`}
      note={
        device.omitted.segments > 0
          ? `the ${device.omitted.segments} smallest, ${format(device.omitted.bytes, 'bytes')}, are left out; a line begins a segment`
          : 'as at the end of the trace; a line begins a segment'
      }
    >
      <div
        className={styles.map}
        role="img"
        aria-label={`${format(device.allocatedBytes, 'bytes')} in use of ${format(device.reservedBytes, 'bytes')} reserved, ${format(device.holeBytes, 'bytes')} free between blocks`}
        onPointerMove={event => setUnder(find(event))}
        onPointerLeave={() => setUnder(undefined)}
        onPointerDown={event => {
          const hit = find(event)
          if (hit !== undefined) onStack(hit.stack)
        }}
      >
        <canvas ref={canvas} style={{ height: ROWS * (ROW + GAP) }} />
      </div>
      <p className={styles.under} aria-live="off">
        {under === undefined || segment === undefined
          ? 'Point at a block.'
          : `${format(under.bytes, 'bytes')} ${STATES[under.state] ?? ''}${under.state === 2 ? '' : `, ${CATEGORIES[under.category] ?? ''}, ${callerText(digest, under.stack)}`}; segment ${segment.address}, ${format(segment.bytes, 'bytes')}, ${segment.pool} pool, stream ${segment.stream}`}
      </p>
    </Card>
  )
}
