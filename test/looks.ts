/**
 * Every page as people see it, in both themes, wide and on a phone: an empty hub, a run that trains, one that is over, one that
 * ran out of memory, one that nobody knows, and a hub that went away. Writes a sheet for each theme and width into
 * `docs/looks/`; `-- --full FOLDER` writes each picture in full beside that. Fails where a page logs an error.
 */
import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Browser, Page } from 'playwright'
import { z } from 'zod'
import { isLive, launchBrowser } from './e2e/browser'
import { PageHub } from './e2e/page-hub'
import { sheet, writeWebp, type Picture } from './pictures'
import { eventually, plumbline, ROOT, type Running } from './plumbline'

const WAIT_MS = 180_000
/** A page is looked at when it has asked for what it shows, and nothing has come for a while. */
const SETTLED_MS = 1500
const MOST_PIXELS = 2400
const LOOKS = [
  { theme: 'light', width: 1440, wide: 380, tall: 420 },
  { theme: 'dark', width: 1440, wide: 380, tall: 420 },
  { theme: 'light', width: 390, wide: 184, tall: 640 },
  { theme: 'dark', width: 390, wide: 184, tall: 640 },
] as const

interface Scene {
  readonly name: string
  readonly url: string
}

const runsSchema = z.array(z.object({ run: z.string(), name: z.string(), state: z.string() }))
const idsSchema = z.array(z.object({ id: z.string() }))

async function json<T>(url: string, schema: z.ZodType<T>): Promise<T> {
  return schema.parse(await (await fetch(url)).json())
}

const ended = async (running: Running, what: string) => {
  const { code } = await running.ended
  if (code !== 0) throw new Error(`${what} ended with ${String(code)}: ${running.output.stderr}`)
}

/** Runs of each kind; what still plays is given back, to be ended. */
async function fill(url: string, folder: string): Promise<Running> {
  const simulate = (scenario: string, ...options: string[]) =>
    plumbline(['simulate', scenario, '--hub', url, '--data', join(folder, scenario), ...options])
  await ended(simulate('slow-switch', '--fast', '--ranks', '64'), 'simulate')
  for (const kind of ['pieces', 'longer']) {
    const from = join(ROOT, 'test/fixtures/out-of-memory', kind)
    const files = readdirSync(from).map(file => join(from, file))
    await ended(plumbline(['import', ...files, '--name', `out of memory, ${kind}`, '--hub', url]), 'import')
  }
  return simulate('thermal', '--ranks', '32', '--from', '5', '--size', '1')
}

const PAGES = ['', '/gpus', '/gpus?rank=3', '/sync', '/memory', '/events', '/plan', '/report', '/arithmetic']

async function scenesOf(url: string): Promise<Scene[]> {
  const runs = await json(`${url}/api/runs`, runsSchema)
  const of = (name: string) => runs.find(run => run.name.includes(name))?.run ?? 'absent'
  const [past, live, memory, second] = [of('slow-switch'), of('thermal'), of('pieces'), of('longer')]
  const [finding] = await json(`${url}/api/runs/${past}/findings`, idsSchema)
  const paths: [string, string][] = [
    ['runs', '/'],
    ...PAGES.map((page): [string, string] => [`past${page}`, `/runs/${past}${page}`]),
    ['finding', `/runs/${past}/findings/${encodeURIComponent(finding?.id ?? 'none')}`],
    ...PAGES.map((page): [string, string] => [`live${page}`, `/runs/${live}${page}`]),
    ['out of memory', `/runs/${memory}/out-of-memory`],
    ['evidence', `/runs/${memory}/evidence`],
    ['crashed', `/runs/${memory}`],
    ['crashed/memory', `/runs/${memory}/memory`],
    ['compare', `/compare?run=${past}&run=${live}`],
    ['compare none', '/compare'],
    ['cluster', '/cluster'],
    ['settings', '/settings'],
    ['unknown run', '/runs/nothing'],
    ['no page', '/nothing'],
    ['out of memory, log alone', `/runs/${second}/out-of-memory`],
  ]
  return paths.map(([name, path]) => ({ name, url: `${url}${path}` }))
}

