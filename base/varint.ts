/** A whole number in groups of seven bits, the least first: as Protocol Buffers, snappy and ClickHouse's Native format write lengths. */
export function varint(value: number): Buffer {
  const bytes: number[] = []
  let rest = value
  for (; rest >= 0x80; rest = Math.floor(rest / 0x80)) bytes.push((rest % 0x80) | 0x80)
  return Buffer.from([...bytes, rest])
}
