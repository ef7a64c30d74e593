/**
 * The wire format of Protocol Buffers: https://protobuf.dev/programming-guides/encoding/. It walks over the bytes and builds
 * nothing, so a hostile message costs no more than its own length.
 */
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

const varint = (value: number): number[] =>
  value < 0x80 ? [value] : [(value % 0x80) | 0x80, ...varint(Math.floor(value / 0x80))]

/** A field for an answer: whole numbers and texts are all that an answer of OTLP holds, and messages of them. */
export function encodeField(number: number, value: number | string | Buffer): Buffer {
  if (typeof value === 'number') return Buffer.from([...varint(number * 8 + WIRE.varint), ...varint(value)])
  const bytes = Buffer.from(value as string)
  return Buffer.concat([Buffer.from([...varint(number * 8 + WIRE.lengthDelimited), ...varint(bytes.length)]), bytes])
}
