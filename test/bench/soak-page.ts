/**
 * A page left open: N minutes (`--minutes`, 60) of live data of 8 ranks, five steps a second, on a run's overview and on its
 * map of ranks. After each minute, all garbage collected: the memory of each page, its nodes and its listeners. At the end
 * what grew since a third of the time, by kind, and a graph (`--graph FILE`, SVG).
 */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import type { Browser, CDPSession } from 'playwright'
import { isLive, launchBrowser } from '../e2e/browser'
import { startRecords, stepRecords, TestAgent } from '../e2e/page-agent'
import { PageHub } from '../e2e/page-hub'
import { grownBetween, heapOf, type Heap } from './heap'

const RUN = 'soak'
const RANKS = 8
const PAGES = ['', '/gpus']
const STEP_MS = 200
const MIB = 2 ** 20
/** The page keeps up to so many points and then asks for half: its memory goes up and down by that. */
const LIMIT = 1.2
const WIDTH = 720
const HEIGHT = 240
const COLOURS = ['#0072b2', '#d55e00']

const now = () => Date.now() / 1000

interface Watched {
  readonly page: string
  readonly cdp: CDPSession
  readonly heaps: number[]
  early?: Heap
}

async function watch(browser: Browser, url: string, page: string): Promise<Watched> {
  const opened = await browser.newPage({ viewport: { width: 1440, height: 900 } })
  const cdp = await opened.context().newCDPSession(opened)
  await cdp.send('Performance.enable')
  await opened.goto(`${url}/runs/${RUN}${page}`)
  await isLive(opened)
  return { page: page === '' ? 'overview' : page.slice(1), cdp, heaps: [] }
}

async function look({ page, cdp, heaps }: Watched): Promise<string> {
  await cdp.send('HeapProfiler.collectGarbage')
  const { metrics } = await cdp.send('Performance.getMetrics')
  const of = (name: string) => metrics.find(metric => metric.name === name)?.value ?? NaN
  heaps.push(of('JSHeapUsedSize') / MIB)
  return `${page} ${heaps.at(-1)?.toFixed(1)} MiB, ${of('Nodes')} nodes, ${of('JSEventListeners')} listeners`
}

function graph(watched: readonly Watched[]): string {
  const most = Math.ceil(Math.max(...watched.flatMap(({ heaps }) => heaps)) / 5) * 5
  const minutes = watched[0]?.heaps.length ?? 1
  const x = (minute: number) => (40 + (minute / minutes) * (WIDTH - 60)).toFixed(1)
  const y = (mebibytes: number) => (HEIGHT - 30 - (mebibytes / most) * (HEIGHT - 50)).toFixed(1)
  const ticks = Array.from({ length: most / 5 + 1 }, (_, place) => place * 5)
  const lines = watched.map(({ page, heaps }, place) => {
    const points = heaps.map((heap, at) => `${x(at + 1)},${y(heap)}`).join(' ')
    return `<polyline points="${points}" fill="none" stroke="${COLOURS[place]}" stroke-width="1.5"/><text x="${50 + place * 120}" y="14" fill="${COLOURS[place]}">${page}</text>`
  })
  return `<svg xmlns="http://www.w3.org/2000/svg" width="${WIDTH}" height="${HEIGHT}" font-family="sans-serif" font-size="11">
<title>Memory of a page left open for ${minutes} minutes, MiB after each minute, garbage collected</title><rect width="100%" height="100%" fill="#fff"/>
${ticks.map(tick => `<line x1="40" x2="${WIDTH - 20}" y1="${y(tick)}" y2="${y(tick)}" stroke="#ddd"/><text x="34" y="${y(tick)}" text-anchor="end" dy="4">${tick}</text>`).join('\n')}
${lines.join('\n')}
<text x="${WIDTH - 20}" y="${HEIGHT - 10}" text-anchor="end">${minutes} minutes</text>
</svg>
`
}

const { values } = parseArgs({ options: { minutes: { type: 'string', default: '60' }, graph: { type: 'string' } } })
const minutes = Number(values.minutes)
const third = Math.max(1, Math.floor(minutes / 3))
const data = mkdtempSync(join(tmpdir(), 'plumbline-soak-page-'))
const hub = await PageHub.start(data)
const browser = await launchBrowser()
const agent = await TestAgent.connect(hub.url, 'soaked')
try {
  await agent.send(startRecords(RUN, agent.node, RANKS, now()))
  await agent.send(stepRecords(RUN, agent.node, RANKS, 1, now()))
  const watched = await Promise.all(PAGES.map(page => watch(browser, hub.url, page)))
  let step = 2
  for (let minute = 1; minute <= minutes; minute += 1) {
    for (const end = now() + 60; now() < end; step += 1) {
      await agent.send(stepRecords(RUN, agent.node, RANKS, step, now()))
      await sleep(STEP_MS)
    }
    const said = []
    for (const one of watched) said.push(await look(one))
    console.log(`minute ${minute}, step ${step - 1}: ${said.join('; ')}`)
    if (minute === third) for (const one of watched) one.early = await heapOf(one.cdp)
    if (values.graph !== undefined) writeFileSync(values.graph, graph(watched))
  }
  for (const { page, cdp, heaps, early } of watched) {
    // The highest of each third: within one the page may keep many points or few.
    const highest = (from: number, to: number) => Math.max(...heaps.slice(from, to))
    const ratio = highest(heaps.length - third, heaps.length) / highest(0, 2 * third)
    console.log(`${page}: highest of the last third over that before ${ratio.toFixed(2)} × (limit ${LIMIT})`)
    if (early !== undefined)
      console.log(`grown since minute ${third}:\n${grownBetween(early, await heapOf(cdp)).join('\n')}`)
  }
} finally {
  agent.close()
  await browser.close()
  await hub.remove()
  rmSync(data, { recursive: true, force: true })
}
