/** Writes a whole number in groups of seven bits, the least first: as Protocol Buffers, snappy and ClickHouse's Native format write lengths. Gives where it ends. */
export function putVarint(bytes: Uint8Array, at: number, value: number): number {
  let rest = value
  let place = at
  for (; rest >= 0x80; rest = Math.floor(rest / 0x80)) bytes[place++] = (rest % 0x80) | 0x80
  bytes[place++] = rest
  return place
}

/** The longest that a whole number of JavaScript becomes. */
const MOST_BYTES = 8

export function varint(value: number): Buffer {
  const bytes = Buffer.alloc(MOST_BYTES)
  return bytes.subarray(0, putVarint(bytes, 0, value))
}
