/**
 * The wire format of Protocol Buffers: https://protobuf.dev/programming-guides/encoding/. It walks over the bytes and builds
 * nothing, so a hostile message costs no more than its own length.
 */
import { varint } from './varint'

export class ProtobufError extends Error {}

/** One field of a message: a number for varints and fixed widths, bytes for what has a length. */
export interface Field {
  readonly number: number
  readonly wire: number
  readonly value: bigint
  readonly bytes: Buffer
}

const NO_BYTES = Buffer.alloc(0)
const WIRE = { varint: 0, fixed64: 1, lengthDelimited: 2, fixed32: 5 } as const

function readVarint(bytes: Buffer, from: number): { value: bigint; end: number } {
  let value = 0n
  for (let shift = 0; shift < 10; shift += 1) {
    const byte = bytes[from + shift]
    if (byte === undefined) throw new ProtobufError('the message is cut off')
    value |= BigInt(byte & 0x7f) << BigInt(7 * shift)
    if (byte < 0x80) return { value: BigInt.asUintN(64, value), end: from + shift + 1 }
  }
  throw new ProtobufError('a number is longer than ten bytes')
}

/** The fields of a message in their order. Throws ProtobufError where the bytes are no message. */
export function* fieldsOf(message: Buffer): Generator<Field> {
  for (let at = 0; at < message.length;) {
    const tag = readVarint(message, at)
    const number = Number(tag.value >> 3n)
    const wire = Number(tag.value & 7n)
    at = tag.end
    if (number === 0) throw new ProtobufError('a field has the number 0')
    if (wire === WIRE.varint) {
      const { value, end } = readVarint(message, at)
      at = end
      yield { number, wire, value, bytes: NO_BYTES }
      continue
    }
    let length = wire === WIRE.fixed64 ? 8 : 4
    if (wire === WIRE.lengthDelimited) {
      const read = readVarint(message, at)
      at = read.end
      length = read.value > BigInt(message.length) ? message.length + 1 : Number(read.value)
    } else if (wire !== WIRE.fixed64 && wire !== WIRE.fixed32) throw new ProtobufError(`wire type ${wire} is not known`)
    if (at + length > message.length) throw new ProtobufError('the message is cut off')
    yield { number, wire, value: 0n, bytes: message.subarray(at, at + length) }
    at += length
  }
}

/** The messages in the fields of this number. */
export function* messagesOf(message: Buffer, number: number): Generator<Buffer> {
  for (const field of fieldsOf(message))
    if (field.number === number && field.wire === WIRE.lengthDelimited) yield field.bytes
}

const head = (number: number, wire: number) => varint(number * 8 + wire)

/** A field: a whole number that is not negative, a text, or a message. */
export function encodeField(number: number, value: number | string | Buffer): Buffer {
  if (typeof value === 'number') return Buffer.concat([head(number, WIRE.varint), varint(value)])
  const bytes = typeof value === 'string' ? Buffer.from(value) : value
  return Buffer.concat([head(number, WIRE.lengthDelimited), varint(bytes.length), bytes])
}

/** A field of type `double`. */
export function encodeDouble(number: number, value: number): Buffer {
  const bytes = Buffer.alloc(8)
  bytes.writeDoubleLE(value)
  return Buffer.concat([head(number, WIRE.fixed64), bytes])
}