class Camera {
  readonly faults: string[] = []

  constructor(
    private readonly page: Page,
    private readonly full: string | undefined,
    private readonly prefix: string,
  ) {
    page.on('pageerror', error => this.faults.push(`${page.url()}: ${error.message}`))
    page.on('console', message => {
      if (message.type() === 'error' && !/404|ERR_CONNECTION|WebSocket/.test(message.text()))
        this.faults.push(`${page.url()}: ${message.text()}`)
    })
  }

  async take({ name, url }: Scene): Promise<Picture> {
    await this.page.goto(url)
    await isLive(this.page)
    return this.shoot(name)
  }

  async shoot(name: string): Promise<Picture> {
    await this.page.mouse.move(0, 0)
    await this.page.waitForTimeout(SETTLED_MS)
    const { width, height } = await this.page.evaluate(() => ({
      width: innerWidth,
      height: document.documentElement.scrollHeight,
    }))
    const clip = { x: 0, y: 0, width, height: Math.min(height, MOST_PIXELS) }
    const png = await this.page.screenshot({ fullPage: true, clip })
    if (this.full !== undefined) writeFileSync(join(this.full, `${this.prefix}-${name.replace(/\W+/g, '-')}.png`), png)
    return { name, png }
  }
}

const asked = process.argv.indexOf('--full')
const full = asked < 0 ? undefined : process.argv[asked + 1]
const target = join(ROOT, 'docs/looks')
for (const place of [target, full]) if (place !== undefined) mkdirSync(place, { recursive: true })
const folder = mkdtempSync(join(tmpdir(), 'plumbline-looks-'))
const browser: Browser = await launchBrowser()
const empty = await PageHub.start()
const hub = await PageHub.start()
const playing = await fill(hub.url, folder)
const faults: string[] = []
try {
  const scenes = await eventually(
    'findings and a run that trains',
    async () => {
      const found = await scenesOf(hub.url)
      return found.every(({ url }) => !/absent|none$/.test(url)) && found
    },
    WAIT_MS,
  )
  const blank = ['', 'cluster', 'compare', 'settings'].map(page => ({
    name: `empty /${page}`,
    url: `${empty.url}/${page}`,
  }))
  const taken = new Map<string, { page: Page; camera: Camera; pictures: Picture[] }>()
  for (const { theme, width } of LOOKS) {
    const page = await browser.newPage({ viewport: { width, height: width < 500 ? 844 : 900 }, colorScheme: theme })
    const camera = new Camera(page, full, `${theme}-${width}`)
    const pictures: Picture[] = []
    for (const scene of [...blank, ...scenes]) pictures.push(await camera.take(scene))
    await page.goto(scenes.find(({ name }) => name === 'live')?.url ?? hub.url)
    await isLive(page)
    taken.set(`${theme}-${width}`, { page, camera, pictures })
  }
  await hub.kill()
  for (const { theme, width, wide, tall } of LOOKS) {
    const of = taken.get(`${theme}-${width}`)
    if (of === undefined) continue
    await of.page.locator('[role=alert]').first().waitFor()
    const pictures = [...of.pictures, await of.camera.shoot('hub gone')]
    faults.push(...of.camera.faults)
    const paper = await browser.newPage()
    const png = await sheet(paper, `${theme}, ${width} pixels`, pictures, wide, tall)
    await writeWebp(paper, png, join(target, `${theme}-${width}.webp`))
    await paper.close()
  }
} finally {
  await playing.kill('SIGKILL')
  await browser.close()
  await empty.remove()
  await hub.remove()
  rmSync(folder, { recursive: true, force: true })
}
if (faults.length > 0) throw new Error(`pages logged errors:\n${[...new Set(faults)].join('\n')}`)
