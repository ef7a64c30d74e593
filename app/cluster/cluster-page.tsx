'use client'
import { useSearchParams } from 'next/navigation'
import { useChangeAddress } from '../data/address'
import type { NodeInfo } from '../../wire/api'
import { useNodes } from '../data/use-polled'
import { Age } from '../ui/age'
import { Badge } from '../ui/badge'
import { Card } from '../ui/card'
import { Notice } from '../ui/notice'
import { Table, type Column } from '../ui/table'
import styles from './cluster.module.css'
import { HubsCard } from './hubs-card'
import { NodeCard } from './node-card'

const inState = ({ collectors }: NodeInfo, state: NodeInfo['collectors'][number]['state']) =>
  collectors.filter(collector => collector.state === state)

const sum = (values: readonly (number | null)[]) => values.reduce<number>((all, value) => all + (value ?? 0), 0)

const by = (provenance: 'measured' | 'derived', source: string) => ({ provenance, source })

const COLUMNS: readonly Column<NodeInfo>[] = [
  { name: 'node', title: 'Node', value: row => row.node, cell: row => <strong>{row.node}</strong> },
  {
    name: 'state',
    title: 'Agent',
    value: row => (row.connected ? 1 : 0),
    cell: row => <Badge tone={row.connected ? 'good' : 'warning'}>{row.connected ? 'connected' : 'away'}</Badge>,
  },
  {
    name: 'lastSeenAt',
    title: 'Last seen',
    number: true,
    about: by('derived', 'now − when a batch of its agent last came, both by the hub’s clock'),
    value: row => row.lastSeenAt,
    cell: row => <Age since={row.lastSeenAt} />,
  },
  {
    name: 'agents',
    title: 'Agents',
    number: true,
    isMinor: true,
    about: by('measured', 'that said hello to this hub from the node'),
    value: row => row.agents,
    cell: row => row.agents,
  },
  { name: 'version', title: 'Version', isMinor: true, value: row => row.version, cell: row => row.version ?? '–' },
  {
    name: 'ok',
    title: 'Collect',
    number: true,
    about: by('measured', 'collectors whose last look gave something, as the agent tells'),
    value: row => inState(row, 'ok').length,
    cell: row => inState(row, 'ok').length,
  },
  {
    name: 'failed',
    title: 'Fail',
    number: true,
    about: by(
      'measured',
      'collectors whose last look failed, as the agent tells; a tool that is not there has not failed',
    ),
    value: row => inState(row, 'failed').length,
    cell: row => <Failing collectors={inState(row, 'failed')} />,
  },
  {
    name: 'linesUnread',
    title: 'Lines not understood',
    number: true,
    about: by('derived', 'the sum over its collectors of lines that no format read, since the agent began'),
    isMinor: true,
    value: row => sum(row.collectors.map(({ linesUnread }) => linesUnread)),
    cell: row => sum(row.collectors.map(({ linesUnread }) => linesUnread)).toLocaleString('en-US'),
  },
  {
    name: 'refusals',
    title: 'Turned away',
    number: true,
    about: by('measured', 'agents of the node that this hub refused, since it began: a wrong token, another protocol'),
    value: row => row.refusals.length,
    cell: row => row.refusals.length,
  },
]

function Failing({ collectors }: { collectors: NodeInfo['collectors'] }) {
  if (collectors.length === 0) return <>0</>
  return <Badge tone="critical">{collectors.map(({ name }) => name).join(', ')}</Badge>
}

function Empty() {
  return (
    <Notice title="No agent has reported yet">
      <p>
        Start one on each node with <code>plumbline agent --hub URL</code>, where URL is the address of this page.
      </p>
      <p>
        <code>plumbline doctor</code> tells what a node offers and what is missing.
      </p>
    </Notice>
  )
}

/** One node is opened at once; several, where one is named by the address. */
function useOpenNode(nodes: readonly NodeInfo[]): [NodeInfo | undefined, (node: NodeInfo) => void] {
  const given = useSearchParams().get('node')
  const change = useChangeAddress()
  const open = nodes.find(({ node }) => node === given) ?? (nodes.length === 1 ? nodes[0] : undefined)
  return [open, ({ node }) => change({ node: node === given ? undefined : node })]
}

function Cluster({ nodes }: { nodes: readonly NodeInfo[] }) {
  const [open, choose] = useOpenNode(nodes)
  const connected = nodes.filter(node => node.connected).length
  const failing = nodes.filter(node => inState(node, 'failed').length > 0).length
  return (
    <>
      <div className={styles.head}>
        <h1>Cluster</h1>
        <p className="muted">
          {connected} of {nodes.length} nodes connected
          {failing > 0 && `, a collector fails on ${failing}`}
        </p>
      </div>
      <div className={styles.list}>
        <Card title="Nodes" aside="a row opens its collectors">
          <Table
            label="Nodes"
            columns={COLUMNS}
            rows={nodes}
            rowKey={row => row.node}
            scrolls
            onPick={choose}
            isPicked={row => row === open}
          />
        </Card>
        {open !== undefined && <NodeCard node={open} />}
        <HubsCard />
      </div>
    </>
  )
}

/** The health of the collection itself: every agent, what it collects, and what keeps it from collecting more. */
export function ClusterPage({ first }: { first: readonly NodeInfo[] | undefined }) {
  const { value: nodes, error } = useNodes(1000, first)
  if (nodes !== undefined) return nodes.length === 0 ? <Empty /> : <Cluster nodes={nodes} />
  if (error === undefined) return <p className="muted">Asking the hub for its nodes …</p>
  return (
    <Notice title="The list of nodes cannot be had" broken>
      <p>{error.message}</p>
      {error.fix !== undefined && <p>{error.fix}</p>}
    </Notice>
  )
}
