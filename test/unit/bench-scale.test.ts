import { describe, expect, it } from 'vitest'
import { extrapolate } from '../bench/scale/extrapolate'
import * as measured from '../bench/scale/measured'

const one = {
  nodes: 100,
  gpus: 800,
  samplesPerSecond: 20_000,
  cpuSecondsPerMillion: 2,
  memoryBytes: 1e9,
  bytesPerSample: 1,
  pageDelaySeconds: 1,
}
const late = {
  ...one,
  nodes: 400,
  gpus: 3200,
  samplesPerSecond: 80_000,
  cpuSecondsPerMillion: 1,
  pageDelaySeconds: 9,
  bytesPerSample: 1.5,
}
const looks = [
  { ranks: 64, seconds: 0.1 },
  { ranks: 1000, seconds: 1 },
]

describe('a fleet on paper', () => {
  it('takes what was measured in time, and the dearest disk', () => {
    const scale = extrapolate(8000, [one, late], looks)
    expect(scale).toMatchObject({ nodes: 1000, hubs: 10, nodesPerHub: 100, samplesPerSecond: 200_000 })
    expect(scale.cores).toBeCloseTo(0.4)
    expect(scale.diskBytesPerDay).toBeCloseTo(1.5 * 200_000 * 86_400)
    expect(scale.lookSeconds).toBeCloseTo(8)
    expect(scale.lookEverySeconds).toBeCloseTo(80)
  })

  it('is refused where nothing was measured', () => {
    expect(() => extrapolate(8000, [late], looks)).toThrow('no measured figures')
    expect(() => extrapolate(8000, [one], [])).toThrow('no measured figures')
  })
})

describe('what is extrapolated from', () => {
  it('is found where the benches’ figures are written down', () => {
    expect(measured.ingests().map(({ gpus }) => gpus)).toEqual([8192, 16_384, 32_768])
    for (const one of measured.ingests()) for (const value of Object.values(one)) expect(value).toBeGreaterThan(0)
    expect(measured.looks().at(-1)?.ranks).toBe(16_384)
  })
})
