/** What holds for every detector: silent on a calm run, fires on its fault and names it, and never throws. */
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { seededRandom } from '../../base/random'
import type { DetectorWindow } from '../../analysis/detector'
import { detectors } from '../../analysis/index'
import type { Fault } from '../../cli/simulate/faults'
import { Fleet, USUAL_TRANSFERS } from '../../cli/simulate/fleet'
import { layoutOf } from '../../cli/simulate/layout'
import { usualNoise } from '../../cli/simulate/noise'
import { predict } from '../../math/predict'
import { findPreset } from '../../math/presets'
import { findingSchema } from '../../wire/findings'
import { FleetWindow } from '../fleet-window'
import { jobColumns, rankColumns, scattered, STARTED, windowOf, type Spent } from '../unit/analysis-windows'

const CALM: Spent = { communication: 30, forward: 40, backward: 80, data: 5 }
const prediction = predict({
  model: findPreset('gpt2')?.model,
  precision: 'bf16',
  batch: { micro: 8, global: 64 },
  hardware: { gpu: 'a100', count: 8 },
})
const predicted = prediction.step.seconds ?? NaN

function calm(seed: number, change: Parameters<typeof windowOf>[0] = {}): DetectorWindow {
  const steps = jobColumns(Array<number>(30).fill(1.5 * predicted))
  return windowOf({
    now: STARTED + 46 * predicted,
    prediction,
    steps,
    ranks: rankColumns(scattered(Array(4).fill(CALM) as Spent[], seed)),
    events: [
      { kind: 'event', type: 'evaluation', message: 'validation loss 2.1', time: STARTED },
      { kind: 'event', type: 'exit', message: 'ended', exitCode: 0, time: STARTED },
    ],
    ...change,
  })
}

/** Four racks of two nodes. */
function fleetWindow(fault: Omit<Fault, 'from' | 'to' | 'pattern'>): DetectorWindow {
  const layout = layoutOf({
    tensor: 8,
    pipeline: 2,
    data: 4,
    gpusPerNode: 8,
    nodesPerLeaf: 2,
    rails: false,
    microBatches: 8,
  })
  const fleet = new Fleet({
    layout,
    noise: usualNoise,
    faults: [{ ...fault, from: 1, to: Infinity, pattern: 'constant' }],
    seed: 7,
    computeSeconds: 2,
    transferRatio: USUAL_TRANSFERS,
    crossLeafRatio: 1.2,
  })
  const window = new FleetWindow(fleet)
  for (let step = 0; step < 128; step += 1) window.push(fleet.next())
  return window.window()
}

/** What the switch of the second rack carries takes 30 % longer. */
const slowLeaf = () => fleetWindow({ kind: 'link', ranks: [], links: ['leaf leaf001'], size: 0.3 })
/** Each replica's sequences take now more and now less, 15 % on average. */
const unevenSequences = () => fleetWindow({ kind: 'skew', ranks: [], links: [], size: 0.15 })

/** A ring of six hosts on three leaves; the uplink of the second carries a twentieth. */
function slowUplink(): DetectorWindow {
  const nodes = ['h0', 'h1', 'h2', 'h3', 'h4', 'h5']
  const paths = nodes.map((from, number) => ({ from, to: nodes[(number + 1) % 6] ?? '' }))
  const isSlow = [false, true, false, true, false, false]
  const rows = Array.from({ length: 30 }, (_, step) => paths.map((_, path) => ({ step: step + 1, path }))).flat()
  const seconds = ({ path }: { path: number }) => (isSlow[path] === true ? 0.6 : 0.03)
  return windowOf({
    ranks: rankColumns(rows.map(({ step, path }) => ({ step, rank: path, communication: 0.65, forward: 0.3 }))),
    topology: nodes.map((node, number) => ({ kind: 'topology', node, switch: `leaf${number >> 1}`, tier: 'leaf' })),
    flows: {
      paths,
      path: rows.map(({ path }) => path),
      step: rows.map(({ step }) => step),
      bytes: rows.map(() => 4e6),
      busySeconds: rows.map(seconds),
    },
  })
}

/** What all cards, leaves and uplinks carry takes five times as long, in a fleet for which less was predicted. */
function slowFabric(): DetectorWindow {
  const links = [0, 1, 2, 3].map(leaf => `leaf leaf00${leaf}`)
  const window = fleetWindow({ kind: 'link', ranks: [], links, size: 4 })
  return { ...window, prediction: { ...predict({}), step: { communicationSeconds: 0.4 } } }
}

/** Timers of a job without pipeline stages: somebody’s backward pass takes a quarter longer. */
function unevenTimers(): DetectorWindow {
  const spent = [
    ['forward-compute', 0.2, 0.205],
    ['backward-compute', 0.4, 0.5],
  ] as const
  const rows = Array.from({ length: 20 }, (_, index) => index + 5)
  const timers = rows.flatMap(step =>
    spent.map(([name, minSeconds, maxSeconds]) => ({ name, step, time: STARTED + step, minSeconds, maxSeconds })),
  )
  return windowOf({ timers })
}

