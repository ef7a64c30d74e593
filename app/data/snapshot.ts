/** What the explorer draws of a memory snapshot, from its digest. Pure. */
import { CATEGORIES, type Category, type DeviceSnapshot, type SnapshotDigest } from '../../wire/memory-snapshot'

export interface Held {
  /** Row of `allocations`; undefined for the sum of the small ones of a category. */
  readonly row: number | undefined
  readonly category: number
  readonly bytes: number
  /** Bytes below it. */
  readonly from: number
}

/** The place of the course that covers an entry. */
export function placeOf({ course }: DeviceSnapshot, entry: number): number {
  let low = 0
  let high = course.entry.length - 1
  while (low < high) {
    const middle = (low + high) >> 1
    if ((course.entry[middle] ?? Infinity) < entry) low = middle + 1
    else high = middle
  }
  return low
}

/** Everything that is held at an entry, from the bottom up: small ones in sums, then the largest in the order they came. */
export function heldAt(device: DeviceSnapshot, entry: number): Held[] {
  const place = placeOf(device, entry)
  const held: Held[] = []
  let from = 0
  const put = (row: number | undefined, category: number, bytes: number) => {
    if (bytes <= 0) return
    held.push({ row, category, bytes, from })
    from += bytes
  }
  CATEGORIES.forEach((_, category) => put(undefined, category, device.course.restBytes[category]?.[place] ?? 0))
  const { begin, end, bytes, category } = device.allocations
  for (let row = 0; row < begin.length; row += 1)
    if ((begin[row] ?? 0) <= entry && entry < (end[row] ?? 0)) put(row, category[row] ?? 0, bytes[row] ?? 0)
  return held
}

/** Called for a stretch of one colour, from the bottom up. */
export type Band = (column: number, category: number, from: number, bytes: number, isOdd: boolean) => void

/**
 * The same for every column between two entries, without an object for each: what is thinner than `least` is told together
 * with its neighbours of one category.
 */
export function sweep(
  device: DeviceSnapshot,
  { from, to, columns, least }: { from: number; to: number; columns: number; least: number },
  band: Band,
): void {
  const { begin, end, bytes, category } = device.allocations
  const { restBytes } = device.course
  let live: number[] = []
  let next = 0
  for (let column = 0; column < columns; column += 1) {
    const entry = from + ((to - from) * column) / Math.max(1, columns - 1)
    live = live.filter(row => entry < (end[row] ?? 0))
    for (; next < begin.length && (begin[next] ?? 0) <= entry; next += 1) if (entry < (end[next] ?? 0)) live.push(next)
    const place = placeOf(device, entry)
    let at = 0
    restBytes.forEach((sums, number) => {
      const size = sums[place] ?? 0
      if (size > 0) band(column, number, at, size, false)
      at += size
    })
    let held = 0
    let own = -1
    for (const row of live) {
      const size = bytes[row] ?? 0
      if (held > 0 && (own !== category[row] || held >= least)) {
        band(column, own, at, held, row % 2 === 1)
        at += held
        held = 0
      }
      own = category[row] ?? 0
      held += size
    }
    if (held > 0) band(column, own, at, held, false)
  }
}

/** The most that is held in any of so many columns between two entries. */
export function mostHeld({ course, peakBytes }: DeviceSnapshot, from: number, to: number): number {
  const seen = course.activeBytes.filter((_, at) => {
    const entry = course.entry[at] ?? 0
    return entry >= from && entry <= to
  })
  return seen.length === 0 ? peakBytes : seen.reduce((one, other) => Math.max(one, other), 0)
}

type Frame = SnapshotDigest['frames'][number]

const isPython = ({ file }: Frame) => file.endsWith('.py')
/** Not of PyTorch, of another library, of Python itself or of our hook. */
const isOfJob = (frame: Frame) =>
  isPython(frame) && !/[\\/](?:site|dist)-packages[\\/]|[\\/]lib[\\/]python3|plumbline_hook\.py$/.test(frame.file)
