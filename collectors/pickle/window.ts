/**
 * The bytes of a pickle as they come: a window that moves on. What needs more bytes than there are throws STARVED; the
 * opcode is then read again from its beginning, with more. What is held is one chunk and the longest operand.
 */
import { PlumblineError } from '../../base/errors'

export const STARVED = Symbol('more bytes are needed')

/** A text or bytes of more are no frame, no name and no figure. */
const MOST_OPERAND_BYTES = 16 * 1024 * 1024
/** An integer of more bytes is an attack on the time of its conversion. */
const MOST_INTEGER_BYTES = 64
const MOST_LINE_BYTES = 4096
const LINE_FEED = 0x0a

export const bad = (what: string): PlumblineError =>
  new PlumblineError(`not a pickle that can be read: ${what}`, {
    fix: 'write the dump again; it may have been cut off',
  })

const plainInteger = (value: bigint): number | bigint =>
  value >= Number.MIN_SAFE_INTEGER && value <= Number.MAX_SAFE_INTEGER ? Number(value) : value

export class Window {
  private bytes: Buffer = Buffer.alloc(0)
  private at = 0
  private begin = 0
  private passed = 0
  private waiting: Buffer[] = []
  private waitingBytes = 0
  /** Bytes that the opcode under way wants beyond its beginning. */
  private wanted = 0
  private ended = false

  /** False: still too few for the opcode that starved. */
  push(chunk: Buffer): boolean {
    this.waiting.push(chunk)
    this.waitingBytes += chunk.length
    const rest = this.bytes.length - this.begin
    if (rest + this.waitingBytes < this.wanted) return false
    this.bytes = rest === 0 && this.waiting.length === 1 ? chunk : this.joined()
    this.passed += this.begin
    this.waiting = []
    this.waitingBytes = 0
    this.at = this.begin = 0
    return true
  }
  /** No more will come: from now on what is missing is an error. */
  end(): void {
    this.ended = true
    if (this.waitingBytes > 0) throw bad('it ends too early')
  }
  /** Back to the beginning of the opcode that starved. */
  rewind(): void {
    this.at = this.begin
  }
  /** The byte of the next opcode. */
  opcode(): number {
    this.begin = this.at
    return this.u8()
  }
  /** Where the opcode under way stands in the file. */
  get position(): number {
    return this.passed + this.begin
  }

  u8(): number {
    const value = this.bytes[this.at]
    if (value === undefined) return this.starve(1)
    this.at += 1
    return value
  }
  u16(): number {
    return this.bytes.readUInt16LE(this.skip(2))
  }
  u32(): number {
    return this.bytes.readUInt32LE(this.skip(4))
  }
  i32(): number {
    return this.bytes.readInt32LE(this.skip(4))
  }
  double(): number {
    return this.bytes.readDoubleBE(this.skip(8))
  }
  /** The length of an operand, in so many bytes. */
  length(width: 1 | 4 | 8): number {
    const length = width === 1 ? this.u8() : width === 4 ? this.u32() : Number(this.bytes.readBigUInt64LE(this.skip(8)))
    if (length > MOST_OPERAND_BYTES) throw bad(`a length of ${length}`)
    return length
  }
  text(count: number): string {
    const begin = this.skip(count)
    return this.bytes.toString('utf8', begin, begin + count)
  }
  /** A copy: what is kept must not keep the chunk. */
  copy(count: number): Buffer {
    const begin = this.skip(count)
    return Buffer.from(this.bytes.subarray(begin, begin + count))
  }
  integer(count: number): number | bigint {
    if (count > MOST_INTEGER_BYTES) throw bad(`an integer of ${count} bytes`)
    const begin = this.skip(count)
    if (count === 0) return 0
    if (count <= 6) return this.bytes.readIntLE(begin, count)
    const value = count === 7 ? this.bytes.readInt8(begin + 6) * 2 ** 48 + this.bytes.readUIntLE(begin, 6) : NaN
    if (Number.isSafeInteger(value)) return value
    const hex = Buffer.from(this.bytes.subarray(begin, begin + count))
      .reverse()
      .toString('hex')
    return plainInteger(BigInt.asIntN(count * 8, BigInt(`0x${hex}`)))
  }
  /** Of protocol 0: an integer or a boolean. */
  decimal(): number | bigint | boolean {
    const text = this.line()
    if (text === '00' || text === '01') return text === '01'
    if (!/^-?\d{1,150}L?$/.test(text)) throw bad(`an integer ${JSON.stringify(text.slice(0, 40))}`)
    return plainInteger(BigInt(text.replace('L', '')))
  }
  line(): string {
    const end = this.bytes.indexOf(LINE_FEED, this.at)
    if (end - this.at > MOST_LINE_BYTES || (end === -1 && this.bytes.length - this.at > MOST_LINE_BYTES))
      throw bad('a line without end')
    if (end === -1) return this.starve(1)
    const text = this.bytes.toString('utf8', this.at, end)
    this.at = end + 1
    return text
  }
  /** Where the next bytes begin. */
  skip(count: number): number {
    if (count > this.bytes.length - this.at) return this.starve(count)
    this.at += count
    return this.at - count
  }

  private starve(count: number): never {
    if (this.ended) throw bad('it ends too early')
    this.wanted = this.at - this.begin + count
    // No error: a signal, once a chunk.
    throw STARVED
  }
  private joined(): Buffer {
    return Buffer.concat([this.bytes.subarray(this.begin), ...this.waiting])
  }
}
