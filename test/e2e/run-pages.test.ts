/** What one takes away of a run, what its log says, plans kept, and every page by keys alone and under a strict policy. */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Browser, Page } from 'playwright'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import type { WireRecord } from '../../wire/records'
import { eventually, freePort, plumbline, ROOT, startHubProcess } from '../plumbline'
import { isLive, launchBrowser, violations } from './browser'
import { startRecords, stepRecords, TestAgent } from './page-agent'
import { PageHub } from './page-hub'

const RANKS = 4
const STEPS = 120
const RUN = '/runs/kept-1'
const DEAD = 'dead-run-1'
const PATHS = [
  '/',
  '/compare',
  '/cluster',
  '/settings',
  ...['', '/gpus', '/sync', '/memory', '/events', '/plan', '/report', '/arithmetic'].map(page => `${RUN}${page}`),
]
const now = () => Date.now() / 1000

let hub: PageHub
let browser: Browser
let agent: TestAgent
let folder: string
const pages: Page[] = []

async function open(path: string, options: Parameters<Browser['newPage']>[0] = {}): Promise<Page> {
  const page = await browser.newPage({ viewport: { width: 1440, height: 900 }, ...options })
  pages.push(page)
  await page.goto(`${hub.url}${path}`)
  await isLive(page)
  return page
}

async function taken(page: Page, press: () => Promise<void>): Promise<Buffer> {
  const coming = page.waitForEvent('download')
  await press()
  const download = await coming
  return readFileSync(await download.path())
}

/** A step a second, a line for each; the hundredth is slow, and its loss jumps. */
async function train(start: number): Promise<void> {
  await agent.send(startRecords('kept-1', agent.node, RANKS, start))
  const steps = Array.from({ length: STEPS }, (_, step) =>
    stepRecords('kept-1', agent.node, RANKS, step + 1, start + step),
  ).flat()
  await agent.send(steps.map(record => (isHundredth(record) ? { ...record, stepSeconds: 9, loss: 50 } : record)))
  const lines = Array.from({ length: STEPS }, (_, step): WireRecord => {
    const place = { run: 'kept-1', node: agent.node, source: 'stdout' }
    return { kind: 'line', time: start + step, ...place, text: `said at step ${step + 1}` }
  })
  const devices = Array.from({ length: 8 }, (_, index): WireRecord => {
    const device = { index, uuid: `GPU-${index}`, name: 'NVIDIA H100', memoryTotalBytes: 85e9 }
    return { kind: 'gpu', time: start + STEPS, node: agent.node, ...device, memoryUsedBytes: 40e9 + index }
  })
  await agent.send([...lines, ...devices])
}

/** A run that ran out of memory, of its log and a snapshot; resolves with its id. */
async function bury(): Promise<string> {
  for (const name of ['log.txt', 'snapshot.pickle.gz']) {
    const body = readFileSync(join(ROOT, 'test/fixtures/out-of-memory/pieces', name))
    const sent = await fetch(`${hub.url}/api/imports/${DEAD}/files?name=${name}`, { method: 'POST', body })
    expect({ name, status: sent.status }).toEqual({ name, status: 200 })
  }
  const answer = await fetch(`${hub.url}/api/imports/${DEAD}?name=dead`, { method: 'POST' })
  expect(answer.status).toBe(200)
  return ((await answer.json()) as { run: string }).run
}

const isHundredth = (record: WireRecord) => record.kind === 'step' && record.step === 100

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'plumbline-run-pages-'))
  browser = await launchBrowser()
  hub = await PageHub.start()
  agent = await TestAgent.connect(hub.url, 'node-a')
  await train(now() - STEPS)
})
afterEach(async () => {
  await Promise.all(pages.splice(0).map(page => page.close()))
})
afterAll(async () => {
  agent?.close()
  await browser?.close()
  await hub?.remove()
  rmSync(folder, { recursive: true, force: true })
})

