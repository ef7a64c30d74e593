/** The figures that exporters give away: the newest value of every device, host, link and collector. */
import { fieldsOf, type Kind } from '../wire/metrics'
import { prometheusName } from '../wire/prometheus-name'
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
  /** `gpu.powerWatts`, as the catalogue has it. */
  readonly field: string
  /** As Prometheus has it. */
  readonly name: string
  readonly counter: boolean
  readonly help: string
  readonly labels: Readonly<Record<string, string>>
  readonly value: number
}

function* seriesOf(table: Table, kind: Exported): Iterable<Series> {
  const labelNames: readonly string[] = LABELS[kind]
  for (let row = 0; row < table.rows; row += 1) {
    const read = (name: string): unknown => table.get(row, name as never)
    const labels = Object.fromEntries(labelNames.map(name => [name, String(read(name) ?? '')]))
    for (const [name, field] of fieldsOf(kind)) {
      if (field.type !== 'number' || name === 'time' || labelNames.includes(name)) continue
      const value = read(name)
      if (typeof value !== 'number') continue
      const exported = prometheusName(kind, name, field)
      yield {
        field: `${kind}.${name}`,
        name: exported.name,
        counter: field.counter,
        help: field.help,
        labels,
        value: value * exported.factor,
      }
    }
    if (kind === 'link') yield* linkErrors(read('errors'), labels)
  }
}

/** A series for each counter of errors of a link. */
function* linkErrors(errors: unknown, labels: Series['labels']): Iterable<Series> {
  if (typeof errors !== 'object' || errors === null) return
  for (const [error, value] of Object.entries(errors)) {
    if (typeof value !== 'number') continue
    yield {
      field: 'link.errors',
      name: 'plumbline_link_errors_total',
      counter: true,
      help: 'Errors of the link, by the name of their counter.',
      labels: { ...labels, error },
      value,
    }
  }
}

export function exportedSeries(batch: Batch): Series[] {
  return batch.tables().flatMap(table => (isExported(table.kind) ? [...seriesOf(table, table.kind)] : []))
}

const isExported = (kind: Kind): kind is Exported => Object.hasOwn(LABELS, kind)

/** A series that was not seen for so long is not shown any more: an old value is not a present one. */
const STALE_MS = 60_000

/** The newest of each series, by name. */
export class Newest {
  private readonly byName = new Map<string, Map<string, { series: Series; at: number }>>()

  set(series: Series): void {
    let family = this.byName.get(series.name)
    if (family === undefined) this.byName.set(series.name, (family = new Map()))
    family.set(JSON.stringify(series.labels), { series, at: Date.now() })
  }

  get names(): Iterable<string> {
    return this.byName.keys()
  }

  /** Those of a name that are not stale. */
  of(name: string): Series[] {
    const family = this.byName.get(name)
    if (family === undefined) return []
    for (const [key, { at }] of family) if (at < Date.now() - STALE_MS) family.delete(key)
    return [...family.values()].map(({ series }) => series)
  }
}
