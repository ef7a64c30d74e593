/** Simulated fleets with one fault each, through the real wire: the page of sync and network names what is in them. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Browser, Page } from 'playwright'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { z } from 'zod'
import { plumbline } from '../plumbline'
import { isLive, launchBrowser } from './browser'
import { PageHub } from './page-hub'

const MINUTES = 60_000
const FROM = 32
const truthSchema = z.object({
  run: z.string(),
  faults: z.array(z.object({ links: z.array(z.string()), ranks: z.array(z.number()) })),
})

let hub: PageHub
let browser: Browser
let folder: string

/** The page of a fleet that was played at once, and what was done to it. */
async function shown(scenario: string, ...options: readonly string[]) {
  const steps = ['--steps', '96', '--from', String(FROM), '--fast', '--json', ...options]
  const running = plumbline(['simulate', scenario, ...steps, '--hub', hub.url, '--data', join(folder, scenario)])
  const { code } = await running.ended
  expect(code, running.output.stderr).toBe(0)
  const { run, faults } = truthSchema.parse(JSON.parse(running.output.stdout.toString()))
  const page = await browser.newPage({ viewport: { width: 1440, height: 900 } })
  const problems: string[] = []
  page.on('console', message => message.type() === 'error' && problems.push(message.text()))
  await page.goto(`${hub.url}/runs/${run}/sync`)
  await isLive(page)
  return { page, fault: faults[0], problems }
}

const verdict = (page: Page) => page.getByTestId('verdict')

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'plumbline-sync-page-'))
  browser = await launchBrowser()
  hub = await PageHub.start()
}, 5 * MINUTES)
afterAll(async () => {
  await browser?.close()
  await hub?.remove()
  rmSync(folder, { recursive: true, force: true })
})

describe('the page of sync and network', () => {
  it(
    'names a simulated slow switch: in its sentence, and on the topology',
    async () => {
      const { page, fault, problems } = await shown('slow-switch')
      const name = fault?.links[0]?.replace(/^leaf /, '') ?? 'no switch'
      // All that crosses the leaf crosses its uplink as well here: which of them it is, the groups cannot tell.
      await verdict(page).getByText(`Switch ${name} or uplink of ${name} is slow`).waitFor({ timeout: MINUTES })
      await page.getByText(/steps (?:take|of) .* \(\+\d/).waitFor()
      const blamed = page.locator('section[data-state=blamed]')
      expect(await blamed.locator('h3').allInnerTexts()).toEqual([expect.stringContaining(name)])
      await page.getByText('Next', { exact: true }).waitFor()
      // As soon as the hub has added it up: no first frame waits for that.
      const firstFrame = async () => (await fetch(page.url())).text()
      for (const said of ['All that was found', 'data-state="blamed"'])
        await expect.poll(firstFrame, { timeout: MINUTES }).toContain(said)
      // What the server draws may hold no style that its own policy forbids.
      await page.reload()
      await isLive(page)
      expect(problems).toEqual([])
      await page.close()
    },
    3 * MINUTES,
  )

  it(
    'names the rank that never came to a collective',
    async () => {
      const { page, fault } = await shown('hang')
      await verdict(page)
        .getByText(`Rank ${fault?.ranks[0] ?? '?'} never came to all-reduce ${FROM}`)
        .waitFor({
          timeout: MINUTES,
        })
      await page.close()
    },
    3 * MINUTES,
  )
})
