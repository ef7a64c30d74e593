/**
 * How much memory a process may have where that is less than the node has: its memory cgroup, or one around it, and `ulimit -v`.
 * What a group uses is without the files that the kernel can drop at once, as Kubernetes counts a working set. `ulimit -m` is not
 * read: Linux has not kept it since 2.4.30 (setrlimit(2)). https://docs.kernel.org/admin-guide/cgroup-v2.html
 */
import type { Host } from '../host'
import { foldersOf, NO_LIMIT, parentOf, VERSIONS, type GroupVersion } from './memory-group'

const PAGE_BYTES = 4096

export interface MemoryLimit {
  /** What says so: `memory.max of /kubepods/pod7`, `ulimit -v`. */
  readonly name: string
  readonly bytes: number
  readonly usedBytes: number
}

const amountOf = (text: string | undefined): number | undefined => {
  const digits = /^(\d{1,20})\s*$/.exec(text ?? '')?.[1]
  return digits !== undefined && Number(digits) < NO_LIMIT ? Number(digits) : undefined
}

async function usedIn(host: Host, folder: string, { used, droppable }: GroupVersion): Promise<number | undefined> {
  const bytes = amountOf(await host.read(`${folder}/${used}`))
  if (bytes === undefined) return undefined
  const stat = (await host.read(`${folder}/memory.stat`)) ?? ''
  const files = new RegExp(`^${droppable} (\\d{1,20})$`, 'm').exec(stat)?.[1]
  return Math.max(0, bytes - Number(files ?? 0))
}

async function limitsOf(host: Host, folder: string, version: GroupVersion): Promise<MemoryLimit[]> {
  const usedBytes = await usedIn(host, folder, version)
  if (usedBytes === undefined) return []
  const group = folder.slice(version.root.length) || '/'
  const found: MemoryLimit[] = []
  for (const name of version.limits) {
    const bytes = amountOf(await host.read(`${folder}/${name}`))
    if (bytes !== undefined) found.push({ name: `${name} of ${group}`, bytes, usedBytes })
  }
  return found
}

/** Of the group of a process and of those around it: a scheduler limits the job, a container its pod. */
async function ofGroups(host: Host, pid: number): Promise<MemoryLimit[]> {
  const own = (await host.read(`/proc/${pid}/cgroup`)) ?? ''
  const found: MemoryLimit[] = []
  for (const version of VERSIONS) {
    const path = version.line.exec(own)?.[1]
    const [whole, mounted] = path === undefined ? [] : foldersOf(version.root, path)
    for (let folder = whole; folder !== undefined && folder.length > version.root.length; folder = parentOf(folder))
      found.push(...(await limitsOf(host, folder, version)))
    const root = mounted ?? whole
    if (root !== undefined) found.push(...(await limitsOf(host, root, version)))
  }
  return found
}

async function ofAddresses(host: Host, pid: number): Promise<MemoryLimit[]> {
  const limits = (await host.read(`/proc/${pid}/limits`)) ?? ''
  const bytes = amountOf(/^Max address space\s+(\d{1,20})\s/m.exec(limits)?.[1])
  const pages = Number(((await host.read(`/proc/${pid}/statm`)) ?? '').split(' ')[0] || NaN)
  return bytes === undefined || Number.isNaN(pages) ? [] : [{ name: 'ulimit -v', bytes, usedBytes: pages * PAGE_BYTES }]
}

/** The limit that leaves a process least; undefined where none is less than the node. */
export async function memoryLimitOf(host: Host, pid: number): Promise<MemoryLimit | undefined> {
  const all = [...(await ofGroups(host, pid)), ...(await ofAddresses(host, pid))]
  return all.sort((one, other) => one.bytes - one.usedBytes - (other.bytes - other.usedBytes))[0]
}
