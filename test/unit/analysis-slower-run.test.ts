/** A run that becomes slower as a whole: as recorded on a GPU, and by hand. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { gunzipSync } from 'node:zlib'
import { describe, expect, it } from 'vitest'
import { slowerRun } from '../../analysis/slower-run'
import { withChanges, type Samples } from '../../analysis/signs'
import { seededRandom } from '../../base/random'
import { createLogReader } from '../../collectors/logs/read'
import type { DetectorWindow } from '../../analysis/detector'
import type { Finding } from '../../wire/findings'
import { jobColumns, rankColumns, windowOf, type RankStep } from './analysis-windows'

const RANKS = [0, 1, 2, 3, 4, 5, 6, 7]
/** Milliseconds of a step on each rank, 200 where nothing is told. */
interface Told {
  readonly steps?: number
  readonly of?: (step: number, rank: number) => Partial<Omit<RankStep, 'step' | 'rank'>>
  readonly open?: readonly Finding[]
}

function windowFrom({ steps = 96, of = () => ({}), open }: Told, first = 1): DetectorWindow {
  const numbers = Array.from({ length: steps }, (_, at) => first + at)
  const usual = { data: 0.01, forward: 0.05, backward: 0.1, optimizer: 0.02, communication: 0.02, tokens: 4096 }
  const rows = numbers.flatMap(step => RANKS.map(rank => ({ step, rank, ...usual, ...of(step, rank) })))
  const ranks = rankColumns(rows)
  const seconds = numbers.map((_, at) => (ranks.stepSeconds[at * RANKS.length] ?? NaN) + 0.02)
  return windowOf({ ranks, steps: jobColumns(seconds), ...(open !== undefined && { open }) })
}
const found = (told: Told, first?: number) => slowerRun.detect(windowFrom(told, first))

