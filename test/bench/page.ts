/**
 * How fast the page is, each figure beside its limit: what a first load weighs and when it shows, what live updates cost the
 * main thread at 8, 1,024 and 16,384 ranks, the map of 1,024 ranks and an hour, and interactions. All of it takes some
 * minutes; `-- --only load,keys` measures what is named of load, live, map and keys.
 */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import { gzipSync } from 'node:zlib'
import type { Browser, CDPSession, Page } from 'playwright'
import { MAP_COLUMNS } from '../../app/data/run-parts'
import { Folding } from '../../hub/roll-ups/folding'
import { openEngine } from '../../hub/store/engine'
import { openStore } from '../../hub/store/store'
import type { HeatMetricName } from '../../wire/heat'
import { launchBrowser } from '../e2e/browser'
import { startRecords, stepRecords, TestAgent } from '../e2e/page-agent'
import { PageHub } from '../e2e/page-hub'

const HOUR_RANKS = 1024
const HOUR_STEPS = 3600
const LIVE_SECONDS = 10
const LOADS = 5
const PARTS = ['load', 'live', 'map', 'keys'] as const
type Part = (typeof PARTS)[number]
const NODE = 'bench'
const HOUR = 'hour'

const now = () => Date.now() / 1000
const median = (values: readonly number[]) => values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? NaN
const share = (values: readonly number[], part: number) =>
  values.toSorted((a, b) => a - b)[Math.min(values.length - 1, Math.floor(values.length * part))] ?? NaN

function say(what: string, value: number, unit: string, limit: number): void {
  console.log(
    `${what.padEnd(52)} ${value.toFixed(1).padStart(8)} ${unit}  ${(value / limit).toFixed(2)} of ${limit} ${unit}`,
  )
}

/** An hour of a step a second, each received as it happened, made inside the store: 3.7 million rows. */
async function fillHour(data: string): Promise<void> {
  const store = await openStore({ data, store: '' })
  await store.close()
  const engine = await openEngine({ data, store: '' })
  const start = now() - HOUR_STEPS
  await engine.client.command({
    query: `INSERT INTO step (agent, sequence, receivedAt, run, node, time, rank, step, source, stepSeconds, phases)
      SELECT 'bench', 1, ${start} + intDiv(number, ${HOUR_RANKS}), '${HOUR}', '${NODE}', ${start} + intDiv(number, ${HOUR_RANKS}), number % ${HOUR_RANKS}, intDiv(number, ${HOUR_RANKS}), 'hook',
        1, concat('{"forward":{"seconds":', toString(0.2 + (cityHash64(number) % 1000) / 1e4), '},"backward":{"seconds":0.4},"communication":{"seconds":',
        toString(0.3 + (cityHash64(number + 7) % 1000) / 1e4), '}}') FROM numbers(${HOUR_RANKS * HOUR_STEPS})`,
  })
  await engine.close()
  // As a hub has done that was there all the hour.
  const filled = await openStore({ data, store: '' })
  await new Folding(filled, line => console.error(line)).fold(true, now())
  await filled.close()
}

async function open(browser: Browser, url: string): Promise<{ page: Page; cdp: CDPSession }> {
  const page = await browser.newPage({ viewport: { width: 1440, height: 900 } })
  const cdp = await page.context().newCDPSession(page)
  // Time that the main thread had a processor: what other programs take of it does not count.
  await cdp.send('Performance.enable', { timeDomain: 'threadTicks' })
  await page.goto(url)
  await page.locator('[role=status]', { hasText: 'connected' }).waitFor({ timeout: 60_000 })
  return { page, cdp }
}

async function metric(cdp: CDPSession, name: string): Promise<number> {
  const { metrics } = await cdp.send('Performance.getMetrics')
  return metrics.find(one => one.name === name)?.value ?? NaN
}