/** Eight devices that say they are busy; the clock of one is a fifth lower. */
function lowClock(): DetectorWindow {
  const random = seededRandom(5)
  const rows = Array.from({ length: 32 }, (_, slot) =>
    Array.from({ length: 8 }, (_, device) => ({ slot, device })),
  ).flat()
  return windowOf({
    devices: {
      devices: Array.from({ length: 8 }, (_, index) => ({ node: 'n1', index })),
      device: rows.map(({ device }) => device),
      time: rows.map(({ slot }) => STARTED + slot),
      utilizationRatio: rows.map(() => 0.99),
      powerWatts: rows.map(() => 500 * (1 + 0.03 * random())),
      smClockHertz: rows.map(({ device }) => (device === 6 ? 1.5e9 : 1.9e9) * (1 + 0.005 * random())),
    },
  })
}

/** All ranks wait half a second for their data from step 60 on. */
function lateData(): DetectorWindow {
  const rows = scattered(Array(4).fill({ ...CALM, data: 20 }) as Spent[], 3, 120)
  const ranks = rankColumns(rows.map(row => ({ ...row, data: (row.data ?? NaN) + (row.step > 60 ? 0.5 : 0) })))
  return windowOf({ ranks, now: STARTED + 120, steps: jobColumns(Array<number>(120).fill(1)) })
}

/** The fault that each detector is for, and what its finding must name. */
const FAULTS: Readonly<Record<string, readonly [window: DetectorWindow, names: RegExp]>> = {
  'out-of-memory': [
    calm(1, {
      events: [{ kind: 'event', type: 'oom', rank: 3, message: 'CUDA out of memory', requestedBytes: 2 ** 31 }],
    }),
    /Out of memory on rank 3.*2\.00 GiB/,
  ],
  crash: [
    calm(1, {
      events: [{ kind: 'event', type: 'traceback', rank: 1, node: 'n7', message: 'RuntimeError: shapes differ' }],
    }),
    /rank 1 of n7.*RuntimeError/,
  ],
  hang: [
    calm(1, {
      events: [0, 1, 3].map(rank => ({
        kind: 'event',
        type: 'collective-incomplete',
        rank,
        time: STARTED,
        group: '0-3',
        operation: 'all-reduce',
        collectiveSequence: 41,
        message: 'was started and did not complete',
      })),
    }),
    /Rank 2 never came to all-reduce 41 of group 0-3.*ranks 0, 1, 3 wait inside it/,
  ],
  'memory-forecast': [
    calm(1, {
      deviceMemoryBytes: 80 * 2 ** 30,
      ranks: rankColumns(
        Array.from({ length: 30 }, (_, step) =>
          [0, 1].map(rank => ({ step, rank, peakBytes: (40 + rank * step) * 2 ** 30 })),
        ).flat(),
      ),
    }),
    /rank 1 will be full in about.*1\.00 GiB a step/s,
  ],
  'silent-run': [calm(1, { now: STARTED + 3600 }), /No step for \d/],
  'slow-rank': [
    calm(1, {
      ranks: rankColumns(
        scattered(
          [0, 1, 2, 3].map(rank =>
            rank === 2 ? { ...CALM, communication: 5, forward: 190 } : { ...CALM, communication: 160 },
          ),
          1,
        ),
      ),
    }),
    /Rank 2 is slow.*forward/,
  ],
  'slow-link': [slowLeaf(), /Switch leaf001 or uplink of leaf001 is slow: .*(2[5-9]|3\d) % longer/],
  'slow-path': [slowUplink(), /Uplink of leaf1 is slow: h1 to h2, h3 to h4: .* 53\.3 Mbit\/s; .* 1\.07 Gbit\/s/],
  'data-skew': [unevenSequences(), /now one replica slow and now another.*slowest of 4 replicas/],
  'uneven-timers': [unevenTimers(), /Some rank takes longer for backward-compute.*400 ms to 500 ms.*do not tell which/],
  'device-pace': [lowClock(), /Device 6 of n1 runs at a lower clock.*1\.5\d? GHz.*Estimated/],
  'communication-bound': [slowFabric(), /All of the fabric carries less than predicted.*predicted 400 ms/],
  'slower-run': [lateData(), /Steps take \d+ % longer than before: loading data.*before 1\d\.\d ms/],
  'below-prediction': [
    calm(1, { steps: jobColumns(Array<number>(30).fill(5 * predicted)), now: STARTED + 151 * predicted }),
    /5\.0 times as long/,
  ],
}

