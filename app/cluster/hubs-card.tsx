import type { HubInfo } from '../../wire/api'
import { door } from '../data/door'
import { usePolled } from '../data/use-polled'
import { Age } from '../ui/age'
import { Badge } from '../ui/badge'
import { Card } from '../ui/card'
import { Table, type Column } from '../ui/table'

const COLUMNS: readonly Column<HubInfo>[] = [
  {
    name: 'url',
    title: 'Hub',
    value: row => row.url,
    cell: row => (
      <>
        <strong>{row.url}</strong> {row.isThis && <Badge tone="neutral">answers here</Badge>}
      </>
    ),
  },
  { name: 'version', title: 'Version', value: row => row.version, cell: row => row.version },
  {
    name: 'startedAt',
    title: 'Started',
    number: true,
    value: row => row.startedAt,
    cell: row => <Age since={row.startedAt} />,
  },
]

/** The hubs that share this hub's store; nothing for a hub alone. */
export function HubsCard() {
  const { value = [] } = usePolled('hubs', door.hubs, 5000)
  if (value.length === 0) return null
  return (
    <Card
      title="Hubs"
      note="They share one store: each run is looked at by one of them, and goes to another when that one is gone."
    >
      <Table label="Hubs" columns={COLUMNS} rows={value} rowKey={row => row.id} />
    </Card>
  )
}
