import { describe, expect, it } from 'vitest'
import { outlierCut, predictedFits, plotOf } from '../../app/chart/plot'
import { tickText, valueScale } from '../../app/chart/ticks'
import { healthSentence, roughly } from '../../app/data/health'
import { predictedBar, rankBar } from '../../app/data/memory-bars'
import { predictRun } from '../../app/data/prediction'
import { sortRuns } from '../../app/data/use-runs'
import { differenceText } from '../../app/ui/figure'
import type { GpuSeries, RankInfo, RunSummary } from '../../wire/api'

const GIB = 1024 ** 3
const figure = (value: number | null) => ({ value, provenance: 'measured' as const, source: 'log' })
const summary = (change: Partial<RunSummary>): RunSummary => ({
  run: 'a',
  name: 'a',
  command: null,
  framework: null,
  synthetic: null,
  state: 'live',
  startedAt: 100,
  endedAt: null,
  lastSeenAt: 200,
  exitCode: null,
  nodes: ['n'],
  worldSize: 1,
  gpus: 0,
  step: 50,
  totalSteps: 200,
  loss: figure(1),
  stepSeconds: figure(2),
  tokensPerSecond: figure(null),
  flopsPerSecondPerGpu: figure(null),
  mfu: figure(null),
  syncWaitSeconds: figure(null),
  events: 0,
  ...change,
})

describe('the health sentence', () => {
  it('of a live run says how far it is and how long it goes on', () => {
    expect(healthSentence(summary({}), 210)).toBe('Training: step 50 of 200 (25 %), about 5 min to go.')
  })

  it('of a silent run says for how long no step came', () => {
    expect(healthSentence(summary({ state: 'silent' }), 272)).toMatch(/^No step for 72 s, at step 50/)
  })

  it('of a failed run names the exit code', () => {
    const failed = summary({ state: 'failed', exitCode: 137, endedAt: 200, totalSteps: null })
    expect(healthSentence(failed, 260)).toBe('Failed with exit code 137 (SIGKILL), 60 s ago, at step 50.')
  })

  it('of a run without a step says so', () => {
    expect(healthSentence(summary({ step: null }), 210)).toBe('Training: no step yet.')
  })
})

describe('the list of runs', () => {
  it('puts those that go on before newer ones that are over', () => {
    const runs = [
      summary({ run: 'new', state: 'ended', startedAt: 300 }),
      summary({ run: 'old', state: 'ended', startedAt: 100 }),
      summary({ run: 'silent', state: 'silent', startedAt: 50 }),
      summary({ run: 'live', startedAt: 60 }),
    ]
    expect(sortRuns(runs).map(({ run }) => run)).toEqual(['live', 'silent', 'new', 'old'])
  })
})

describe('numbers on the page', () => {
  it('say a difference in per cent, and a great one as a factor', () => {
    expect(differenceText(1.35, 1)).toBe('+35 %')
    expect(differenceText(0.75, 1)).toBe('−25 %')
    expect(differenceText(1.001, 1)).toBe('±0 %')
    expect(differenceText(42, 1)).toBe('×42')
    expect(differenceText(1, 0)).toBe('')
  })

  it('have ticks without zeros and units that say nothing', () => {
    expect(tickText(0.5, 'seconds')).toBe('500 ms')
    expect(tickText(1, 'seconds')).toBe('1 s')
    expect(tickText(6e14, 'flopsPerSecond')).toBe('600 T')
    expect(tickText(1.5e6, 'bytesPerSecond')).toBe('1.5 MB/s')
  })

  it('cut bytes at powers of two', () => {
    const { high, ticks } = valueScale({ low: 0, high: 52 * GIB }, 'bytes')
    expect([high, ticks[1]]).toEqual([64 * GIB, 16 * GIB])
    expect(valueScale({ low: 0, high: 0.52 }, 'seconds').ticks).toEqual([0, 0.2, 0.4, 0.6])
  })

  it('guess a time to go without false precision', () => {
    expect([roughly(38), roughly(300), roughly(6438), roughly(864_000)]).toEqual([
      '40 s',
      '5 min',
      '1 h 47 min',
      '10.0 d',
    ])
  })
})

describe('the scale of a chart', () => {
  it('is not set by a first step that compiles', () => {
    const values = [...Array.from({ length: 20 }, () => 1), 9]
    expect(outlierCut(values)).toBeCloseTo(1.1)
    expect(outlierCut(values.slice(0, -1))).toBeUndefined()
  })

  it('takes a prediction in unless it would flatten what was measured', () => {
    expect(predictedFits([1, 1.1], 0.7)).toBe(true)
    expect(predictedFits([1, 1.1], 50)).toBe(false)
    expect(predictedFits([1], undefined)).toBe(false)
  })
})

