/** The processes that hold most memory. https://docs.kernel.org/filesystems/proc.html: `statm` counts pages, `comm` is a name. */
import type { Host } from '../host'
import { memoryLimitOf, type MemoryLimit } from './memory-limit'

const PAGE_BYTES = 4096
const MOST = 8
/** Seconds between two looks: each reads a small file of every process. */
const SELDOM_SECONDS = 10
const OFTEN_SECONDS = 2
/** From here on it may be over within seconds. */
const FULL = 0.85

export interface LargeProcess {
  readonly pid: number
  readonly name?: string
  readonly memoryUsedBytes: number
  /** Where it may have less than the node has. */
  readonly limit?: MemoryLimit
}

/** Resident bytes of `size resident shared text lib data dt`. */
export function residentBytes(statm: string): number | undefined {
  const pages = Number(statm.split(' ')[1] ?? NaN)
  return Number.isFinite(pages) ? pages * PAGE_BYTES : undefined
}

async function look(host: Host): Promise<LargeProcess[]> {
  const pids = (await host.list('/proc')).filter(name => /^\d+$/.test(name))
  const read = await Promise.all(
    pids.map(async pid => ({ pid, bytes: residentBytes((await host.read(`/proc/${pid}/statm`)) ?? '') })),
  )
  // One that has ended meanwhile cannot be read, and threads of the kernel hold nothing of their own.
  const held = read.flatMap(({ pid, bytes = 0 }) => (bytes > 0 ? [{ pid, bytes }] : []))
  const largest = held.toSorted((one, other) => other.bytes - one.bytes).slice(0, MOST)
  return Promise.all(
    largest.map(async ({ pid, bytes }) => {
      const name = (await host.read(`/proc/${pid}/comm`))?.trim()
      const limit = await memoryLimitOf(host, Number(pid))
      return {
        pid: Number(pid),
        ...(name !== undefined && name !== '' && { name }),
        memoryUsedBytes: bytes,
        ...(limit !== undefined && { limit }),
      }
    }),
  )
}

/** Looks now and then; undefined where it is not time yet. */
export function largestProcesses(host: Host): (usedRatio: number | undefined) => Promise<LargeProcess[] | undefined> {
  let lookedAt = -Infinity
  return async usedRatio => {
    const now = host.now()
    if (now - lookedAt < ((usedRatio ?? 0) > FULL ? OFTEN_SECONDS : SELDOM_SECONDS)) return undefined
    lookedAt = now
    const found = await look(host)
    return found.length === 0 ? undefined : found
  }
}
