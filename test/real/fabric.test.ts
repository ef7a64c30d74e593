/**
 * Real jobs with real faults in a lab of namespaces, beside those of `lab-page.test.ts`: a host without processor time, and an
 * uplink that a probe confirms. More faults, and others: `npm run test:faults [-- FAULT…]`.
 */
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { z } from 'zod'
import { probeReportSchema } from '../../wire/probe'
import { LabPage, MINUTES, whyNoLabPage } from './lab-page'

const SLOW_LEAF = 'leaf1'

describe.skipIf(whyNoLabPage() !== undefined)('a real job on three leaves of two hosts', () => {
  let lab: LabPage
  beforeAll(async () => {
    lab = await LabPage.open()
  }, 5 * MINUTES)
  afterAll(() => lab.close(), MINUTES)

  it(
    'has a host without processor time on its page, at its cost, and nothing else',
    async () => void (await lab.shows('ddp:host:h3:0.08', 'Rank 3 is slow')),
    8 * MINUTES,
  )

  it(
    'has a slow uplink on its page, and beside it the probe of the idle hosts that confirms it',
    async () => {
      const run = await lab.shows(`ddp:uplink:${SLOW_LEAF}:50mbit`, `Uplink of ${SLOW_LEAF} is slow`)
      const { cluster } = lab
      cluster.lab.throttleLeaf(SLOW_LEAF, '50mbit')
      const result = await cluster.probe()
      cluster.lab.throttleLeaf(SLOW_LEAF)
      const { verdicts, pairs, products, groups } = probedSchema.parse(result)
      // Hosts share two processors: what else they say of each other is theirs.
      expect(verdicts.map(({ title }) => title)).toContain(`Uplink of ${SLOW_LEAF} is slow`)
      expect(pairs).toHaveLength(30)
      expect(new Set(products.map(({ node }) => node)).size).toBe(6)
      const reduced = new Map(groups.map(({ nodes, busBytesPerSecond }) => [nodes.join(), busBytesPerSecond]))
      expect([...reduced.keys()]).toEqual(['h0,h1,h2,h3,h4,h5', 'h0,h1', 'h2,h3', 'h4,h5'])
      const page = await lab.page(run)
      await page.getByTestId('probe-verdict').getByText(`Uplink of ${SLOW_LEAF} is slow`).waitFor({ timeout: MINUTES })
      await page.close()
    },
    8 * MINUTES,
  )
})

const probedSchema = z.object(
  probeReportSchema.pick({ verdicts: true, pairs: true, products: true, groups: true }).shape,
)
