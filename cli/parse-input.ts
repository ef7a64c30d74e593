/** The bytes of a file or of standard input, unpacked where they are gzip or zip. */
import { createReadStream } from 'node:fs'
import { pipeline, type Readable } from 'node:stream'
import { createGunzip } from 'node:zlib'
import { messageOf, PlumblineError } from '../base/errors'
import { isZip, unzipped } from './zip'

const CHUNK_BYTES = 1024 * 1024

function failure(file: string, error: unknown): PlumblineError {
  const code = error instanceof Error && 'code' in error ? String(error.code) : ''
  if (code === 'ENOENT') return new PlumblineError(`${file}: no such file`, { fix: 'check the path', cause: error })
  if (code === 'EISDIR') return new PlumblineError(`${file} is a folder`, { fix: 'name the files in it', cause: error })
  if (code === 'EACCES' || code === 'EPERM')
    return new PlumblineError(`${file} may not be read`, { fix: 'check its permissions', cause: error })
  if (code.startsWith('Z_'))
    return new PlumblineError(`${file} is damaged: ${messageOf(error)}`, {
      fix: 'unpack what can be had (`gzip -dc`, `unzip`) and take that',
      cause: error,
    })
  return new PlumblineError(`${file}: ${messageOf(error)}`, { fix: 'check that the file can be read', cause: error })
}

const isGzip = (bytes: Buffer) => bytes.length >= 2 && bytes[0] === 0x1f && bytes[1] === 0x8b

async function* unpacked(first: Buffer, rest: AsyncIterator<Buffer>): AsyncGenerator<Buffer> {
  async function* packed() {
    yield first
    for (let next = await rest.next(); next.done !== true; next = await rest.next()) yield next.value
  }
  // A failure reaches the reader through the unpacked stream.
  yield* pipeline(packed, createGunzip({ chunkSize: CHUNK_BYTES }), () => undefined) as AsyncIterable<Buffer>
}

/** Chunks of a file in order; `-` is standard input. Throws PlumblineError where it cannot be read. */
export async function* readChunks(file: string, stdin: Readable): AsyncGenerator<Buffer> {
  const stream: AsyncIterable<Buffer> = file === '-' ? stdin : createReadStream(file, { highWaterMark: CHUNK_BYTES })
  const chunks = stream[Symbol.asyncIterator]()
  try {
    const first = await chunks.next()
    if (first.done === true) return
    if (isGzip(first.value)) {
      yield* unpacked(first.value, chunks)
      return
    }
    if (isZip(first.value)) {
      if (file === '-')
        throw new PlumblineError('a zip is not read from standard input', { fix: 'pipe what `unzip -p` unpacks of it' })
      await chunks.return?.()
      yield* unzipped(file, CHUNK_BYTES)
      return
    }
    yield first.value
    for (let next = await chunks.next(); next.done !== true; next = await chunks.next()) yield next.value
  } catch (error) {
    throw error instanceof PlumblineError ? error : failure(file === '-' ? 'standard input' : file, error)
  }
}
