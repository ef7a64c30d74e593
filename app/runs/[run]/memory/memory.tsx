'use client'
import { useMemo } from 'react'
import { Legend } from '../../../chart/legend'
import { LineChart } from '../../../chart/line-chart'
import { CATEGORIES, predictedBar, rankBar } from '../../../data/memory-bars'
import type { PredictedRun } from '../../../data/prediction'
import { gpuId } from '../../../data/run-view'
import type { GpuSeries, HostSeries, RankInfo } from '../../../../wire/api'
import { Card } from '../../../ui/card'
import { MemoryBars, partColor } from './memory-bars'
import { MemoryTable } from './memory-table'
import { StageTable } from './stage-table'
import styles from '../run.module.css'

const MOST_BARS = 16

/** Lines of memory in use: of the devices where there are some, else of the hosts. */
function useMemoryLines(gpus: readonly GpuSeries[], hosts: readonly HostSeries[]) {
  return useMemo(() => {
    const devices = gpus.map(gpu => ({ name: gpuId(gpu), x: gpu.time, y: gpu.memoryUsedBytes }))
    return devices.length > 0
      ? devices
      : hosts.map(host => ({ name: host.node, x: host.time, y: host.memoryUsedBytes }))
  }, [gpus, hosts])
}

interface OverTimeProps {
  gpus: readonly GpuSeries[]
  hosts: readonly HostSeries[]
  predictedBytes: number | undefined
}

function OverTime({ gpus, hosts, predictedBytes }: OverTimeProps) {
  const lines = useMemoryLines(gpus, hosts)
  const isDevice = gpus.length > 0
  const predicted = isDevice ? predictedBytes : undefined
  const input = useMemo(() => ({ lines, predicted, unit: 'bytes' as const, axis: 'time' as const }), [lines, predicted])
  return (
    <Card title={isDevice ? 'Memory in use by GPU' : 'Host memory in use'}>
      <LineChart
        input={input}
        label="Memory in use over time"
        height={190}
        empty="No agent samples memory yet: see the cluster page."
      />
    </Card>
  )
}

interface MemoryProps {
  ranks: readonly RankInfo[]
  gpus: readonly GpuSeries[]
  hosts: readonly HostSeries[]
  predicted: PredictedRun | undefined
}

/** What holds the memory of each rank, beside what should. */
export function Memory({ ranks, gpus, hosts, predicted }: MemoryProps) {
  const expected = predicted === undefined ? undefined : predictedBar(predicted.prediction.memory)
  const stages = predicted?.prediction.memory.stages
  const all = ranks.map(rank => rankBar(rank, gpus)).filter(bar => bar !== undefined)
  const bars = all.toSorted((a, b) => b.totalBytes - a.totalBytes).slice(0, MOST_BARS)
  const shown = all.filter(bar => bars.includes(bar))
  const names = [
    ...new Set(
      [...(expected === undefined ? [] : [expected]), ...shown].flatMap(bar => bar.parts.map(part => part.name)),
    ),
  ]
  const note = all.length > MOST_BARS ? `The ${MOST_BARS} fullest of ${all.length} ranks.` : undefined
  return (
    <div className={styles.main}>
      <div className={styles.triple}>
        <Card
          title={gpus.length > 0 ? 'Memory by rank' : 'Memory by rank (host)'}
          aside={<Legend entries={names.map(name => ({ name, color: partColor(name) }))} />}
          {...(note === undefined ? {} : { note })}
        >
          <MemoryBars expected={expected} bars={shown} />
        </Card>
        <OverTime gpus={gpus} hosts={hosts} predictedBytes={expected?.totalBytes} />
        <MemoryTable categories={CATEGORIES} ranks={ranks} predicted={predicted} />
      </div>
      {stages !== undefined && <StageTable stages={stages} ranks={ranks} />}
    </div>
  )
}
