/**
 * The file of a Weights & Biases run, `run-ID.wandb`: a log as LevelDB writes it, in blocks of 32 KiB, each record in one part or
 * several (crc32 u32 | length u16 | type u8 | data), after seven bytes of its own.
 * https://github.com/google/leveldb/blob/main/doc/log_format.md
 */
import { crc32 } from '../../base/crc32'
import { ByteReader } from './byte-reader'

export const WANDB_MAGIC = Buffer.from(':W&B')
const FILE_HEAD_BYTES = 7
const BLOCK_BYTES = 32 * 1024
const PART_HEAD_BYTES = 7
const TYPES = { none: 0, whole: 1, first: 2, middle: 3, last: 4 } as const
/** Beyond that it is no figure and no line. */
const MOST_BYTES = 16 * 1024 * 1024

interface Part {
  readonly type: number
  readonly data: Buffer
}

/** The parts of a block; undefined, and no more of it, where one is damaged. */
function* partsOf(block: Buffer): Generator<Part | undefined> {
  for (let at = 0; at + PART_HEAD_BYTES <= block.length;) {
    const length = block.readUInt16LE(at + 4)
    const type = block.readUInt8(at + 6)
    // What is left of a block for which no record was at hand.
    if (type === TYPES.none && length === 0) return
    const end = at + PART_HEAD_BYTES + length
    if (end > block.length || type > TYPES.last || crc32(block.subarray(at + 6, end)) !== block.readUInt32LE(at)) {
      yield undefined
      return
    }
    yield { type, data: block.subarray(at + PART_HEAD_BYTES, end) }
    at = end
  }
}

async function* allParts(chunks: AsyncIterable<Buffer>): AsyncGenerator<Part | undefined> {
  const reader = new ByteReader(chunks)
  await reader.skip(FILE_HEAD_BYTES)
  let block = await reader.upTo(BLOCK_BYTES - FILE_HEAD_BYTES)
  for (; block.length > 0; block = await reader.upTo(BLOCK_BYTES)) yield* partsOf(block)
}

/** The records; undefined for one that is damaged or cut off. */
export async function* wandbRecords(chunks: AsyncIterable<Buffer>): AsyncGenerator<Buffer | undefined> {
  let parts: Buffer[] = []
  let bytes = 0
  for await (const part of allParts(chunks)) {
    const begins = part === undefined || part.type === TYPES.whole || part.type === TYPES.first
    if (begins && parts.length > 0) yield undefined
    if (begins) parts = []
    if (part === undefined) {
      yield undefined
      continue
    }
    // Its beginning was lost, and that was told.
    if (!begins && parts.length === 0) continue
    bytes = begins ? part.data.length : bytes + part.data.length
    if (bytes > MOST_BYTES) {
      yield undefined
      parts = []
      continue
    }
    parts.push(part.data)
    if (part.type === TYPES.first || part.type === TYPES.middle) continue
    yield Buffer.concat(parts)
    parts = []
  }
  if (parts.length > 0) yield undefined
}
