'use client'
import { format } from '../../../../../base/units'
import type { Holder } from '../../../../data/snapshot/holders'
import { Card } from '../../../../ui/card'
import { Table, type Column } from '../../../../ui/table'
import { Swatch } from './swatch'
import styles from './snapshot.module.css'

const HOLDERS: readonly Column<Holder>[] = [
  {
    name: 'caller',
    title: 'Asked for by',
    width: '50%',
    cell: ({ caller }) => <span className={styles.caller}>{caller}</span>,
    value: ({ caller }) => caller,
  },
  {
    name: 'category',
    title: 'Category',
    cell: ({ category }) => <Swatch category={category} />,
    value: ({ category }) => category,
  },
  {
    name: 'bytes',
    title: 'Holds',
    number: true,
    cell: ({ bytes }) => format(bytes, 'bytes'),
    value: ({ bytes }) => bytes,
  },
  {
    name: 'count',
    title: 'Count',
    number: true,
    isMinor: true,
    cell: ({ count }) => count,
    value: ({ count }) => count,
  },
]

interface HoldersProps {
  holders: readonly Holder[]
  when: string
  onStack: (stack: number) => void
}

export function Holders({ holders, when, onStack }: HoldersProps) {
  return (
    <Card title={`${when}, the largest holders`}>
      <Table
        label="Largest holders"
        columns={HOLDERS}
        rows={holders.slice(0, 200)}
        rowKey={({ caller, category }) => `${caller} ${category}`}
        scrolls
        onPick={holder => onStack(holder.stack)}
      />
    </Card>
  )
}
