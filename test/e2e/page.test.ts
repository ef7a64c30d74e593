import { readFileSync } from 'node:fs'
import type { Browser, Locator, Page } from 'playwright'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { format } from '../../base/units'
import { predict } from '../../math/predict'
import type { WireRecord } from '../../wire/records'
import { isLive, launchBrowser, violations } from './browser'
import { MODEL, startRecords, stepRecords, TestAgent } from './page-agent'
import { PageHub } from './page-hub'

const RANKS = 4
const CHARTS = '[role=img][aria-label*="over time"]'
const PATHS = [
  '/',
  '/cluster',
  '/compare',
  '/settings',
  '/runs/live-1',
  '/runs/live-1/gpus',
  '/runs/live-1/memory',
  '/runs/live-1/events',
  '/runs/live-1/report',
  '/runs/live-1/sync',
  '/runs/live-1/plan',
  '/runs/live-1/arithmetic',
  '/runs/gpu-1/gpus?rank=0',
  '/runs/nothing',
]
const now = () => Date.now() / 1000

let hub: PageHub
let browser: Browser
let agent: TestAgent
const problems: string[] = []
const pages: Page[] = []

/** The browser says so itself of an answer 404, and of the style of a page that it did not get to show. */
const forgetNotFound = () =>
  problems.splice(0, problems.length, ...problems.filter(text => !/404|was preloaded using link preload/.test(text)))

async function open(path: string, options: Parameters<Browser['newPage']>[0] = {}): Promise<Page> {
  const page = await browser.newPage({ viewport: { width: 1440, height: 900 }, ...options })
  pages.push(page)
  page.on('pageerror', error => problems.push(`${path}: ${error.message}`))
  page.on('console', message => {
    if (message.type() === 'error' || message.type() === 'warning') problems.push(`${path}: ${message.text()}`)
  })
  await page.goto(`${hub.url}${path}`)
  if (options.javaScriptEnabled !== false) await isLive(page)
  return page
}

/** A run with steps 1 to `steps`, one each fifth of a second, the last of them now. */
async function train(run: string, steps: number): Promise<void> {
  const start = now() - steps / 5
  await agent.send(startRecords(run, agent.node, RANKS, start))
  const rows = Array.from({ length: steps }, (_, index) =>
    stepRecords(run, agent.node, RANKS, index + 1, start + index / 5),
  )
  await agent.send(rows.flat())
}

const health = (page: Page) => page.getByTestId('health')

beforeAll(async () => {
  browser = await launchBrowser()
  hub = await PageHub.start()
})
afterEach(async () => {
  await Promise.all(pages.splice(0).map(page => page.close()))
})
afterAll(async () => {
  agent?.close()
  await browser?.close()
  await hub?.remove()
})

