/**
 * The one file in a zip, as people send it (trackers of issues take no other). Its directory is at its end, so it must be a file on
 * disk. https://pkware.cachefly.net/webdocs/casestudies/APPNOTE.TXT
 */
import { createReadStream } from 'node:fs'
import { open, type FileHandle } from 'node:fs/promises'
import { pipeline } from 'node:stream'
import { createInflateRaw } from 'node:zlib'
import { PlumblineError } from '../base/errors'

const LOCAL = Buffer.from('PK\x03\x04', 'latin1')
const DIRECTORY = Buffer.from('PK\x01\x02', 'latin1')
const END = Buffer.from('PK\x05\x06', 'latin1')
const [LOCAL_BYTES, ENTRY_BYTES, END_BYTES, MOST_COMMENT_BYTES] = [30, 46, 22, 65_535]
const MOST_DIRECTORY_BYTES = 4 * 1024 * 1024
const [STORED, DEFLATED, ENCRYPTED] = [0, 8, 1]
/** What a size says that stands in an extension for files over 4 GiB. */
const ELSEWHERE = 0xffffffff

export const isZip = (bytes: Buffer) => bytes.subarray(0, LOCAL.length).equals(LOCAL)

interface Entry {
  readonly name: string
  readonly flags: number
  readonly method: number
  readonly packedBytes: number
  readonly offset: number
}

const damaged = (file: string, what: string) =>
  new PlumblineError(`${file} is a zip that cannot be read: ${what}`, { fix: 'unpack it, and name the file in it' })

async function bytesAt(handle: FileHandle, position: number, length: number): Promise<Buffer> {
  const { buffer, bytesRead } = await handle.read(Buffer.alloc(length), 0, length, position)
  return buffer.subarray(0, bytesRead)
}

function entriesOf(directory: Buffer): Entry[] {
  const entries: Entry[] = []
  for (let at = 0; at + ENTRY_BYTES <= directory.length && directory.subarray(at).indexOf(DIRECTORY) === 0;) {
    const nameBytes = directory.readUInt16LE(at + 28)
    entries.push({
      name: directory.toString('utf8', at + ENTRY_BYTES, at + ENTRY_BYTES + nameBytes),
      flags: directory.readUInt16LE(at + 8),
      method: directory.readUInt16LE(at + 10),
      packedBytes: directory.readUInt32LE(at + 20),
      offset: directory.readUInt32LE(at + 42),
    })
    at += ENTRY_BYTES + nameBytes + directory.readUInt16LE(at + 30) + directory.readUInt16LE(at + 32)
  }
  return entries
}

/** Folders are none, nor is what macOS puts beside each file. */
const isFile = ({ name }: Entry) => !name.endsWith('/') && !name.startsWith('__MACOSX/')

async function onlyEntry(file: string, handle: FileHandle): Promise<Entry> {
  const { size } = await handle.stat()
  const tail = await bytesAt(handle, Math.max(0, size - END_BYTES - MOST_COMMENT_BYTES), END_BYTES + MOST_COMMENT_BYTES)
  const end = tail.lastIndexOf(END)
  if (end === -1 || end + END_BYTES > tail.length) throw damaged(file, 'its end is missing')
  const length = Math.min(MOST_DIRECTORY_BYTES, tail.readUInt32LE(end + 12))
  const entries = entriesOf(await bytesAt(handle, tail.readUInt32LE(end + 16), length)).filter(isFile)
  const [entry, ...others] = entries
  if (entry === undefined) throw damaged(file, 'no file is in it')
  if (others.length > 0) throw damaged(file, `${entries.length} files are in it`)
  if ((entry.flags & ENCRYPTED) !== 0) throw damaged(file, 'it is encrypted')
  if (entry.packedBytes === ELSEWHERE) throw damaged(file, 'it is larger than 4 GiB')
  if (entry.method !== STORED && entry.method !== DEFLATED) throw damaged(file, `method ${entry.method}`)
  return entry
}

/** Chunks of the file in it, as they come. Throws a PlumblineError where there is none, or several. */
export async function* unzipped(file: string, chunkBytes: number): AsyncGenerator<Buffer> {
  const handle = await open(file)
  let start: number
  let entry: Entry
  try {
    entry = await onlyEntry(file, handle)
    const head = await bytesAt(handle, entry.offset, LOCAL_BYTES)
    if (head.length < LOCAL_BYTES || !isZip(head)) throw damaged(file, 'its file is not where its directory says')
    start = entry.offset + LOCAL_BYTES + head.readUInt16LE(26) + head.readUInt16LE(28)
  } finally {
    await handle.close()
  }
  if (entry.packedBytes === 0) return
  const packed = createReadStream(file, { start, end: start + entry.packedBytes - 1, highWaterMark: chunkBytes })
  const read =
    entry.method === STORED ? packed : pipeline(packed, createInflateRaw({ chunkSize: chunkBytes }), () => undefined)
  yield* read as AsyncIterable<Buffer>
}
