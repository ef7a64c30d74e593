/** Real jobs with real faults in a lab of namespaces: who is named, and what it costs. All faults: `npm run test:faults`. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { launchBrowser } from '../e2e/browser'
import { Cluster } from './cluster'
import { faultOf, judge } from './faults'
import { whyNoLab } from './lab'
import { hasTorch } from './torch'

const why = whyNoLab()
if (why !== undefined) console.warn(`SKIPPED: no lab of namespaces: ${why}`)

const MINUTES = 60_000

describe.skipIf(!hasTorch || why !== undefined)('a real job on three leaves of two hosts', () => {
  let cluster: Cluster
  beforeAll(async () => {
    cluster = await Cluster.open()
  }, 5 * MINUTES)
  afterAll(() => cluster.close(), MINUTES)

  it.each(['ddp:none', 'flat:rank:2:200', 'ddp:uplink:leaf1:40mbit'])(
    'has what is in it named, and nothing else: %s',
    async text => {
      const { wrong, findings } = await judge(cluster, faultOf(text))
      expect(wrong, JSON.stringify(findings, null, 2)).toEqual([])
    },
    8 * MINUTES,
  )

  it(
    'is on its page',
    async () => {
      const run = `ddp-uplink-leaf1-40mbit-${process.pid}`
      const browser = await launchBrowser()
      try {
        const page = await browser.newPage()
        await page.goto(`${cluster.url}/runs/${run}/sync`)
        await page.getByTestId('verdict').getByText('Uplink of leaf1 is slow').waitFor({ timeout: MINUTES })
      } finally {
        await browser.close()
      }
    },
    4 * MINUTES,
  )
})
