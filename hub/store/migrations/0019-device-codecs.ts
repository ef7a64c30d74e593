/**
 * What samples of devices take. Rates are whole bytes, and tools print them in MB or KiB: what is left of one when the unit
 * is divided out are its digits alone. Of 5.5 million simulated samples NVLink's rates take 1.91 bytes each where as
 * Float64 with Gorilla they took 3.86, PCIe's 1.45 instead of 2.20; times 0.18 instead of 0.88, as devices of a node have
 * the same; times of arrival 0.13 instead of 0.48; throttle reasons, of which there are few, 0.02 instead of 0.41.
 * Parts are rewritten as they merge; types of what is there are changed behind what goes on, and until then as they are read.
 */
import type { Migration } from './migration'

const RATES = ['nvlink', 'pcie'].flatMap(way => ['Receive', 'Transmit'].map(end => `${way}${end}BytesPerSecond`))

const CHANGES = [
  ...['time', 'receivedAt'].map(name => `MODIFY COLUMN \`${name}\` CODEC(ZSTD(1))`),
  ...RATES.map(name => `MODIFY COLUMN \`${name}\` Nullable(Int64) CODEC(GCD, T64, ZSTD(1))`),
  'MODIFY COLUMN `throttleReasons` LowCardinality(String) CODEC(ZSTD(1))',
]

export const deviceCodecs: Migration = {
  version: 19,
  name: 'device-codecs',
  statements: [`ALTER TABLE \`gpu\` ${CHANGES.join(', ')} SETTINGS alter_sync = 0`],
}
