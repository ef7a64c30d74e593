/** What is taken down of processes and folders, and how it grows. */
import { readdirSync, readFileSync } from 'node:fs'
import { folderBytes, residentBytes } from '../bench/ingest/process-cost'

export interface Part {
  readonly bytes: number
  readonly files: number
  readonly threads: number
}

/** Of a living process. Throws where it is gone: that is what a soak is for. */
export function measure(pid = 0): Part {
  const threads = Number(/^Threads:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1] ?? NaN)
  return { bytes: residentBytes(pid), files: readdirSync(`/proc/${pid}/fd`).length, threads }
}

export interface Look {
  readonly minutes: number
  readonly hubBytes: number
  readonly hubFiles: number
  readonly hubThreads: number
  readonly agentBytes: number
  readonly agentFiles: number
  readonly storeBytes: number
  readonly spoolBytes: number
  readonly acknowledged: number
  readonly made: number
}

export function look(seen: {
  readonly minutes: number
  readonly parts: { readonly hub: Part; readonly agent: Part }
  readonly disk: { readonly hub: string; readonly agent: string }
  readonly acknowledged: number
  readonly made: number
}): Look {
  const { hub, agent } = seen.parts
  return {
    minutes: seen.minutes,
    hubBytes: hub.bytes,
    hubFiles: hub.files,
    hubThreads: hub.threads,
    agentBytes: agent.bytes,
    agentFiles: agent.files,
    storeBytes: folderBytes(seen.disk.hub),
    spoolBytes: folderBytes(seen.disk.agent),
    acknowledged: seen.acknowledged,
    made: seen.made,
  }
}

/** The slope of the straight line through the looks, an hour. */
export function perHour(looks: readonly Look[], name: keyof Look): number {
  const mean = (of: keyof Look) => looks.reduce((sum, one) => sum + one[of], 0) / looks.length
  const [x, y] = [mean('minutes'), mean(name)]
  let over = 0
  let under = 0
  for (const one of looks) {
    over += (one.minutes - x) * (one[name] - y)
    under += (one.minutes - x) ** 2
  }
  return (over / under) * 60
}
