'use client'
import { format } from '../../../../base/units'
import type { Explanation } from '../../../../math/explain'
import type { StageSummary } from '../../../../math/memory'
import { Card } from '../../../ui/card'
import { Source } from '../../../ui/figure'
import { Provenance } from '../../../ui/provenance'
import { Table, type Column } from '../../../ui/table'
import styles from './arithmetic.module.css'

export interface Row {
  readonly path: string
  readonly explanation: Explanation
}

/** `memory.optimizerBytes` → `optimizer`, `flops.perToken` → `FLOPs per token`; the unit stands in the value. */
function titleOf(path: string): string {
  if (path === 'mfu' || path === 'hfu') return path.toUpperCase()
  if (path === 'step.seconds') return 'step time'
  if (path.startsWith('flops.parts.')) return `of which ${wordsOf(path.slice('flops.'.length)).replace('ffn', 'FFN')}`
  return `${path.startsWith('flops.') ? 'FLOPs ' : ''}${wordsOf(path)}`
}

const wordsOf = (path: string) =>
  path
    .slice(path.indexOf('.') + 1)
    .replace(/(Bytes|Seconds|Ratio)$/, '')
    .replace(/\./g, ' ')
    .replace(/([a-z])([A-Z])/g, '$1 $2')
    .toLowerCase()

const COLUMNS: readonly Column<Row>[] = [
  {
    name: 'figure',
    title: 'Figure',
    width: '14%',
    cell: ({ path }) => (
      <a id={path} href={`#${path}`}>
        {titleOf(path)}
      </a>
    ),
  },
  {
    name: 'value',
    title: 'Value',
    number: true,
    width: '9%',
    cell: ({ explanation: { value, unit } }) => format(value, unit),
  },
  {
    name: 'formula',
    title: 'Formula, and the numbers in it',
    width: '50%',
    cell: ({ explanation: { formula, substituted, assumption } }) => (
      <div className={styles.formula}>
        <code>{formula}</code>
        {substituted !== formula && <code className="muted">= {substituted}</code>}
        {assumption !== undefined && <p className="muted">{assumption}</p>}
      </div>
    ),
  },
  { name: 'source', title: 'Source', isMinor: true, cell: ({ explanation }) => <Source source={explanation.source} /> },
]

const GROUPS = [
  { name: 'model', title: 'Model and FLOPs' },
  { name: 'memory', title: 'Memory of one device of the fullest stage' },
  { name: 'communication', title: 'Communication of one device and step' },
  { name: 'step', title: 'Step time and utilisation' },
] as const

function groupOf(path: string): (typeof GROUPS)[number]['name'] {
  if (path.startsWith('memory.')) return 'memory'
  if (path.startsWith('communication.')) return 'communication'
  return path.startsWith('step.') || path === 'mfu' || path === 'hfu' ? 'step' : 'model'
}

/** Constants fitted to what the run showed: what the formulas leave open. */
export function CalibrationCard({ rows }: { rows: readonly Row[] }) {
  return (
    <Card title="Calibrated on this run" aside={<Provenance kind="derived" />}>
      {rows.length === 0 ? (
        <p className="muted">
          Nothing to fit yet: it takes measured steps, a known peak, and what the framework had allocated at most.
        </p>
      ) : (
        <Table label="Calibrated on this run" columns={COLUMNS} rows={rows} rowKey={({ path }) => path} />
      )}
    </Card>
  )
}

const STAGE_COLUMNS: readonly Column<StageSummary>[] = [
  { name: 'stage', title: 'Stage', number: true, cell: ({ stage }) => stage },
  { name: 'layers', title: 'Layers', number: true, cell: ({ layers }) => layers },
  { name: 'parameters', title: 'Parameters', number: true, cell: one => format(one.deviceParameters, 'count') },
  { name: 'inFlight', title: 'Micro-batches in flight', number: true, cell: one => Number(one.inFlight.toFixed(2)) },
  { name: 'states', title: 'Model states', number: true, cell: one => format(one.statesBytes, 'bytes') },
  { name: 'activations', title: 'Activations', number: true, cell: one => format(one.activationsBytes, 'bytes') },
  { name: 'buffers', title: 'Buffers', number: true, cell: one => format(one.buffersBytes, 'bytes') },
  { name: 'total', title: 'Total', number: true, cell: one => format(one.totalBytes, 'bytes') },
]

/** What a device of each pipeline stage holds; nothing where there is one stage. */
export function Stages({ stages }: { stages: readonly StageSummary[] | undefined }) {
  if (stages === undefined) return null
  const title = 'Memory by pipeline stage'
  return (
    <Card title={title} aside="of one device">
      <Table label={title} columns={STAGE_COLUMNS} rows={stages} rowKey={({ stage }) => String(stage)} />
    </Card>
  )
}

export function Figures({ explain }: { explain: Readonly<Record<string, Explanation>> }) {
  const rows = Object.entries(explain).map(([path, explanation]) => ({ path, explanation }))
  return GROUPS.map(({ name, title }) => {
    const mine = rows.filter(({ path }) => groupOf(path) === name)
    if (mine.length === 0) return null
    return (
      <Card key={name} title={title}>
        <Table label={title} columns={COLUMNS} rows={mine} rowKey={({ path }) => path} />
      </Card>
    )
  })
}
