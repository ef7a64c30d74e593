'use client'
import { useMemo } from 'react'
import { format } from '../../../../base/units'
import { planProblems } from '../../../../math/check-plan'
import type { PredictInput } from '../../../../math/input'
import { useKept } from '../../../data/kept'
import { Badge } from '../../../ui/badge'
import { Card } from '../../../ui/card'
import { differenceText } from '../../../ui/figure'
import { Table, type Column } from '../../../ui/table'
import styles from './plan.module.css'
import { changed, PLAN_FIELDS, readChanges, tryPredict, writeChanges, type Changes } from './what-if'

const MOST = 12
/** As it runs: no change. */
const AS_IS = ''

interface Row {
  /** The changes as the address writes them. */
  readonly text: string
  readonly title: string
  readonly stepSeconds: number | null
  readonly mfu: number | null
  readonly memoryBytes: number | null
  /** Of the device; below 0 where it does not fit. */
  readonly headroomBytes: number | null
  readonly problem: string | undefined
}

/** `Tensor 4, ZeRO 1` */
function titleOf(changes: Changes): string {
  const words = PLAN_FIELDS.flatMap(({ name, title }) =>
    changes[name] === undefined ? [] : [`${title} ${changes[name]}`],
  )
  return words.join(', ') || 'As it runs'
}

function rowOf(config: PredictInput, text: string): Row {
  const changes = readChanges(text)
  const plan = changed(config, changes)
  const prediction = tryPredict(plan)
  const { totalBytes, capacityBytes } = prediction?.memory ?? {}
  return {
    text,
    title: titleOf(changes),
    stepSeconds: prediction?.step.seconds ?? null,
    mfu: prediction?.mfu ?? null,
    memoryBytes: totalBytes ?? null,
    headroomBytes: totalBytes === undefined || capacityBytes === undefined ? null : capacityBytes - totalBytes,
    problem: planProblems(plan)[0]?.message,
  }
}

function Fits({ row: { problem, headroomBytes } }: { row: Row }) {
  if (problem !== undefined)
    return (
      <Badge tone="critical" title={problem}>
        cannot run
      </Badge>
    )
  if (headroomBytes === null) return <>–</>
  return <Badge tone={headroomBytes >= 0 ? 'good' : 'critical'}>{headroomBytes >= 0 ? 'fits' : 'does not fit'}</Badge>
}

function columnsOf(asIs: Row | undefined, forget: (text: string) => void): Column<Row>[] {
  const difference = (row: Row) =>
    asIs?.stepSeconds == null || row.stepSeconds === null ? '–' : differenceText(row.stepSeconds, asIs.stepSeconds)
  return [
    { name: 'plan', title: 'Plan', width: '34%', value: row => row.title, cell: row => row.title },
    { name: 'fits', title: 'Fits', cell: row => <Fits row={row} /> },
    {
      name: 'stepSeconds',
      title: 'Step',
      number: true,
      value: row => row.stepSeconds,
      cell: row => format(row.stepSeconds, 'seconds'),
    },
    { name: 'difference', title: 'Against as it runs', number: true, cell: difference },
    { name: 'mfu', title: 'MFU', number: true, value: row => row.mfu, cell: row => format(row.mfu, 'ratio') },
    {
      name: 'memoryBytes',
      title: 'Memory',
      number: true,
      value: row => row.memoryBytes,
      cell: row => format(row.memoryBytes, 'bytes'),
    },
    {
      name: 'headroomBytes',
      title: 'Headroom',
      number: true,
      isMinor: true,
      value: row => row.headroomBytes,
      cell: row => format(row.headroomBytes, 'bytes'),
    },
    {
      name: 'forget',
      title: <span className="visually-hidden">Forget</span>,
      number: true,
      cell: row =>
        row.text !== AS_IS && (
          <button
            type="button"
            className={styles.reset}
            aria-label={`Forget the plan ${row.title}`}
            onClick={event => {
              event.stopPropagation()
              forget(row.text)
            }}
          >
            Forget
          </button>
        ),
    },
  ]
}

interface KeptPlansProps {
  run: string
  config: PredictInput
  /** The plan that is open. */
  changes: Changes
  onPick: (changes: Changes) => void
}

/** Plans that were worth keeping, under each other; a press opens one. Its address can be passed on. */
export function KeptPlans({ run, config, changes, onPick }: KeptPlansProps) {
  const [kept, keep] = useKept(`plans ${run}`)
  const rows = useMemo(() => [AS_IS, ...kept].map(text => rowOf(config, text)), [config, kept])
  const open = writeChanges(changes) ?? AS_IS
  const canKeep = open !== AS_IS && !kept.includes(open) && kept.length < MOST
  return (
    <Card
      title="Plans kept"
      note="Kept in this browser; the address of an open plan can be passed on. All are predicted, anchored to this run."
      aside={
        <button
          type="button"
          className={styles.reset}
          disabled={!canKeep}
          title={open === AS_IS ? 'Change something above first' : undefined}
          onClick={() => keep([...kept, open])}
        >
          Keep the plan above
        </button>
      }
    >
      <Table
        label="Plans kept"
        columns={columnsOf(rows[0], text => keep(kept.filter(one => one !== text)))}
        rows={rows}
        rowKey={row => row.text}
        onPick={row => onPick(readChanges(row.text))}
        isPicked={row => row.text === open}
      />
    </Card>
  )
}