/** What records the stack, allocates, or hands a call on from kernel to kernel says nothing of who asked. */
const isPlumbing = ({ name }: Frame) =>
  /unwind|CapturedTraceback|gather_with_cpp|CachingAllocator|^c10::|^at::|VariableType/.test(name)
/** Of a name of C++ without its arguments. */
const shortName = ({ name }: Frame) => name.replaceAll('(anonymous namespace)::', '').replace(/\(.*$/s, '')
const baseName = (file: string) => file.slice(file.lastIndexOf('/') + 1)

/** Who asked: the innermost Python frame, or the innermost that is of the job itself, of no library. */
export type CallerOf = 'frame' | 'job'

const framesOf = ({ frames, stacks }: SnapshotDigest, stack: number): Frame[] =>
  (stacks[stack] ?? []).flatMap(frame => frames[frame] ?? [])

/**
 * `file.py:12 function`; of a stack without Python (the thread of backward) the function alone. What is said where no stack was
 * recorded: recording began after it.
 */
export function callerText(digest: SnapshotDigest, stack: number, by: CallerOf = 'frame'): string {
  const own = framesOf(digest, stack)
  const caller = (by === 'job' ? own.find(isOfJob) : undefined) ?? own.find(isPython)
  if (caller !== undefined) return `${baseName(caller.file)}:${caller.line} ${caller.name}`
  const [inner] = own
  if (inner === undefined) return 'no stack: from before the recording'
  return shortName(own.find(frame => !isPlumbing(frame)) ?? inner)
}

/** Frames of a stack, innermost first; those of Python alone where there are some, unless all are asked for. */
export function stackLines(digest: SnapshotDigest, stack: number, all: boolean): string[] {
  const own = framesOf(digest, stack)
  const python = own.filter(isPython)
  return (all || python.length === 0 ? own : python).map(({ name, file, line }) => `${name}  ${file}:${line}`)
}

export interface Holder {
  readonly caller: string
  readonly category: Category
  readonly bytes: number
  readonly count: number
  readonly stack: number
}

/** What holds memory at the peak, by who asked for it, the largest first. */
export function holdersAtPeak(digest: SnapshotDigest, { holders }: DeviceSnapshot, by: CallerOf = 'frame'): Holder[] {
  const byCaller = new Map<string, Holder>()
  holders.stack.forEach((stack, at) => {
    const caller = callerText(digest, stack, by)
    const category = CATEGORIES[holders.category[at] ?? 0] ?? 'other'
    const before = byCaller.get(`${caller} ${category}`)
    byCaller.set(`${caller} ${category}`, {
      caller,
      category,
      stack: before?.stack ?? stack,
      bytes: (before?.bytes ?? 0) + (holders.bytes[at] ?? 0),
      count: (before?.count ?? 0) + (holders.count[at] ?? 0),
    })
  })
  return [...byCaller.values()].sort((one, other) => other.bytes - one.bytes)
}

/** Bytes at the peak by category. */
export function categoriesAtPeak({ holders }: DeviceSnapshot): Map<Category, number> {
  const sums = new Map<Category, number>()
  holders.category.forEach((number, at) => {
    const category = CATEGORIES[number] ?? 'other'
    sums.set(category, (sums.get(category) ?? 0) + (holders.bytes[at] ?? 0))
  })
  return sums
}

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

/** A block of the memory map: where it begins among all bytes that are reserved, laid end to end. */
export interface Placed {
  readonly segment: number
  readonly block: number
  readonly from: number
  readonly bytes: number
  /** active, awaiting, inactive. */
  readonly state: number
  readonly category: number
  readonly stack: number
}

export function memoryMap({ segments }: DeviceSnapshot): Placed[] {
  let from = 0
  return segments.flatMap((segment, number) =>
    segment.size.map((bytes, block) => {
      const placed = {
        segment: number,
        block,
        from,
        bytes,
        state: segment.state[block] ?? 2,
        category: segment.category[block] ?? 0,
        stack: segment.stack[block] ?? 0,
      }
      from += bytes
      return placed
    }),
  )
}
