/** Reading files for `host.ts`. */
import { constants, readFileSync } from 'node:fs'
import { open, stat, type FileHandle } from 'node:fs/promises'

export interface FileStat {
  readonly size: number
  /** Device and inode: tells a rotated file from a grown one. */
  readonly id: string
  readonly modifiedAt: number
}

const MAX_READ_BYTES = 1024 * 1024

/** Reads until the end or `length`: a file of /proc has size 0 and comes in pieces. */
async function fill(file: FileHandle, offset: number | null, length: number): Promise<Buffer> {
  const parts: Buffer[] = []
  let had = 0
  while (had < length) {
    const part = Buffer.allocUnsafe(Math.min(65_536, length - had))
    const { bytesRead } = await file.read(part, 0, part.length, offset === null ? null : offset + had)
    if (bytesRead === 0) break
    parts.push(part.subarray(0, bytesRead))
    had += bytesRead
  }
  return parts.length === 1 && parts[0] !== undefined ? parts[0] : Buffer.concat(parts)
}

export async function readText(path: string, maxBytes = MAX_READ_BYTES): Promise<string | undefined> {
  // Kernel tables answer from memory: read at once, they cost a tenth of a trip through the thread pool.
  if (path.startsWith('/proc/')) return readProc(path, maxBytes)
  let file: FileHandle | undefined
  try {
    // Non-blocking, so that a named pipe without a writer cannot hold a collector for ever.
    file = await open(path, constants.O_RDONLY | constants.O_NONBLOCK)
    return (await fill(file, null, maxBytes)).toString('utf8')
  } catch {
    return undefined
  } finally {
    await file?.close().catch(() => undefined)
  }
}

function readProc(path: string, maxBytes: number): string | undefined {
  try {
    const bytes = readFileSync(path)
    return bytes.toString('utf8', 0, Math.min(bytes.length, maxBytes))
  } catch {
    return undefined
  }
}

export async function readRange(path: string, offset: number, length: number): Promise<Buffer> {
  const file = await open(path, constants.O_RDONLY | constants.O_NONBLOCK)
  try {
    return await fill(file, offset, length)
  } finally {
    await file.close().catch(() => undefined)
  }
}

export async function statFile(path: string): Promise<FileStat | undefined> {
  try {
    const found = await stat(path, { bigint: true })
    return { size: Number(found.size), id: `${found.dev}:${found.ino}`, modifiedAt: Number(found.mtimeMs) / 1000 }
  } catch {
    return undefined
  }
}