const everything = [...detectors].map(detector => [detector.name, detector] as const)

describe.each(everything)('the detector %s', (name, detector) => {
  it('has a name and says what it looks for', () => {
    expect(name).toMatch(/^[a-z]+(-[a-z]+)*$/)
    expect(detector.help).toMatch(/^[A-Z].{20,}\.$/)
  })

  it('is silent on a calm run', () => {
    for (let seed = 1; seed <= 50; seed += 1) expect(detector.detect(calm(seed)), `seed ${seed}`).toEqual([])
  })

  it('fires on its fault, names it, and says what was seen and what to do', () => {
    const [window, names] = FAULTS[name] ?? []
    if (window === undefined || names === undefined) throw new Error(`the law has no fault for ${name}`)
    const [finding, ...more] = detector.detect(window)
    expect(more).toEqual([])
    expect(findingSchema.parse(finding)).toEqual(finding)
    expect(finding).toMatchObject({ detector: name, run: 'run' })
    expect(`${finding?.title}: ${finding?.evidence}`).toMatch(names)
    expect(finding?.nextStep.length).toBeGreaterThan(20)
    expect(finding?.since).toBeGreaterThanOrEqual(STARTED)
    expect(finding?.since).toBeLessThanOrEqual(window.now)
  })

  it('keeps to its own fault: nobody else speaks of it', () => {
    const [window] = FAULTS[name] ?? []
    for (const other of detectors)
      if (window !== undefined && other.name !== name) expect(other.detect(window), other.name).toEqual([])
  })

  it('says the same of the same window again, and leaves it as it was', () => {
    const [window = windowOf()] = FAULTS[name] ?? []
    const before = structuredClone(window)
    expect(detector.detect(window)).toEqual(detector.detect(window))
    expect(window).toEqual(before)
  })

  it('does not throw on a run of which nothing is known', () => {
    const nothing = windowOf({
      steps: jobColumns([]),
      now: NaN,
      facts: { state: 'live', startedAt: NaN, worldSize: undefined },
    })
    expect(detector.detect(nothing)).toEqual([])
    const gaps = Array.from({ length: 40 }, (_, step) => ({ step, rank: NaN, communication: NaN, time: NaN }))
    const absent = windowOf({
      ranks: rankColumns(gaps),
      steps: jobColumns(Array<number>(40).fill(NaN)),
      prediction: predict({}),
    })
    expect(detector.detect(absent)).toEqual([])
  })

  it('does not throw on any columns, and what it says is a finding', () => {
    const cell = fc.oneof(fc.constantFrom(NaN, 0, -1, 1, Infinity, 1e308), fc.double(), fc.nat(5))
    const rows = fc.array(fc.array(cell, { minLength: 9, maxLength: 9 }), { maxLength: 60 })
    const optional = (values: fc.Arbitrary<number>) => fc.option(values, { nil: undefined })
    const event = fc.record({
      kind: fc.constant('event' as const),
      type: fc.constantFrom('oom', 'crash', 'xid', 'toString', undefined),
      time: optional(fc.nat(9999)),
      rank: optional(fc.nat(9)),
      requestedBytes: optional(fc.nat()),
      message: fc.string(),
    })
    const facts = fc.record({ state: fc.constantFrom('live', 'silent', 'ended', ''), endedAt: optional(fc.nat(9999)) })
    fc.assert(
      fc.property(rows, fc.array(event, { maxLength: 5 }), facts, fc.double(), (cells, events, known, now) => {
        const column = (at: number) => Float64Array.from(cells, row => row[at] ?? NaN)
        const ranks = {
          step: column(0),
          rank: column(1),
          time: column(2),
          stepSeconds: column(3),
          dataSeconds: column(4),
          forwardSeconds: column(5),
          backwardSeconds: column(6),
          communicationSeconds: column(7),
          optimizerSeconds: column(6),
          tokens: column(5),
          memoryPeakBytes: column(8),
        }
        const steps = { step: column(0), time: column(2), stepSeconds: column(3) }
        const deviceMemoryBytes = 80e9
        const window = windowOf({
          ranks,
          steps,
          events,
          now,
          prediction,
          deviceMemoryBytes,
          facts: { ...known, startedAt: 0 },
        })
        for (const finding of detector.detect(window)) expect(findingSchema.parse(finding)).toEqual(finding)
      }),
      { numRuns: 200 },
    )
  })

  it('takes a run of half a million steps', () => {
    const steps = jobColumns(Array<number>(500_000).fill(0.1))
    const window = windowOf({ steps, prediction, now: STARTED + 60_000 })
    expect(detector.detect(window).length).toBeLessThanOrEqual(1)
  })
})

describe('the law', () => {
  it('knows the fault of every detector, and of no other', () => {
    expect(Object.keys(FAULTS)).toEqual([...detectors.names])
  })
})
