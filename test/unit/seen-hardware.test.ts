/** What devices and cards show of a run's hardware. */
import { expect, it } from 'vitest'
import { seenHardware } from '../../hub/seen-hardware'

const cable = (node: string, device: string, rateBitsPerSecond?: number) => ({
  kind: 'topology' as const,
  node,
  device,
  switch: 'leaf1',
  tier: 'leaf',
  rateBitsPerSecond,
})
const places = new Map([0, 1, 2, 3].map(rank => [rank, { node: rank < 2 ? 'n1' : 'n2' }]))

it('a rank has its share of the cards of its node, and the device that all have', () => {
  const cables = ['n1', 'n2'].flatMap(node => [cable(node, 'mlx5_0', 4e11), cable(node, 'mlx5_1', 4e11)])
  expect(seenHardware(['NVIDIA H100 80GB HBM3'], cables, places)).toEqual({
    gpu: 'NVIDIA H100 80GB HBM3',
    networkBytesPerSecond: 5e10,
  })
})

it('nothing is made up of cards without a speed, of unlike devices, or where nobody knows who runs where', () => {
  const cables = [cable('n1', 'mlx5_0'), { ...cable('n1', 'spine', 8e11), tier: 'spine' }]
  expect(seenHardware(['A', 'B'], cables, places)).toEqual({})
  expect(seenHardware([], [cable('n1', 'mlx5_0', 4e11)], undefined)).toEqual({})
})
