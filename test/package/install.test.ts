/** The package as people get it: packed, installed in an empty folder, started without building. */
import { spawn, spawnSync } from 'node:child_process'
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { eventually, freePort, ROOT } from '../plumbline'

let folder = ''
const npm = (cwd: string, ...args: string[]) => {
  const result = spawnSync('npm', args, { cwd, encoding: 'utf8' })
  if (result.status !== 0) throw new Error(`npm ${args.join(' ')}: ${result.stdout}\n${result.stderr}`)
  return result.stdout
}

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'plumbline-package-'))
  npm(ROOT, 'pack', '--pack-destination', folder)
})
afterAll(() => rmSync(folder, { recursive: true, force: true }))

describe('npx plumbline start from the packed package', () => {
  it('shows the dashboard and a demo run, and builds nothing', async () => {
    const home = join(folder, 'home')
    const archive = join(folder, readdirSync(folder).find(name => name.endsWith('.tgz')) ?? '')
    spawnSync('mkdir', [home])
    writeFileSync(join(home, 'package.json'), '{}')
    npm(home, 'install', '--no-audit', '--no-fund', '--prefer-offline', archive)
    const port = await freePort()
    const command = ['plumbline', 'start', '--demo', '--port', String(port), '--data', join(folder, 'data')]
    const hub = spawn('npx', command, { cwd: home, detached: true, stdio: ['ignore', 'pipe', 'pipe'] })
    const ended = new Promise(resolve => hub.once('close', resolve))
    let output = ''
    for (const stream of [hub.stdout, hub.stderr]) stream.on('data', (chunk: Buffer) => (output += chunk.toString()))
    try {
      const page = await eventually('the page', async () => {
        const answer = await fetch(`http://127.0.0.1:${port}/`)
        return answer.ok && (await answer.text())
      })
      const scripts = [...page.matchAll(/"(\/_next\/static\/[^"]+\.js)"/g)].map(([, path]) => path ?? '')
      expect(scripts.length).toBeGreaterThan(3)
      for (const path of scripts) expect((await fetch(`http://127.0.0.1:${port}${path}`)).status, path).toBe(200)
      const runs = await eventually('the demo run', async () => {
        const answer = (await (await fetch(`http://127.0.0.1:${port}/api/runs`)).json()) as { step: number | null }[]
        return answer.some(({ step }) => step !== null) && answer
      })
      expect(runs).toMatchObject([{ name: 'demo', state: 'live' }])
      expect(output).not.toContain('building')
    } catch (error) {
      throw new Error(output, { cause: error })
    } finally {
      if (hub.pid !== undefined) process.kill(-hub.pid, 'SIGTERM')
      await ended
    }
  })
})
