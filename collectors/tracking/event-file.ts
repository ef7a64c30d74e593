/**
 * TFRecord, the frames of TensorBoard's event files: length u64 | masked crc of it u32 | data | masked crc of it u32.
 * https://github.com/tensorflow/tensorflow/blob/master/tensorflow/core/lib/io/record_writer.h
 */
import { crc32c } from '../../base/crc32'
import { ByteReader } from './byte-reader'

const HEAD_BYTES = 12
const CRC_BYTES = 4
/** Beyond that it is a graph or an image, and no scalar. */
const MOST_BYTES = 16 * 1024 * 1024

/** Rotated and moved, for a check that stands among what it checks. */
const masked = (crc: number): number => (((crc >>> 15) | (crc << 17)) + 0xa282ead8) >>> 0

/** The length that a frame's head says; undefined where it is none. */
export function lengthOf(head: Buffer): number | undefined {
  if (head.length < HEAD_BYTES || masked(crc32c(head.subarray(0, 8))) !== head.readUInt32LE(8)) return undefined
  return Number(head.readBigUInt64LE(0))
}

/** The data of each frame; undefined for one that is damaged, cut off or too large. A damaged head ends the file: where the next begins is not known. */
export async function* eventFrames(chunks: AsyncIterable<Buffer>): AsyncGenerator<Buffer | undefined> {
  const reader = new ByteReader(chunks)
  for (let head = await reader.take(HEAD_BYTES); head !== undefined; head = await reader.take(HEAD_BYTES)) {
    const length = lengthOf(head)
    if (length === undefined) {
      yield undefined
      return
    }
    if (length > MOST_BYTES) {
      yield undefined
      if (!(await reader.skip(length + CRC_BYTES))) return
      continue
    }
    const data = await reader.take(length)
    const crc = await reader.take(CRC_BYTES)
    yield data !== undefined && crc !== undefined && masked(crc32c(data)) === crc.readUInt32LE(0) ? data : undefined
    if (crc === undefined) return
  }
}
