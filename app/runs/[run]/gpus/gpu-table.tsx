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

function columnsOf(newest: number): Column<GpuSeries>[] {
  const of = (
    title: string,
    unit: Unit,
    values: (gpu: GpuSeries) => Values,
    high: (gpu: GpuSeries) => number | null,
    showsHigh = false,
  ) => ({
    name: title,
    title,
    cell: (gpu: GpuSeries) => (
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
  return [
    { name: 'gpu', title: 'Device', cell: gpu => <Name gpu={gpu} /> },
    of(
      'Utilisation',
      'ratio',
      gpu => gpu.utilizationRatio,
      () => 1,
    ),
    of(
      'Memory',
      'bytes',
      gpu => gpu.memoryUsedBytes,
      gpu => last(gpu.memoryTotalBytes),
      true,
    ),
    of(
      'Power',
      'watts',
      gpu => gpu.powerWatts,
      gpu => last(gpu.powerLimitWatts),
      true,
    ),
    of(
      'Temperature',
      'celsius',
      gpu => gpu.temperatureCelsius,
      () => 100,
    ),
    of(
      'SM clock',
      'hertz',
      gpu => gpu.smClockHertz,
      gpu => Math.max(0, ...gpu.smClockHertz.map(value => value ?? 0)) || null,
    ),
    { name: 'throttle', title: 'Throttled by', cell: gpu => <Throttle gpu={gpu} newest={newest} /> },
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
          <span>{sources}</span>
          <Provenance kind="measured" />
        </>
      }
      {...(synthetic > 0
        ? { note: `Synthetic: the samples of ${synthetic} of ${gpus.length} devices are made up, no device was read.` }
        : {})}
    >
      <Table label="GPUs" columns={columnsOf(newest)} rows={shown} rowKey={gpuId} scrolls />
      {gpus.length > FIRST_SHOWN && (
        <button type="button" className={styles.more} onClick={() => setAll(!all)}>
          {all ? `Show the first ${FIRST_SHOWN}` : `Show all ${gpus.length}`}
        </button>
      )}
    </Card>
  )
}
