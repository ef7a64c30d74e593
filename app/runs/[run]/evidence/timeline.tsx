'use client'
import { useEffect, useRef, useState, type KeyboardEvent, type PointerEvent } from 'react'
import { format } from '../../../../base/units'
import { CATEGORIES, type DeviceSnapshot } from '../../../../wire/memory-snapshot'
import { heldAt, mostHeld, sweep } from '../../../data/snapshot'
import { Card } from '../../../ui/card'
import { paintsOf, sized } from './canvas'
import { Swatch } from './swatch'
import styles from './evidence.module.css'

const HEIGHT = 320

interface Range {
  readonly from: number
  readonly to: number
}

function draw(canvas: HTMLCanvasElement, device: DeviceSnapshot, range: Range, most: number): void {
  const surface = sized(canvas, HEIGHT)
  if (surface === undefined) return
  const { context, width } = surface
  const paints = paintsOf(canvas.parentElement ?? document.body)
  const scale = HEIGHT / most
  sweep(device, { ...range, columns: Math.floor(width), least: 1 / scale }, (x, category, from, bytes, isOdd) => {
    context.globalAlpha = isOdd ? 0.8 : 1
    context.fillStyle = paints.categories[category] ?? ''
    context.fillRect(x, HEIGHT - (from + bytes) * scale, 1, bytes * scale)
  })
  context.globalAlpha = 1
  const place = (entry: number) => ((entry - range.from) / (range.to - range.from || 1)) * width
  const { course, outOfMemory } = device
  context.strokeStyle = paints.text
  context.setLineDash([4, 3])
  context.beginPath()
  course.entry.forEach((entry, at) => context.lineTo(place(entry), HEIGHT - (course.reservedBytes[at] ?? 0) * scale))
  context.stroke()
  context.setLineDash([])
  context.fillStyle = paints.critical
  for (const { entry } of outOfMemory) context.fillRect(Math.min(width - 2, place(entry) - 1), 0, 2, HEIGHT)
}

interface TimelineProps {
  device: DeviceSnapshot
  entry: number
  onEntry: (entry: number) => void
  onRow: (row: number) => void
}

/** Every large allocation from its beginning to its end, one upon the other; the rest in sums. Drag to look closer. */
export function Timeline({ device, entry, onEntry, onRow }: TimelineProps) {
  const whole = { from: 0, to: Math.max(1, device.entries - 1) }
  const [range, setRange] = useState<Range>(whole)
  const [drag, setDrag] = useState<{ begin: number; end: number }>()
  const canvas = useRef<HTMLCanvasElement>(null)
  const most = 1.04 * Math.max(mostHeld(device, range.from, range.to), 1)
  useEffect(() => {
    const element = canvas.current
    if (element === null) return
    const paint = () => draw(element, device, range, most)
    const observer = new ResizeObserver(paint)
    observer.observe(element)
    const theme = new MutationObserver(paint)
    theme.observe(document.documentElement, { attributes: true, attributeFilter: ['data-theme'] })
    return () => {
      observer.disconnect()
      theme.disconnect()
    }
  }, [device, range, most])

  const entryAt = (share: number) => Math.round(range.from + (range.to - range.from) * Math.min(1, Math.max(0, share)))
  const shareOf = (event: PointerEvent) => {
    const box = event.currentTarget.getBoundingClientRect()
    return { x: (event.clientX - box.left) / box.width, y: 1 - (event.clientY - box.top) / box.height }
  }
  const move = (event: PointerEvent) => {
    const { x } = shareOf(event)
    if (drag === undefined) onEntry(entryAt(x))
    else setDrag({ ...drag, end: x })
  }
  const release = (event: PointerEvent) => {
    const { x, y } = shareOf(event)
    const from = entryAt(Math.min(drag?.begin ?? x, x))
    const to = entryAt(Math.max(drag?.begin ?? x, x))
    setDrag(undefined)
    if (to - from > 4 && Math.abs((drag?.begin ?? x) - x) > 0.01) return setRange({ from, to })
    const bytes = y * most
    const hit = heldAt(device, entryAt(x)).find(one => bytes >= one.from && bytes < one.from + one.bytes)
    if (hit?.row !== undefined) onRow(hit.row)
  }
  const keys = (event: KeyboardEvent) => {
    const step = Math.max(1, Math.round((range.to - range.from) / 100))
    const by = event.key === 'ArrowRight' ? step : event.key === 'ArrowLeft' ? -step : 0
    if (event.key === 'Escape') setRange(whole)
    if (by === 0) return
    event.preventDefault()
    onEntry(Math.min(whole.to, Math.max(0, entry + by)))
  }
  const left = (100 * (entry - range.from)) / (range.to - range.from || 1)
  const isWhole = range.from === whole.from && range.to === whole.to
  return (
    <Card
      title="Held over time"
      aside={
        isWhole ? (
          'drag to look closer, press to see a stack'
        ) : (
          <button type="button" onClick={() => setRange(whole)}>
            All of it
          </button>
        )
      }
      note={`${device.entries.toLocaleString('en-US')} entries of the trace; ${device.allocations.begin.length.toLocaleString('en-US')} allocations by themselves, the smaller in sums; dashed: reserved`}
    >
      <div
        className={styles.timeline}
        style={{ height: HEIGHT }}
        tabIndex={0}
        role="slider"
        aria-label="Entry of the trace"
        aria-valuemin={0}
        aria-valuemax={whole.to}
        aria-valuenow={entry}
        aria-valuetext={`entry ${entry}`}
        onKeyDown={keys}
        onPointerMove={move}
        onPointerDown={event => setDrag({ begin: shareOf(event).x, end: shareOf(event).x })}
        onPointerUp={release}
        onDoubleClick={() => setRange(whole)}
        data-testid="timeline"
      >
        <canvas ref={canvas} />
        <span className={styles.most}>{format(most, 'bytes')}</span>
        {left >= 0 && left <= 100 && <i className={styles.cursor} style={{ left: `${left}%` }} />}
        {drag !== undefined && (
          <i
            className={styles.drag}
            style={{
              left: `${100 * Math.min(drag.begin, drag.end)}%`,
              width: `${100 * Math.abs(drag.end - drag.begin)}%`,
            }}
          />
        )}
      </div>
      <p className={styles.legend}>
        {CATEGORIES.map(category => (
          <Swatch key={category} category={category} />
        ))}
      </p>
    </Card>
  )
}
