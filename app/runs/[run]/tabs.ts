/** The pages of a run, in the order of its tabs. A digit opens the tab in that place. */
import { registry } from '../../../base/registry'
import type { RunView } from '../../data/run-view'

export interface RunTab {
  readonly name: string
  /** The folder below `app/runs/[run]/`; empty for the overview. */
  readonly folder: string
  readonly title: string
  readonly help: string
  /** Left out where it has nothing to say of this run; always there where absent. */
  readonly isShown?: (view: RunView) => boolean
}

const OUT_OF_MEMORY = new Set(['oom', 'host-oom'])
/** 128 + SIGKILL: most often for memory of the host. */
const KILLED = 137
const BAD_ENDS = new Set([
  'oom',
  'host-oom',
  'memory-snapshot',
  'crash',
  'traceback',
  'exit',
  'nccl-timeout',
  'gloo-timeout',
])

export const tabs = registry<RunTab>('page of a run', [
  { name: 'overview', folder: '', title: 'Overview', help: 'How the run is, beside how it should be' },
  { name: 'gpus', folder: 'gpus', title: 'GPUs', help: 'Ranks and devices over time, each against its peers' },
  {
    name: 'sync',
    folder: 'sync',
    title: 'Sync and network',
    help: 'Who holds the run back, since when, how much, why, and what to do next',
  },
  { name: 'memory', folder: 'memory', title: 'Memory', help: 'What holds memory, beside what should' },
  {
    name: 'out-of-memory',
    folder: 'out-of-memory',
    title: 'Out of memory',
    help: 'Why memory ran out, and what would have fitted',
    isShown: ({ events }) => events.some(({ type, exitCode }) => OUT_OF_MEMORY.has(type) || exitCode === KILLED),
  },
  {
    name: 'evidence',
    folder: 'evidence',
    title: 'Evidence',
    help: 'What was kept of its end: memory snapshots, the last minutes',
    isShown: ({ events }) => events.some(({ type }) => BAD_ENDS.has(type)),
  },
  { name: 'events', folder: 'events', title: 'Events', help: 'What logs and kernels told of' },
  { name: 'plan', folder: 'plan', title: 'Plan', help: 'What another plan would give, anchored to this run' },
  { name: 'report', folder: 'report', title: 'Report', help: 'All of it on one page, to print or to take away' },
  { name: 'arithmetic', folder: 'arithmetic', title: 'Arithmetic', help: 'Every predicted number with its formula' },
])

/** The address of a page of a run; `search` is kept from page to page. */
export function tabAddress(run: string, { folder }: Pick<RunTab, 'folder'>, search = ''): string {
  return `/runs/${encodeURIComponent(run)}${folder === '' ? '' : `/${folder}`}${search}`
}
