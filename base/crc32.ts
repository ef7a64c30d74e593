/** Cyclic redundancy checks of 32 bits. */
import * as zlib from 'node:zlib'

/** A check by table of the polynomial, its bits reversed. */
function byTable(polynomial: number): (bytes: Uint8Array) => number {
  const table = Uint32Array.from({ length: 256 }, (_, index) => {
    let value = index
    for (let bit = 0; bit < 8; bit += 1) value = value & 1 ? (value >>> 1) ^ polynomial : value >>> 1
    return value
  })
  return bytes => {
    let crc = 0xffffffff
    for (const byte of bytes) crc = (crc >>> 8) ^ (table[(crc ^ byte) & 0xff] ?? 0)
    return (crc ^ 0xffffffff) >>> 0
  }
}

export const crc32ByTable = byTable(0xedb88320)

const { crc32: native } = zlib as { crc32?: (bytes: Uint8Array) => number }

/** CRC-32 (IEEE 802.3). Node has it in `zlib` only from 20.15 on, and Plumbline runs from 20.9: a table stands in there. */
export const crc32: (bytes: Uint8Array) => number = native ?? crc32ByTable

/** CRC-32C (Castagnoli), that of TFRecord: https://www.rfc-editor.org/rfc/rfc3720#appendix-B.4 */
export const crc32c = byTable(0x82f63b78)
