/** The long-lived child, with the made-up nvidia-smi that behaves like the real one. Time is moved by the tests. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import type { Context } from '../../collectors/collector'
import { localHost, type Child, type ChildEvents, type Host } from '../../collectors/host'
import { nvidiaSmi } from '../../collectors/nvidia-smi'
import { Stream } from '../../collectors/nvidia/stream'
import { Batch } from '../../wire/table'
import type { RecordOf } from '../../wire/records'

const demo = join(import.meta.dirname, '../../cli/demo')
const settings = { intervalMs: 100, logs: [], scrape: [], run: undefined, fromStart: false, synthetic: true }

class Bench {
  readonly batch = new Batch()
  readonly warnings: string[] = []
  readonly starts: string[][] = []
  readonly children: Child[] = []
  private shift = 0
  readonly host: Host
  readonly stream: Stream

  constructor(intervalMs = 100) {
    const local = localHost()
    this.host = {
      ...local,
      now: () => local.now() + this.shift,
      spawn: (command: string, args: readonly string[], events: ChildEvents) => {
        this.starts.push([...args])
        const child = local.spawn(command, args, events)
        this.children.push(child)
        return child
      },
    }
    const context: Context = {
      host: this.host,
      settings: { ...settings, intervalMs },
      batch: () => this.batch,
      cursor: undefined,
      warn: message => this.warnings.push(message),
    }
    this.stream = new Stream(context)
  }

  later(seconds: number): void {
    this.shift += seconds
  }

  collect(): Promise<string> {
    return this.stream.collect().then(
      () => 'fine',
      (error: unknown) => (error instanceof Error ? error.message : String(error)),
    )
  }

  /** Collects until the answer fits. */
  async until(pattern: RegExp, andRows = 0): Promise<string> {
    let answer = ''
    await vi.waitFor(
      async () => {
        answer = await this.collect()
        expect(answer).toMatch(pattern)
        expect(this.batch.rows).toBeGreaterThanOrEqual(andRows)
      },
      { timeout: 8_000, interval: 20 },
    )
    return answer
  }

  get gpus(): RecordOf<'gpu'>[] {
    return this.batch.records().filter((record): record is RecordOf<'gpu'> => record.kind === 'gpu')
  }
}

let bench: Bench
beforeEach(() => {
  vi.stubEnv('PATH', `${demo}:${process.env['PATH'] ?? ''}`)
  bench = new Bench()
})
afterEach(async () => {
  await bench.stream.close()
  vi.unstubAllEnvs()
})

/** A zombie that waits for its parent to look is not alive. */
const alive = (pid: number) => {
  try {
    return !/\) [ZX] /.test(readFileSync(`/proc/${pid}/stat`, 'utf8'))
  } catch {
    return false
  }
}

