/** The figures that exporters give away: the newest value of every device, host, link and collector. */
import { fieldsOf, prometheusName, type Kind } from '../wire/metrics'
import type { Batch, Table } from '../wire/table'

export interface Exporter {
  observe(batch: Batch): void
  close(): Promise<void>
}

/** Kinds that are exported, with the text and number fields that tell one series from another. */
const LABELS = {
  gpu: ['node', 'index', 'name'],
  host: ['node'],
  link: ['node', 'device', 'port'],
  collector: ['node', 'name'],
} as const
type Exported = keyof typeof LABELS

export interface Series {
  readonly name: string
  readonly help: string
  readonly labels: Record<string, string>
  readonly value: number
}

function* seriesOf(table: Table, kind: Exported): Iterable<Series> {
  const labelNames: readonly string[] = LABELS[kind]
  for (let row = 0; row < table.rows; row += 1) {
    const read = (name: string) => table.get(row, name as never)
    const labels = Object.fromEntries(labelNames.map(name => [name, String(read(name) ?? '')]))
    for (const [name, field] of fieldsOf(kind)) {
      if (field.type !== 'number' || name === 'time' || labelNames.includes(name)) continue
      const value = read(name)
      if (typeof value === 'number') yield { name: prometheusName(kind, name, field), help: field.help, labels, value }
    }
  }
}

export function exportedSeries(batch: Batch): Series[] {
  return batch.tables().flatMap(table => (isExported(table.kind) ? [...seriesOf(table, table.kind)] : []))
}

const isExported = (kind: Kind): kind is Exported => Object.hasOwn(LABELS, kind)
