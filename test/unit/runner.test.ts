import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { Runner } from '../../agent/runner'
import { PlumblineError } from '../../base/errors'
import type { Collector, Json, Session } from '../../collectors/collector'
import { Batch } from '../../wire/table'
import { FakeHost } from './fake-host'

const FREE = { factor: 1, note: {} }
const settings = { intervalMs: 1000, logs: [], scrape: [], run: undefined, fromStart: false, synthetic: false }
const host = new FakeHost('node-a')

let runner: Runner | undefined
beforeEach(() => void vi.useFakeTimers())
afterEach(async () => {
  const stopped = runner?.stop()
  await vi.runOnlyPendingTimersAsync()
  await vi.advanceTimersByTimeAsync(20_000)
  await stopped
  vi.useRealTimers()
})

const session = (collect: () => Promise<void>): Session => ({ collect, close: () => Promise.resolve() })

function start(parts: Partial<Collector>, cursor?: Json) {
  const batch = new Batch()
  const lines: string[] = []
  const collector: Collector = {
    name: 'made',
    help: '',
    scope: 'node',
    everyMs: () => 1000,
    timeoutMs: 300,
    detect: () => Promise.resolve({ available: true, detail: '' }),
    open: () => Promise.resolve(session(() => Promise.resolve())),
    ...parts,
  }
  const log = (line: string) => lines.push(line)
  const own = new Runner({ collector, host, settings, cursor, restraint: FREE, batch: () => batch, log })
  runner = own
  const states = () => batch.records().flatMap(record => (record.kind === 'collector' ? [record.state] : []))
  const last = () => batch.records().findLast(record => record.kind === 'collector')
  return { runner: own, batch, lines, states, last }
}

describe('a runner', () => {
  it('collects from start to start of its interval, however long a collection takes', async () => {
    let calls = 0
    start({
      timeoutMs: 5000,
      open: () =>
        Promise.resolve(
          session(async () => {
            calls += 1
            await new Promise(resolve => setTimeout(resolve, 400))
          }),
        ),
    })
    await vi.advanceTimersByTimeAsync(10_050)
    expect(calls).toBe(11)
  })

  it('never asks a session that still hangs, counts each interval as failed, and goes on when it comes back', async () => {
    let calls = 0
    let release = () => {}
    const { runner, states } = start({
      open: () =>
        Promise.resolve(
          session(() => {
            calls += 1
            return calls > 1 ? Promise.resolve() : new Promise(resolve => (release = resolve))
          }),
        ),
    })
    await vi.advanceTimersByTimeAsync(3500)
    expect([calls, runner.failures, runner.health.message]).toEqual([1, 4, 'collecting took longer than 0.3 s'])
    release()
    await vi.advanceTimersByTimeAsync(1000)
    expect([calls, runner.health.state, states()]).toEqual([2, 'ok', ['failed', 'ok']])
  })

  it('reports at the start, at each change, and every ten seconds', async () => {
    let fails = false
    const { states, last, lines } = start({
      open: () =>
        Promise.resolve(
          session(() =>
            fails ? Promise.reject(new PlumblineError('it broke', { fix: 'mend it' })) : Promise.resolve(),
          ),
        ),
    })
    await vi.advanceTimersByTimeAsync(9500)
    expect(states()).toEqual(['ok'])
    await vi.advanceTimersByTimeAsync(1000)
    expect(states()).toEqual(['ok', 'ok'])
    fails = true
    await vi.advanceTimersByTimeAsync(3000)
    expect(states()).toEqual(['ok', 'ok', 'failed'])
    expect(last()).toMatchObject({ node: 'node-a', name: 'made', message: 'it broke', fix: 'mend it' })
    expect(lines).toEqual(['made: it broke (fix: mend it)'])
  })

  it('looks each minute for a source that is absent, and reports it meanwhile', async () => {
    let there = false
    let looks = 0
    const { states, last } = start({
      detect: () => {
        looks += 1
        return Promise.resolve(
          there ? { available: true, detail: '' } : { available: false, why: 'no such program', fix: 'install it' },
        )
      },
    })
    await vi.advanceTimersByTimeAsync(30_500)
    expect([looks, states()]).toEqual([1, ['absent', 'absent', 'absent', 'absent']])
    expect(last()).toMatchObject({ message: 'no such program', fix: 'install it' })
    there = true
    await vi.advanceTimersByTimeAsync(30_000)
    expect([looks, last()]).toMatchObject([2, { state: 'ok' }])
  })

  it('opens again with growing waits where opening throws', async () => {
    const at: number[] = []
    const from = Date.now()
    start({
      open: () => {
        at.push(Math.round((Date.now() - from) / 1000))
        return Promise.reject(new Error('no'))
      },
    })
    await vi.advanceTimersByTimeAsync(16_000)
    expect(at).toEqual([0, 1, 3, 7, 15])
  })

  it('closes a session that opened too late, and uses the next one', async () => {
    const closed: number[] = []
    let opened = 0
    const { runner } = start({
      open: async () => {
        opened += 1
        const number = opened
        if (number === 1) await new Promise(resolve => setTimeout(resolve, 15_000))
        return { collect: () => Promise.resolve(), close: () => Promise.resolve(void closed.push(number)) }
      },
    })
    await vi.advanceTimersByTimeAsync(16_000)
    expect([opened, closed, runner.health.state]).toEqual([2, [1], 'ok'])
  })

  it('keeps the saved cursor until the session is open', async () => {
    const { runner } = start({ detect: () => Promise.resolve({ available: false, why: '', fix: '' }) }, { offset: 7 })
    await vi.advanceTimersByTimeAsync(10)
    expect(runner.cursor()).toEqual({ offset: 7 })
  })

  it('reads all that is left before it closes', async () => {
    let read = 0
    let closedAt = 0
    const { runner } = start({
      everyMs: () => 60_000,
      open: () =>
        Promise.resolve({
          collect: () => Promise.resolve(void (read = Math.min(5, read + 1))),
          counts: () => ({ linesRead: read, linesUnread: 0 }),
          close: () => Promise.resolve(void (closedAt = read)),
        }),
    })
    await vi.advanceTimersByTimeAsync(10)
    expect(read).toBe(1)
    await runner.stop()
    expect(closedAt).toBe(5)
  })
})
