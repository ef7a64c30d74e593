import { expect, it } from 'vitest'
import { pointsFor } from '../../hub/queries/devices'

it('gives few devices what was asked for, and many fewer points each', () => {
  expect(pointsFor(0, 1000)).toBe(1000)
  expect(pointsFor(64, 1000)).toBe(1000)
  expect(pointsFor(1024, 1000)).toBe(256)
  expect(pointsFor(1024, 20)).toBe(20)
  expect(pointsFor(16_384, 20_000)).toBe(32)
  expect(pointsFor(16_384, 10)).toBe(10)
})
