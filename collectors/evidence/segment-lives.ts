/**
 * The device's memory that the allocator held, piece by piece. Segments come and go whole; an expandable one grows and shrinks by
 * what is mapped into it, and what is unmapped at once may have been mapped in several pieces, or be part of one.
 */
import { addLife, inOrder, lifeOf, newLives, type Life, type Lives } from './lives'
import type { Segment, Trace } from './snapshot-read'

interface Stretch {
  readonly from: number
  readonly to: number
}

/** What of a stretch none of the others covers. */
function uncovered({ from, to }: Stretch, others: readonly Stretch[]): Stretch[] {
  let at = from
  const left: Stretch[] = []
  for (const other of others.toSorted((one, two) => one.from - two.from)) {
    if (other.to <= at || other.from >= to) continue
    if (other.from > at) left.push({ from: at, to: other.from })
    at = Math.max(at, other.to)
  }
  if (at < to) left.push({ from: at, to })
  return left
}

class Pieces {
  readonly begun = newLives()
  readonly old: Life[] = []
  /** Rows of `begun` that are held, by address. */
  private readonly open = new Map<number, number>()

  constructor(private readonly trace: Trace) {}

  begin(row: number): void {
    const life = lifeOf(this.trace, row, row, this.trace.length)
    this.open.set(life.address, addLife(this.begun, life))
  }

  end(row: number): void {
    const gone = lifeOf(this.trace, row, 0, row)
    const stretch = { from: gone.address, to: gone.address + gone.bytes }
    const met = this.met(stretch)
    for (const piece of met) this.cut(piece.row, stretch, row)
    for (const { from, to } of uncovered(stretch, met)) this.old.push({ ...gone, address: from, bytes: to - from })
  }

  /** What is held at the end and was there before the trace. */
  remain({ address, size, stream, expandable }: Segment): void {
    const stretch = { from: address, to: address + size }
    const rows = this.trace.length
    const life = { begin: 0, asked: rows, end: rows, stack: 0, stream, mapped: expandable ? 1 : 0 }
    for (const { from, to } of uncovered(stretch, this.met(stretch)))
      this.old.push({ ...life, address: from, bytes: to - from })
  }

  private met({ from, to }: Stretch): (Stretch & { row: number })[] {
    const exact = this.open.get(from)
    const rows = exact !== undefined && this.stretchOf(exact).to === to ? [exact] : [...this.open.values()]
    return rows.map(row => ({ ...this.stretchOf(row), row })).filter(one => one.from < to && one.to > from)
  }
  private stretchOf(row: number): Stretch {
    const from = this.begun.address.at(row)
    return { from, to: from + this.begun.bytes.at(row) }
  }

  /** Ends a piece; what of it is outside the stretch lives on as a piece of its own. */
  private cut(piece: number, stretch: Stretch, row: number): void {
    const { from, to } = this.stretchOf(piece)
    this.open.delete(from)
    this.begun.end.set(piece, row)
    this.begun.asked.set(piece, row)
    const stack = this.begun.stack.at(piece)
    const rest = { begin: row, asked: this.trace.length, end: this.trace.length, stack, mapped: 1 }
    for (const left of uncovered({ from, to }, [stretch])) {
      const life = { ...rest, stream: this.begun.stream.at(piece), address: left.from, bytes: left.to - left.from }
      this.open.set(left.from, addLife(this.begun, life))
    }
  }
}

export function segmentLives(trace: Trace, segments: readonly Segment[]): Lives {
  const pieces = new Pieces(trace)
  for (let row = 0; row < trace.length; row += 1) {
    const action = trace.actionAt(row)
    if (action === 'segment_alloc' || action === 'segment_map') pieces.begin(row)
    else if (action === 'segment_free' || action === 'segment_unmap') pieces.end(row)
  }
  for (const segment of segments) pieces.remain(segment)
  return inOrder(pieces.old, pieces.begun)
}
