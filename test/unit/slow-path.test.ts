import { describe, expect, it } from 'vitest'
import type { DetectorWindow } from '../../analysis/detector'
import { slowPath } from '../../analysis/slow-path'
import { rankColumns, STARTED, windowOf } from './analysis-windows'

/** Speeds in Mbit/s of the hops of a ring h0 → h1 → … → h5 → h0, three leaves of two. */
const FAST = 1000
const hop = (from: number, to: number) => `h${from} h${to}`

interface Ring {
  readonly slow: Readonly<Record<string, number>>
  readonly from?: number
  readonly steps?: number
  readonly isKnown?: boolean
}

function ring({ slow, from = 0, steps = 40, isKnown = true }: Ring): DetectorWindow {
  const paths = Array.from({ length: 6 }, (_, number) => ({ from: `h${number}`, to: `h${(number + 1) % 6}` }))
  const bytes = 4e6
  const rows = Array.from({ length: steps }, (_, step) => paths.map((path, number) => ({ step, number, path }))).flat()
  const secondsOf = ({ step, path }: (typeof rows)[number]) => {
    const speed = step >= from ? (slow[`${path.from} ${path.to}`] ?? FAST) : FAST
    return (8 * bytes) / (speed * 1e6)
  }
  const longest = (step: number) => Math.max(...rows.filter(row => row.step === step).map(secondsOf))
  const waits = Array.from({ length: steps }, (_, step) => longest(step))
  return windowOf({
    now: STARTED + steps,
    ranks: rankColumns(
      rows.map(({ step, number }) => ({ step, rank: number, forward: 0.2, communication: waits[step] ?? 0 })),
    ),
    steps: {
      step: waits.map((_, step) => step),
      time: waits.map((_, step) => STARTED + step),
      stepSeconds: waits.map(wait => 0.2 + wait),
    },
    topology: isKnown
      ? Array.from({ length: 6 }, (_, node) => ({
          kind: 'topology',
          node: `h${node}`,
          switch: `leaf${node >> 1}`,
          tier: 'leaf',
        }))
      : [],
    flows: {
      paths,
      path: rows.map(({ number }) => number),
      step: rows.map(({ step }) => step),
      bytes: rows.map(() => bytes),
      busySeconds: rows.map(secondsOf),
    },
  })
}

const titles = (window: DetectorWindow) => slowPath.detect(window).map(({ title }) => title)

describe('what is slow between nodes', () => {
  it('is nothing where all ways are alike, however slow, and where too little was seen', () => {
    expect(titles(ring({ slow: {} }))).toEqual([])
    const all = Object.fromEntries(Array.from({ length: 6 }, (_, node) => [hop(node, (node + 1) % 6), 20]))
    expect(titles(ring({ slow: all }))).toEqual([])
    expect(titles(ring({ slow: { [hop(1, 2)]: 50 }, steps: 6 }))).toEqual([])
  })

  it('is the uplink that all slow ways have in common, or the card, with the topology', () => {
    expect(titles(ring({ slow: { [hop(1, 2)]: 50, [hop(3, 4)]: 50 } }))).toEqual(['Uplink of leaf1 is slow'])
    expect(titles(ring({ slow: { [hop(5, 0)]: 50, [hop(1, 2)]: 50 } }))).toEqual(['Uplink of leaf0 is slow'])
    expect(titles(ring({ slow: { [hop(1, 2)]: 50, [hop(2, 3)]: 50 } }))).toEqual(['NIC h2 is slow'])
    expect(titles(ring({ slow: { [hop(1, 2)]: 50, [hop(2, 3)]: 50, [hop(3, 4)]: 50 } }))).toEqual([
      'Switch leaf1 is slow',
    ])
  })

  it('is found where others are faster than the kernel’s clock ticks, which counts 0 of them', () => {
    const window = ring({ slow: { [hop(1, 2)]: 50, [hop(2, 3)]: 50 } })
    const { flows } = window
    if (flows === undefined) throw new Error('a ring has flows')
    const busySeconds = Array.from(flows.busySeconds, seconds => (seconds > 0.1 ? seconds : 0))
    expect(titles({ ...window, flows: { ...flows, busySeconds } })).toEqual(['NIC h2 is slow'])
  })

  it('is said to be one of several where it cannot be told', () => {
    const [finding] = slowPath.detect(ring({ slow: { [hop(1, 2)]: 50 } }))
    expect(finding?.links?.toSorted()).toEqual(['nic h1', 'nic h2', 'uplink leaf0', 'uplink leaf1'])
  })

  it('is inferred where nobody told the topology', () => {
    expect(titles(ring({ isKnown: false, slow: { [hop(1, 2)]: 50, [hop(3, 4)]: 50 } }))).toEqual([
      'The way between h2 and h3 and the others is slow',
    ])
    expect(titles(ring({ isKnown: false, slow: { [hop(1, 2)]: 50, [hop(2, 3)]: 50 } }))).toEqual(['NIC h2 is slow'])
  })

  it('costs what the steps before say, or what the others would take; and is told since when', () => {
    const slow = { [hop(1, 2)]: 50, [hop(3, 4)]: 50 }
    const [since] = slowPath.detect(ring({ slow, from: 18 }))
    expect(since).toMatchObject({ since: STARTED + 18, severity: 'critical' })
    expect(since?.costSecondsPerStep).toBeCloseTo(0.608, 3)
    expect(slowPath.detect(ring({ slow }))[0]?.costSecondsPerStep).toBeCloseTo(0.608, 3)
  })
})