describe('the events page', () => {
  it('joins the log to the timeline: a line is marked on the chart, a press shows the minute around it', async () => {
    const page = await open(`${RUN}/events`)
    const line = page.getByRole('list', { name: /^Log/ }).getByText('said at step 60', { exact: true })
    await line.hover()
    const chart = page.getByRole('img', { name: /^Step time over time/ })
    await expect.poll(() => chart.locator('line[class*=crosshair]').count()).toBe(1)
    await line.click()
    await page.waitForURL(/from=[\d.]+&to=[\d.]+/)
    const lines = page.getByRole('list', { name: /^Log/ }).getByRole('listitem')
    await expect.poll(() => lines.count()).toBeLessThan(70)
    await page.getByText('said at step 60', { exact: true }).waitFor()
  })
})

describe('a run', () => {
  it('keeps its peaks, however much of it a point holds, down to the second', async () => {
    const ask = async (query: string) => {
      const answer = await fetch(`${hub.url}/api/runs/kept-1/steps?${query}`)
      return (await answer.json()) as { time: number[]; step: number[]; stepSecondsMax: number[]; lossMax: number[] }
    }
    const coarse = await ask('points=4')
    expect(coarse.step.length).toBeLessThan(6)
    expect([Math.max(...coarse.stepSecondsMax), Math.max(...coarse.lossMax)]).toEqual([9, 50])
    const fine = await ask('points=1000')
    const at = fine.time[fine.step.indexOf(100)] ?? NaN
    const second = await ask(`points=1000&from=${at - 0.5}&to=${at + 0.5}`)
    expect(second).toMatchObject({ step: [100], stepSecondsMax: [9], lossMax: [50] })
  })

  it('is taken away as one file that needs neither hub nor script', async () => {
    const page = await open(`${RUN}/report`)
    for (const name of ['FLOPs budget', 'Ranks over time', 'Ranks', 'Memory by category', 'Log'])
      await page.getByRole('heading', { name, exact: true }).waitFor()
    await page.getByText('said at step 119', { exact: true }).waitFor()
    await page.getByText('Useful work at the peak').first().waitFor()
    const file = await taken(page, () => page.getByRole('button', { name: 'Save as one HTML file' }).click())
    expect(file.toString()).not.toMatch(/<script|<link/)
    const alone = await browser.newPage({ javaScriptEnabled: false, viewport: { width: 1440, height: 900 } })
    pages.push(alone)
    const asked: string[] = []
    alone.on('request', request => asked.push(request.url()))
    await alone.setContent(file.toString())
    await alone.getByText('said at step 119', { exact: true }).waitFor()
    const figure = alone.locator('[data-figure=stepSeconds]')
    await figure.getByRole('button', { name: /measured/ }).click()
    await figure.getByText('A counter or a timer said so.').waitFor()
    expect(asked.filter(url => !url.startsWith('data:') && url !== 'about:blank')).toEqual([])
    await page.emulateMedia({ media: 'print', colorScheme: 'dark' })
    expect(await page.getByRole('navigation', { name: 'Pages', exact: true }).isVisible()).toBe(false)
    expect(await page.evaluate(() => getComputedStyle(document.body).color)).toBe('rgb(22, 32, 44)')
  })

  it('leads from a number to the samples that it was made of', async () => {
    const page = await open(RUN)
    const figure = page.locator('[data-figure=stepSeconds]')
    await figure.getByRole('button', { name: /measured/ }).click()
    const rows = (await taken(page, () => figure.getByRole('link', { name: 'raw samples' }).click())).toString().trim()
    expect(rows.split('\n')[0]).toMatch(/^step,rank,time,stepSeconds/)
    expect(rows.split('\n').length).toBeGreaterThan(20 * RANKS)
    expect(rows.split('\n').length).toBeLessThan(STEPS * RANKS)
    await page.goto(`${hub.url}${RUN}/gpus`)
    const devices = page.getByRole('region', { name: 'GPUs' })
    const samples = await taken(page, () => devices.getByRole('link', { name: 'raw samples' }).click())
    expect(samples.toString().trim().split('\n').length).toBe(9)
  })

  it('gives charts, maps and tables away', async () => {
    const page = await open(`${RUN}/gpus`)
    const map = page.getByRole('img', { name: /^Compute time of 4 ranks over time/ })
    await map.hover()
    const save = (form: string) =>
      page.getByRole('button', { name: `Save Compute time of 4 ranks over time as ${form}` })
    const picture = await taken(page, () => save('PNG').click())
    expect(picture.subarray(1, 4).toString()).toBe('PNG')
    const cells = (await taken(page, () => save('CSV').click())).toString().trim().split('\r\n')
    expect([cells[0], cells.length > STEPS]).toEqual(['rank,time,computeSeconds', true])
    const table = await taken(page, () => page.getByRole('button', { name: 'Save Ranks as Parquet' }).click())
    expect([table.subarray(0, 4).toString(), table.subarray(-4).toString()]).toEqual(['PAR1', 'PAR1'])
    await page.goto(`${hub.url}${RUN}/events`)
    const chart = page.getByRole('img', { name: /^Step time over time/ })
    await chart.hover()
    const parquet = page.getByRole('button', { name: 'Save Step time over time as Parquet' })
    const lines = await taken(page, () => parquet.click())
    expect(lines.subarray(0, 4).toString()).toBe('PAR1')
  })

  it('takes a note where Shift and a press say so', async () => {
    const page = await open(RUN)
    await page
      .locator('[role=img][aria-label*="over time"]')
      .first()
      .click({ modifiers: ['Shift'] })
    const dialog = page.getByRole('dialog', { name: 'A note' })
    await dialog.getByRole('textbox').fill('by a press')
    await dialog.getByRole('button', { name: 'Write' }).click()
    await page
      .getByRole('list', { name: /^Events/ })
      .getByText('by a press')
      .waitFor()
  })

  it('keeps plans beside each other, also after a reload', async () => {
    const page = await open(`${RUN}/plan?if=micro:8`)
    const kept = page.getByRole('group', { name: 'Plans kept' })
    await page.getByRole('button', { name: 'Keep the plan above' }).click()
    await kept.getByRole('row', { name: /^Micro-batch 8/ }).waitFor()
    await page.reload()
    await kept.getByRole('row', { name: /^As it runs/ }).click()
    await expect.poll(() => new URL(page.url()).search).toBe('')
    await kept.getByRole('row', { name: /^Micro-batch 8/ }).click()
    await page.waitForURL(/if=micro/)
    await kept.getByRole('button', { name: /^Forget the plan Micro-batch 8/ }).click()
    await kept.getByRole('row', { name: /^Micro-batch 8/ }).waitFor({ state: 'detached' })
  })
})

