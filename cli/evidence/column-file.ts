/**
 * A file of columns, from which each is read alone:
 *
 *     magic, bytes of the head (Uint32) · head: { about, columns: [name, kind, at, length] } as JSON · columns, each at a multiple of 8
 *
 * Bytes are in the order of this machine: the file does not leave it.
 */
import { closeSync, openSync, readSync } from 'node:fs'
import { open, rename } from 'node:fs/promises'
import { z } from 'zod'
import { PlumblineError } from '../../base/errors'
import { Column, KINDS, type ColumnKind } from '../../collectors/evidence/columns'
import type { ColumnSource, Kept } from '../../collectors/evidence/kept-snapshot'

const MAGIC = 'PLCOL001'
const HEAD_AT = MAGIC.length + 4
const headSchema = z.object({
  about: z.unknown(),
  columns: z.array(
    z.tuple([z.string(), z.enum(['float64', 'uint32', 'uint8']), z.number().int().min(0), z.number().int().min(0)]),
  ),
})

const even = (bytes: number) => Math.ceil(bytes / 8) * 8
const bytesOf = ({ held: { buffer, byteOffset, byteLength } }: Column) => Buffer.from(buffer, byteOffset, byteLength)

/** Under another name until it is whole. */
export async function writeColumns(path: string, { about, columns }: Kept): Promise<void> {
  let at = 0
  const placed = [...columns].map(([name, column]) => {
    const place = [name, column.kind, at, column.length]
    at += even(bytesOf(column).length)
    return place
  })
  const head = Buffer.from(JSON.stringify({ about, columns: placed }))
  const start = Buffer.alloc(even(HEAD_AT + head.length))
  start.write(MAGIC, 'latin1')
  start.writeUInt32LE(head.length, MAGIC.length)
  head.copy(start, HEAD_AT)
  const file = await open(`${path}.new`, 'w')
  try {
    await file.writeFile(start)
    for (const column of columns.values()) {
      const bytes = bytesOf(column)
      await file.writeFile(bytes)
      await file.writeFile(Buffer.alloc(even(bytes.length) - bytes.length))
    }
  } finally {
    await file.close()
  }
  await rename(`${path}.new`, path)
}

export class ColumnFile implements ColumnSource {
  readonly about: unknown
  private readonly file: number
  private readonly dataAt: number
  private readonly places: ReadonlyMap<string, { kind: ColumnKind; at: number; length: number }>

  /** Throws a PlumblineError where it is none. */
  constructor(path: string) {
    this.file = openSync(path, 'r')
    const begin = this.bytes(0, HEAD_AT)
    if (begin.toString('latin1', 0, MAGIC.length) !== MAGIC)
      throw new PlumblineError('what was read of the snapshot is no longer whole', { fix: 'import the snapshot again' })
    const length = begin.readUInt32LE(MAGIC.length)
    const { about, columns } = headSchema.parse(JSON.parse(this.bytes(HEAD_AT, length).toString()))
    this.about = about
    this.dataAt = even(HEAD_AT + length)
    this.places = new Map(columns.map(([name, kind, at, rows]) => [name, { kind, at, length: rows }]))
  }

  column(name: string, kind: ColumnKind): Column {
    return this.part(name, kind, 0, this.places.get(name)?.length ?? 0)
  }

  part(name: string, kind: ColumnKind, from: number, to: number): Column {
    const place = this.places.get(name)
    if (place?.kind !== kind) return new Column(kind, new KINDS[kind]())
    const begin = Math.min(from, place.length)
    const rows = Math.max(0, Math.min(to, place.length) - begin)
    const size = KINDS[kind].BYTES_PER_ELEMENT
    const { buffer } = this.bytes(this.dataAt + place.at + begin * size, rows * size)
    return new Column(kind, new KINDS[kind](buffer, 0, rows))
  }

  close(): void {
    closeSync(this.file)
  }

  /** In memory of its own, so that numbers of any size may lie at its beginning. */
  private bytes(at: number, length: number): Buffer<ArrayBuffer> {
    const bytes = Buffer.from(new ArrayBuffer(length))
    let held = 0
    while (held < length) {
      const read = readSync(this.file, bytes, held, length - held, at + held)
      if (read === 0)
        throw new PlumblineError('what was read of the snapshot is cut off', { fix: 'import the snapshot again' })
      held += read
    }
    return bytes
  }
}
