'use client'
import { useMemo, useState } from 'react'
import { format } from '../../../../../base/units'
import type { DeviceSummary, SnapshotMoment, SnapshotSummary } from '../../../../../wire/memory-snapshot'
import { mostHeld, rowOf } from '../../../../data/snapshot/held'
import type { Picture } from './draw-timeline'
import { Entries } from './entries'
import { Figures } from './figures'
import { HeldList } from './held-list'
import { MemoryMap } from './memory-map'
import { MomentBar } from './moment-bar'
import { OverTime } from './over-time'
import { Stack, type Shown } from './stack'
import { allocationText } from './timeline'
import { Toolbar } from './toolbar'
import { useExplorer, type Explored, type Explore } from './use-explorer'
import { useMoment, useWindows, type Asking } from './use-snapshot'
import { WhoHolds } from './who-holds'
import page from '../../../../ui/document.module.css'

function whenOf(entry: number, { peakEntry, outOfMemory, entries }: DeviceSummary): string {
  if (entry === peakEntry) return 'At the peak'
  if (outOfMemory.some(one => one.entry === entry)) return 'When memory ran out'
  return entry >= entries - 1 ? 'At the end' : `At entry ${entry.toLocaleString('en-US')}`
}

/** The stack of the block that is picked: of the timeline, or of the map. */
function pickedIn(explored: Explored, picture: Picture | undefined, moment: SnapshotMoment | undefined) {
  const { block } = explored
  const row = picture === undefined ? -1 : rowOf(picture.window, block)
  if (picture !== undefined && row >= 0) return ofRow(picture, row)
  if (block === undefined || moment === undefined) return undefined
  for (const { blocks } of moment.segments) {
    const at = blocks.begin.findIndex(
      (begin, place) => begin === block.begin && blocks.address[place] === block.address,
    )
    if (at >= 0) return { named: moment, stack: blocks.stack[at] ?? 0, what: format(blocks.bytes[at] ?? 0, 'bytes') }
  }
  return undefined
}

const ofRow = (picture: Picture, row: number): Shown => ({
  named: picture.window,
  stack: picture.window.allocations.stack[row] ?? 0,
  what: allocationText(picture, row),
})

function failedIn(summary: SnapshotSummary, { outOfMemory }: DeviceSummary): Shown | undefined {
  const failed = outOfMemory.at(-1)
  const what = `the request that failed: ${format(failed?.requestedBytes ?? null, 'bytes')}`
  return failed && { named: summary, stack: failed.stack, what }
}

interface ExplorerProps {
  summary: SnapshotSummary
  asking: Asking
  explored: Explored
  explore: Explore
}

function usePicture({ asking, explored }: Pick<ExplorerProps, 'asking' | 'explored'>) {
  const { view, look, find } = explored
  const windows = useWindows(asking, view === 'segments' ? 'segments' : 'blocks', look, find)
  const { shown: window } = windows
  const picture = useMemo(
    () => window && { window, look, most: 1.04 * Math.max(mostHeld(window, look.from, look.to), 1) },
    [window, look],
  )
  return { windows, picture }
}

/** A device's memory over time, at a moment, and by who asked for it. */
function Explorer({ summary, asking, explored, explore }: ExplorerProps) {
  const { view, device, entry } = explored
  const { windows, picture } = usePicture({ asking, explored })
  const { value: moment } = useMoment(asking, entry)
  const [pointed, setPointed] = useState<Shown>()
  const [pinned, setPinned] = useState<Shown>()
  const when = whenOf(moment?.entry ?? entry, device)
  const change: Explore = next => {
    if (next.block !== undefined || next.entry !== undefined) setPinned(undefined)
    explore(next)
  }
  const point = (row: number) => setPointed(picture === undefined || row < 0 ? undefined : ofRow(picture, row))
  const shown = pointed ?? pinned ?? pickedIn(explored, picture, moment) ?? failedIn(summary, device)
  const parts = { explored, explore: change }
  return (
    <>
      <Toolbar summary={summary} {...parts} found={picture?.window.found ?? null} />
      {picture === undefined ? (
        <p className="muted">{windows.error?.message ?? 'Reading …'}</p>
      ) : (
        <OverTime {...parts} whole={windows.whole} picture={picture} onPoint={point}>
          <MomentBar device={device} entry={entry} moment={moment} onEntry={next => change({ entry: next })} />
        </OverTime>
      )}
      {view === 'state' && moment !== undefined && (
        <MemoryMap moment={moment} when={when} {...parts} onPoint={setPointed} />
      )}
      <div className={page.pair}>
        {view === 'state' ? (
          <Entries asking={asking} {...parts} onShow={setPinned} />
        ) : (
          picture !== undefined && (
            <HeldList
              picture={picture}
              explored={explored}
              when={when}
              onBlock={block => change({ block })}
              onPoint={point}
            />
          )
        )}
        <Stack shown={shown} />
      </div>
      {view === 'active' && moment !== undefined && <WhoHolds moment={moment} when={when} onShow={setPinned} />}
    </>
  )
}

/** Looks into a snapshot of PyTorch's allocator. */
export function SnapshotExplorer({ summary, run, id }: { summary: SnapshotSummary; run: string; id: string }) {
  const exploring = useExplorer(summary)
  if (exploring === undefined) return <p className="muted">The snapshot holds no device that has memory.</p>
  const [explored, explore] = exploring
  const { device } = explored
  const asking = { run, id, device: device.device, entries: device.entries }
  return (
    <div className={page.sections} data-testid="snapshot">
      <Figures device={device} />
      {device.entries === 0 && (
        <p className="muted">The snapshot has no trace: torch.cuda.memory._record_memory_history() records one.</p>
      )}
      <Explorer key={device.device} summary={summary} asking={asking} explored={explored} explore={explore} />
    </div>
  )
}
