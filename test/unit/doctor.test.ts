import { createServer } from 'node:http'
import { mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { checks } from '../../cli/checks/index'
import { failed, ok, runCheck } from '../../cli/checks/check'
import { describeFindings, exitCodeOf } from '../../cli/doctor'
import { settings as declared, type PlumblineSettings } from '../../cli/settings'
import { localHost } from '../../collectors/host'
import { collectors } from '../../collectors/index'
import { PROTOCOL } from '../../wire/messages'
import { FakeHost } from './fake-host'

let folder = ''
beforeAll(() => (folder = mkdtempSync(join(tmpdir(), 'plumbline-doctor-'))))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

function settingsWith(changes: Partial<PlumblineSettings>): PlumblineSettings {
  const defaults = Object.fromEntries(Object.entries(declared).map(([key, { default: value }]) => [key, value]))
  return { ...(defaults as PlumblineSettings), data: folder, port: 0, ...changes }
}

function run(name: string, changes: Partial<PlumblineSettings> = {}, host = localHost()) {
  const check = checks.get(name)
  if (check === undefined) throw new Error(`no check ${name}`)
  return runCheck(check, host, settingsWith(changes))
}

async function withServer(body: unknown, visit: (port: number) => Promise<void>): Promise<void> {
  const server = createServer((_, response) => response.end(JSON.stringify(body)))
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  const address = server.address()
  try {
    await visit(typeof address === 'object' && address !== null ? address.port : 0)
  } finally {
    server.closeAllConnections()
    await new Promise(resolve => server.close(resolve))
  }
}

const health = { status: 'ok', version: '9.9.9', protocol: PROTOCOL, uptimeSeconds: 1, store: 'embedded' }

describe('the checks', () => {
  it('have one for every collector', () => {
    for (const name of collectors.names) expect(checks.names).toContain(name)
  })

  it('say on an empty machine what is missing, each with a fix', async () => {
    for (const name of [...collectors.names, 'nvidia-smi fields', 'torch']) {
      const finding = await run(name, {}, new FakeHost())
      expect(finding).toMatchObject({ name, state: 'absent', fix: expect.stringMatching(/.{5}/) as unknown })
    }
  })

  it('find a data folder that can be made, and leave nothing behind', async () => {
    expect(await run('data folder', { data: join(folder, 'a/b') })).toMatchObject({ state: 'ok' })
    expect(readdirSync(folder)).toEqual([])
  })

  it('find a data folder that cannot be written, and only that ends with 1', async () => {
    const finding = await run('data folder', { data: '/proc/plumbline/data' })
    expect(finding).toMatchObject({ state: 'failed', fix: expect.stringContaining('--data') as unknown })
    expect(exitCodeOf([finding])).toBe(1)
    expect(
      exitCodeOf([
        { name: 'nvidia-smi', ...failed('lost', 'reboot') },
        { name: 'node', ...ok('20') },
      ]),
    ).toBe(0)
  })

  it('tell a hub, a hub of another protocol, another server, and nobody apart', async () => {
    await withServer(health, async port => {
      expect(await run('hub', { hub: `http://127.0.0.1:${port}` })).toMatchObject({
        state: 'ok',
        detail: expect.stringContaining('9.9.9') as unknown,
      })
      expect(await run('port', { port })).toMatchObject({
        state: 'ok',
        detail: expect.stringContaining('in use by Plumbline') as unknown,
      })
    })
    await withServer({ ...health, protocol: PROTOCOL + 1 }, async port => {
      expect(await run('hub', { hub: `http://127.0.0.1:${port}` })).toMatchObject({ state: 'failed' })
    })
    let last = 0
    await withServer('hello', async port => {
      last = port
      expect(await run('hub', { hub: `http://127.0.0.1:${port}` })).toMatchObject({
        state: 'failed',
        detail: expect.stringContaining('not as a hub') as unknown,
      })
      expect(await run('port', { port })).toMatchObject({
        state: 'failed',
        fix: expect.stringContaining('--port') as unknown,
      })
    })
    expect(await run('hub', { hub: `http://127.0.0.1:${last}` })).toMatchObject({
      state: 'failed',
      detail: expect.stringContaining('cannot be reached') as unknown,
    })
    expect(await run('hub', { port: last })).toMatchObject({ state: 'absent' })
    expect(await run('hub', { hub: 'nonsense' })).toMatchObject({ state: 'failed' })
    expect(await run('port', { port: last })).toMatchObject({ state: 'ok' })
  })

  it('try nvidia-smi for real, and pass its complaint on', async () => {
    vi.stubEnv('PATH', `${join(import.meta.dirname, '../../cli/demo')}:${process.env['PATH'] ?? ''}`)
    try {
      expect(await run('nvidia-smi')).toEqual({ name: 'nvidia-smi', state: 'ok', detail: '8 × NVIDIA H100 80GB HBM3' })
      expect(await run('nvidia-smi fields')).toMatchObject({ state: 'ok', detail: '20 of 20 wanted fields' })
      vi.stubEnv('FAKE_SMI_MODE', 'error')
      expect(await run('nvidia-smi')).toMatchObject({
        state: 'failed',
        fix: expect.stringContaining('modprobe') as unknown,
      })
    } finally {
      vi.unstubAllEnvs()
    }
  }, 20_000)

  it('that throw have failed, and nothing else stops', async () => {
    const finding = await runCheck(
      { name: 'x', needed: false, run: () => Promise.reject(new Error('boom')) },
      localHost(),
      settingsWith({}),
    )
    expect(finding).toMatchObject({ name: 'x', state: 'failed', detail: 'boom' })
  })
})

describe('the output', () => {
  it('is aligned, with a fix line below what is not well', () => {
    const text = describeFindings([
      { name: 'node', state: 'ok', detail: 'Node.js 20' },
      { name: 'nvidia-smi', state: 'absent', detail: 'not installed', fix: 'install it' },
    ])
    expect(text).toBe('✓ node        Node.js 20\n– nvidia-smi  not installed\n              fix: install it')
  })
})
