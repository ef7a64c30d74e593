/** The node's own processors and memory, from the kernel's tables in /proc. One reading of three small files a tick. */
import { PlumblineError } from '../base/errors'
import { defineCollector, type Availability, type Context, type Session } from './collector'
import type { Host } from './host'
import { largestProcesses } from './kernel/largest-processes'
import { parseStat, parseMemory, usage, type ProcessorTimes } from './kernel/proc-tables'

async function detect(host: Host): Promise<Availability> {
  const stat = await host.read('/proc/stat')
  const times = stat === undefined ? undefined : parseStat(stat)
  if (times !== undefined) return { available: true, detail: `${times.count} logical processors` }
  return { available: false, why: '/proc/stat cannot be read', fix: 'run the agent on Linux, with /proc mounted' }
}

class ProcSession implements Session {
  private previous: ProcessorTimes | undefined
  private readonly largest: ReturnType<typeof largestProcesses>

  constructor(private readonly context: Context) {
    this.largest = largestProcesses(context.host)
  }

  async collect(): Promise<void> {
    const { host } = this.context
    const [stat, memory, load] = await Promise.all(
      ['/proc/stat', '/proc/meminfo', '/proc/loadavg'].map(path => host.read(path)),
    )
    const times = stat === undefined ? undefined : parseStat(stat)
    if (times === undefined) {
      throw new PlumblineError('/proc/stat cannot be read', { fix: 'run the agent on Linux, with /proc mounted' })
    }
    const shares = this.previous === undefined ? undefined : usage(this.previous, times)
    this.previous = times
    const bytes = parseMemory(memory ?? '')
    const processes = await this.largest((bytes.used ?? NaN) / (bytes.total ?? NaN))
    this.context
      .batch()
      .table('host')
      .begin()
      .number('time', host.now())
      .text('node', host.hostname)
      .number('cpuCount', times.count)
      .number('cpuUtilizationRatio', shares?.busy)
      .number('cpuStealRatio', shares?.steal)
      .number('cpuIoWaitRatio', shares?.ioWait)
      .number('memoryUsedBytes', bytes.used)
      .number('memoryTotalBytes', bytes.total)
      .number('swapUsedBytes', bytes.swapUsed)
      .number('loadAverage', Number.parseFloat(load ?? ''))
      .json('processes', processes)
  }

  close(): Promise<void> {
    return Promise.resolve()
  }
}

export const proc = defineCollector({
  name: 'proc',
  help: 'processors, memory, swap and load of this machine',
  scope: 'node',
  everyMs: ({ intervalMs }) => intervalMs,
  timeoutMs: 5_000,
  detect: host => detect(host),
  open: context => Promise.resolve(new ProcSession(context)),
})
