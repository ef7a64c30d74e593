/**
 * Real jobs with real faults in a lab of namespaces: whom the page names, and what it costs. More faults, and others:
 * `npm run test:faults [-- FAULT…]`.
 */
import type { Browser } from 'playwright'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { z } from 'zod'
import { probeReportSchema } from '../../wire/probe'
import { launchBrowser } from '../e2e/browser'
import { Cluster } from './cluster'
import { faultOf, judge } from './faults'
import { whyNoLab } from './lab'
import { hasTorch } from './torch'

const why = whyNoLab()
if (why !== undefined) console.warn(`SKIPPED: no lab of namespaces: ${why}`)

const MINUTES = 60_000
const SLOW_LEAF = 'leaf1'

describe.skipIf(!hasTorch || why !== undefined)('a real job on three leaves of two hosts', () => {
  let cluster: Cluster
  let browser: Browser
  beforeAll(async () => {
    cluster = await Cluster.open()
    browser = await launchBrowser()
  }, 5 * MINUTES)
  afterAll(async () => {
    await browser.close()
    await cluster.close()
  }, MINUTES)

  async function pageOf(run: string) {
    const page = await browser.newPage()
    await page.goto(`${cluster.url}/runs/${run}/sync`, { timeout: MINUTES })
    return page
  }

  it.each([
    ['ddp:none', 'Nobody stands out'],
    ['flat:rank:2:200', 'Rank 2 is slow'],
    ['ddp:host:h3:0.08', 'Rank 3 is slow'],
    [`ddp:uplink:${SLOW_LEAF}:50mbit`, `Uplink of ${SLOW_LEAF} is slow`],
  ])(
    'has on its page what is in it, at its cost, and nothing else: %s',
    async (text, title) => {
      const { run, wrong, findings } = await judge(cluster, faultOf(text))
      expect(wrong, JSON.stringify(findings, null, 2)).toEqual([])
      const page = await pageOf(run)
      await page.locator('p', { hasText: title }).first().waitFor({ timeout: MINUTES })
      await page.close()
    },
    8 * MINUTES,
  )

  it(
    'is confirmed by a probe of its idle hosts, which stands beside the finding',
    async () => {
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
      const page = await pageOf(`ddp-uplink-${SLOW_LEAF}-50mbit-${process.pid}`)
      await page.getByTestId('probe-verdict').getByText(`Uplink of ${SLOW_LEAF} is slow`).waitFor({ timeout: MINUTES })
      await page.close()
    },
    8 * MINUTES,
  )
})

const probedSchema = z.object(
  probeReportSchema.pick({ verdicts: true, pairs: true, products: true, groups: true }).shape,
)
