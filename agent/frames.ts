/** A batch as frames that the hub takes: a large one (a long log read at once) becomes several. */
import { encodeFrame, MAX_FRAME_BYTES, MAX_ROWS } from '../wire/frame'
import type { WireRecord } from '../wire/records'
import { Batch } from '../wire/table'

/** Rows that even a wide table with a text of its own in each row carries well below the limit. */
const EASY_ROWS = 4096

/** Frames of at most `maxBytes`, in order. `tooLarge`: single records that no frame can hold. */
export function framesOf(batch: Batch, maxBytes = MAX_FRAME_BYTES): { frames: Buffer[]; tooLarge: number } {
  const whole = batch.rows <= MAX_ROWS ? encodeFrame(batch) : undefined
  if (whole !== undefined && whole.length <= maxBytes) return { frames: [whole], tooLarge: 0 }
  const result = { frames: [] as Buffer[], tooLarge: 0 }
  split(batch.records(), Math.min(EASY_ROWS, Math.ceil(batch.rows / 2)), maxBytes, result)
  return result
}

function split(
  records: readonly WireRecord[],
  size: number,
  maxBytes: number,
  result: { frames: Buffer[]; tooLarge: number },
): void {
  for (let from = 0; from < records.length; from += size) {
    const part = records.slice(from, from + size)
    const batch = new Batch()
    for (const record of part) batch.add(record)
    const frame = encodeFrame(batch)
    if (frame.length <= maxBytes) result.frames.push(frame)
    else if (part.length === 1) result.tooLarge += 1
    else split(part, Math.ceil(part.length / 2), maxBytes, result)
  }
}
