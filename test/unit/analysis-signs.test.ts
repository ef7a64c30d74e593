/** The evidence beside a finding: simulated faults by what their devices, hosts and cards show, and by hand. */
import { describe, expect, it } from 'vitest'
import { detectAll } from '../../analysis/index'
import { withSigns, type Samples } from '../../analysis/signs'
import { seededRandom } from '../../base/random'
import { sizeAt } from '../../cli/simulate/faults'
import { Fleet, USUAL_TRANSFERS } from '../../cli/simulate/fleet'
import { layoutOf } from '../../cli/simulate/layout'
import { usualNoise } from '../../cli/simulate/noise'
import { deviceRecords } from '../../cli/simulate/records'
import { scenarios } from '../../cli/simulate/scenarios'
import type { Finding } from '../../wire/findings'
import { FleetWindow } from '../fleet-window'

const layout = layoutOf({
  tensor: 4,
  pipeline: 2,
  data: 8,
  gpusPerNode: 8,
  nodesPerLeaf: 2,
  rails: false,
  microBatches: 8,
})
const nodeOf = (rank: number) => `node${String(layout.nodeOf[rank] ?? 0).padStart(4, '0')}`
const rankOn = (node: string | undefined, index: number | undefined) => Number(node?.slice(4)) * 8 + (index ?? 0)

/** A scenario as the hub would see it: findings, and what was sampled of all devices, hosts and cards. */
function played(name: string): { findings: Finding[]; samples: Samples } {
  const faults = scenarios.get(name)?.faults({ layout, size: 0.3, from: 40, random: seededRandom(5) }) ?? []
  const transfers = { transferRatio: USUAL_TRANSFERS, crossLeafRatio: 1.2 }
  const fleet = new Fleet({ layout, noise: usualNoise, faults, seed: 5, computeSeconds: 2, ...transfers })
  const window = new FleetWindow(fleet)
  const samples = { devices: [] as object[], hosts: [] as object[], cards: [] as object[] }
  for (let step = 1; step <= 160; step += 1) {
    const now = fleet.next()
    window.push(now)
    if (step < 160) continue
    const shown = faults.map(fault => ({ fault, size: sizeAt(fault, step, () => 0) }))
    for (const record of deviceRecords(fleet, now, shown, 2_000)) {
      if (record.kind === 'gpu')
        samples.devices.push({
          ...record,
          rank: rankOn(record.node, record.index),
          processes: record.processes?.length,
        })
      if (record.kind === 'host') samples.hosts.push(record)
      if (record.kind === 'link') samples.cards.push(record)
    }
  }
  const all = { ...samples, events: [] } as unknown as Samples
  const found = detectAll(window.window(), (detector, message) => expect.fail(`${detector}: ${message}`))
  return { samples: all, findings: found.map(finding => withSigns(finding, all, nodeOf)) }
}

describe('the signs of a finding', () => {
  it.each([
    ['thermal', 'thermal', /held down: sw thermal slowdown/],
    ['power-cap', 'power cap', /power cap of rank \d+ 390 W, its peers’ 700 W/],
    ['pcie-downgrade', 'PCIe downgrade', /PCIe lanes of rank \d+ 4, its peers’ 16/],
    ['ecc', 'memory errors', /remapped rows/],
    ['neighbour', 'neighbour process', /processes on the device of rank \d+ 2, its peers’ 1/],
    ['cpu-steal', 'CPU steal', /stolen of node\d+ 18/],
    ['busy-host', 'busy host', /processor time in use of node\d+ 97/],
    ['slow-storage', 'storage', /waiting for input and output/],
    ['slow-nic', 'link errors', /symbol_error of node\d+ mlx5_\d grew/],
  ])('of %s tell the cause: %s', (scenario, cause, says) => {
    const { findings } = played(scenario)
    expect(findings.map(finding => finding.cause)).toEqual([cause])
    expect(findings[0]?.signs?.map(sign => sign.says).join('; ')).toMatch(says)
  })

  it('are none where devices look as their peers do', () => {
    const [finding] = played('slow-rank').findings
    expect(finding?.detector).toBe('slow-rank')
    expect(finding?.signs).toBeUndefined()
    expect(finding?.cause).toBeUndefined()
  })

  it('of events count from shortly before the finding on, on the nodes that are blamed', () => {
    const { findings, samples } = played('slow-rank')
    const [finding] = findings
    if (finding === undefined) throw new Error('the slow rank was not found')
    const node = nodeOf(finding.ranks?.[0] ?? 0)
    const xid = { kind: 'event' as const, type: 'xid', message: 'Xid 63: row remapping', time: finding.since - 60 }
    const told = (event: object) => withSigns(finding, { ...samples, events: [{ ...xid, ...event }] }, nodeOf).cause
    expect(told({ node })).toBe('Xid')
    expect(told({ node: 'elsewhere' })).toBeUndefined()
    expect(told({ node, time: finding.since - 3600 })).toBeUndefined()
  })

  it('leave a finding alone that blames nobody', () => {
    const { samples } = played('healthy')
    const plan: Finding = {
      detector: 'below-prediction',
      run: 'run',
      severity: 'info',
      title: 'Steps are long',
      evidence: 'They are.',
      since: 0,
      nextStep: 'Look.',
      provenance: 'derived',
    }
    expect(withSigns(plan, samples, nodeOf)).toBe(plan)
  })
})
