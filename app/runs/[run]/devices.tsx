'use client'
import Link from 'next/link'
import { useMemo } from 'react'
import type { Unit } from '../../../base/units'
import type { HostSeries, NodeInfo } from '../../../wire/api'
import { Legend } from '../../chart/legend'
import { LineChart } from '../../chart/line-chart'
import type { RunView } from '../../data/run-view'
import { Card } from '../../ui/card'
import { GpuTable } from './gpu-table'
import styles from './run.module.css'

type HostColumn = Exclude<keyof HostSeries, 'node' | 'time'>

function HostChart({ title, column, unit, view }: { title: string; column: HostColumn; unit: Unit; view: RunView }) {
  const { hosts } = view
  const input = useMemo(
    () => ({
      lines: hosts.map(host => ({ name: host.node, x: host.time, y: host[column] })),
      unit,
      axis: 'time' as const,
    }),
    [hosts, column, unit],
  )
  const legend = hosts.slice(0, 8).map(({ node }, place) => ({ name: node, color: `var(--series-${place + 1})` }))
  return (
    <Card title={title} aside={<Legend entries={legend} />}>
      <LineChart input={input} label={`${title} over time`} height={130} empty="No agent samples this host yet." />
    </Card>
  )
}

const isGpuCollector = (name: string) => /smi|gpu/i.test(name)

/** Why there are no GPU figures, in the words of the collectors that looked for them. */
function NoGpus({ nodes }: { nodes: readonly NodeInfo[] }) {
  const said = nodes.flatMap(({ node, collectors }) =>
    collectors.filter(({ name, state }) => isGpuCollector(name) && state !== 'ok').map(each => ({ node, ...each })),
  )
  return (
    <Card title="GPUs">
      <p>
        No GPU is seen on {nodes.map(({ node }) => node).join(', ') || 'the nodes of this run'}: utilisation, device
        memory, power, clocks and temperature are missing. Steps, sync wait and host memory are shown all the same.
      </p>
      <ul className={styles.said}>
        {said.map(({ node, name, message, fix }) => (
          <li key={`${node} ${name}`}>
            <code>{name}</code> on {node}: {message ?? 'nothing to read here'}
            {fix !== null && <span className="muted"> Fix: {fix}</span>}
          </li>
        ))}
      </ul>
      <p className="muted">
        <code>plumbline doctor</code> on the node tells what it offers, what is missing, and how to get it. See also the{' '}
        <Link href="/nodes">nodes</Link>.
      </p>
    </Card>
  )
}

function Hosts({ view }: { view: RunView }) {
  const hasGpus = view.gpus.length > 0
  if (view.hosts.length === 0)
    return (
      <Card title="Hosts">
        <p className="muted">
          No agent samples processor, memory and network of {view.detail.summary.nodes.join(', ') || 'these hosts'}.
        </p>
      </Card>
    )
  return (
    <div className={styles.triple}>
      <HostChart title="Host CPU" column="cpuUtilizationRatio" unit="ratio" view={view} />
      {/* Without a GPU the memory of the host is shown above, in the place of the device's. */}
      {hasGpus && <HostChart title="Host memory" column="memoryUsedBytes" unit="bytes" view={view} />}
      <HostChart title="Network sent" column="networkTransmitBytesPerSecond" unit="bytesPerSecond" view={view} />
      {!hasGpus && (
        <HostChart title="Network received" column="networkReceiveBytesPerSecond" unit="bytesPerSecond" view={view} />
      )}
    </div>
  )
}

/** The machines under the run. */
export function Devices({ view, nodes }: { view: RunView; nodes: readonly NodeInfo[] }) {
  return (
    <>
      {view.gpus.length > 0 ? <GpuTable gpus={view.gpus} /> : <NoGpus nodes={nodes} />}
      <Hosts view={view} />
    </>
  )
}
