/** Each allocation of the trace with its beginning and end. */
import { addLife, inOrder, lifeOf, newLives, type Life, type Lives } from './lives'
import type { Segment, Trace } from './snapshot-read'

/** What lived before the trace is known by its end, or by its block. */
export function blockLives(trace: Trace, segments: readonly Segment[]): Lives {
  const rows = trace.length
  const old: Life[] = []
  const begun = newLives()
  const open = new Map<number, number>()
  /** Given back, though a stream still used it. */
  const asked = new Map<number, number>()
  for (let row = 0; row < rows; row += 1) {
    const action = trace.actionAt(row)
    const address = trace.address.at(row)
    if (action === 'alloc') open.set(address, addLife(begun, lifeOf(trace, row, row, rows)))
    else if (action === 'free_requested') asked.set(address, row)
    else if (action === 'free_completed') {
      const began = open.get(address)
      const given = asked.get(address) ?? row
      if (began === undefined) old.push({ ...lifeOf(trace, row, 0, row), asked: given })
      else {
        begun.end.set(began, row)
        begun.asked.set(began, given)
      }
      open.delete(address)
      asked.delete(address)
    }
  }
  for (const [address, row] of asked) {
    const began = open.get(address)
    if (began !== undefined) begun.asked.set(began, row)
  }
  for (const { blocks, stream } of segments)
    for (const { address, size: bytes, state, stack } of blocks) {
      if (state === 'inactive') continue
      const began = open.get(address)
      // The trace says what was asked for, a block what that takes.
      if (began !== undefined) {
        begun.bytes.set(began, bytes)
        continue
      }
      const given = state === 'awaiting' ? (asked.get(address) ?? 0) : rows
      old.push({ begin: 0, asked: given, end: rows, bytes, address, stack, stream, mapped: 0 })
    }
  return inOrder(old, begun)
}
