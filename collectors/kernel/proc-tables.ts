/** Tables of /proc: https://docs.kernel.org/filesystems/proc.html */

/** Ticks since boot, summed over all processors. */
export interface ProcessorTimes {
  readonly count: number
  readonly total: number
  readonly idle: number
  readonly ioWait: number
  readonly steal: number
}

/** `cpu  user nice system idle iowait irq softirq steal guest guest_nice`; guest time is in user and nice already. */
export function parseStat(text: string): ProcessorTimes | undefined {
  const fields = /^cpu +(.+)$/m.exec(text)?.[1]?.trim().split(/ +/).map(Number)
  if (fields === undefined || fields.length < 4 || fields.some(Number.isNaN)) return undefined
  const [user = 0, nice = 0, system = 0, idle = 0, ioWait = 0, interrupt = 0, softInterrupt = 0, steal = 0] = fields
  const total = user + nice + system + idle + ioWait + interrupt + softInterrupt + steal
  return { count: text.match(/^cpu\d+ /gm)?.length ?? 0, total, idle, ioWait, steal }
}

export interface Shares {
  /** In use: neither idle, nor waiting for input or output, nor given to other guests. */
  readonly busy: number
  readonly ioWait: number
  readonly steal: number
}

/** Shares of the time between two readings; undefined when no time passed or the counters ran backwards. */
export function usage(before: ProcessorTimes, after: ProcessorTimes): Shares | undefined {
  const total = after.total - before.total
  if (!(total > 0)) return undefined
  const share = (ticks: number) => Math.min(1, Math.max(0, ticks / total))
  const ioWait = share(after.ioWait - before.ioWait)
  const steal = share(after.steal - before.steal)
  return { ioWait, steal, busy: Math.max(0, 1 - share(after.idle - before.idle) - ioWait - steal) }
}

export interface Memory {
  readonly total: number | undefined
  /** Total less available: what cannot be had without swapping. */
  readonly used: number | undefined
  readonly swapUsed: number | undefined
}

export function parseMemory(text: string): Memory {
  const bytes = (name: string) => {
    const match = new RegExp(`^${name}: +(\\d+) kB$`, 'm').exec(text)
    return match === null ? undefined : Number(match[1]) * 1024
  }
  const less = (all: number | undefined, part: number | undefined) =>
    all === undefined || part === undefined ? undefined : all - part
  const total = bytes('MemTotal')
  return {
    total,
    used: less(total, bytes('MemAvailable')),
    swapUsed: less(bytes('SwapTotal'), bytes('SwapFree')),
  }
}
