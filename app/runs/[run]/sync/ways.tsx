'use client'
import type { Ways } from '../../../../wire/ways'
import { Card } from '../../../ui/card'
import { Provenance } from '../../../ui/provenance'
import { Table, type Column } from '../../../ui/table'

type NodeWays = Ways['nodes'][number]
type RankWay = Ways['ranks'][number]
interface Row {
  readonly device: string
  readonly ways: readonly string[]
}

/** As nvidia-smi's legend has them, the fastest first; AMD's tools know two. */
const MEANINGS: readonly (readonly [pattern: RegExp, meaning: string])[] = [
  [/^NV\d/, 'NVLink, of so many links'],
  [/^XGMI$/, 'AMD’s Infinity Fabric'],
  [/^PIX$/, 'one PCIe bridge'],
  [/^PXB$/, 'several PCIe bridges'],
  [/^PHB$/, 'PCIe and the processor’s host bridge'],
  [/^PCIE$/, 'PCIe'],
  [/^NODE$/, 'PCIe bridges of one NUMA node'],
  [/^SYS$/, 'the link between processors: the slowest'],
]

function legendOf({ ways }: NodeWays): string {
  const said = [...new Set(ways.flat())]
  return MEANINGS.flatMap(([pattern, meaning]) => {
    const own = said.filter(way => pattern.test(way)).sort()
    return own.length > 0 ? [`${own.join(', ')}: ${meaning}`] : []
  }).join('; ')
}

function titleOf({ nodes }: NodeWays): string {
  return nodes.length === 1 ? `Ways within ${nodes[0] ?? ''}` : `Ways within ${nodes.length} nodes that are alike`
}

function NodeTable({ entry }: { entry: NodeWays }) {
  const rows = entry.devices.map((device, at): Row => ({ device, ways: entry.ways[at] ?? [] }))
  const columns: Column<Row>[] = [
    { name: 'device', title: 'From', cell: ({ device }) => device, value: ({ device }) => device },
    ...entry.devices.map((device, at): Column<Row> => {
      const wayOf = (row: Row) => row.ways[at] ?? ''
      return {
        name: device,
        title: device,
        cell: row => (row.device === device ? '·' : wayOf(row) || '–'),
        value: row => wayOf(row) || null,
      }
    }),
  ]
  return <Table label={titleOf(entry)} columns={columns} rows={rows} rowKey={({ device }) => device} />
}

const RANKS: readonly Column<RankWay>[] = [
  { name: 'way', title: 'Way', cell: ({ way }) => way, value: ({ way }) => way },
  { name: 'pairs', title: 'Pairs of ranks', number: true, cell: ({ pairs }) => pairs, value: ({ pairs }) => pairs },
  { name: 'example', title: 'One of them', cell: ({ example }) => example, value: ({ example }) => example },
]

/** By what way the devices of a node, and ranks, reach one another. */
export function WaysCards({ ways }: { ways: Ways | undefined }) {
  if (ways === undefined) return null
  return (
    <>
      {ways.nodes.map(entry => (
        <Card
          key={entry.nodes.join(' ')}
          title={titleOf(entry)}
          aside={<Provenance kind="measured" />}
          note={`${legendOf(entry)}.${entry.nodes.length > 1 ? ` Nodes: ${entry.nodes.join(', ')}.` : ''}`}
        >
          <NodeTable entry={entry} />
        </Card>
      ))}
      {ways.ranks.length > 0 && (
        <Card
          title="Ways between ranks"
          aside={<Provenance kind="measured" />}
          note="As NCCL said at its start with NCCL_DEBUG=INFO: NET is over the network, P2P and SHM within a node."
        >
          <Table label="Ways between ranks" columns={RANKS} rows={ways.ranks} rowKey={({ way }) => way} />
        </Card>
      )}
    </>
  )
}
