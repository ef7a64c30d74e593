'use client'
import { memo, useMemo } from 'react'
import type { Unit } from '../../../../base/units'
import type { GpuSeries, HostSeries, NodeInfo } from '../../../../wire/api'
import { LineChart } from '../../../chart/line-chart'
import { Card } from '../../../ui/card'
import { nodesText } from '../../../data/health'
import { GpuTable } from './gpu-table'
import styles from '../run.module.css'
import { Link } from '../../../ui/link'

type HostColumn = Exclude<keyof HostSeries, 'node' | 'time'>

interface HostChartProps {
  title: string
  column: HostColumn
  unit: Unit
  hosts: readonly HostSeries[]
}

function HostChart({ title, column, unit, hosts }: HostChartProps) {
  const input = useMemo(
    () => ({
      lines: hosts.map(host => ({ name: host.node, x: host.time, y: host[column] })),
      unit,
      axis: 'time' as const,
    }),
    [hosts, column, unit],
  )
  return (
    <Card title={title}>
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
        <Link href="/cluster">cluster</Link>.
      </p>
    </Card>
  )
}

function Hosts({
  hosts,
  hasGpus,
  nodes,
}: {
  hosts: readonly HostSeries[]
  hasGpus: boolean
  nodes: readonly string[]
}) {
  if (hosts.length === 0)
    return (
      <Card title="Hosts">
        <p className="muted">No agent samples processor, memory and network of {nodesText(nodes)}.</p>
      </Card>
    )
  return (
    <div className={styles.triple}>
      <HostChart title="Host CPU" column="cpuUtilizationRatio" unit="ratio" hosts={hosts} />
      {/* Without a GPU the memory of the host is shown above, in the place of the device's. */}
      {hasGpus && <HostChart title="Host memory" column="memoryUsedBytes" unit="bytes" hosts={hosts} />}
      <HostChart title="Network sent" column="networkTransmitBytesPerSecond" unit="bytesPerSecond" hosts={hosts} />
      {!hasGpus && (
        <HostChart title="Network received" column="networkReceiveBytesPerSecond" unit="bytesPerSecond" hosts={hosts} />
      )}
    </div>
  )
}

interface DevicesProps {
  gpus: readonly GpuSeries[] | undefined
  hosts: readonly HostSeries[] | undefined
  nodes: readonly NodeInfo[]
  /** Of the nodes of the run, whether or not an agent of theirs is known. */
  names: readonly string[]
}

/** The machines under the run. */
export const Devices = memo(function Devices({ gpus, hosts, nodes, names }: DevicesProps) {
  if (gpus === undefined || hosts === undefined) return null
  return (
    <>
      {gpus.length > 0 ? <GpuTable gpus={gpus} /> : <NoGpus nodes={nodes} />}
      <Hosts hosts={hosts} hasGpus={gpus.length > 0} nodes={names} />
    </>
  )
})
