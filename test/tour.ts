/**
 * A stranger's walk, as `docs/tour.md`: from an empty hub to the name of the slow switch, and from a crash log to the cause
 * of running out of memory. Takes the pictures, counts the presses, and fails where one takes more than three.
 */
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Page } from 'playwright'
import { z } from 'zod'
import { isLive, launchBrowser } from './e2e/browser'
import { PageHub } from './e2e/page-hub'
import { writeWebp } from './pictures'
import { plumbline, ROOT } from './plumbline'

const MOST_PRESSES = 3
const WAIT_MS = 120_000
const PICTURES = 'docs/tour'
const CRASH = [
  'iter 1: loss 4.1221, time 220.20ms, mfu 33.00%',
  'iter 2: loss 3.9021, time 221.20ms, mfu 33.01%',
  'Traceback (most recent call last):',
  '  File "train.py", line 300, in <module>',
  'torch.OutOfMemoryError: CUDA out of memory. Tried to allocate 1.50 GiB. GPU 3 has a total capacity of 79.11 GiB of which 700.00 MiB is free. Including non-PyTorch memory, this process has 78.42 GiB memory in use. Of the allocated memory 68.01 GiB is allocated by PyTorch, and 8.10 GiB is reserved by PyTorch but unallocated.',
].join('\n')

const truthSchema = z.object({ faults: z.array(z.object({ links: z.array(z.string()) })) })

/** One walk: what is pressed, and what is seen after it. */
class Walk {
  presses = 0
  private readonly lines: string[] = []

  constructor(
    private readonly page: Page,
    private readonly name: string,
  ) {}

  async press(act: () => Promise<unknown>): Promise<void> {
    this.presses += 1
    await act()
  }

  async see(what: string): Promise<void> {
    const picture = `${this.name}-${this.lines.length + 1}.webp`
    await this.page.mouse.move(0, 0)
    const png = await this.page.screenshot()
    await writeWebp(this.page, png, join(ROOT, PICTURES, picture))
    this.lines.push(`${what}\n\n![${what}](tour/${picture})`)
  }

  text(title: string): string {
    if (this.presses > MOST_PRESSES)
      throw new Error(`${title}: ${this.presses} presses, and ${MOST_PRESSES} are the most`)
    const presses = this.presses === 1 ? '1 press' : `${this.presses} presses`
    return `## ${title}: ${presses}\n\n${this.lines.join('\n\n')}\n`
  }
}

async function slowSwitch(page: Page, url: string, folder: string): Promise<string> {
  const walk = new Walk(page, 'switch')
  await page.goto(url)
  await isLive(page)
  await page.getByRole('heading', { name: 'No runs yet' }).waitFor()
  await walk.see('An empty hub says how to attach a job.')
  const truth = join(folder, 'truth.json')
  const options = ['--fast', '--ranks', '64', '--hub', url, '--data', folder, '--truth', truth]
  const { code } = await plumbline(['simulate', 'slow-switch', ...options]).ended
  if (code !== 0) throw new Error(`simulate ended with ${String(code)}`)
  const { faults } = truthSchema.parse(JSON.parse(readFileSync(truth, 'utf8')))
  const culprit = faults[0]?.links[0]?.split(' ')[1] ?? 'nothing'
  const run = page.getByRole('link', { name: 'simulated slow-switch' })
  await run.waitFor({ timeout: WAIT_MS })
  await walk.see('A job of 64 ranks reported, and stands in the list by itself.')
  await walk.press(() => run.click())
  const finding = page.locator('#findings').getByText(culprit).first()
  await finding.waitFor({ timeout: WAIT_MS })
  await walk.see(`One press: the finding names ${culprit}, which is the one that the simulation slowed.`)
  await walk.press(() => page.getByRole('link', { name: 'Sync and network' }).click())
  await page.getByRole('heading', { name: 'Who holds the run back' }).waitFor({ timeout: WAIT_MS })
  await page.waitForFunction(() => performance.getEntriesByName('heat').length > 0, undefined, { timeout: WAIT_MS })
  await walk.see('A second press: since when, how much it costs, the evidence, and what to do next.')
  return walk.text('From an empty hub to the name of the slow switch')
}

async function crashLog(page: Page, url: string): Promise<string> {
  const walk = new Walk(page, 'crash')
  await page.goto(url)
  await isLive(page)
  const held = await page.evaluateHandle(text => {
    const transfer = new DataTransfer()
    transfer.items.add(new File([text], 'crash.log'))
    return transfer
  }, CRASH)
  await page.getByRole('button', { name: 'Import files' }).waitFor()
  await page.dispatchEvent('body', 'dragover', { dataTransfer: held })
  await page.getByText('Drop logs').waitFor()
  await walk.see('The log of a run that died is dragged onto the page.')
  await walk.press(() => page.dispatchEvent('body', 'drop', { dataTransfer: held }))
  await page.waitForURL('**/out-of-memory', { timeout: WAIT_MS })
  await page.getByTestId('cause').waitFor({ timeout: WAIT_MS })
  await walk.see('It is let go: why memory ran out, what was held, and what would have fitted.')
  return walk.text('From a crash log to the cause of running out of memory')
}

const folder = mkdtempSync(join(tmpdir(), 'plumbline-tour-'))
mkdirSync(join(ROOT, PICTURES), { recursive: true })
const hub = await PageHub.start()
const browser = await launchBrowser()
try {
  const page = await browser.newPage({ viewport: { width: 1280, height: 800 }, colorScheme: 'light' })
  const walks = [await slowSwitch(page, hub.url, folder), await crashLog(page, hub.url)]
  const head =
    '# A tour\n\nMade by `npm run tour`, which walks it in a browser, counts the presses and fails where a walk takes more than three.\n'
  writeFileSync(join(ROOT, 'docs/tour.md'), [head, ...walks].join('\n'))
  console.log(walks.map(walk => walk.split('\n', 1)[0]).join('\n'))
} finally {
  await browser.close()
  await hub.remove()
  rmSync(folder, { recursive: true, force: true })
}