/** By a browser that has nothing of it: kB of scripts, and milliseconds until the largest content is there. */
async function firstLoad(browser: Browser, url: string): Promise<{ scripts: number; largest: number }> {
  const page = await browser.newPage({ viewport: { width: 1440, height: 900 } })
  const scripts: Promise<number>[] = []
  page.on('response', response => {
    if (response.request().resourceType() === 'script')
      scripts.push(response.body().then(body => gzipSync(body).length))
  })
  await page.goto(url, { waitUntil: 'networkidle' })
  const largest = await page.evaluate(
    () =>
      new Promise<number>(resolve => {
        new PerformanceObserver(list => resolve(list.getEntries().at(-1)?.startTime ?? NaN)).observe({
          type: 'largest-contentful-paint',
          buffered: true,
        })
      }),
  )
  const sizes = await Promise.all(scripts)
  await page.close()
  return { scripts: sizes.reduce((sum, size) => sum + size, 0) / 1000, largest }
}

async function liveCost(browser: Browser, hub: PageHub, agent: TestAgent, ranks: number): Promise<void> {
  const run = `live-${ranks}`
  await agent.send(startRecords(run, NODE, ranks, now()))
  await agent.send(stepRecords(run, NODE, ranks, 1, now()))
  const { page, cdp } = await open(browser, `${hub.url}/runs/${run}`)
  const before = await metric(cdp, 'TaskDuration')
  const began = performance.now()
  for (let step = 2; performance.now() - began < LIVE_SECONDS * 1000; step += 1) {
    await agent.send(stepRecords(run, NODE, ranks, step, now()))
    await sleep(1000)
  }
  const seconds = (performance.now() - began) / 1000
  const busy = ((await metric(cdp, 'TaskDuration')) - before) * 1000
  say(`live updates of ${ranks.toLocaleString('en-US')} ranks: main thread`, busy / seconds, 'ms/s', 100)
  await page.close()
}

async function openMap(browser: Browser, hub: PageHub): Promise<Page> {
  const { page } = await open(browser, `${hub.url}/runs/${HOUR}/gpus`)
  await page.waitForFunction(() => performance.getEntriesByName('heat').length > 0, undefined, { timeout: 60_000 })
  return page
}

async function map(browser: Browser, hub: PageHub): Promise<void> {
  const asked = async (metric: HeatMetricName) => {
    const began = performance.now()
    await (await fetch(`${hub.url}/api/runs/${HOUR}/heat?metric=${metric}&columns=${MAP_COLUMNS}`)).arrayBuffer()
    return performance.now() - began
  }
  // The run as such is asked for before any of its pages is.
  await (await fetch(`${hub.url}/api/runs/${HOUR}`)).arrayBuffer()
  say('map of 1,024 ranks and an hour: first query', await asked('computeSeconds'), 'ms', 100)
  const others: number[] = []
  for (const metric of ['communicationSeconds', 'syncWaitSeconds', 'stepSeconds'] as const)
    others.push(await asked(metric))
  say('map of 1,024 ranks and an hour: another metric', median(others), 'ms', 100)
  const queries: number[] = []
  for (let round = 0; round < 5; round += 1) queries.push(await asked('computeSeconds'))
  say('map of 1,024 ranks and an hour: again', median(queries), 'ms', 100)
  const page = await openMap(browser, hub)
  const draws: number[] = []
  for (const order of ['node', 'rank', 'deviation', 'rank', 'stage']) {
    await page.evaluate(() => performance.clearMeasures())
    await page.getByLabel('Order of the ranks').selectOption(order)
    await page.waitForFunction(() => performance.getEntriesByName('heat').length > 0)
    draws.push(await page.evaluate(() => performance.getEntriesByName('heat')[0]?.duration ?? NaN))
  }
  say('map of 1,024 ranks and an hour: draw', median(draws), 'ms', 100)
  await page.close()
}

