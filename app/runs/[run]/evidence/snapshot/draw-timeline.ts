/** Paints a stretch of the trace: what is held, one upon the other, and what is reserved. */
import type { DeviceSummary, SnapshotWindow } from '../../../../../wire/memory-snapshot'
import { tickText, valueScale } from '../../../../chart/ticks'
import { sweep, trackOf, type Sweep } from '../../../../data/snapshot/held'
import type { Look } from '../../../../data/snapshot/look'
import type { Surface } from './use-painted'

/** What is not found fades. */
const FADED = 0.22

export interface Picture {
  readonly window: SnapshotWindow
  readonly look: Look
  /** Bytes at the height of 1. */
  readonly most: number
}

interface Scales {
  /** Pixels. */
  readonly x: (entry: number) => number
  readonly y: (bytes: number) => number
  readonly sweep: Sweep
}

function scalesOf({ look, most }: Picture, { width, height }: Surface): Scales {
  const span = look.to - look.from || 1
  const bytes = (look.high - look.low) * most || 1
  return {
    x: entry => ((entry - look.from) / span) * width,
    y: held => height - ((held - look.low * most) / bytes) * height,
    sweep: { from: look.from, to: look.to, columns: Math.max(1, Math.floor(width)), least: bytes / height },
  }
}

function drawTicks(picture: Picture, surface: Surface, { y }: Scales): void {
  const { context, paints, width } = surface
  const { look, most } = picture
  context.font = '11px system-ui, sans-serif'
  context.textBaseline = 'top'
  for (const tick of valueScale({ low: look.low * most, high: look.high * most }, 'bytes').ticks) {
    const place = Math.round(y(tick)) + 0.5
    if (place < 0 || place > surface.height - 14) continue
    const text = tickText(tick, 'bytes')
    context.globalAlpha = 0.35
    context.fillStyle = paints.text
    context.fillRect(0, place, width, 0.5)
    context.globalAlpha = 0.85
    context.fillStyle = paints.surface
    context.fillRect(4, place + 1, context.measureText(text).width + 6, 14)
    context.globalAlpha = 1
    context.fillStyle = paints.muted
    context.fillText(text, 7, place + 3)
  }
}

function drawReserved({ window }: Picture, { context, paints }: Surface, { x, y }: Scales): void {
  const { course } = window
  context.strokeStyle = paints.text
  context.setLineDash([4, 3])
  context.beginPath()
  course.entry.forEach((entry, at) => context.lineTo(x(entry), y(course.reservedBytes[at] ?? 0)))
  context.stroke()
  context.setLineDash([])
}

/** All of it; what fails is a line of its own. */
export function drawTimeline(
  surface: Surface,
  picture: Picture,
  failures: DeviceSummary['outOfMemory'],
  isSegments: boolean,
): void {
  const { context, paints, width, height } = surface
  const scales = scalesOf(picture, surface)
  const isSought = picture.window.found !== null
  sweep(picture.window, scales.sweep, ({ column, category, from, bytes, row }) => {
    const [top, bottom] = [scales.y(from + bytes), scales.y(from)]
    if (bottom < 0 || top > height) return
    context.globalAlpha = isSought && row === undefined ? FADED : row !== undefined && row % 2 === 1 ? 0.8 : 1
    context.fillStyle = paints.categories[category] ?? ''
    context.fillRect(column, top, 1, bottom - top)
  })
  context.globalAlpha = 1
  if (!isSegments) drawReserved(picture, surface, scales)
  drawTicks(picture, surface, scales)
  context.fillStyle = paints.critical
  for (const { entry } of failures) context.fillRect(Math.min(width - 2, scales.x(entry) - 1), 0, 2, height)
}

/** One allocation, lifted out of the others. */
export function drawTrack(surface: Surface, picture: Picture, row: number): void {
  const { context, paints } = surface
  const { y, sweep: over } = scalesOf(picture, surface)
  const track = trackOf(picture.window, row, over)
  const edge = (of: (one: (typeof track)[number]) => number) =>
    track.forEach(one => context.lineTo(one.column, of(one)))
  context.beginPath()
  edge(({ from }) => y(from))
  track.reverse()
  edge(({ from, bytes }) => Math.min(y(from + bytes), y(from) - 1))
  context.closePath()
  context.globalAlpha = 0.35
  context.fillStyle = paints.text
  context.fill()
  context.globalAlpha = 1
  context.lineWidth = 1.5
  context.strokeStyle = paints.text
  context.stroke()
}
