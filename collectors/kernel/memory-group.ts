/**
 * Memory cgroups, version 2 or 1: how often the kernel killed in the group of a process. It is told there without root, and where the
 * kernel's log is closed. https://docs.kernel.org/admin-guide/cgroup-v2.html#memory-interface-files
 */
import type { RecordOf } from '../../wire/records'
import type { Host } from '../host'

/** A group as it was seen first: its folder, and the kills of its past. */
export type SeenGroup = { folder: string; kills: number }

export interface GroupVersion {
  readonly line: RegExp
  readonly root: string
  readonly events: string
  readonly limit: string
  readonly peak: string
  readonly used: string
  /** Of `memory.stat`: files in memory that the kernel can drop at once. */
  readonly droppable: string
  /** From here on the kernel slows its processes down, and kills. */
  readonly limits: readonly string[]
}
export const VERSIONS: readonly GroupVersion[] = [
  {
    line: /^0::(\/.{0,1000})$/m,
    root: '/sys/fs/cgroup',
    ...{ events: 'memory.events', limit: 'memory.max', peak: 'memory.peak', used: 'memory.current' },
    droppable: 'inactive_file',
    limits: ['memory.high', 'memory.max'],
  },
  {
    line: /^\d{1,4}:(?:[\w=,-]{1,200},)?memory(?:,[\w=,-]{1,200})?:(\/.{0,1000})$/m,
    root: '/sys/fs/cgroup/memory',
    ...{ events: 'memory.oom_control', limit: 'memory.limit_in_bytes', peak: 'memory.max_usage_in_bytes' },
    used: 'memory.usage_in_bytes',
    droppable: 'total_inactive_file',
    limits: ['memory.limit_in_bytes'],
  },
]
/** What version 1 says of a group without a limit, rounded down to pages of any size. */
export const NO_LIMIT = 2 ** 62

async function killsIn(host: Host, folder: string): Promise<number | undefined> {
  for (const { events } of VERSIONS) {
    const kills = /^oom_kill (\d{1,15})$/m.exec((await host.read(`${folder}/${events}`)) ?? '')?.[1]
    if (kills !== undefined) return Number(kills)
  }
  return undefined
}

async function bytesOf(host: Host, folder: string, file: 'limit' | 'peak'): Promise<number | undefined> {
  for (const version of VERSIONS) {
    const text = (await host.read(`${folder}/${version[file]}`))?.trim() ?? ''
    if (/^\d{1,20}$/.test(text)) return Number(text) < NO_LIMIT ? Number(text) : undefined
  }
  return undefined
}

/** In a container the path may be the host's, and the group itself is what is mounted. */
export const foldersOf = (root: string, path: string) => (path === '/' ? [root] : [`${root}${path}`, root])
export const parentOf = (folder: string) => folder.slice(0, folder.lastIndexOf('/'))

/** The group of a process, and the group around it: the inner one may be gone with the process. Empty where none can be read. */
export async function groupsOf(host: Host, pid: number): Promise<SeenGroup[]> {
  const own = (await host.read(`/proc/${pid}/cgroup`)) ?? ''
  for (const { line, root } of VERSIONS) {
    const path = line.exec(own)?.[1]
    for (const folder of path === undefined ? [] : foldersOf(root, path)) {
      const kills = await killsIn(host, folder)
      if (kills === undefined) continue
      const parent = folder === root ? root : parentOf(folder)
      const around = parent === root ? undefined : await killsIn(host, parent)
      return [{ folder, kills }, ...(around === undefined ? [] : [{ folder: parent, kills: around }])]
    }
  }
  return []
}

/** What the kernel did in these groups since they were seen: of the first that is still there. Undefined where it killed nobody. */
export async function killIn(host: Host, groups: readonly SeenGroup[]): Promise<RecordOf<'event'> | undefined> {
  for (const { folder, kills: before } of groups) {
    const now = await killsIn(host, folder)
    if (now === undefined) continue
    if (now <= before) return undefined
    const [limit, peak] = [await bytesOf(host, folder, 'limit'), await bytesOf(host, folder, 'peak')]
    const kills = now - before
    const held = peak === undefined ? '' : `; its processes held ${peak} bytes at most`
    return {
      kind: 'event',
      type: 'host-oom',
      message: `oom_kill of the memory cgroup ${folder} rose from ${before} to ${now}${held}`,
      meaning: `the kernel killed ${kills === 1 ? 'a process' : `${kills} processes`} because the memory limit of ${folder} was reached`,
      fix: 'give the job more memory, fewer data loader workers, or less that it keeps in host memory',
      capacityBytes: limit,
      ...(peak !== undefined && {
        parts: [{ name: 'processes of the cgroup, and files they keep in memory', bytes: peak }],
      }),
    }
  }
  return undefined
}

/** Follows one process, which may be put into another group after it began, and leaves all of them when it ends. */
export class GroupWatch {
  private readonly seen = new Map<string, readonly SeenGroup[]>()

  constructor(
    private readonly host: Host,
    private readonly pid: number,
  ) {}

  async look(): Promise<void> {
    const groups = await groupsOf(this.host, this.pid)
    const folder = groups[0]?.folder
    if (folder !== undefined && !this.seen.has(folder)) this.seen.set(folder, groups)
  }

  /** Of the group that it was put into last, in which the kernel killed. */
  async kill(): Promise<RecordOf<'event'> | undefined> {
    for (const groups of [...this.seen.values()].toReversed()) {
      const found = await killIn(this.host, groups)
      if (found !== undefined) return found
    }
    return undefined
  }
}
