/** Part of `npm test`: a healthy job, a slow rank and a slow uplink of a leaf. More: `npm run test:fabric` and `test:faults`. */
import { afterAll, beforeAll, describe, it } from 'vitest'
import { LabPage, MINUTES, whyNoLabPage } from './lab-page'

describe.skipIf(whyNoLabPage() !== undefined)('a real job on three leaves of two hosts', () => {
  let lab: LabPage
  beforeAll(async () => {
    lab = await LabPage.open()
  }, 5 * MINUTES)
  afterAll(() => lab.close(), MINUTES)

  it.each([
    ['ddp:none', 'Nobody stands out'],
    ['flat:rank:2:200', 'Rank 2 is slow'],
    ['flat:uplink:leaf2:50mbit', 'Uplink of leaf2 is slow'],
  ])(
    'has on its page what is in it, at its cost, and nothing else: %s',
    async (fault, title) => void (await lab.shows(fault, title)),
    8 * MINUTES,
  )
})