describe('the long-lived nvidia-smi', () => {
  it('gives a row per device and loop from one process', async () => {
    await bench.until(/fine/, 24)
    expect(bench.starts).toHaveLength(1)
    expect(bench.starts[0]).toContain('--loop-ms=100')
    expect(bench.gpus.slice(0, 8).map(({ index }) => index)).toEqual([0, 1, 2, 3, 4, 5, 6, 7])
    expect(bench.gpus[0]).toMatchObject({
      source: 'synthetic',
      vendor: 'nvidia',
      memoryTotalBytes: 81559 * 1048576,
      node: bench.host.hostname,
    })
    expect(bench.stream.counts()).toEqual({ linesRead: bench.batch.rows + 1, linesUnread: 0 })
  })

  it('is started anew after it was killed, later and later, and counts as failed until lines come', async () => {
    await bench.until(/fine/, 8)
    process.kill(bench.children[0]?.pid ?? 0, 'SIGKILL')
    expect(await bench.until(/ended/)).toContain('SIGKILL')
    expect(bench.starts).toHaveLength(1)
    bench.later(1)
    vi.stubEnv('FAKE_SMI_MODE', 'vanish')
    await bench.collect()
    await bench.until(/exit code 0/)
    expect(bench.starts).toHaveLength(2)
    bench.later(1.5)
    expect(await bench.collect()).toMatch(/ended/)
    expect(bench.starts).toHaveLength(2)
    vi.stubEnv('FAKE_SMI_MODE', 'ok')
    bench.later(1)
    const before = bench.batch.rows
    await bench.until(/fine/, before + 8)
    expect(bench.starts).toHaveLength(3)
  })

  it('is killed and started anew when it hangs, even where it does not hear SIGTERM', async () => {
    vi.stubEnv('FAKE_SMI_MODE', 'hang')
    vi.stubEnv('FAKE_SMI_AFTER', '2')
    await bench.until(/fine/, 16)
    const pid = bench.children[0]?.pid ?? 0
    bench.later(5.5)
    expect(await bench.collect()).toBe('fine')
    expect(await bench.collect()).toMatch(/printed nothing for [56] s and was stopped/)
    expect(alive(pid)).toBe(false)
    vi.stubEnv('FAKE_SMI_MODE', 'ok')
    bench.later(1)
    await bench.until(/fine/, 24)
  })

  it('passes what it complains of on, with what to do, and makes no samples of it', async () => {
    vi.stubEnv('FAKE_SMI_MODE', 'error')
    await bench.until(/couldn't communicate with the NVIDIA driver/)
    await expect(bench.stream.collect()).rejects.toMatchObject({
      fix: expect.stringContaining('modprobe nvidia') as unknown,
    })
    expect(bench.batch.rows).toBe(0)
    vi.stubEnv('FAKE_SMI_ERROR', 'Failed to initialize NVML: Driver/library version mismatch')
    bench.later(60)
    await bench.until(/version mismatch/)
    vi.stubEnv('FAKE_SMI_MODE', 'ok')
    bench.later(60)
    await bench.until(/fine/, 8)
  })

  it('leaves garbage out, counts it, says so once, and goes on', async () => {
    vi.stubEnv('FAKE_SMI_MODE', 'garbage')
    await bench.until(/fine/, 24)
    expect(
      bench.gpus.every(({ index, uuid }) => Number.isInteger(index) && uuid?.startsWith('GPU-5eed') === true),
    ).toBe(true)
    expect(bench.stream.counts().linesUnread).toBeGreaterThanOrEqual(9)
    expect(bench.warnings).toHaveLength(1)
  })

  it('keeps the other devices when one is lost, and tells once', async () => {
    vi.stubEnv('FAKE_SMI_MODE', 'lost')
    vi.stubEnv('FAKE_SMI_AFTER', '1')
    await bench.until(/fine/, 33)
    const events = bench.batch.records().filter(record => record.kind === 'event')
    expect(events).toMatchObject([{ type: 'gpu-lost', gpuIndex: 7 }])
    expect(bench.gpus.at(8 + 7)).not.toHaveProperty('utilizationRatio')
    expect(bench.gpus.at(8)).toHaveProperty('utilizationRatio')
  })

  it('asks a driver only for what it knows', async () => {
    vi.stubEnv('FAKE_SMI_UNKNOWN', 'temperature.memory,enforced.power.limit,clocks_event_reasons.active')
    await bench.until(/fine/, 8)
    expect(bench.starts[0]?.[0]).toContain(',power.limit,')
    expect(bench.starts[0]?.[0]).not.toMatch(/temperature\.memory|clocks_event_reasons/)
    expect(bench.gpus[0]).toMatchObject({ powerLimitWatts: 700 })
    expect(bench.gpus[0]).not.toHaveProperty('throttleReasons')
  })

  it('drops one by one what a driver without a help text refuses', async () => {
    const run = bench.host.run
    bench.host.run = async (command, args, timeoutMs) =>
      args[0] === '--help-query-gpu' ? { code: 0, stdout: '', stderr: '' } : run(command, args, timeoutMs)
    vi.stubEnv('FAKE_SMI_UNKNOWN', 'temperature.memory,enforced.power.limit')
    await bench.until(/fine/, 8)
    expect(bench.starts).toHaveLength(3)
    expect(bench.gpus[0]).toMatchObject({ powerLimitWatts: 700 })
  })

  it('is gone after close, and close is quick', async () => {
    await bench.until(/fine/, 8)
    const pid = bench.children[0]?.pid ?? 0
    const { rows } = bench.batch
    await bench.stream.close()
    expect(alive(pid)).toBe(false)
    expect(bench.batch.rows).toBe(rows)
  })
})

describe('looking for nvidia-smi', () => {
  it('names the devices', async () => {
    expect(await nvidiaSmi.detect(localHost())).toEqual({ available: true, detail: '8 × NVIDIA H100 80GB HBM3' })
  })

  it('tells a node without it from one where it fails', async () => {
    vi.stubEnv('FAKE_SMI_GPUS', '0')
    expect(await nvidiaSmi.detect(localHost())).toMatchObject({ available: false, why: 'No devices were found' })
    vi.stubEnv('FAKE_SMI_MODE', 'error')
    expect(await nvidiaSmi.detect(localHost())).toMatchObject({
      available: true,
      detail: expect.stringContaining('fails') as unknown,
    })
    vi.stubEnv('PATH', '/nowhere')
    expect(await nvidiaSmi.detect(localHost())).toMatchObject({
      available: false,
      why: expect.stringContaining('not found') as unknown,
    })
  })
})
