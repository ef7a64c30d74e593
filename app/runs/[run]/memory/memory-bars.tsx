import { format } from '../../../../base/units'
import { StackedBar, type StackedPart } from '../../../chart/stacked-bar'
import type { MemoryBar } from '../../../data/memory-bars'
import { Provenance } from '../../../ui/provenance'
import styles from './memory.module.css'

const COLORS: Readonly<Record<string, string>> = {
  parameters: 'var(--series-1)',
  gradients: 'var(--series-3)',
  optimizer: 'var(--series-5)',
  activations: 'var(--series-2)',
  buffers: 'var(--series-8)',
  'other tensors': 'var(--series-6)',
  'reserved, not in use': 'var(--series-4)',
  tensors: 'var(--series-6)',
  'activations and other tensors': 'var(--series-2)',
  'other processes': 'var(--critical)',
  free: 'transparent',
}

/** The colour of a part: one for each known name; all that is not explained is grey. */
export function partColor(name: string): string {
  return COLORS[name] ?? 'var(--series-7)'
}

const partsOf = ({ parts }: MemoryBar): StackedPart[] =>
  parts.map(({ name, bytes }) => ({
    name,
    value: bytes,
    color: partColor(name),
    title: `${name}: ${format(bytes, 'bytes')}`,
  }))

function Bar({ bar, scale, isPredicted }: { bar: MemoryBar; scale: number; isPredicted: boolean }) {
  const words = bar.parts.map(part => `${part.name} ${format(part.bytes, 'bytes')}`).join(', ')
  return (
    <li className={styles.bar}>
      <span className={styles.name}>{isPredicted ? <Provenance kind="predicted" /> : bar.name}</span>
      <StackedBar
        label={`${bar.name}: ${words}`}
        parts={partsOf(bar)}
        whole={scale}
        height={16}
        mark={
          bar.capacityBytes === undefined
            ? undefined
            : { at: bar.capacityBytes, title: `capacity ${format(bar.capacityBytes, 'bytes')}` }
        }
        isFaded={isPredicted}
      />
      <span className={styles.total} title={bar.total}>
        {format(bar.totalBytes, 'bytes')}
      </span>
    </li>
  )
}

/** The predicted bar on top, then one for each rank, on one scale: the capacity, or the longest bar. */
export function MemoryBars({ expected, bars }: { expected: MemoryBar | undefined; bars: readonly MemoryBar[] }) {
  const all = expected === undefined ? bars : [expected, ...bars]
  if (all.length === 0) {
    return <p className="muted">Nothing is known of memory yet: it comes from nvidia-smi, the log, or the hook.</p>
  }
  // Figures of different moments may cross: parts can be more than the total that was told.
  const widest = (bar: MemoryBar) =>
    Math.max(
      bar.totalBytes,
      bar.capacityBytes ?? 0,
      bar.parts.reduce((sum, { bytes }) => sum + bytes, 0),
    )
  const scale = Math.max(...all.map(widest), 1)
  const [first] = bars
  return (
    <>
      <ul className={styles.bars}>
        {expected !== undefined && <Bar bar={expected} scale={scale} isPredicted />}
        {bars.map(bar => (
          <Bar key={bar.name} bar={bar} scale={scale} isPredicted={false} />
        ))}
      </ul>
      {first !== undefined && <p className={styles.foot}>Totals of ranks: {first.total}.</p>}
    </>
  )
}
