'use client'
import { useState } from 'react'
import { format } from '../../../../base/units'
import type { FabricPicture } from '../../../../wire/fabric-picture'
import { Card } from '../../../ui/card'
import { Provenance } from '../../../ui/provenance'
import { Table, type Column } from '../../../ui/table'
import styles from './sync.module.css'

type Group = FabricPicture['groups'][number]
type Path = FabricPicture['paths'][number]

/** More than these are asked for. */
const FIRST_ROWS = 12

/** A speed as a bar of what others that are alike reach. */
function Speed({ own, peers }: { own: number | null; peers: number | null }) {
  if (own === null) return <>–</>
  const share = peers === null || peers <= 0 ? undefined : own / peers
  const state = share === undefined || share > 0.8 ? 'well' : share > 0.5 ? 'off' : 'blamed'
  return (
    <span className={styles.speed}>
      <span>{format(own, 'bytesPerSecond')}</span>
      <svg className={styles.bar} aria-hidden="true">
        <rect data-state={state} width={`${Math.min(100, 100 * (share ?? 1))}%`} height="100%" rx="2" />
      </svg>
      <span className="muted">{share === undefined ? '' : `${Math.round(share * 100)} %`}</span>
    </span>
  )
}

/** What it could be, and how much of that it is. */
function Predicted({ own, most }: { own: number | null; most: number | null }) {
  if (most === null) return <>–</>
  const share = own === null ? '' : ` (${Math.round((100 * own) / most)} % used)`
  return (
    <>
      {format(most, 'bytesPerSecond')}
      <span className="muted">{share}</span>
    </>
  )
}

/** Those that are furthest below the ones that are alike first. */
const slowestFirst = <T,>(rows: readonly T[], shareOf: (row: T) => number | undefined) =>
  rows.toSorted((one, other) => (shareOf(one) ?? Infinity) - (shareOf(other) ?? Infinity))
const shareOf = (own: number | null, peers: number | null) =>
  own === null || peers === null || peers <= 0 ? undefined : own / peers

interface LongTableProps<T> {
  label: string
  columns: readonly Column<T>[]
  rows: readonly T[]
  rowKey: (row: T) => string
}

/** The first rows of many, and the rest where one wants it. */
function LongTable<T>({ rows, ...table }: LongTableProps<T>) {
  const [isWhole, setWhole] = useState(false)
  const rest = rows.length - FIRST_ROWS
  return (
    <>
      <Table {...table} rows={isWhole ? rows : rows.slice(0, FIRST_ROWS)} />
      {rest > 0 && (
        <button type="button" className={styles.more} onClick={() => setWhole(!isWhole)}>
          {isWhole ? `Only the slowest ${FIRST_ROWS}` : `Show ${rest} more`}
        </button>
      )}
    </>
  )
}

const GROUPS: readonly Column<Group>[] = [
  { name: 'operation', title: 'Operation', cell: ({ operation }) => operation },
  { name: 'group', title: 'Ranks', cell: ({ name }) => <code className={styles.cut}>{name}</code> },
  { name: 'span', title: 'Reaches over', isMinor: true, cell: ({ span }) => span ?? '–' },
  {
    name: 'bytes',
    title: 'A step',
    number: true,
    value: ({ bytes }) => bytes,
    cell: ({ bytes }) => format(bytes, 'bytes'),
  },
  {
    name: 'seconds',
    title: 'Transfer',
    number: true,
    value: ({ seconds }) => seconds,
    cell: ({ seconds }) => format(seconds, 'seconds'),
  },
  {
    name: 'speed',
    title: 'Bus bandwidth, of the median of alike ones',
    value: ({ busBytesPerSecond }) => busBytesPerSecond,
    cell: ({ busBytesPerSecond, peerBusBytesPerSecond }) => (
      <Speed own={busBytesPerSecond} peers={peerBusBytesPerSecond} />
    ),
  },
  {
    name: 'predicted',
    title: 'Cards of a node carry at most',
    number: true,
    value: ({ predictedBusBytesPerSecond }) => predictedBusBytesPerSecond,
    cell: ({ busBytesPerSecond, predictedBusBytesPerSecond }) => (
      <Predicted own={busBytesPerSecond} most={predictedBusBytesPerSecond} />
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
    title: 'Speed, of what the faster alike ones reach',
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
          <LongTable
            label="Ways between nodes"
            columns={PATHS}
            rows={slowestFirst(paths, row => shareOf(row.bytesPerSecond, row.peerBytesPerSecond))}
            rowKey={({ from, to }) => `${from} ${to}`}
          />
        </Card>
      )}
      {groups.length > 0 && (
        <Card
          title="Groups of ranks"
          aside={<Provenance kind="derived" />}
          {...(note !== undefined && paths.length === 0 && { note })}
        >
          <LongTable
            label="Groups of ranks"
            columns={GROUPS}
            rows={slowestFirst(groups, row => shareOf(row.busBytesPerSecond, row.peerBusBytesPerSecond))}
            rowKey={({ operation, name }) => `${operation} ${name}`}
          />
        </Card>
      )}
    </>
  )
}
