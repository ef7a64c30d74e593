/** CRC-32 (IEEE 802.3). Node has it in `zlib` only from 20.15 on, and Plumbline runs from 20.9: a table stands in there. */
import * as zlib from 'node:zlib'

const TABLE = Uint32Array.from({ length: 256 }, (_, index) => {
  let value = index
  for (let bit = 0; bit < 8; bit += 1) value = value & 1 ? (value >>> 1) ^ 0xedb88320 : value >>> 1
  return value
})

export function crc32ByTable(bytes: Uint8Array): number {
  let crc = 0xffffffff
  for (const byte of bytes) crc = (crc >>> 8) ^ (TABLE[(crc ^ byte) & 0xff] ?? 0)
  return (crc ^ 0xffffffff) >>> 0
}

const { crc32: native } = zlib as { crc32?: (bytes: Uint8Array) => number }

export const crc32: (bytes: Uint8Array) => number = native ?? crc32ByTable
