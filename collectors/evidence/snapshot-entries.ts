/** What the allocator did, entry by entry. Pure. */
import type { EntriesAsked, SnapshotEntries } from '../../wire/memory-snapshot'
import type { Column } from './columns'
import type { KeptSnapshot } from './kept-snapshot'
import { Names } from './names'
import { ACTIONS } from './snapshot-read'

const numbers = ({ held }: Column) => Array.from(held)
const known = (column: Column) => numbers(column).map(value => (Number.isFinite(value) ? value : null))

export function entriesOf(kept: KeptSnapshot, { device, from, count }: EntriesAsked): SnapshotEntries {
  const to = Math.min(kept.entriesOf(device), from + count)
  const column = (name: Parameters<KeptSnapshot['entry']>[1]) => kept.entry(device, name, from, Math.max(from, to))
  const names = new Names(kept.stacks)
  return {
    from,
    action: numbers(column('action')).map(action => ACTIONS[action] ?? 'other'),
    address: known(column('address')),
    bytes: known(column('size')),
    time: known(column('time')).map(time => (time === null ? null : time / 1e6)),
    stream: numbers(column('stream')),
    stack: numbers(column('stack')).map(names.stack),
    ...names.named,
  }
}
