/** The documents' commands, in order, as a reader would type them; what cannot run here says so in the page's source. */
import { spawnSync } from 'node:child_process'
import { chmodSync, cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { delimiter, join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { commandsOf } from '../commands'
import { eventually, freePort, plumbline, ROOT, startHubProcess, type Running } from '../plumbline'

const PAGES = [
  'README.md',
  'CONTRIBUTING.md',
  'docs/start.md',
  'docs/attach.md',
  'docs/theory.md',
  'docs/collector.md',
  'docs/operating.md',
  'docs/security.md',
  'deploy/README.md',
  'deploy/slurm/README.md',
]
const PYTHON = '/usr/bin/python3'
const hasTorch = spawnSync(PYTHON, ['-c', 'import torch']).status === 0
if (!hasTorch) console.warn('SKIPPED: commands of the documents that train with PyTorch: none for /usr/bin/python3')

let folder = ''
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'plumbline-documents-'))
  mkdirSync(join(folder, 'bin'))
  const program = join(folder, 'bin/plumbline')
  writeFileSync(program, `#!/bin/sh\nexec ${process.execPath} ${join(ROOT, 'bin/plumbline.js')} "$@"\n`)
  chmodSync(program, 0o755)
})
afterAll(() => rmSync(folder, { recursive: true, force: true }))

async function follow(page: string): Promise<void> {
  const port = await freePort()
  const own = { PLUMBLINE_PORT: String(port), PLUMBLINE_DATA: join(folder, page.replaceAll('/', '-')), HOME: folder }
  const environment = { ...process.env, ...own, PATH: [join(folder, 'bin'), process.env['PATH']].join(delimiter) }
  let hub: Running | undefined
  try {
    for (const { line, text, notRun, goesOn } of commandsOf(readFileSync(join(ROOT, page), 'utf8'))) {
      if (notRun !== undefined || (!hasTorch && text.includes(PYTHON))) continue
      const command = text.replaceAll('127.0.0.1:3000', `127.0.0.1:${port}`)
      if (goesOn) {
        hub = plumbline(command.replace(/^plumbline /, '').split(' '), own)
        await eventually('the page', async () => (await fetch(`http://127.0.0.1:${port}/`)).ok, 120_000)
        continue
      }
      const { status, stdout, stderr } = spawnSync('sh', ['-ec', command], {
        cwd: ROOT,
        env: environment,
        encoding: 'utf8',
        timeout: 110_000,
      })
      expect(status, `${page}:${line}: ${command}\n${stdout}\n${stderr}`).toBe(0)
      expect(stdout, `${page}:${line} says nothing`).not.toBe('')
    }
  } finally {
    await hub?.kill('SIGTERM')
  }
}

describe.each(PAGES)('%s', page => {
  it('has commands that run, or says why they cannot here', () => follow(page), 240_000)
})

describe('a backup', () => {
  it('is a copy of the data folder of a hub that is stopped, and starts as it is', async () => {
    const [data, copy] = [join(folder, 'hub'), join(folder, 'backup')]
    const port = await freePort()
    const url = `http://127.0.0.1:${port}`
    const runs = async () => (await (await fetch(`${url}/api/runs`)).json()) as { name: string; step: number | null }[]
    const first = await startHubProcess(port, data, ['--no-page'])
    const log = join(ROOT, 'test/fixtures/out-of-memory/too-large/log.txt')
    await plumbline(['import', log, '--name', 'kept', '--hub', url, '--data', join(folder, 'import')]).ended
    const before = await eventually('the run', async () => (await runs()).length === 1 && (await runs()))
    await first.kill('SIGTERM')
    cpSync(data, copy, { recursive: true, preserveTimestamps: true })
    const second = await startHubProcess(port, copy, ['--no-page'])
    try {
      expect(before).toMatchObject([{ name: 'kept' }])
      expect(await runs()).toMatchObject(before.map(({ name, step }) => ({ name, step })))
    } finally {
      await second.kill('SIGTERM')
    }
  })
})
