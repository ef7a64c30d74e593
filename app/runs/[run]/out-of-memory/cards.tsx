'use client'
import { useMemo } from 'react'
import { format } from '../../../../base/units'
import type { MemoryPart, PostMortem, Remedy } from '../../../../wire/post-mortem'
import { bytesText, CERTAINTY, figuresText, fitsText, stepTimeText } from '../../../../wire/post-mortem-text'
import { LineChart } from '../../../chart/line-chart'
import { StackedBar } from '../../../chart/stacked-bar'
import { Badge } from '../../../ui/badge'
import { Card } from '../../../ui/card'
import { Copy } from '../../../ui/copy'
import { Provenance } from '../../../ui/provenance'
import { Table, type Column } from '../../../ui/table'
import { partColor } from '../memory/memory-bars'
import page from '../../../ui/document.module.css'
import styles from './out-of-memory.module.css'

export function Causes({ found: { causes } }: { found: PostMortem }) {
  const [first, ...others] = causes
  return (
    <Card title="Why">
      {first !== undefined && (
        <div className={styles.cause} data-testid="cause">
          <p className={styles.title}>
            {CERTAINTY[first.certainty]}
            {first.title}
          </p>
          <p>{first.evidence}</p>
        </div>
      )}
      {others.length > 0 && (
        <ul className={styles.others}>
          {others.map(cause => (
            <li key={cause.name}>
              <b>
                {CERTAINTY[cause.certainty]}
                {cause.title}
              </b>
              : {cause.evidence}
            </li>
          ))}
        </ul>
      )}
    </Card>
  )
}

const PARTS: readonly Column<MemoryPart>[] = [
  {
    name: 'part',
    title: 'Part',
    width: '22%',
    cell: part => (
      <span className={styles.part}>
        <svg width="10" height="10" aria-hidden="true">
          <rect width="10" height="10" rx="2" fill={partColor(part.name)} />
        </svg>
        {part.name}
      </span>
    ),
  },
  { name: 'bytes', title: 'Bytes', number: true, width: '12%', cell: part => format(part.bytes, 'bytes') },
  { name: 'from', title: 'From', width: '12%', cell: part => <Provenance kind={part.provenance} /> },
  { name: 'help', title: 'What it is', isMinor: true, cell: part => part.help },
]

export function Device({ found: { parts, event } }: { found: PostMortem }) {
  if (parts.length === 0) return null
  const sum = parts.reduce((all, part) => all + part.bytes, 0)
  const capacity = event.capacityBytes
  const whole = Math.max(capacity ?? 0, sum) + (event.requestedBytes ?? 0)
  const held = parts.map(({ name, bytes }) => ({
    name,
    value: bytes,
    color: partColor(name),
    title: `${name}: ${format(bytes, 'bytes')}`,
  }))
  const asked =
    event.requestedBytes === null
      ? []
      : [{ name: 'asked for', value: event.requestedBytes, title: `asked for: ${bytesText(event.requestedBytes)}` }]
  const words = parts.map(part => `${part.name} ${format(part.bytes, 'bytes')}`).join(', ')
  return (
    <Card
      title="The device at that moment"
      aside={capacity === null ? undefined : `capacity ${format(capacity, 'bytes')}`}
    >
      <div className={styles.track}>
        <StackedBar
          label={words}
          parts={[...held, ...asked]}
          whole={whole}
          height={28}
          mark={capacity === null ? undefined : { at: capacity, title: 'capacity' }}
        />
      </div>
      <Table label="The device at that moment" columns={PARTS} rows={parts} rowKey={part => part.name} />
      {event.requestedBytes !== null && (
        <p className="muted">Beyond it, hatched: the {bytesText(event.requestedBytes)} that could not be had.</p>
      )}
    </Card>
  )
}

const FITS = { yes: 'good', no: 'critical', 'cannot be said': 'neutral' } as const

const REMEDIES: readonly Column<Remedy>[] = [
  {
    name: 'change',
    title: 'Change',
    width: '46%',
    cell: remedy => (
      <div className={styles.remedy}>
        {remedy.title}
        {remedy.how !== null && <Copy command={remedy.how} />}
      </div>
    ),
  },
  {
    name: 'fits',
    title: 'Fits',
    cell: remedy => {
      const text = fitsText(remedy) as keyof typeof FITS
      return <Badge tone={FITS[text]}>{text}</Badge>
    },
  },
  { name: 'saves', title: 'Saves', number: true, isMinor: true, cell: remedy => bytesText(remedy.savedBytes) },
  { name: 'left', title: 'Left free', number: true, isMinor: true, cell: remedy => bytesText(remedy.headroomBytes) },
  { name: 'time', title: 'Step time', number: true, cell: remedy => stepTimeText(remedy.stepTimeChange) },
  { name: 'from', title: 'From', isMinor: true, cell: remedy => <Provenance kind={remedy.provenance} /> },
]

export function Remedies({ remedies }: { remedies: readonly Remedy[] }) {
  return (
    <Card title="What would have fitted" aside="the best first">
      {remedies.length === 0 ? (
        <p className="muted">Nothing can be suggested from what is known.</p>
      ) : (
        <Table label="What would have fitted" columns={REMEDIES} rows={remedies} rowKey={remedy => remedy.name} />
      )}
    </Card>
  )
}

export function ErrorText({ found }: { found: PostMortem }) {
  return (
    <Card title="What the error says">
      <dl className={styles.figures}>
        {figuresText(found).map(([what, bytes]) => (
          <div key={what}>
            <dt>{what}</dt>
            <dd>{bytes}</dd>
          </div>
        ))}
      </dl>
      <pre className={styles.message} tabIndex={0}>
        {found.event.message}
      </pre>
    </Card>
  )
}

export function History({ found: { history } }: { found: PostMortem }) {
  const { step, peakBytes, reservedBytes } = history
  const input = useMemo(() => {
    const lines = [
      { name: 'held by tensors', x: step, y: peakBytes },
      { name: 'reserved', x: step, y: reservedBytes },
    ].filter(({ y }) => y.some(value => value !== null))
    return { lines, unit: 'bytes' as const, axis: 'step' as const }
  }, [step, peakBytes, reservedBytes])
  return (
    <Card title="Memory before it, step by step">
      <LineChart
        input={input}
        label="Peak of memory in each step"
        height={200}
        empty="Not seen: the hook, or a framework that logs its memory, would show it."
      />
    </Card>
  )
}

export function Victims({ victims }: { victims: PostMortem['victims'] }) {
  return (
    <Card title="What failed because of it" aside={victims.length === 0 ? undefined : victims.length}>
      {victims.length === 0 ? (
        <p className="muted">Nothing was told of.</p>
      ) : (
        <ul className={page.lines}>
          {victims.map((victim, index) => (
            <li key={index}>
              {victim.type}
              {victim.rank !== null && ` on rank ${victim.rank}`}: {victim.message.slice(0, 200)}
            </li>
          ))}
        </ul>
      )}
    </Card>
  )
}

export function Gaps({ gaps }: { gaps: readonly string[] }) {
  if (gaps.length === 0) return null
  return (
    <Card title="What is not known">
      <ul className={page.lines}>
        {gaps.map(gap => (
          <li key={gap}>{gap}</li>
        ))}
      </ul>
    </Card>
  )
}
