/** A crashed run from its files: by command, by the hub's door, and what it says of its end. */
import { execFile } from 'node:child_process'
import { cpSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { ImportResult, RunDetail } from '../../wire/api'
import type { PostMortem } from '../../wire/post-mortem'
import { freePort, startHubProcess, type Running } from '../plumbline'

const root = join(import.meta.dirname, '../..')
const fixtures = join(root, 'test/fixtures/logs')
const TITAN = readFileSync(join(fixtures, 'torchtitan/llama3.log'), 'utf8').replace(/^.*Training completed\n/m, '')
const OOM = `[rank3]: Traceback (most recent call last):
[rank3]:   File "/opt/train.py", line 300, in <module>
[rank3]: torch.OutOfMemoryError: CUDA out of memory. Tried to allocate 3.91 GiB. GPU 3 has a total capacity of 79.11 GiB of which 1.20 GiB is free. Including non-PyTorch memory, this process has 77.90 GiB memory in use. Of the allocated memory 74.01 GiB is allocated by PyTorch, and 2.10 GiB is reserved by PyTorch but unallocated.
`

let folder: string
let url: string
let hub: Running

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'plumbline-import-'))
  const port = await freePort()
  url = `http://127.0.0.1:${port}`
  hub = await startHubProcess(port, join(folder, 'hub'), ['--no-page'])
  writeFileSync(join(folder, 'crash.log'), TITAN + OOM)
  writeFileSync(join(folder, 'crash.log.gz'), gzipSync(TITAN + OOM))
  writeFileSync(join(folder, 'noise.txt'), 'hello\nworld\n')
})
afterAll(async () => {
  await hub.kill('SIGKILL')
  rmSync(folder, { recursive: true, force: true })
})

const get = async <T>(path: string) => (await (await fetch(`${url}${path}`)).json()) as T
const plumbline = (...words: string[]) =>
  new Promise<{ code: number; stdout: string; stderr: string }>(resolve => {
    const more = ['--hub', url, '--data', join(folder, 'data')]
    execFile(process.execPath, [join(root, 'bin/plumbline.js'), ...words, ...more], (error, stdout, stderr) =>
      resolve({ code: typeof error?.code === 'number' ? error.code : 0, stdout, stderr }),
    )
  })

describe('plumbline import', () => {
  it('makes a run of the folder of a tracker, under its own name, with what it printed at its end', async () => {
    const tracked = join(folder, 'wandb/offline-run-20261127_015958-iwdgoccf')
    mkdirSync(join(tracked, 'files'), { recursive: true })
    cpSync(join(root, 'test/fixtures/forms/wandb-run/run-iwdgoccf.wandb'), join(tracked, 'run-iwdgoccf.wandb'))
    writeFileSync(join(tracked, 'files/requirements.txt'), 'torch==2.13.0\n')
    const { code, stdout } = await plumbline('import', join(folder, 'wandb'), '--json')
    expect(code).toBe(0)
    const { run, steps, events } = JSON.parse(stdout) as ImportResult
    expect(steps).toBe(30)
    expect(events.filter(event => event === 'evaluation')).toHaveLength(3)
    const { summary } = await get<RunDetail>(`/api/runs/${run}`)
    expect(summary).toMatchObject({ name: 'tiny-gpt', state: 'failed', exitCode: 1 })
    const found = await get<PostMortem>(`/api/runs/${run}/post-mortem`)
    expect(found.event).toMatchObject({ gpuIndex: 0, requestedBytes: 2 * 1024 ** 3 })
  })

  it('of a program that XLA found too large keeps the parts that it tells of', async () => {
    const { code, stdout } = await plumbline('import', join(fixtures, 'crash/xla.log'), '--json')
    expect(code).toBe(0)
    const { run } = JSON.parse(stdout) as ImportResult
    const { parts } = await get<PostMortem>(`/api/runs/${run}/post-mortem`)
    expect(parts.map(({ name }) => name)).toContain('arguments')
  })

  it('makes a run of a packed log, with its end and why', async () => {
    const { code, stdout } = await plumbline('import', join(folder, 'crash.log.gz'), '--name', 'titan', '--json')
    expect(code).toBe(0)
    const { run, steps, events } = JSON.parse(stdout) as ImportResult
    expect(steps).toBeGreaterThan(2)
    expect(events).toContain('oom')
    const { summary } = await get<RunDetail>(`/api/runs/${run}`)
    expect(summary).toMatchObject({ name: 'titan', state: 'failed', exitCode: 1, framework: 'torchtitan' })
    const found = await get<PostMortem>(`/api/runs/${run}/post-mortem`)
    expect(found.event).toMatchObject({ rank: 3, gpuIndex: 3, step: 20, requestedBytes: Math.round(3.91 * 1024 ** 3) })
    expect(found.causes[0]?.name).toBe('larger-step')
    expect(found.remedies.filter(({ fits }) => fits === true).length).toBeGreaterThan(3)
    expect(found.remedies.some(({ how }) => how === '--training.local_batch_size 1')).toBe(true)
    const report = await plumbline('report', run)
    expect(report.stdout).toContain('## What would have fitted')
    const html = await plumbline('report', run, '--html')
    expect(html.stdout).toMatch(/^<!doctype html>[\s\S]*<\/html>\n$/)
    expect(html.stdout).not.toMatch(/<script|src=|url\(/)
  })

  it('says what it cannot do: nothing understood, no such file, no hub, a run without such an end', async () => {
    const noise = await plumbline('import', join(folder, 'noise.txt'))
    expect(noise).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('nothing in the file was understood') as string,
    })
    const missing = await plumbline('import', join(folder, 'nowhere.log'))
    expect(missing.stderr).toContain('no such file')
    const { stdout } = await plumbline(
      'import',
      join(fixtures, 'nanogpt', readdirSync(join(fixtures, 'nanogpt'))[0] ?? '').replace(/\.jsonl$/, '.log'),
      '--json',
    )
    const { run } = JSON.parse(stdout) as ImportResult
    expect(await plumbline('report', run)).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('no memory that ran out') as string,
    })
    expect((await plumbline('report', 'nope')).stderr).toContain('there is no run "nope"')
  })
})

describe('the door for files', () => {
  const post = (path: string, body = '', headers: Record<string, string> = {}) =>
    fetch(`${url}${path}`, { method: 'POST', body, headers })

  it('takes several files of one run, whatever their names, and forgets them afterwards', async () => {
    expect((await post('/api/imports/abcdefgh/files?name=../../etc/passwd', TITAN)).status).toBe(200)
    expect((await post('/api/imports/abcdefgh/files?name=b.log', OOM)).status).toBe(200)
    const answer = (await (await post('/api/imports/abcdefgh?name=both')).json()) as ImportResult
    expect(answer.files).toHaveLength(2)
    expect(answer.events).toContain('oom')
    expect(readdirSync(join(folder, 'hub', 'imports'))).toEqual([])
    expect((await post('/api/imports/abcdefgh')).status).toBe(400)
  })

  it('refuses pages of elsewhere, odd ids, and to be read', async () => {
    expect((await post('/api/imports/abcdefgh/files', 'x', { origin: 'http://evil.example' })).status).toBe(403)
    expect((await post('/api/imports/..%2f..%2fetc/files', 'x')).status).toBe(400)
    expect((await fetch(`${url}/api/imports/abcdefgh`)).status).toBe(405)
    expect((await fetch(`${url}/api/runs`, { method: 'POST' })).status).toBe(405)
  })
})
