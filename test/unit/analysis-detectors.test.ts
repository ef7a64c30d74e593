/** What each detector says and when; what holds for all of them is a law. */
import { describe, expect, it } from 'vitest'
import { belowPrediction } from '../../analysis/below-prediction'
import { crash, outOfMemory } from '../../analysis/failures'
import { detectAll } from '../../analysis/index'
import { silentRun } from '../../analysis/silent-run'
import { predict } from '../../math/predict'
import { findPreset } from '../../math/presets'
import type { RecordOf } from '../../wire/records'
import { jobColumns, STARTED, windowOf } from './analysis-windows'

const GIB = 1024 ** 3
const event = (fields: Partial<RecordOf<'event'>>): RecordOf<'event'> => ({ kind: 'event', ...fields })

describe('out of memory', () => {
  const asked = event({
    type: 'oom',
    time: 50,
    rank: 3,
    node: 'n1',
    message: 'CUDA out of memory.',
    requestedBytes: 2 * GIB,
    freeBytes: GIB / 2,
    capacityBytes: 80 * GIB,
    reservedUnallocatedBytes: 3 * GIB,
  })

  it('says which rank asked for how much, and what there was', () => {
    expect(outOfMemory.detect(windowOf({ events: [asked] }))).toMatchObject([
      {
        title: 'Out of memory on rank 3 of n1',
        severity: 'critical',
        since: 50,
        ranks: [3],
        evidence:
          'CUDA out of memory. (asked for 2.00 GiB, free 512 MiB, reserved and unused 3.00 GiB, device 80.0 GiB)',
      },
    ])
  })

  it('names the first of its events, and counts its echoes', () => {
    const echoes = [event({ type: 'oom', rank: 1, time: 52 }), asked, event({ type: 'oom', rank: 0 })]
    const [finding, ...more] = outOfMemory.detect(windowOf({ events: echoes }))
    expect(more).toEqual([])
    expect(finding).toMatchObject({ ranks: [3], evidence: expect.stringContaining('the first of 3') as unknown })
  })

  it('of a host is another finding with another remedy', () => {
    const found = outOfMemory.detect(windowOf({ events: [asked, event({ type: 'host-oom', time: 60 })] }))
    expect(found.map(({ nextStep }) => /host/.test(nextStep) && /workers/.test(nextStep))).toEqual([false, true])
  })

  it('without a time is dated by the end of the run, or its start', () => {
    const events = [event({ type: 'oom' })]
    expect(outOfMemory.detect(windowOf({ events, facts: { endedAt: 70 } }))[0]?.since).toBe(70)
    expect(outOfMemory.detect(windowOf({ events }))[0]).toMatchObject({ since: STARTED, title: 'Out of memory' })
  })
})

describe('a failure', () => {
  it.each(['crash', 'traceback', 'nccl-timeout', 'xid'])('of type %s is named with its remedy', type => {
    const [finding] = crash.detect(windowOf({ events: [event({ type, rank: 1, time: 5, message: 'what was said' })] }))
    expect(finding).toMatchObject({ title: 'A failure on rank 1', evidence: 'what was said', since: 5 })
  })

  it.each(['exit', 'evaluation', 'summary', 'oom', 'constructor', undefined])('is not an event of type %s', type => {
    expect(crash.detect(windowOf({ events: [event({ type, message: 'text' })] }))).toEqual([])
  })
})

describe('a silent run', () => {
  const after = (seconds: number, step = 1, change: Parameters<typeof windowOf>[0] = {}) =>
    silentRun.detect(
      windowOf({ ...change, now: STARTED + 30 * step + seconds, steps: jobColumns(Array(30).fill(step) as number[]) }),
    )

  it('is one without a step for ten step times, and a minute at least', () => {
    expect(after(59)).toEqual([])
    expect(after(61)).toMatchObject([{ title: 'No step for 61.0 s', since: STARTED + 30, severity: 'warning' }])
    expect(after(150, 20)).toEqual([])
    expect(after(201, 20)).toHaveLength(1)
  })

  it('is not one that has ended, or of which no step has come', () => {
    expect(after(1e6, 1, { facts: { endedAt: STARTED + 40 } })).toEqual([])
    for (const state of ['ended', 'failed', 'lost']) expect(after(1e6, 1, { facts: { state } }), state).toEqual([])
    expect(after(1e6, 1, { facts: { state: 'silent' } })).toHaveLength(1)
    expect(silentRun.detect(windowOf({ now: 1e9, steps: jobColumns([]) }))).toEqual([])
    expect(silentRun.detect(windowOf({ now: 1e9, steps: jobColumns([1]) }))).toEqual([])
  })
})

describe('a run far below its prediction', () => {
  const prediction = predict({
    model: findPreset('gpt2')?.model,
    precision: 'bf16',
    batch: { micro: 8, global: 64 },
    hardware: { gpu: 'a100', count: 8 },
  })
  const { seconds = NaN } = prediction.step
  const detect = (factor: number, steps = 20, first = factor) =>
    belowPrediction.detect(
      windowOf({
        prediction,
        steps: jobColumns(Array.from({ length: steps }, (_, at) => seconds * (at < 3 ? first : factor))),
      }),
    )

  it('takes more than three times as long', () => {
    expect(detect(2.9)).toEqual([])
    const [finding] = detect(4)
    expect(finding).toMatchObject({ title: 'Steps take 4.0 times as long as predicted', severity: 'info' })
    expect(finding?.evidence).toContain(prediction.peak?.title)
    expect(finding?.costSecondsPerStep).toBeCloseTo(3 * seconds, 9)
  })

  it('is not judged by its first steps, or by few', () => {
    expect(detect(1, 20, 100)).toEqual([])
    expect(detect(4, 10)).toEqual([])
    expect(detect(4, 11)).toHaveLength(1)
  })

  it('is not judged without a prediction', () => {
    const steps = jobColumns(Array(20).fill(1e6) as number[])
    expect(belowPrediction.detect(windowOf({ steps }))).toEqual([])
    expect(belowPrediction.detect(windowOf({ steps, prediction: predict({}) }))).toEqual([])
  })
})

describe('all detectors together', () => {
  it('say everything in their order, and one that throws is reported and stops no other', () => {
    const failed: string[] = []
    const events = [event({ type: 'xid', time: 1 }), event({ type: 'oom', time: 2 })]
    const found = detectAll(windowOf({ events }), (detector, message) => failed.push(`${detector}: ${message}`))
    expect(found.map(({ detector }) => detector)).toEqual(['out-of-memory', 'crash'])
    expect(failed).toEqual([])
    const broken = Object.defineProperty(windowOf({ events }), 'steps', {
      get: () => {
        throw new Error('no columns')
      },
    })
    const rest = detectAll(broken, (detector, message) => failed.push(`${detector}: ${message}`))
    expect(rest.map(({ detector }) => detector)).toEqual(['out-of-memory', 'crash'])
    expect(failed).toContain('silent-run: no columns')
  })
})
