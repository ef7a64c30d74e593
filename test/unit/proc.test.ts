import { describe, expect, it } from 'vitest'
import { parseMemory, parseStat, usage } from '../../collectors/kernel/proc-tables'
import { proc } from '../../collectors/proc'
import { Batch } from '../../wire/table'
import { FakeHost } from './fake-host'

const stat = (cpu: string) => `cpu  ${cpu}\ncpu0 1 2 3 4 5 6 7 8 0 0\ncpu1 1 2 3 4 5 6 7 8 0 0\nintr 1 2 3\nctxt 5\n`
const memory =
  'MemTotal:       1000 kB\nMemFree:         100 kB\nMemAvailable:    400 kB\nSwapTotal:       50 kB\nSwapFree:        20 kB\n'
const settings = { intervalMs: 1000, logs: [], scrape: [], run: undefined, fromStart: false, synthetic: false }

describe('the tables of /proc', () => {
  it('give the shares of the time between two readings', () => {
    const before = parseStat(stat('100 0 100 1000 50 0 0 10 5 0'))
    const after = parseStat(stat('130 10 110 1030 60 5 5 20 9 0'))
    expect(before).toMatchObject({ count: 2, total: 1260 })
    if (before === undefined || after === undefined) return
    // 110 ticks in all: 30 idle, 10 waiting, 10 stolen; guest time is counted in user time already.
    const shares = usage(before, after)
    expect(shares?.ioWait).toBeCloseTo(10 / 110)
    expect(shares?.steal).toBeCloseTo(10 / 110)
    expect(shares?.busy).toBeCloseTo(60 / 110)
  })

  it('give no shares where no time passed or the counters ran backwards', () => {
    const times = parseStat(stat('1 1 1 1'))
    expect(times).toBeDefined()
    if (times === undefined) return
    expect(usage(times, times)).toBeUndefined()
    expect(usage({ ...times, total: times.total + 5 }, times)).toBeUndefined()
  })

  it('are absent, not zero, where a line is missing or broken', () => {
    expect(parseStat('intr 1 2\n')).toBeUndefined()
    expect(parseStat('cpu  a b c d\n')).toBeUndefined()
    expect(parseMemory('MemTotal:  1000 kB\n')).toEqual({ total: 1024000, used: undefined, swapUsed: undefined })
    expect(parseMemory('')).toEqual({ total: undefined, used: undefined, swapUsed: undefined })
  })
})

describe('the collector', () => {
  it('gives one host row a tick, with shares from the second on', async () => {
    const host = new FakeHost()
    host.write('/proc/stat', stat('100 0 0 100 0 0 0 0'))
    host.write('/proc/meminfo', memory)
    host.write('/proc/loadavg', '1.25 0.50 0.25 2/300 999\n')
    expect(await proc.detect(host)).toEqual({ available: true, detail: '2 logical processors' })
    const batch = new Batch()
    const session = await proc.open({ host, settings, batch: () => batch, cursor: undefined, warn: () => undefined })
    await session.collect()
    host.clock += 1
    host.write('/proc/stat', stat('175 0 0 125 0 0 0 0'))
    host.write('/proc/loadavg', '')
    await session.collect()
    const same = {
      kind: 'host',
      node: 'node-a',
      cpuCount: 2,
      memoryUsedBytes: 614400,
      memoryTotalBytes: 1024000,
      swapUsedBytes: 30720,
    }
    expect(batch.records()).toEqual([
      { ...same, time: 1_800_000_000, loadAverage: 1.25 },
      { ...same, time: 1_800_000_001, cpuUtilizationRatio: 0.75, cpuStealRatio: 0, cpuIoWaitRatio: 0 },
    ])
    host.remove('/proc/stat')
    await expect(session.collect()).rejects.toMatchObject({ name: 'PlumblineError' })
    expect(batch.rows).toBe(2)
  })
})
