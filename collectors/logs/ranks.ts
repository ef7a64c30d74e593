/** Watches the processes of ranks that a log told of, and says when they are gone. */
import type { RecordOf, WireRecord } from '../../wire/records'
import type { Json } from '../collector'
import type { Host } from '../host'
import { groupsOf, killIn, type SeenGroup } from '../kernel/memory-group'

type Watched = {
  run: string
  rank: number
  pid: number
  /** Clock ticks since boot at which the process began: tells it from a later one of the same number. */
  startTicks: string | null
  missing: boolean
  ended: boolean
  /** Its memory cgroup and the one around it, as they were when it was seen first; null before that. */
  groups: SeenGroup[] | null
}

const MOST_RANKS = 4096

/** State and start of a process by `/proc/PID/stat`; the name in parentheses may hold anything, so count from its end. */
function processOf(stat: string): { zombie: boolean; startTicks: string } {
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
  return { zombie: ['Z', 'X'].includes(fields[0] ?? ''), startTicks: fields[19] ?? '' }
}

export class RankWatch {
  private readonly watched = new Map<string, Watched>()

  constructor(
    private readonly host: Host,
    /** The run whose end someone else tells of. */
    private readonly ownRun: string | undefined,
    saved: Json | undefined,
  ) {
    if (!Array.isArray(saved)) return
    for (const entry of saved) {
      const watched = savedRank(entry)
      if (watched !== undefined) this.watched.set(keyOf(watched), watched)
    }
  }

  state(): Json {
    return [...this.watched.values()].map(entry => ({ ...entry }))
  }

  /** Takes notice of a `rank` record of this node. */
  note(record: RecordOf<'rank'>): void {
    const { run, rank, pid, node, state } = record
    if (run === undefined || rank === undefined || pid === undefined || node !== this.host.hostname) return
    const entry: Watched = { run, rank, pid, startTicks: null, missing: false, ended: state === 'ended', groups: null }
    const before = this.watched.get(keyOf(entry))
    if (before?.pid === pid) before.ended ||= entry.ended
    else if (this.watched.size < MOST_RANKS) this.watched.set(keyOf(entry), entry)
  }

  /** Some process was missing at the last look: the next look should be soon. */
  get uncertain(): boolean {
    return [...this.watched.values()].some(entry => entry.missing && !entry.ended)
  }

  /**
   * Gives records of what ended since the last look. A process must be missing twice, so that its last lines are read
   * in between. `emit` takes the records at once, so that they and `state()` stay together.
   */
  async look(emit: (records: readonly WireRecord[]) => void): Promise<void> {
    const open = [...this.watched.values()].filter(entry => !entry.ended)
    // Where other users' processes are hidden, a missing one says nothing.
    if (open.length === 0 || (await this.host.stat('/proc/1')) === undefined) return
    const gone: Watched[] = []
    for (const entry of open) {
      const missing = !(await this.isAlive(entry))
      if (missing && entry.missing) gone.push(entry)
      entry.missing = missing
      if (!missing) entry.groups ??= await groupsOf(this.host, entry.pid)
    }
    if (gone.length === 0) return
    const kills = await this.killsOf(gone)
    emit([...kills, ...gone.flatMap(entry => this.endOf(entry))])
  }

  /** Kills for memory in the groups of processes that are gone, one event a group: the ranks that end with it need not be the killed. */
  private async killsOf(gone: readonly Watched[]): Promise<WireRecord[]> {
    const events: WireRecord[] = []
    for (const [folder, members] of byGroup(gone)) {
      const [first] = members
      const found = await killIn(this.host, first?.groups ?? [])
      if (first === undefined || found === undefined) continue
      const who = members.length === 1 ? { rank: first.rank, pid: first.pid } : {}
      events.push({ ...found, ...who, time: this.host.now(), run: first.run, node: this.host.hostname, device: folder })
    }
    return events
  }

  private async isAlive(entry: Watched): Promise<boolean> {
    const stat = await this.host.read(`/proc/${entry.pid}/stat`)
    if (stat === undefined) return false
    const { zombie, startTicks } = processOf(stat)
    entry.startTicks ??= startTicks
    return !zombie && entry.startTicks === startTicks
  }

  private endOf(entry: Watched): WireRecord[] {
    entry.ended = true
    const { run, rank, pid } = entry
    const common = { time: this.host.now(), run, node: this.host.hostname }
    const records: WireRecord[] = [{ kind: 'rank', ...common, rank, pid, state: 'ended' }]
    const others = [...this.watched.values()].filter(other => other.run === run)
    if (others.some(other => !other.ended)) return records
    for (const other of others) this.watched.delete(keyOf(other))
    // The launcher that set the run knows how it ended; nobody knows of a found one.
    return run === this.ownRun ? records : [...records, { kind: 'run', ...common, state: 'ended' }]
  }
}

/** Those whose group is known, by its folder. */
function byGroup(entries: readonly Watched[]): Map<string, Watched[]> {
  const groups = new Map<string, Watched[]>()
  for (const entry of entries) {
    const folder = entry.groups?.[0]?.folder
    if (folder !== undefined) groups.set(folder, [...(groups.get(folder) ?? []), entry])
  }
  return groups
}

const keyOf = ({ run, rank }: { run: string; rank: number }) => `${run}\n${rank}`

function savedRank(value: Json): Watched | undefined {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return undefined
  const { run, rank, pid, startTicks, missing, ended } = value
  if (typeof run !== 'string' || typeof rank !== 'number' || typeof pid !== 'number') return undefined
  const ticks = typeof startTicks === 'string' ? startTicks : null
  const groups = Array.isArray(value['groups']) ? value['groups'].flatMap(savedGroup) : null
  return { run, rank, pid, startTicks: ticks, missing: missing === true, ended: ended === true, groups }
}

function savedGroup(value: Json): SeenGroup[] {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return []
  const { folder, kills } = value
  return typeof folder === 'string' && typeof kills === 'number' ? [{ folder, kills }] : []
}
