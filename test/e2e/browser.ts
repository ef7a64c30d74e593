/**
 * A Chromium for the browser tests: `CHROMIUM_PATH`, the usual places, Playwright's own; where there is none it is
 * installed, and where that fails the command that installs it is printed.
 */
import { spawnSync } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { chromium, type Browser, type Page } from 'playwright'
import { PlumblineError } from '../../base/errors'

const USUAL = [
  '/usr/bin/chromium',
  '/usr/bin/chromium-browser',
  '/usr/bin/google-chrome',
  '/usr/bin/google-chrome-stable',
  '/snap/bin/chromium',
  '/Applications/Google Chrome.app/Contents/MacOS/Google Chrome',
  '/Applications/Chromium.app/Contents/MacOS/Chromium',
]
/** The sandbox needs rights that containers and root lack; the rest keeps the browser from talking to anyone else. */
const ARGUMENTS = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
]
const INSTALL = ['playwright', 'install', 'chromium']

const present = (path: string | undefined) => path !== undefined && path !== '' && existsSync(path)

/** Path of a Chromium; throws with the command that installs one. */
export function findChromium(environment: Readonly<Record<string, string | undefined>> = process.env): string {
  const wanted = environment['CHROMIUM_PATH']
  if (wanted !== undefined && wanted !== '') {
    if (existsSync(wanted)) return wanted
    throw new PlumblineError(`CHROMIUM_PATH is ${wanted}, and there is nothing`, { fix: 'correct it, or unset it' })
  }
  const found = [...USUAL, chromium.executablePath()].find(present)
  if (found !== undefined) return found
  console.log(`no Chromium found; trying: npx ${INSTALL.join(' ')}`)
  spawnSync('npx', INSTALL, { stdio: 'inherit' })
  if (present(chromium.executablePath())) return chromium.executablePath()
  throw new PlumblineError('no Chromium for the browser tests', {
    fix: `run \`npx ${INSTALL.join(' ')}\` (or \`apt-get install chromium\`), or set CHROMIUM_PATH`,
  })
}

export function launchBrowser(): Promise<Browser> {
  return chromium.launch({ executablePath: findChromium(), args: ARGUMENTS })
}

/** The server draws the page as well: it hears keys and files once its scripts run, and that they do its header tells. */
export const isLive = (page: Page) => page.locator('[role=status]', { hasText: 'connected' }).waitFor()

const AXE = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8')

/** What axe finds amiss on the page as it stands. */
export async function violations(page: Page): Promise<string[]> {
  await page.evaluate(AXE)
  return page.evaluate(async () => {
    const { axe } = window as unknown as {
      axe: { run: (where: Document) => Promise<{ violations: { id: string; nodes: { html: string }[] }[] }> }
    }
    const found = await axe.run(document)
    return found.violations.map(({ id, nodes }) => `${id}: ${nodes.map(node => node.html.slice(0, 120)).join(' | ')}`)
  })
}
