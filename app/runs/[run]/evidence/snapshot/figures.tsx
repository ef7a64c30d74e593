import { format } from '../../../../../base/units'
import type { DeviceSummary } from '../../../../../wire/memory-snapshot'
import styles from './snapshot.module.css'

/** A device in a few figures. */
export function Figures({ device }: { device: DeviceSummary }) {
  const failed = device.outOfMemory.at(-1)
  return (
    <dl className={styles.figures}>
      <Figure name="Held at the peak" bytes={device.peakBytes} />
      <Figure name="Held at the end" bytes={device.allocatedBytes} />
      <Figure name="Reserved" bytes={device.reservedBytes} />
      <Figure name="Free between blocks" bytes={device.holeBytes} />
      <Figure name="Largest free block" bytes={device.largestFreeBytes} />
      {failed !== undefined && <Figure name="Could not be had" bytes={failed.requestedBytes} bad />}
    </dl>
  )
}

function Figure({ name, bytes, bad = false }: { name: string; bytes: number | null; bad?: boolean }) {
  return (
    <div data-bad={bad}>
      <dt>{name}</dt>
      <dd>{format(bytes, 'bytes')}</dd>
    </div>
  )
}