describe('every page', () => {
  it('is as wide as its window, on a phone as well', async () => {
    const page = await open('/', { viewport: { width: 390, height: 900 } })
    for (const path of PATHS) {
      await page.goto(`${hub.url}${path}`)
      await isLive(page)
      if (path.endsWith('/memory')) await page.getByText('node-a gpu 7').waitFor({ state: 'attached' })
      const beyond = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth)
      expect({ path, beyond: Math.max(0, beyond) }).toEqual({ path, beyond: 0 })
    }
  })

  it('is walked by keys alone: the focus is always seen, and goes round', async () => {
    const page = await open('/')
    for (const path of PATHS) {
      await page.goto(`${hub.url}${path}`)
      await isLive(page)
      const unseen: string[] = []
      let stops = 0
      for (; stops < 400; stops += 1) {
        await page.keyboard.press('Tab')
        const at = await page.evaluate(() => {
          const element = document.activeElement
          if (element === null || element === document.body) return undefined
          const { outlineStyle } = getComputedStyle(element)
          return { isSeen: outlineStyle !== 'none', what: element.outerHTML.slice(0, 100) }
        })
        if (at === undefined) break
        if (!at.isSeen) unseen.push(at.what)
      }
      expect({ path, unseen }).toEqual({ path, unseen: [] })
      expect(stops).toBeGreaterThan(6)
      expect(stops).toBeLessThan(400)
    }
  })

  it('of a run that died is well made: nothing that axe finds, no error, and its snapshot is explored by pointer and keys', async () => {
    const dead = `/runs/${await bury()}`
    const problems: string[] = []
    // A snapshot is read and a cause is looked for: on a crowded machine that takes its time.
    const slow = { timeout: 120_000 }
    for (const colorScheme of ['light', 'dark'] as const) {
      const page = await open('/', { colorScheme })
      page.on('console', message => message.type() === 'error' && problems.push(message.text()))
      page.on('pageerror', error => problems.push(error.message))
      for (const place of ['', '/out-of-memory', '/evidence']) {
        await page.goto(`${hub.url}${dead}${place}`)
        await isLive(page)
        if (place === '/evidence') await page.getByRole('heading', { name: 'Held over time' }).waitFor(slow)
        if (place === '/out-of-memory') await page.getByTestId('cause').waitFor(slow)
        const found = await violations(page)
        expect({ place, found }).toEqual({ place, found: [] })
      }
    }
    expect(problems).toEqual([])
    const explored = await open(`${dead}/evidence`)
    const timeline = explored.getByTestId('timeline')
    await timeline.click({ position: { x: 300, y: 300 } })
    await explored.waitForURL(/block=\d+-[\da-f]+/)
    const stack = explored.getByTestId('stack')
    await expect.poll(() => stack.innerText()).toContain('job.py')
    for (const key of ['+', '+', 'Shift+ArrowRight']) await timeline.press(key)
    await explored.waitForURL(/look=\d+-\d+/)
    await explored.getByRole('button', { name: 'Allocator state' }).click()
    await explored.getByTestId('entries').press('ArrowDown')
    await explored.waitForURL(/view=state/)
    await explored.getByRole('searchbox').fill('_init_group')
    await explored.getByText(/^[\d,]+ found, /).waitFor()
    const moment = await explored.getByTestId('moment').innerText()
    expect(await violations(explored)).toEqual([])
    await explored.waitForURL(/find=_init_group/)
    await explored.reload()
    await expect.poll(() => explored.getByTestId('moment').innerText()).toBe(moment)
  }, 400_000)

  it('has no style of its own in what the server sends: a policy without unsafe-inline breaks nothing', async () => {
    for (const path of PATHS) {
      const sent = await (await fetch(`${hub.url}${path}`)).text()
      const markup = sent.replace(/<script[\s\S]*?<\/script>/g, '')
      expect({ path, styles: markup.match(/<[^>]+ style="[^"]*"|<style/g) }).toEqual({ path, styles: null })
    }
  })
})

describe('an empty hub', () => {
  it('answers with its page from its first answer on, however early one comes', async () => {
    const port = await freePort()
    const own = plumbline(['start', '--no-agent', '--port', String(port), '--data', join(folder, 'early')])
    try {
      let status = 0
      await eventually('an answer', async () => {
        status = (await fetch(`http://127.0.0.1:${port}/`)).status
        return true
      })
      expect(status).toBe(200)
    } finally {
      await own.kill('SIGTERM')
    }
  })

  it('plays the demo run by one press', async () => {
    const port = await freePort()
    const own = await startHubProcess(port, join(folder, 'demo'))
    try {
      const page = await browser.newPage()
      pages.push(page)
      await page.goto(`http://127.0.0.1:${port}/`)
      await isLive(page)
      await page.getByRole('button', { name: 'Play the demo run' }).click()
      const run = page.getByRole('list').getByRole('link').first()
      await run.waitFor({ timeout: 60_000 })
      await run.click()
      await expect.poll(() => page.getByTestId('health').innerText(), { timeout: 60_000 }).toMatch(/step \d+/)
    } finally {
      await own.kill('SIGTERM')
    }
  })
})
