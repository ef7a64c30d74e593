/** Rectangles of a treemap. Pure. */
export interface Box {
  readonly x: number
  readonly y: number
  readonly width: number
  readonly height: number
}

/**
 * Rectangles of a unit square, as large as their values and as square as may be; values descending. Rows of the shorter side,
 * each filled while that makes its worst rectangle squarer (Bruls, Huizing and van Wijk, 2000).
 */
export function squarified(values: readonly number[], room: Box): Box[] {
  const sum = values.reduce((all, value) => all + value, 0)
  const scale = sum > 0 ? (room.width * room.height) / sum : 0
  const boxes: Box[] = []
  let { x, y, width, height } = room
  let at = 0
  while (at < values.length) {
    const side = Math.min(width, height)
    const row: number[] = []
    let area = 0
    for (; at + row.length < values.length;) {
      const next = (values[at + row.length] ?? 0) * scale
      if (row.length > 0 && worst([...row, next], area + next, side) > worst(row, area, side)) break
      row.push(next)
      area += next
    }
    const depth = side > 0 ? area / side : 0
    let along = 0
    for (const part of row) {
      const length = depth > 0 ? part / depth : 0
      boxes.push(
        width >= height
          ? { x, y: y + along, width: depth, height: length }
          : { x: x + along, y, width: length, height: depth },
      )
      along += length
    }
    if (width >= height) [x, width] = [x + depth, width - depth]
    else [y, height] = [y + depth, height - depth]
    at += row.length
  }
  return boxes
}

function worst(row: readonly number[], area: number, side: number): number {
  const most = Math.max(...row)
  const least = Math.min(...row)
  return Math.max((side * side * most) / (area * area), (area * area) / (side * side * least || 1))
}
