/** Paints the map of what the allocator reserved, through a magnifying glass. */
import type { Glass, Placed } from '../../../../data/snapshot/memory-map'
import type { Surface } from './use-painted'

export const ROWS = 24
/** Of a row's height, what its blocks take. */
const FILLED = 0.82
export const MAP_HEIGHT = ROWS * 17
const FADED = 0.2

export interface MapPicture {
  readonly placed: readonly Placed[]
  readonly perRow: number
  /** Not what one searches for. */
  readonly isFaded: (one: Placed) => boolean
}

/** Bytes of a row, so that all that is shown fits in the rows. */
export function rowBytesOf(placed: readonly Placed[]): number {
  const last = placed.at(-1)
  return Math.max(1, ((last?.from ?? 0) + (last?.bytes ?? 0)) / ROWS)
}

type Rectangle = readonly [x: number, y: number, width: number, height: number]

/** A block's parts, a row each. */
function partsOf({ from, bytes }: Placed, perRow: number, glass: Glass, { width, height }: Surface): Rectangle[] {
  const rowHeight = (height / ROWS) * glass.scale
  const parts: Rectangle[] = []
  const end = from + bytes
  for (let at = from; at < end;) {
    const row = Math.min(ROWS - 1, Math.floor(at / perRow))
    const to = row === ROWS - 1 ? end : Math.min(end, (row + 1) * perRow)
    const x = ((at - row * perRow) / perRow - glass.left) * glass.scale * width
    const y = row * rowHeight - glass.top * glass.scale * height
    const long = ((to - at) / perRow) * glass.scale * width
    if (x + long >= 0 && x <= width && y + rowHeight >= 0 && y <= height)
      parts.push([x, y, Math.max(0.5, long - 0.3), rowHeight * FILLED])
    at = to
  }
  return parts
}

export function drawMap(surface: Surface, picture: MapPicture, glass: Glass, picked: Placed | undefined): void {
  const { context, paints } = surface
  const { placed, perRow, isFaded } = picture
  let segment = -1
  for (const one of placed) {
    const parts = partsOf(one, perRow, glass, surface)
    const color = paints.categories[one.category] ?? paints.sunken
    context.fillStyle = one.state === 'freed, a stream still uses it' ? paints.critical : color
    context.globalAlpha = one.begin >= 0 && isFaded(one) ? FADED : 1
    for (const part of parts) context.fillRect(...part)
    const [first] = parts
    context.globalAlpha = 1
    if (one.segment !== segment && first !== undefined) {
      context.fillStyle = paints.text
      context.fillRect(first[0], first[1], 1, first[3])
    }
    segment = one.segment
  }
  if (picked === undefined) return
  context.strokeStyle = paints.text
  context.lineWidth = 2
  for (const part of partsOf(picked, perRow, glass, surface)) context.strokeRect(...part)
}