describe('a run that becomes slower as a whole', () => {
  it('is told on a recorded GPU while its batches come late, and by which part', () => {
    const reader = createLogReader()
    const bytes = gunzipSync(readFileSync(join(import.meta.dirname, '../fixtures/gpu-run/rank-0.jsonl.gz')))
    const rows = [...reader.push(bytes), ...reader.end()].flatMap((record): RankStep[] => {
      if (record.kind !== 'step' || record.step === undefined) return []
      const { step, phases = {}, tokens = NaN, time = NaN } = record
      const { data, forward, backward, optimizer } = phases
      const seconds = { data, forward, backward, optimizer }
      const told = Object.entries(seconds).map(([name, phase]) => [name, phase?.seconds ?? NaN] as const)
      return [{ step, rank: 0, time, tokens, communication: 0, ...Object.fromEntries(told) }]
    })
    expect(rows).toHaveLength(216)
    const at = (last: number) => {
      const upTo = rows.filter(({ step }) => step <= last)
      const ranks = rankColumns(upTo)
      return slowerRun.detect(windowOf({ ranks, steps: { ...ranks, stepSeconds: ranks.stepSeconds } }))
    }
    for (const last of [40, 60, 85, 95, 140, 170, 184, 215]) expect(at(last), `after step ${last}`).toEqual([])
    const [late, ...others] = at(109)
    expect(others).toEqual([])
    expect(late).toMatchObject({ title: 'Steps take 93 % longer than before: loading data', severity: 'critical' })
    expect(late?.evidence).toMatch(/step takes 300 ms, 156 ms before.*loading data takes 151 ms, before 892 µs/)
    expect(late?.costSecondsPerStep).toBeCloseTo(0.145, 2)
    expect(late?.since).toBe(rows[86]?.time)
  })

  it('is told of all ranks alike, by the part that grew', () => {
    const [finding] = found({ of: step => (step > 70 ? { forward: 0.06, backward: 0.12 } : {}) })
    expect(finding).toMatchObject({
      detector: 'slower-run',
      provenance: 'derived',
      since: expect.any(Number) as number,
    })
    expect(finding?.title).toBe('Steps take 17 % longer than before: computing')
    expect(finding?.costSecondsPerStep).toBeCloseTo(0.03, 9)
    expect(finding?.signs?.[0]).toMatchObject({
      field: 'step.work',
      own: expect.closeTo(0.21, 9) as number,
      peers: expect.closeTo(0.18, 9) as number,
    })
    expect(finding?.signs?.map(({ field }) => field)).toEqual([
      'step.work',
      'step.data',
      'step.compute',
      'step.optimizer',
    ])
  })

  it('is nobody’s fault where a few ranks are slow, where a step has more tokens, or where it has always been so', () => {
    expect(found({ of: (step, rank) => (step > 70 && rank < 3 ? { forward: 0.15 } : {}) })).toEqual([])
    const doubled = { data: 0.02, forward: 0.1, backward: 0.2, tokens: 8192 }
    expect(found({ of: step => (step > 70 ? doubled : {}) })).toEqual([])
    expect(found({ of: () => ({ forward: 0.15 }) })).toEqual([])
    expect(found({ of: step => (step > 40 && step < 70 ? { forward: 0.15 } : {}) })).toEqual([])
    expect(found({ of: step => (step > 90 ? { forward: 0.15 } : {}) })).toEqual([])
  })

  it('lasts beyond the window in which it began, and no longer than it is so', () => {
    const slow = { forward: 0.06, backward: 0.12 }
    const open = found({ of: step => (step > 70 ? slow : {}) })
    expect(found({ open, of: () => slow }, 200)).toMatchObject([
      { since: open[0]?.since, title: 'Steps take 17 % longer than before: computing' },
    ])
    expect(found({ open }, 200)).toEqual([])
    expect(found({ of: () => slow }, 200)).toEqual([])
  })

  it('is measured, without a part, where only the log tells', () => {
    const steps = jobColumns(Array.from({ length: 96 }, (_, step) => (step < 60 ? 0.2 : 0.25)))
    const [finding] = slowerRun.detect(windowOf({ steps }))
    expect(finding).toMatchObject({ provenance: 'measured', title: 'Steps take 25 % longer than before' })
    expect(finding?.nextStep).toMatch(/hook/)
  })

  it('is not told of what wanders', () => {
    for (let seed = 1; seed <= 300; seed += 1) {
      const random = seededRandom(seed)
      let level = 0
      const levels = Array.from({ length: 256 }, () => (level = 0.97 * level + 0.012 * (random() - 0.5)))
      const of = (step: number) => ({ backward: 0.1 * (1 + (levels[step - 1] ?? 0) + 0.1 * (random() - 0.5)) })
      expect(found({ steps: 256, of }), `seed ${seed}`).toEqual([])
    }
  })

  it('has beside it what changed on its nodes', () => {
    const [finding] = found({ of: step => (step > 70 ? { forward: 0.15 } : {}) })
    const samples = (processes: number, smClockHertz: number): Samples => ({
      devices: [{ node: 'a', rank: 0, processes, smClockHertz }],
      hosts: [{ node: 'a', cpuIoWaitRatio: 0.01 }],
      cards: [],
      events: [],
    })
    if (finding === undefined) throw new Error('nothing was found')
    const told = withChanges(finding, samples(2, 1.9e9), samples(1, 1.91e9))
    expect(told.cause).toBe('neighbour process')
    expect(told.signs?.map(({ says }) => says)).toEqual([
      'without communication 280 ms a step, before 180 ms',
      'loading data 10.0 ms a step, before 10.0 ms',
      'computing 250 ms a step, before 150 ms',
      'the optimizer 20.0 ms a step, before 20.0 ms',
      'processes on the device of rank 0 2, before 1',
    ])
    expect(withChanges(finding, samples(1, 1.9e9), samples(1, 1.91e9))).toBe(finding)
  })
})
