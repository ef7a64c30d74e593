'use client'
import { format } from '../../../../../base/units'
import type { DeviceSummary, SnapshotMoment } from '../../../../../wire/memory-snapshot'
import styles from './snapshot.module.css'

interface MomentBarProps {
  device: DeviceSummary
  entry: number
  /** What was held then; undefined while it is asked for. */
  moment: SnapshotMoment | undefined
  onEntry: (entry: number) => void
}

/** The moment in figures, and the moments that one wants to see. */
export function MomentBar({ device, entry, moment, onEntry }: MomentBarProps) {
  const failed = device.outOfMemory.at(-1)
  const places = [
    { title: 'Begin', at: 0 },
    { title: 'Peak', at: device.peakEntry },
    ...(failed === undefined ? [] : [{ title: 'Out of memory', at: failed.entry }]),
    { title: 'End', at: Math.max(0, device.entries - 1) },
  ]
  const bytes = (value: number | undefined) => format(value ?? null, 'bytes')
  return (
    <div className={styles.moment}>
      <div role="group" aria-label="Moments" className={styles.places}>
        {places.map(({ title, at }) => (
          <button key={title} type="button" aria-pressed={entry === at} onClick={() => onEntry(at)}>
            {title}
          </button>
        ))}
      </div>
      <p data-testid="moment">
        After entry {entry.toLocaleString('en-US')}: <b>{bytes(moment?.activeBytes)}</b> held of{' '}
        <b>{bytes(moment?.reservedBytes)}</b> reserved, <b>{bytes(moment?.holeBytes)}</b> free between blocks, the
        largest free <b>{bytes(moment?.largestFreeBytes)}</b>
      </p>
    </div>
  )
}
