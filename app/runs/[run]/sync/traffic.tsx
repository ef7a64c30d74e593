'use client'
import { format } from '../../../../base/units'
import type { FabricPicture } from '../../../../wire/fabric-picture'
import { Card } from '../../../ui/card'
import { Provenance } from '../../../ui/provenance'
import { Table, type Column } from '../../../ui/table'
import styles from './sync.module.css'

type Group = FabricPicture['groups'][number]
type Path = FabricPicture['paths'][number]

/** A speed as a bar of what others that are alike reach. */
function Speed({ own, peers }: { own: number | null; peers: number | null }) {
  if (own === null) return <>–</>
  const share = peers === null || peers <= 0 ? undefined : own / peers
  const state = share === undefined || share > 0.8 ? 'well' : share > 0.5 ? 'off' : 'blamed'
  return (
    <span className={styles.speed}>
      <span>{format(own, 'bytesPerSecond')}</span>
      <i className={styles.bar} aria-hidden="true">
        <b data-state={state} style={{ width: `${Math.min(100, 100 * (share ?? 1))}%` }} />
      </i>
      <span className="muted">{share === undefined ? '' : `${Math.round(share * 100)} %`}</span>
    </span>
  )
}

const GROUPS: readonly Column<Group>[] = [
  { name: 'operation', title: 'Operation', cell: ({ operation }) => operation },
  { name: 'group', title: 'Ranks', cell: ({ name }) => <code className={styles.cut}>{name}</code> },
  { name: 'span', title: 'Reaches over', isMinor: true, cell: ({ span }) => span ?? '–' },
  { name: 'bytes', title: 'A step', number: true, cell: ({ bytes }) => format(bytes, 'bytes') },
  { name: 'seconds', title: 'Transfer', number: true, cell: ({ seconds }) => format(seconds, 'seconds') },
  {
    name: 'speed',
    title: 'Bus bandwidth, of the median of alike ones',
    cell: ({ busBytesPerSecond, peerBusBytesPerSecond }) => (
      <Speed own={busBytesPerSecond} peers={peerBusBytesPerSecond} />
    ),
  },
]

const PATHS: readonly Column<Path>[] = [
  { name: 'from', title: 'From', cell: ({ from }) => from },
  { name: 'to', title: 'To', cell: ({ to }) => to },
  { name: 'span', title: 'Reaches over', isMinor: true, cell: ({ span }) => span ?? '–' },
  { name: 'bytes', title: 'A step', number: true, cell: ({ bytes }) => format(bytes, 'bytes') },
  { name: 'busy', title: 'On their way', number: true, cell: ({ busySeconds }) => format(busySeconds, 'seconds') },
  {
    name: 'speed',
    title: 'Speed, of the median of alike ones',
    cell: ({ bytesPerSecond, peerBytesPerSecond }) => <Speed own={bytesPerSecond} peers={peerBytesPerSecond} />,
  },
]

/** How fast each group and each way between nodes is, beside those that are alike. */
export function Traffic({ picture }: { picture: FabricPicture | undefined }) {
  if (picture === undefined || picture.groups.length + picture.paths.length === 0) return null
  const { groups, paths, cableBytesPerSecond } = picture
  const note =
    cableBytesPerSecond === null
      ? undefined
      : `The cables of the nodes carry ${format(cableBytesPerSecond, 'bytesPerSecond')}.`
  return (
    <>
      {paths.length > 0 && (
        <Card title="Ways between nodes" aside={<Provenance kind="measured" />} {...(note !== undefined && { note })}>
          <Table label="Ways between nodes" columns={PATHS} rows={paths} rowKey={({ from, to }) => `${from} ${to}`} />
        </Card>
      )}
      {groups.length > 0 && (
        <Card
          title="Groups of ranks"
          aside={<Provenance kind="derived" />}
          {...(note !== undefined && paths.length === 0 && { note })}
        >
          <Table
            label="Groups of ranks"
            columns={GROUPS}
            rows={groups}
            rowKey={({ operation, name }) => `${operation} ${name}`}
          />
        </Card>
      )}
    </>
  )
}
