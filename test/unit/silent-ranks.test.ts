/** Runs whose ranks tell nothing of themselves: what the store hands to detectors of the job's timers and of its devices. */
import { describe, expect, it } from 'vitest'
import { devicePace as pace } from '../../analysis/device-pace'
import { unevenTimers } from '../../analysis/uneven-timers'
import { createLogReader } from '../../collectors/logs/read'
import { devicePace } from '../../hub/queries/device-pace'
import { timerSpreads } from '../../hub/queries/job-timers'
import type { WireRecord } from '../../wire/records'
import { STARTED, windowOf } from './analysis-windows'
import { ownStore } from './own-store'
import { batchOf } from './records'

const store = ownStore()

/** An iteration as Megatron prints it with `--timing-log-option minmax`. */
const iteration = (step: number) =>
  ` [2026-11-23 17:35:${String(step).padStart(2, '0')}] iteration ${String(step).padStart(8)}/      40 | consumed samples: ${String(step * 16).padStart(12)} | elapsed time per iteration (ms): 1000.0 | learning rate: 1.0E-04 | global batch size:    16 | lm loss: 3.0E+00 |
(min, max) time across ranks (ms):
    forward-compute ................................: (200.00, 206.00)
    backward-compute ...............................: (400.00, 520.00)
    all-grads-sync .................................: (10.00, 130.00)
`

/** One of eight devices draws more than the others, which wait for it and say that they are busy. */
function* deviceRecords(): Generator<WireRecord> {
  for (let second = 0; second < 320; second += 1)
    for (let index = 0; index < 8; index += 1)
      yield {
        kind: 'gpu',
        time: STARTED + second,
        node: 'n1',
        index,
        utilizationRatio: 1,
        smClockHertz: 1.9e9,
        powerWatts: (index === 3 ? 620 : 430) + ((7 * second + 3 * index) % 11),
      }
}

describe('a run whose ranks tell nothing', () => {
  it('by Megatron’s least and most is said to be uneven, in which phase, and by how much', async () => {
    const reader = createLogReader()
    const text = Array.from({ length: 24 }, (_, step) => iteration(step + 1)).join('')
    const records = [...reader.push(Buffer.from(text)), ...reader.end()].map(record => ({ ...record, run: 'timers' }))
    await store().insert(batchOf(records), { agent: 'a', sequence: 1, receivedAt: 1 })
    const timers = await timerSpreads(store(), 'timers', { from: 0, to: 20 })
    expect(timers.filter(({ step }) => step > 20)).toEqual([])
    expect(timers.filter(({ step }) => step === 9).map(({ name }) => name)).toEqual([
      'forward-compute',
      'backward-compute',
      'all-grads-sync',
    ])
    const [finding, ...more] = unevenTimers.detect(windowOf({ timers }))
    expect(more).toEqual([])
    expect(finding).toMatchObject({
      provenance: 'estimated',
      title: expect.stringContaining('backward-compute') as unknown,
    })
    expect(finding?.costSecondsPerStep).toBeCloseTo(0.126, 3)
    expect(finding?.ranks).toBeUndefined()
    // Stages do unlike work.
    const config = { kind: 'config' as const, parallelism: { pipeline: 4 } }
    expect(unevenTimers.detect(windowOf({ timers, config }))).toEqual([])
  })

  it('by devices alone: the one that draws more than those that spin is named, as an estimate', async () => {
    await store().insert(batchOf([...deviceRecords()]), { agent: 'b', sequence: 1, receivedAt: 1 })
    const devices = await devicePace(store(), ['n1'], { from: STARTED, to: STARTED + 320 })
    expect(devices?.devices.length).toBe(8)
    expect(devices?.device.length).toBe(8 * 32)
    const [finding, ...more] = pace.detect(windowOf({ devices }))
    expect(more).toEqual([])
    expect(finding).toMatchObject({
      title: 'Device 3 of n1 may hold the others back',
      provenance: 'estimated',
      severity: 'info',
      nodes: ['n1'],
    })
    expect(await devicePace(store(), ['n2'], { from: STARTED, to: STARTED + 320 })).toBeUndefined()
    expect(await devicePace(store(), ['n1'], { from: NaN, to: NaN })).toBeUndefined()
  })
})