describe('the page', () => {
  it('without runs says how to attach a job, and notices when an agent comes', async () => {
    const page = await open('/')
    await page.getByRole('heading', { name: 'No runs yet' }).waitFor()
    await page.getByText(`plumbline run --hub ${hub.url}`).waitFor()
    await page.getByRole('button', { name: 'Megatron-LM' }).click()
    await page.getByText(`plumbline agent --hub ${hub.url}`).waitFor()
    agent = await TestAgent.connect(hub.url, 'node-a')
    await agent.send([{ kind: 'host', time: now(), node: 'node-a', cpuUtilizationRatio: 0.5, memoryUsedBytes: 1e9 }])
    await page.getByText('An agent reports from node-a').waitFor()
    expect(await violations(page)).toEqual([])
  })

  it('shows a run in the list as soon as it reports, without a reload', async () => {
    const page = await open('/')
    await page.getByRole('heading', { name: 'No runs yet' }).waitFor()
    await train('live-1', 40)
    await page.getByRole('link', { name: 'job live-1' }).waitFor()
    await page.getByText('Live', { exact: true }).waitFor()
    expect(await violations(page)).toEqual([])
  })

  it('follows a run: each step comes to the page by itself', async () => {
    const page = await open('/runs/live-1')
    await expect.poll(() => health(page).innerText()).toContain('step 40 of 400')
    const late: number[] = []
    for (let step = 41; step <= 45; step += 1) {
      const sentAt = performance.now()
      await agent.send(stepRecords('live-1', agent.node, RANKS, step, now()))
      // Looked at in every frame: a locator looks only twice a second.
      await page.waitForFunction(
        text => document.querySelector('[data-testid=health]')?.textContent?.includes(text),
        `step ${step} of 400`,
      )
      late.push(performance.now() - sentAt)
    }
    console.log(`from sent to seen: ${late.map(milliseconds => `${Math.round(milliseconds)} ms`).join(', ')}`)
  })

  it('grows without making its charts anew and without moving anything', async () => {
    const page = await open('/runs/live-1')
    await page.locator(CHARTS).nth(3).waitFor()
    await expect.poll(() => health(page).innerText()).toContain('step 45')
    // A finding is news, and takes its room when it comes.
    await page.locator('#findings').getByText('Rank 3 is slow').waitFor()
    await page.evaluate(charts => {
      const seen = window as unknown as { shift: number; moved: string[]; first: Element[] }
      seen.shift = 0
      seen.moved = []
      seen.first = [...document.querySelectorAll(charts)]
      const sum = (entries: PerformanceEntryList) => {
        for (const entry of entries as (PerformanceEntry & { value: number; sources: { node?: Node }[] })[]) {
          seen.shift += entry.value
          seen.moved.push(
            ...entry.sources.map(({ node }) => `${entry.value.toFixed(3)}: ${node?.textContent?.slice(0, 80)}`),
          )
        }
      }
      new PerformanceObserver(list => sum(list.getEntries())).observe({ type: 'layout-shift' })
    }, CHARTS)
    for (let step = 46; step <= 49; step += 1) {
      await agent.send(stepRecords('live-1', agent.node, RANKS, step, now()))
      await health(page).getByText(`step ${step} of 400`).waitFor()
    }
    const { shift, moved, kept } = await page.evaluate(() => {
      const seen = window as unknown as { shift: number; moved: string[]; first: Element[] }
      return {
        shift: seen.shift,
        moved: seen.moved,
        kept: seen.first.length > 3 && seen.first.every(chart => chart.isConnected),
      }
    })
    expect(kept).toBe(true)
    expect(shift, moved.join('\n')).toBeLessThan(0.01)
  })

  it('runs no script that is not its own', async () => {
    const page = await open('/runs/live-1')
    const policy = (await page.request.get(`${hub.url}/runs/live-1`)).headers()['content-security-policy'] ?? ''
    expect(policy).toMatch(/script-src 'self' 'nonce-[\w+/=]{20,}'(;|$)/)
    expect(policy).toContain("frame-ancestors 'none'")
    const refused = page.waitForEvent('console', message => message.text().includes('Content Security Policy'))
    await page.evaluate(() => {
      const script = document.createElement('script')
      script.textContent = 'globalThis.wasRun = true'
      document.body.append(script)
    })
    await refused
    expect(await page.evaluate(() => 'wasRun' in globalThis)).toBe(false)
    problems.splice(0, problems.length, ...problems.filter(text => !text.includes('Content Security Policy')))
  })

  it('says how the run is before any script has run', async () => {
    /** The first frame waits for nothing long: where the machine is too busy for it, the next visit tells. */
    const told = async (path: string, what: (page: Page) => Locator) => {
      const page = await open(path, { javaScriptEnabled: false })
      await expect
        .poll(async () => (await what(page).isVisible()) || (await page.reload(), false), { timeout: 20_000 })
        .toBe(true)
      return page
    }
    const page = await told('/runs/live-1', page => health(page).getByText('step 49 of 400'))
    expect(await page.locator('[data-figure=stepSeconds]').innerText()).toContain('200 ms')
    await told('/', page => page.getByRole('link', { name: 'job live-1' }))
    await told('/runs/live-1/gpus', page => page.getByRole('group', { name: 'Ranks' }).getByRole('row').nth(4))
    forgetNotFound()
  })

  it('shows on every page of the run the stretch that was brushed, and keeps it in the address', async () => {
    const page = await open('/runs/live-1')
    const strip = page.getByRole('img', { name: /^Step time of the whole run/ })
    const box = await strip.boundingBox()
    if (box === null) throw new Error('the brush is not in sight')
    await page.mouse.move(box.x + box.width * 0.25, box.y + 10)
    await page.mouse.down()
    await page.mouse.move(box.x + box.width * 0.75, box.y + 10, { steps: 4 })
    await page.mouse.up()
    await page.waitForURL(/[?&]from=[\d.]+&to=[\d.]+/)
    await page.locator('a[href*="/gpus?from="]', { hasText: 'GPUs' }).click()
    await page.waitForURL(/\/gpus\?from=[\d.]+&to=/)
    await page.locator('a[href*="/live-1?from="]', { hasText: 'Overview' }).click()
    await page.waitForURL(/\/live-1\?from=/)
    await strip.dblclick()
    await expect.poll(() => new URL(page.url()).search).toBe('')
    await page.keyboard.press('+')
    await page.waitForURL(/[?&]from=/)
    await page.keyboard.press('0')
    await expect.poll(() => new URL(page.url()).search).toBe('')
    await page.keyboard.press('2')
    await page.waitForURL('**/runs/live-1/gpus')
  })

  it('sets each figure beside what the arithmetic predicts of the same configuration', async () => {
    const page = await open('/runs/live-1')
    const expected = predict({
      framework: 'nanogpt',
      model: MODEL,
      precision: 'fp32',
      optimizer: 'adamw',
      parallelism: { worldSize: RANKS, data: RANKS },
      batch: { micro: 4, global: 4 * RANKS },
      hardware: { count: RANKS, peakFlopsPerSecond: 1e11, peakSource: 'measured matmul' },
    })
    const card = page.locator('[data-figure=stepSeconds]')
    await expect.poll(() => card.innerText()).toContain(format(expected.step.seconds, 'seconds'))
    await expect
      .poll(async () => Number(await card.locator('[data-value]').getAttribute('data-value')))
      .toBeCloseTo(0.2, 9)
    await card.getByRole('button', { name: /predicted/ }).focus()
    await page.keyboard.press('Enter')
    await card.getByText(expected.explain['step.seconds']?.formula ?? '?', { exact: true }).waitFor()
    await page.keyboard.press('Escape')
    await expect.poll(() => card.getByText('What the arithmetic says').isVisible()).toBe(false)
  })

  it('opens every predicted number into its formula, beside how others count', async () => {
    const page = await open('/runs/live-1')
    await page.getByRole('link', { name: 'all formulas' }).click()
    await page.locator('a[aria-current=page]', { hasText: 'Arithmetic' }).waitFor()
    const memory = page.getByRole('group', { name: /^Memory of one device/ })
    await memory
      .getByRole('row', { name: /^optimizer/ })
      .getByText('S·x', { exact: true })
      .waitFor()
    const others = page.getByRole('group', { name: /^FLOPs per token/ })
    for (const name of ['Megatron-LM', 'torchtitan', 'nanoGPT', 'EleutherAI cookbook'])
      await others.getByRole('cell', { name, exact: true }).first().waitFor()
    await page.getByRole('link', { name: 'MFU', exact: true }).click()
    await expect.poll(() => page.url()).toContain('#mfu')
  })

  it('finds plans for the same devices, and says what it lacks to do so', async () => {
    const time = now()
    const model = { layers: 32, hiddenSize: 4096, attentionHeads: 32, keyValueHeads: 8, ffnHiddenSize: 14_336 }
    await agent.send([
      { kind: 'run', time, run: 'planned', node: agent.node, name: 'planned', state: 'started' },
      {
        kind: 'config',
        time,
        run: 'planned',
        framework: 'torchtitan',
        precision: 'bf16',
        optimizer: 'adamw',
        model: { ...model, vocabularySize: 128_256, sequenceLength: 8192, parameters: 8_030_261_248 },
        parallelism: { worldSize: 64, data: 64 },
        batch: { micro: 1, global: 128 },
        hardware: { gpu: 'NVIDIA H100 80GB HBM3', count: 64 },
      } as WireRecord,
    ])
    const page = await open('/runs/planned/plan')
    const plans = page.getByRole('group', { name: 'Plans for the same devices' })
    await plans.getByRole('row').nth(10).waitFor()
    await page.getByText(/the fastest of \d+ that fit, of \d+/).waitFor()
    await page.getByLabel('ZeRO').fill('3')
    await page.waitForURL(/if=zeroStage%3A3|if=zeroStage:3/)
    await page.getByRole('status').getByText('fits', { exact: true }).waitFor()
    await plans.getByRole('row').nth(2).click()
    await page.waitForURL(/if=.*(micro|tensor|recompute|zeroStage)/)
    const small = await open('/runs/live-1/plan')
    await small.getByText(/A search over plans needs/).waitFor()
  })

  it('draws the map of ranks and steps, and keeps the metric in the address', async () => {
    const page = await open('/runs/live-1/gpus')
    const map = page.getByRole('img', { name: /of 4 ranks over time/ })
    await map.scrollIntoViewIfNeeded()
    const colours = () =>
      map.locator('canvas').evaluate(canvas => {
        const { width, height } = canvas as HTMLCanvasElement
        const pixels = (canvas as HTMLCanvasElement).getContext('2d')?.getImageData(0, 0, width, height).data ?? []
        const seen = new Set<number>()
        for (let at = 0; at < pixels.length; at += 4 * 7)
          if (pixels[at + 3] === 255)
            seen.add(((pixels[at] ?? 0) << 16) | ((pixels[at + 1] ?? 0) << 8) | (pixels[at + 2] ?? 0))
        return seen.size
      })
    await page.getByLabel('Metric of the map').selectOption('syncWaitSeconds')
    await expect.poll(() => page.url()).toContain('metric=syncWaitSeconds')
    await expect.poll(colours).toBeGreaterThan(1)
    await page.reload()
    await expect.poll(() => page.getByLabel('Metric of the map').inputValue()).toBe('syncWaitSeconds')
    await page.getByRole('img', { name: /^Sync wait of 4 ranks/ }).waitFor()
  })

  it('tells what is missing on a machine without a GPU', async () => {
    await agent.send([
      {
        kind: 'collector',
        time: now(),
        node: agent.node,
        name: 'nvidia-smi',
        state: 'absent',
        message: 'nvidia-smi is not on PATH',
        fix: 'install the NVIDIA driver',
      } as const,
    ])
    const page = await open('/runs/live-1/gpus')
    await page.getByText('No GPU is seen on node-a').waitFor()
    await page.getByText('nvidia-smi is not on PATH').first().waitFor()
    await page.getByText('plumbline doctor').first().waitFor()
  })

  it('shows devices, and calls synthetic samples synthetic', async () => {
    const time = now()
    await agent.send([
      ...startRecords('gpu-1', 'node-a', 1, time),
      ...stepRecords('gpu-1', 'node-a', 1, 1, time),
      ...[0, 1, 2].map(second => ({
        kind: 'gpu' as const,
        time: time + second / 10,
        node: 'node-a',
        index: 0,
        uuid: 'GPU-1',
        name: 'NVIDIA H100',
        source: 'synthetic',
        utilizationRatio: 0.97,
        memoryUsedBytes: 40e9,
        memoryTotalBytes: 85e9,
        powerWatts: 650,
        powerLimitWatts: 700,
        temperatureCelsius: 61,
        throttleReasons: ['sw_power_cap'],
      })),
    ])
    const page = await open('/runs/gpu-1/gpus')
    await page.getByText('node-a · GPU 0').waitFor()
    await page.getByText('97.0 %').waitFor()
    await page.getByText('sw power cap').waitFor()
    await page.getByText(/Synthetic: the samples of 1 of 1 devices are made up/).waitFor()
  })

  it.each([
    { colorScheme: 'light', width: 1440 },
    { colorScheme: 'dark', width: 390 },
  ] as const)('has no accessibility violation: $colorScheme, $width wide', async ({ colorScheme, width }) => {
    const page = await open('/', { colorScheme, viewport: { width, height: 900 } })
    for (const path of PATHS) {
      await page.goto(`${hub.url}${path}`)
      await page.getByRole('heading', { level: 1 }).first().waitFor()
      await isLive(page)
      expect({ path, found: await violations(page) }).toEqual({ path, found: [] })
      const overflow = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth)
      expect({ path, overflow: Math.max(0, overflow) }).toEqual({ path, overflow: 0 })
    }
    // The browser itself reports the 404 of the run that is not there.
    forgetNotFound()
  })

  it('keeps a theme that was chosen', async () => {
    const page = await open('/', { colorScheme: 'light' })
    const ground = () => page.evaluate(() => getComputedStyle(document.documentElement).backgroundColor)
    const light = await ground()
    await page.getByRole('button', { name: /^Theme: Auto/ }).click()
    await page.getByRole('button', { name: /^Theme: Light/ }).click()
    await expect.poll(ground).not.toBe(light)
    const dark = await ground()
    await page.reload()
    expect(await ground()).toBe(dark)
    await page.getByRole('button', { name: /^Theme: Dark/ }).waitFor()
  })

  it('goes to its pages by keyboard', async () => {
    const page = await open('/')
    await page.getByRole('heading', { name: 'Runs' }).waitFor()
    await page.keyboard.press('g')
    await page.keyboard.press('c')
    await page.getByRole('heading', { name: 'Cluster' }).waitFor()
    await page.getByText('nvidia-smi is not on PATH').waitFor()
  })

  it('goes to a rank by the palette, and sets it against its peers', async () => {
    const page = await open('/runs/live-1')
    await health(page).waitFor()
    await page.keyboard.press('/')
    await page.getByRole('combobox').fill('rank 3')
    await page.getByRole('option', { name: /^Rank 3/ }).waitFor()
    await page.keyboard.press('Enter')
    await page.waitForURL(/\/gpus\?rank=3/)
    await page.getByRole('heading', { name: 'Rank 3 against its peers' }).waitFor()
    await page.getByRole('img', { name: /^Compute time of rank 3 and its peers/ }).waitFor()
    const html = await (await fetch(`${hub.url}/runs/live-1/gpus?rank=3`)).text()
    expect(html).toContain('Compute time of rank 3 and its peers')
    await page.keyboard.press('?')
    await page.getByRole('dialog', { name: 'Keys' }).getByText('all of the run').waitFor()
    await page.keyboard.press('Escape')
    await page.getByRole('dialog').waitFor({ state: 'detached' })
  })

  it('writes a note by a key, and shows it on all charts and among the events, also after a reload', async () => {
    const page = await open('/runs/live-1')
    await page.locator(CHARTS).nth(3).waitFor()
    await page.keyboard.press('n')
    const dialog = page.getByRole('dialog', { name: 'A note' })
    await dialog.getByRole('textbox').fill('the switch was changed')
    expect(await violations(page)).toEqual([])
    await dialog.getByRole('button', { name: 'Write' }).click()
    await dialog.waitFor({ state: 'detached' })
    const marked = page.locator(`${CHARTS} title`, { hasText: 'the switch was changed' })
    await expect.poll(() => marked.count()).toBeGreaterThan(2)
    await page.reload()
    await expect.poll(() => marked.count()).toBeGreaterThan(2)
    await page.getByRole('link', { name: 'Events' }).click()
    await page.getByRole('row', { name: /note.*the switch was changed/ }).waitFor()
  })

  it('gives a chart away as a picture and as numbers', async () => {
    const page = await open('/runs/live-1')
    const chart = page.locator(CHARTS).first()
    await chart.waitFor()
    await chart.hover()
    const taken = async (form: string) => {
      const [download] = await Promise.all([
        page.waitForEvent('download'),
        page
          .getByRole('button', { name: new RegExp(`^Save .* as ${form}$`) })
          .first()
          .click(),
      ])
      return readFileSync(await download.path())
    }
    const picture = await taken('PNG')
    expect(picture.subarray(1, 4).toString()).toBe('PNG')
    expect([picture.readUInt32BE(16), picture.readUInt32BE(20)].every(side => side > 100)).toBe(true)
    expect((await taken('CSV')).toString().split('\n').length).toBeGreaterThan(40)
    const parquet = await page.request.get(`${hub.url}/api/runs/live-1/steps.parquet`)
    expect((await parquet.body()).subarray(0, 4).toString()).toBe('PAR1')
  })

  it('shows what the hub is set to, and changes the theme there', async () => {
    const page = await open('/')
    await page.getByRole('heading', { name: 'Runs' }).waitFor()
    await page.keyboard.press('g')
    await page.keyboard.press('s')
    await page.getByRole('row', { name: /Price of a GPU-hour not known/ }).waitFor()
    await page.getByRole('button', { name: 'Dark' }).click()
    expect(await page.evaluate(() => document.documentElement.dataset['theme'])).toBe('dark')
  })

  it('shows how a run ended, well or not', async () => {
    const end = (run: string, exitCode: number) =>
      agent.send([{ kind: 'run', time: now(), run, node: agent.node, state: 'ended', exitCode }])
    const page = await open('/runs/live-1')
    await health(page).waitFor()
    await end('live-1', 0)
    await expect.poll(() => health(page).innerText(), { timeout: 10_000 }).toContain('Ended well')
    await page.getByText('complete').waitFor()
    const other = await open('/runs/gpu-1')
    await end('gpu-1', 137)
    await expect.poll(() => health(other).innerText(), { timeout: 10_000 }).toContain('Failed with exit code 137')
    await page.reload()
    await expect.poll(() => health(page).innerText()).toContain('at step 49 of 400')
  })

  it('says of an unknown run that it is not known, and shows it when it comes', async () => {
    const page = await open('/runs/later')
    await page.getByRole('heading', { name: 'This run is not known' }).waitFor()
    await train('later', 10)
    await expect.poll(() => health(page).innerText(), { timeout: 10_000 }).toContain('step 10 of 400')
    forgetNotFound()
  })

  it('has no error and no warning on the console', () => {
    expect(problems).toEqual([])
  })

  it('keeps what it shows when the hub stops, says so, and goes on when it is back', async () => {
    const page = await open('/runs/later')
    await expect.poll(() => health(page).innerText()).toContain('step 10')
    agent.close()
    await hub.kill()
    await page.getByText('Hub not reachable').waitFor()
    await page.getByText(/last data [\d.]+ s ago/).waitFor()
    expect(await health(page).innerText()).toContain('step 10 of 400')
    await hub.restart()
    agent = await TestAgent.connect(hub.url, 'node-a')
    await agent.send(stepRecords('later', agent.node, RANKS, 11, now()))
    await page.getByText('Hub not reachable').waitFor({ state: 'detached', timeout: 15_000 })
    await expect.poll(() => health(page).innerText(), { timeout: 10_000 }).toContain('step 11 of 400')
  })

  it('loads itself anew where the hub that it comes back to is of another version', async () => {
    const page = await browser.newPage()
    pages.push(page)
    let version = 'old'
    let loads = 0
    page.on('load', () => (loads += 1))
    await page.routeWebSocket(/transport=websocket/, socket => {
      const server = socket.connectToServer()
      server.onMessage(message => socket.send(String(message).replace(/(\/live,\["version",")[^"]*/, `$1${version}`)))
    })
    await page.goto(`${hub.url}/runs/live-1?last=300`)
    await isLive(page)
    await hub.kill()
    await hub.restart()
    await isLive(page)
    expect(loads).toBe(1)
    version = 'new'
    await hub.kill()
    await hub.restart()
    await expect.poll(() => loads, { timeout: 20_000 }).toBe(2)
    await isLive(page)
    expect(page.url()).toContain('/runs/live-1?last=300')
  })

  it('makes a post-mortem of a crash log that is dropped on it, and gives it away', async () => {
    const page = await open('/')
    const log = [
      'iter 1: loss 4.1221, time 220.20ms, mfu 33.00%',
      'iter 2: loss 3.9021, time 221.20ms, mfu 33.01%',
      'Traceback (most recent call last):',
      '  File "train.py", line 300, in <module>',
      '    loss.backward()',
      'torch.OutOfMemoryError: CUDA out of memory. Tried to allocate 1.50 GiB. GPU 3 has a total capacity of 79.11 GiB of which 700.00 MiB is free. Including non-PyTorch memory, this process has 78.42 GiB memory in use. Of the allocated memory 68.01 GiB is allocated by PyTorch, and 8.10 GiB is reserved by PyTorch but unallocated.',
    ].join('\n')
    const transfer = await page.evaluateHandle(text => {
      const held = new DataTransfer()
      held.items.add(new File([text], 'crash.log'))
      return held
    }, log)
    await page.dispatchEvent('body', 'dragover', { dataTransfer: transfer })
    await page.getByText('Drop logs').waitFor()
    const dropped = performance.now()
    await page.dispatchEvent('body', 'drop', { dataTransfer: transfer })
    await page.waitForURL('**/out-of-memory')
    await page.getByTestId('cause').waitFor()
    expect(await page.getByTestId('cause').textContent()).toContain('in pieces that were too small')
    await page.getByRole('img', { name: /reserved, not in use 8\.10 GiB/ }).waitFor()
    const [first] = await page
      .getByRole('group', { name: 'What would have fitted' })
      .locator('tbody tr')
      .allInnerTexts()
    expect(first).toContain('expandable_segments:True')
    const seconds = (performance.now() - dropped) / 1000
    console.info(
      `cause, bar and list ${seconds.toFixed(1)} s after the log was dropped, ${(seconds / 5).toFixed(2)} of the 5 s that it may take`,
    )
    expect(await violations(page)).toEqual([])
    const [download] = await Promise.all([page.waitForEvent('download'), page.getByText('Markdown').click()])
    expect(download.suggestedFilename()).toMatch(/\.md$/)
  })
})
