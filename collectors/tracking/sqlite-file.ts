/** Tables of a SQLite database, from its pages alone: https://www.sqlite.org/fileformat2.html. Read only, indexes aside. */
import { messageOf, PlumblineError } from '../../base/errors'

/** Bytes of the file from `offset` on, fewer at its end. */
export type ReadAt = (offset: number, length: number) => Promise<Buffer>
export type SqliteValue = number | string | Buffer | null
export type SqliteRow = ReadonlyMap<string, SqliteValue>

export const SQLITE_MAGIC = Buffer.from('SQLite format 3\0')
const HEADER_BYTES = 100
const [LEAF, INTERIOR] = [13, 5]
/** A tree of the most rows there can be is not half as deep. */
const MOST_DEPTH = 40
/** Of one row; what is larger is no metric and no parameter. */
const MOST_ROW_BYTES = 16 * 2 ** 20
/** What begins a line of CREATE TABLE that is no column. */
const NO_COLUMN = /^(?:constraint|primary|foreign|unique|check)\b/i

function varint(bytes: Buffer, at: number): { value: number; end: number } {
  let value = 0
  for (let count = 0; count < 8; count += 1) {
    const byte = bytes.readUInt8(at + count)
    value = value * 128 + (byte & 0x7f)
    if (byte < 0x80) return { value, end: at + count + 1 }
  }
  return { value: value * 256 + bytes.readUInt8(at + 8), end: at + 9 }
}

const INTEGER_BYTES = [0, 1, 2, 3, 4, 6, 8]
function valueOf(bytes: Buffer, at: number, type: number): { value: SqliteValue; end: number } {
  if (type >= 12) {
    const end = at + Math.floor((type - 12) / 2)
    const content = bytes.subarray(at, end)
    return { value: type % 2 === 1 ? content.toString('utf8') : content, end }
  }
  if (type === 7) return { value: bytes.readDoubleBE(at), end: at + 8 }
  if (type === 6) return { value: Number(bytes.readBigInt64BE(at)), end: at + 8 }
  const length = INTEGER_BYTES[type]
  if (length === undefined) return { value: type === 9 ? 1 : 0, end: at }
  return { value: length === 0 ? null : bytes.readIntBE(at, length), end: at + length }
}

function recordOf(payload: Buffer): SqliteValue[] {
  const header = varint(payload, 0)
  const values: SqliteValue[] = []
  let body = header.value
  for (let at = header.end; at < header.value;) {
    const type = varint(payload, at)
    const { value, end } = valueOf(payload, body, type.value)
    values.push(value)
    at = type.end
    body = end
  }
  return values
}

/** Names of the columns, in order, of a CREATE TABLE statement. */
export function columnsOf(sql: string): string[] {
  const columns: string[] = []
  let depth = 0
  let part = ''
  for (const character of sql.slice(sql.indexOf('(') + 1)) {
    if (character === '(') depth += 1
    if (character === ')') depth -= 1
    if (depth >= 0 && (character !== ',' || depth > 0)) part += character
    else {
      const text = part.trim()
      const name = /^(?:"([^"]+)"|`([^`]+)`|\[([^\]]+)\]|(\S+))/.exec(text)?.slice(1).find(Boolean)
      if (name !== undefined && !NO_COLUMN.test(text)) columns.push(name)
      part = ''
    }
    if (depth < 0) break
  }
  return columns
}

export class SqliteFile {
  private constructor(
    private readonly readAt: ReadAt,
    private readonly pageBytes: number,
    /** Of a page, less what extensions keep at its end. */
    private readonly usable: number,
  ) {}

  /** Throws a PlumblineError where it is none. */
  static async open(readAt: ReadAt): Promise<SqliteFile> {
    const header = await readAt(0, HEADER_BYTES)
    if (header.length < HEADER_BYTES || !header.subarray(0, 16).equals(SQLITE_MAGIC))
      throw new PlumblineError('this is no SQLite database', { fix: 'check the path' })
    const said = header.readUInt16BE(16)
    const pageBytes = said === 1 ? 65_536 : said
    return new SqliteFile(readAt, pageBytes, pageBytes - header.readUInt8(20))
  }

  /** Rows of a table in the order of their ids, by column; none where there is no such table. Throws a PlumblineError on damage. */
  async *rows(table: string): AsyncGenerator<SqliteRow> {
    try {
      for await (const [type, name, , root, sql] of this.records(1)) {
        if (type !== 'table' || name !== table || typeof root !== 'number' || typeof sql !== 'string') continue
        const columns = columnsOf(sql)
        for await (const values of this.records(root))
          yield new Map(columns.map((column, place) => [column, values[place] ?? null]))
      }
    } catch (error) {
      if (!(error instanceof RangeError)) throw error
      throw new PlumblineError(`the database is damaged: ${messageOf(error)}`, {
        fix: 'see what `sqlite3 FILE .recover` can save',
        cause: error,
      })
    }
  }

  private async *records(root: number, depth = 0): AsyncGenerator<SqliteValue[]> {
    if (depth > MOST_DEPTH) throw new RangeError('its pages lead in a circle')
    const page = await this.page(root)
    const start = root === 1 ? HEADER_BYTES : 0
    const kind = page.readUInt8(start)
    if (kind !== LEAF && kind !== INTERIOR) throw new RangeError(`page ${root} is of no table`)
    const cells = start + (kind === LEAF ? 8 : 12)
    for (let cell = 0; cell < page.readUInt16BE(start + 3); cell += 1) {
      const at = page.readUInt16BE(cells + 2 * cell)
      if (kind === LEAF) yield recordOf(await this.payload(page, at))
      else yield* this.records(page.readUInt32BE(at), depth + 1)
    }
    if (kind === INTERIOR) yield* this.records(page.readUInt32BE(start + 8), depth + 1)
  }

  /** A row's bytes: in its page, and where they are many in a chain of pages of their own. */
  private async payload(page: Buffer, at: number): Promise<Buffer> {
    const size = varint(page, at)
    if (size.value > MOST_ROW_BYTES) throw new RangeError(`a row of ${size.value} bytes`)
    const from = varint(page, size.end).end
    const least = Math.floor(((this.usable - 12) * 32) / 255) - 23
    const some = least + ((size.value - least) % (this.usable - 4))
    const whole = size.value <= this.usable - 35
    const local = whole ? size.value : some <= this.usable - 35 ? some : least
    const parts = [page.subarray(from, from + local)]
    let next = whole ? 0 : page.readUInt32BE(from + local)
    for (let left = size.value - local; left > 0; left -= this.usable - 4) {
      const overflow = await this.page(next)
      parts.push(overflow.subarray(4, 4 + Math.min(left, this.usable - 4)))
      next = overflow.readUInt32BE(0)
    }
    return Buffer.concat(parts)
  }

  private async page(number: number): Promise<Buffer> {
    const page = await this.readAt((number - 1) * this.pageBytes, this.pageBytes)
    if (number < 1 || page.length < this.pageBytes) throw new RangeError(`page ${number} is missing`)
    return page
  }
}