/** From an event until the frame after it is there. */
async function interactions(browser: Browser, hub: PageHub): Promise<void> {
  const page = await openMap(browser, hub)
  // The transpiler names functions by a helper that the page does not have.
  await page.evaluate('globalThis.__name = one => one')
  const times = await page.evaluate(async () => {
    const frame = () => new Promise<void>(resolve => requestAnimationFrame(() => setTimeout(resolve)))
    const measured: { what: string; took: number }[] = []
    const timed = async (what: string, act: () => void) => {
      await frame()
      const began = performance.now()
      act()
      await frame()
      measured.push({ what, took: performance.now() - began })
    }
    const map = document.querySelector('[role=img][aria-label*="walk over the cells"]')
    const { left, top, width, height } = map?.getBoundingClientRect() ?? new DOMRect()
    for (let move = 0; move < 60; move += 1) {
      const place = { clientX: left + (width * move) / 60, clientY: top + (height * move) / 60, bubbles: true }
      await timed('pointer on the map', () => map?.dispatchEvent(new PointerEvent('pointermove', place)))
    }
    const heads = [...document.querySelectorAll<HTMLElement>('th button')].slice(0, 8)
    for (const head of [...heads, ...heads]) await timed('order of a table', () => head.click())
    for (const key of ['+', '.', ',', '-', '0', '?', '/'])
      await timed(`key ${key}`, () => document.body.dispatchEvent(new KeyboardEvent('keydown', { key, bubbles: true })))
    return measured
  })
  const all = times.map(({ took }) => took)
  say(`${all.length} interactions at 1,024 ranks: 95th percentile`, share(all, 0.95), 'ms', 50)
  const slow = times.toSorted((one, other) => other.took - one.took).slice(0, 5)
  console.log(`  the slowest: ${slow.map(({ what, took }) => `${what} ${took.toFixed(0)} ms`).join(', ')}`)
  await page.close()
}

/** What a hub of its own with one small run costs a page that is opened for the first time. */
async function firstLoads(browser: Browser): Promise<void> {
  const hub = await PageHub.start()
  const agent = await TestAgent.connect(hub.url, NODE)
  try {
    await agent.send(startRecords('first', NODE, 8, now() - 200))
    for (let step = 1; step <= 200; step += 1) await agent.send(stepRecords('first', NODE, 8, step, now() - 200 + step))
    // A finding that opens while the page is looked at would be its largest content, whenever it came.
    const isLooked = async () => {
      const { headers } = await fetch(`${hub.url}/api/runs/first/findings`)
      return headers.get('plumbline-looked-to-step') === '200'
    }
    while (!(await isLooked())) await sleep(200)
    const { scripts, largest } = await firstLoad(browser, `${hub.url}/runs/first`)
    say('first load of a run: JavaScript, gzip', scripts, 'kB', 250)
    say('the first that a new hub serves: largest contentful paint', largest, 'ms', 1000)
    const later: number[] = []
    for (let load = 0; load < LOADS; load += 1) later.push((await firstLoad(browser, `${hub.url}/runs/first`)).largest)
    say('first load of a run: largest contentful paint', median(later), 'ms', 1000)
  } finally {
    agent.close()
    await hub.remove()
  }
}

/** What needs a run that has lasted an hour, and what is made beside it. */
async function ofAnHour(browser: Browser, isWanted: (part: Part) => boolean): Promise<void> {
  const data = mkdtempSync(join(tmpdir(), 'plumbline-bench-page-'))
  await fillHour(data)
  const hub = await PageHub.start(data)
  const agent = await TestAgent.connect(hub.url, NODE)
  try {
    if (isWanted('live')) for (const ranks of [8, 1024, 16_384]) await liveCost(browser, hub, agent, ranks)
    if (isWanted('map')) await map(browser, hub)
    if (isWanted('keys')) await interactions(browser, hub)
  } finally {
    agent.close()
    await hub.remove()
    rmSync(data, { recursive: true, force: true })
  }
}

const { only } = parseArgs({ options: { only: { type: 'string', default: PARTS.join(',') } } }).values
const isWanted = (part: Part) => only.split(',').includes(part)
const unknown = only.split(',').filter(name => !PARTS.some(part => part === name))
if (unknown.length > 0) throw new Error(`there is no ${unknown.join(', ')}: ${PARTS.join(', ')}`)
const browser = await launchBrowser()
try {
  if (isWanted('load')) await firstLoads(browser)
  if (PARTS.some(part => part !== 'load' && isWanted(part))) await ofAnHour(browser, isWanted)
} finally {
  await browser.close()
}
