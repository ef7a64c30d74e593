import { mkdtempSync, readFileSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { Player, readRecording } from '../../cli/demo/player'
import { createLogReader } from '../../collectors/logs/read'
import type { RecordOf } from '../../wire/records'

let folder: string
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'plumbline-player-'))
  vi.useFakeTimers({ now: 1_800_000_000_000 })
})
afterEach(() => {
  vi.useRealTimers()
  rmSync(folder, { recursive: true, force: true })
})

describe('the demo', () => {
  it('has a whole recording of four ranks: each step of each rank once', () => {
    const steps = readRecording().filter(({ record }) => record['kind'] === 'step')
    const seen = new Set(steps.map(({ record }) => `${String(record['rank'])} ${String(record['step'])}`))
    expect(seen.size).toBe(steps.length)
    expect(steps.length).toBe(4 * 300)
  })

  it('plays it at its own pace, at present times, in lines that the hook’s format reads', () => {
    const said: Partial<RecordOf<'run'>>[] = []
    const lines = readRecording()
    const length = (lines.at(-1)?.time ?? 0) - (lines[0]?.time ?? 0)
    const player = new Player(folder, 'demo', (_, fields) => said.push(fields))
    vi.advanceTimersByTime((length / 2) * 1000)
    const [run = ''] = readdirSync(folder)
    const read = () => {
      const reader = createLogReader()
      const records = readdirSync(join(folder, run)).flatMap(file => reader.push(readFileSync(join(folder, run, file))))
      expect(reader.counts.linesUnread).toBe(0)
      return records.filter((record): record is RecordOf<'step'> => record.kind === 'step')
    }
    const half = read()
    expect(half.length).toBeGreaterThan(400)
    expect(half.length).toBeLessThan(800)
    for (const { time = 0, node } of half) {
      expect(node).toBe('demo')
      expect(time).toBeGreaterThanOrEqual(1_800_000_000)
      expect(time).toBeLessThanOrEqual(Date.now() / 1000)
    }
    vi.advanceTimersByTime((length / 2) * 1000 + 100)
    expect(read()).toHaveLength(1200)
    expect(said[0]).toMatchObject({ state: 'started' })
    expect(said.at(-1)).toMatchObject({ state: 'ended', exitCode: 0 })
    player.stop()
  })
})
