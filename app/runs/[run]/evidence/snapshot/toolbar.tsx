'use client'
import { format } from '../../../../../base/units'
import type { SnapshotSummary, SnapshotWindow } from '../../../../../wire/memory-snapshot'
import { wholeOf } from '../../../../data/snapshot/look'
import { Choice } from '../../../../ui/choice'
import { VIEWS, type Explored, type Explore } from './use-explorer'
import styles from './snapshot.module.css'

interface ToolbarProps {
  summary: SnapshotSummary
  explored: Explored
  explore: Explore
  found: SnapshotWindow['found']
}

/** Which view, which device, and what is searched for. */
export function Toolbar({ summary: { devices }, explored: { view, device, find }, explore, found }: ToolbarProps) {
  const pick = (number: string) => {
    const next = devices.find(one => String(one.device) === number)
    if (next === undefined) return
    explore({ device: next, look: wholeOf(next.entries), entry: next.peakEntry, block: undefined })
  }
  return (
    <div className={styles.toolbar}>
      <Choice label="View" options={VIEWS} value={view} onChange={next => explore({ view: next, block: undefined })} />
      {devices.length > 1 && (
        <Choice
          label="Device"
          options={devices.map(one => ({ name: String(one.device), title: `GPU ${one.device}` }))}
          value={String(device.device)}
          onChange={pick}
        />
      )}
      <label className={styles.find}>
        <span className="muted">Stack frame</span>
        <input
          type="search"
          value={find}
          maxLength={200}
          placeholder="attention, loss.py:88 …"
          onChange={event => explore({ find: event.target.value })}
        />
      </label>
      <span className="muted" role="status">
        {found !== null && `${found.count.toLocaleString('en-US')} found, ${format(found.bytes, 'bytes')} at most`}
      </span>
    </div>
  )
}
