/**
 * What moves within an order of magnitude and is printed with many digits: of 524,160 simulated samples NVLink's rates take
 * 2.08 MB with Gorilla before ZSTD where they took 2.57; PCIe's rates 1.19 instead of 1.26, and the activities that are
 * printed as tenths of a percent 0.84 instead of 0.92 at a higher level. Parts are rewritten as they merge.
 */
import type { Migration } from './migration'

const CODECS: readonly (readonly [codec: string, columns: readonly string[]])[] = [
  ['Gorilla, ZSTD(1)', ['nvlinkReceiveBytesPerSecond', 'nvlinkTransmitBytesPerSecond']],
  ['ZSTD(3)', ['pcieReceiveBytesPerSecond', 'pcieTransmitBytesPerSecond']],
  ['ZSTD(3)', ['tensorActiveRatio', 'smActiveRatio', 'dramActiveRatio']],
]

export const rateCodecs: Migration = {
  version: 16,
  name: 'rate-codecs',
  statements: CODECS.map(([codec, names]) => {
    const changes = names.map(name => `MODIFY COLUMN \`${name}\` CODEC(${codec})`)
    return `ALTER TABLE \`gpu\` ${changes.join(', ')}`
  }),
}
