/** What exporters say of a device beyond nvidia-smi: PCIe traffic, remapped rows, and of which MIG instance they speak. */
import type { Migration } from './migration'

const number = (name: string) => `\`${name}\` Nullable(Float64) CODEC(Gorilla, ZSTD)`

export const deviceExporters: Migration = {
  version: 3,
  name: 'device-exporters',
  statements: [
    `ALTER TABLE \`gpu\` ADD COLUMN IF NOT EXISTS \`instance\` LowCardinality(String),
      ADD COLUMN IF NOT EXISTS ${number('pcieReceiveBytesPerSecond')},
      ADD COLUMN IF NOT EXISTS ${number('pcieTransmitBytesPerSecond')},
      ADD COLUMN IF NOT EXISTS ${number('remappedRowsUncorrectable')},
      ADD COLUMN IF NOT EXISTS ${number('remappedRowsCorrectable')}`,
  ],
}