const rank: RankInfo = {
  rank: 0,
  node: 'n',
  pid: 1,
  device: 'cuda',
  gpuIndex: 0,
  gpuUuid: null,
  stage: null,
  leaf: null,
  memoryAllocatedBytes: 40,
  memoryReservedBytes: 50,
  memoryPeakBytes: 45,
  residentBytes: 7,
  memoryCategories: { gradients: 10, parameters: 10 },
  lastStep: 1,
  stepSeconds: 1,
  communicationSeconds: null,
  syncWaitSeconds: null,
}
const gpu = (memoryUsedBytes: number): GpuSeries => ({
  node: 'n',
  index: 0,
  uuid: 'GPU-1',
  name: 'H100',
  source: 'nvidia-smi',
  time: [1],
  utilizationRatio: [1],
  memoryUsedBytes: [memoryUsedBytes],
  memoryTotalBytes: [80],
  powerWatts: [null],
  powerLimitWatts: [null],
  temperatureCelsius: [null],
  smClockHertz: [null],
  utilizationRatioMin: [],
  coveredRatio: [],
  throttleReasons: [],
})

describe('the memory of a rank', () => {
  it('is cut into named parts that add up to what the device holds', () => {
    const bar = rankBar(rank, [gpu(60)])
    expect(bar?.parts).toEqual([
      { name: 'parameters', bytes: 10 },
      { name: 'gradients', bytes: 10 },
      { name: 'other tensors', bytes: 20 },
      { name: 'reserved, not in use', bytes: 10 },
      { name: 'context and libraries', bytes: 10 },
    ])
    expect(bar?.parts.reduce((sum, { bytes }) => sum + bytes, 0)).toBe(bar?.totalBytes)
    expect(bar?.capacityBytes).toBe(80)
  })

  it('without a device is that of its process', () => {
    const host = { ...rank, gpuIndex: null, memoryAllocatedBytes: null, memoryReservedBytes: null, residentBytes: 100 }
    expect(rankBar(host, [])?.parts.at(-1)).toEqual({ name: 'interpreter, libraries, other', bytes: 80 })
  })

  it('with a device sample alone is used, and no more is claimed', () => {
    const bare = { ...rank, memoryCategories: {}, memoryAllocatedBytes: null, memoryReservedBytes: null }
    expect(rankBar(bare, [gpu(60)])?.parts).toEqual([{ name: 'used', bytes: 60 }])
  })

  it('is absent where nothing is known', () => {
    const none = {
      ...rank,
      memoryCategories: {},
      memoryAllocatedBytes: null,
      memoryReservedBytes: null,
      residentBytes: null,
    }
    expect(rankBar(none, [])).toBeUndefined()
    expect(predictedBar({})).toBeUndefined()
  })
})

describe('the prediction of a run', () => {
  const config = {
    kind: 'config',
    model: { layers: 32, hiddenSize: 4096, attentionHeads: 32, vocabularySize: 50257, sequenceLength: 2048 },
    parallelism: { worldSize: 8, tensor: 2 },
    batch: { micro: 2, global: 64 },
    precision: 'bf16',
    hardware: { gpu: 'h100-sxm', count: 8 },
  }

  it('has figures that agree with each other', () => {
    const { figures, prediction } = predictRun(config) ?? expect.fail('no prediction')
    const tokens = 64 * 2048
    expect(figures.tokensPerSecond?.value).toBeCloseTo(tokens / (prediction.step.seconds ?? NaN), 3)
    const flops = (prediction.flops.perStep ?? NaN) / (prediction.step.seconds ?? NaN) / 8
    expect((figures.flopsPerSecondPerGpu?.value ?? NaN) / flops).toBeCloseTo(1, 6)
  })

  it('says what it lacks where there is no hardware', () => {
    const predicted = predictRun({ ...config, hardware: undefined })
    expect(predicted?.figures.mfu).toBeUndefined()
    expect(predicted?.why.mfu).toContain('needs the GPU')
  })

  it('is absent without a configuration', () => {
    expect(predictRun(null)).toBeUndefined()
  })
})

describe('the scale of a chart with a band', () => {
  it('holds all of a band, but not what lies outside of the stretch', () => {
    const x = [0, 1, 2, 3]
    const input = {
      unit: 'seconds' as const,
      fromZero: false,
      lines: [{ name: 'own', x, y: [5, 5, 5, 5] }],
      band: { name: 'peers', x, low: [-9, 2, 3, null], high: [6, 6, 6, 99] },
    }
    const { low, high } = plotOf(input, { from: 1, to: 2 }).scale
    expect([low <= 2, low > -9, high >= 6, high < 99]).toEqual([true, true, true, true])
  })
})
