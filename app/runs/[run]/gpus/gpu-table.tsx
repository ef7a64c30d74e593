'use client'
import { useState } from 'react'
import { format, type Unit } from '../../../../base/units'
import type { GpuSeries } from '../../../../wire/api'
import { gpuId } from '../../../data/run-view'
import { Badge } from '../../../ui/badge'
import { Card } from '../../../ui/card'
import { Provenance } from '../../../ui/provenance'
import { Spark } from '../../../ui/spark'
import { Table, type Column } from '../../../ui/table'
import { Raw } from '../raw'
import styles from './gpu-table.module.css'

const FIRST_SHOWN = 16
/** Behind the newest of all devices by this much: no sample comes any more. */
const SILENT_SECONDS = 10

type Values = readonly (number | null)[]
const last = (values: Values) => values.at(-1) ?? null

function Multiple({ gpu, title, values, unit, high, of }: MultipleProps) {
  const now = last(values)
  return (
    <div className={styles.multiple}>
      <span>
        {format(now, unit)}
        {of !== undefined && of !== null && <span className="muted"> / {format(of, unit)}</span>}
      </span>
      <Spark values={values} low={0} high={high ?? undefined} label={`${title} of ${gpuId(gpu)}`} height={20} />
    </div>
  )
}
interface MultipleProps {
  gpu: GpuSeries
  title: string
  values: Values
  unit: Unit
  high?: number | null
  of?: number | null
}

function Name({ gpu }: { gpu: GpuSeries }) {
  return (
    <div className={styles.name}>
      <strong>
        {gpu.node} · GPU {gpu.index}
      </strong>
      <span className="muted">
        {gpu.name ?? 'unknown device'}
        {gpu.source === 'synthetic' && <em className={styles.synthetic}>synthetic</em>}
      </span>
    </div>
  )
}

function Throttle({ gpu, newest }: { gpu: GpuSeries; newest: number }) {
  if ((gpu.time.at(-1) ?? 0) < newest - SILENT_SECONDS) return <Badge tone="warning">no samples</Badge>
  const [first, ...more] = gpu.throttleReasons
  if (first === undefined) return <span className="muted">none</span>
  return (
    <Badge tone="warning" title={gpu.throttleReasons.join(', ')}>
      {first.replaceAll('_', ' ')}
      {more.length > 0 && ` +${more.length}`}
    </Badge>
  )
}

interface Counter {
  readonly title: string
  readonly unit: Unit
  readonly values: (gpu: GpuSeries) => Values
  /** The top of its line. */
  readonly high: (gpu: GpuSeries) => number | null
  /** Whether the top is a limit that is worth saying. */
  readonly showsHigh?: boolean
  readonly source: string
}

const most = (values: Values) => values.reduce<number>((high, value) => Math.max(high, value ?? 0), 0) || null

const COUNTERS: readonly Counter[] = [
  {
    title: 'Utilisation',
    unit: 'ratio',
    values: gpu => gpu.utilizationRatio,
    high: () => 1,
    source:
      'share of the sample period in which any kernel ran, not how full the device was: the vendor’s tool; means of each point',
  },
  {
    title: 'Memory',
    unit: 'bytes',
    values: gpu => gpu.memoryUsedBytes,
    high: gpu => last(gpu.memoryTotalBytes),
    showsHigh: true,
    source: 'in use by all processes, of the device’s capacity: the vendor’s tool; the most of each point',
  },
  {
    title: 'Power',
    unit: 'watts',
    values: gpu => gpu.powerWatts,
    high: gpu => last(gpu.powerLimitWatts),
    showsHigh: true,
    source: 'drawn, of the limit that is enforced: the vendor’s tool; means of each point',
  },
  {
    title: 'Temperature',
    unit: 'celsius',
    values: gpu => gpu.temperatureCelsius,
    high: () => 100,
    source: 'of the core: the vendor’s tool; the most of each point',
  },
  {
    title: 'SM clock',
    unit: 'hertz',
    values: gpu => gpu.smClockHertz,
    high: gpu => most(gpu.smClockHertz),
    source: 'of the multiprocessors: the vendor’s tool; means of each point',
  },
]

const columnOf = ({ title, unit, values, high, showsHigh = false, source }: Counter): Column<GpuSeries> => ({
  name: title,
  title,
  about: { provenance: 'measured', source },
  value: gpu => last(values(gpu)),
  cell: gpu => (
    <Multiple
      gpu={gpu}
      title={title}
      values={values(gpu)}
      unit={unit}
      high={high(gpu)}
      {...(showsHigh ? { of: high(gpu) } : {})}
    />
  ),
})

/** A counter that no device tells takes no room. */
function columnsOf(gpus: readonly GpuSeries[], newest: number): Column<GpuSeries>[] {
  const told = COUNTERS.filter(({ values }) => gpus.some(gpu => values(gpu).some(value => value !== null)))
  return [
    { name: 'gpu', title: 'Device', value: gpuId, cell: gpu => <Name gpu={gpu} /> },
    ...told.map(columnOf),
    {
      name: 'throttle',
      title: 'Throttled by',
      about: {
        provenance: 'measured',
        source: 'what holds the clocks down, as the driver tells it with the newest sample',
      },
      value: gpu => gpu.throttleReasons.join(' '),
      cell: gpu => <Throttle gpu={gpu} newest={newest} />,
    },
  ]
}

/** A row for each device, a small line for each of its counters. */
export function GpuTable({ gpus }: { gpus: readonly GpuSeries[] }) {
  const [all, setAll] = useState(false)
  const newest = Math.max(...gpus.map(gpu => gpu.time.at(-1) ?? 0))
  const synthetic = gpus.filter(gpu => gpu.source === 'synthetic').length
  const shown = all ? gpus : gpus.slice(0, FIRST_SHOWN)
  const sources = [...new Set(gpus.map(gpu => gpu.source ?? 'unknown source'))].join(', ')
  return (
    <Card
      title="GPUs"
      aside={
        <>
          <Raw of="gpus" />
          <span>{sources}</span>
          <Provenance kind="measured" />
        </>
      }
      {...(synthetic > 0
        ? { note: `Synthetic: the samples of ${synthetic} of ${gpus.length} devices are made up, no device was read.` }
        : {})}
    >
      <Table label="GPUs" columns={columnsOf(gpus, newest)} rows={shown} rowKey={gpuId} scrolls />
      {gpus.length > FIRST_SHOWN && (
        <button type="button" className={styles.more} onClick={() => setAll(!all)}>
          {all ? `Show the first ${FIRST_SHOWN}` : `Show all ${gpus.length}`}
        </button>
      )}
    </Card>
  )
}
