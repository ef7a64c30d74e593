import { spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import type { IncomingMessage } from 'node:http'
import { request } from 'node:https'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { io } from 'socket.io-client'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { addToken, removeToken, Tokens } from '../../hub/access/tokens'
import { viewers } from '../../hub/access/viewers'
import { startHub, type HubHandle, type HubOptions } from '../../hub/hub'
import { LIVE_NAMESPACE } from '../../wire/live'
import { AGENT_NAMESPACE, PROTOCOL } from '../../wire/messages'

const TOKEN = 'for people & <others>'
let data: string
let hub: HubHandle
const lines: string[] = []

beforeAll(() => {
  data = mkdtempSync(join(tmpdir(), 'plumbline-access-'))
})
afterAll(() => rmSync(data, { recursive: true, force: true }))

const get = (path: string, headers: Record<string, string> = {}) =>
  fetch(`${hub.url}${path}`, { headers, redirect: 'manual' })
const enter = (token: string, to = '/', headers: Record<string, string> = {}) =>
  fetch(`${hub.url}/login`, { method: 'POST', body: new URLSearchParams({ token, to }), headers, redirect: 'manual' })
const cookieOf = (response: Response) => response.headers.get('set-cookie')?.split(';')[0] ?? ''

/** What a live socket is told first: `connect`, or why not. */
function live(headers: Record<string, string>): Promise<string> {
  const socket = io(hub.url + LIVE_NAMESPACE, { transports: ['websocket'], extraHeaders: headers, reconnection: false })
  return new Promise<string>(resolve => {
    socket.once('connect', () => resolve('connect'))
    socket.once('connect_error', error => resolve(error.message))
  }).finally(() => socket.close())
}

describe('a hub with a token for viewers', () => {
  beforeAll(async () => {
    hub = await startHub({
      host: '127.0.0.1',
      port: 0,
      data,
      store: '',
      token: 'for agents',
      viewToken: TOKEN,
      page: undefined,
      log: line => lines.push(line),
    })
  })
  afterAll(() => hub.close())

  it('shows nothing without it but whether it lives', async () => {
    expect((await get('/api/health')).status).toBe(200)
    for (const path of ['/api/runs', '/api/nodes', '/metrics', '/api/runs/x/steps.csv', '/api/nothing']) {
      const answer = await get(path)
      expect([path, answer.status]).toEqual([path, 401])
      expect(await answer.json()).toEqual({
        error: expect.stringContaining('token') as string,
        fix: expect.stringContaining('--view-token') as string,
      })
    }
    const page = await get('/runs/one?from=1')
    expect([page.status, page.headers.get('location')]).toEqual([303, '/login?to=%2Fruns%2Fone%3Ffrom%3D1'])
    expect(await live({})).toContain('token')
  })

  it('takes it as a bearer from programs, and takes no other', async () => {
    expect((await get('/api/runs', { authorization: `Bearer ${TOKEN}` })).status).toBe(200)
    expect((await get('/api/runs', { authorization: 'Bearer for agents' })).status).toBe(401)
    expect(await live({ authorization: `Bearer ${TOKEN}` })).toBe('connect')
  })

  it('gives a browser a session for it, that no script reads and no other site sends', async () => {
    const entered = await enter(TOKEN, '/runs/one')
    expect([entered.status, entered.headers.get('location')]).toEqual([303, '/runs/one'])
    expect(entered.headers.get('set-cookie')).toMatch(/HttpOnly; SameSite=Strict/)
    const cookie = cookieOf(entered)
    expect((await get('/api/runs', { cookie })).status).toBe(200)
    expect(await live({ cookie })).toBe('connect')
  })

  it('knows a session that was made up, altered, out of time or of another token', async () => {
    const cookie = cookieOf(await enter(TOKEN))
    const [until = '', name = '', signature = ''] = cookie.replace('plumbline=', '').split('.')
    const tokens = new Tokens(data, { token: '', viewToken: 'another' }, () => undefined)
    const another = viewers({ host: '127.0.0.1', data, tokens, isSecure: false }).enter('another') ?? ''
    const other = another.split(';')[0] ?? ''
    const changed = signature.replace(/^./, first => (first === '0' ? '1' : '0'))
    for (const bad of [
      ...['plumbline=', 'plumbline=.', 'plumbline=..', `plumbline=${Number(until) + 1}.${name}.${signature}`],
      ...[`plumbline=${until}.${name}.${changed}`, `plumbline=1.${name}.${signature}`, `plumbline=${until}.${name}`],
      ...[`plumbline=${until}..${signature}`, other],
    ]) {
      expect([bad, (await get('/api/runs', { cookie: bad })).status]).toEqual([bad, 401])
    }
  })

  it('leads nobody elsewhere, and shows what it was given as text', async () => {
    for (const to of ['//evil.example', 'https://evil.example', '/\\evil.example', 'javascript:alert(1)'])
      expect((await enter(TOKEN, to)).headers.get('location')).toBe('/')
    const form = await get(`/login?to=${encodeURIComponent('/"><script>alert(1)</script>')}`)
    expect(await form.text()).not.toContain('<script>')
    const policy = form.headers.get('content-security-policy') ?? ''
    expect(policy).toContain("default-src 'none'")
    expect(policy).not.toContain('unsafe')
  })

  it('lets no page of another address enter or try', async () => {
    expect((await enter(TOKEN, '/', { origin: 'http://evil.example' })).status).toBe(403)
  })

  it('keeps its key for its user alone, and says no secret in a log', () => {
    expect(statSync(join(data, 'session.key')).mode & 0o777).toBe(0o600)
    for (const secret of [TOKEN, 'for agents']) expect(lines.join('\n')).not.toContain(secret)
  })

  it('lets one who guesses wait', async () => {
    const statuses: number[] = []
    for (let guess = 0; guess < 12; guess += 1) statuses.push((await enter(`guess ${guess}`)).status)
    expect(statuses.slice(0, 10)).toEqual(Array.from({ length: 10 }, () => 401))
    expect(statuses.slice(10)).toEqual([429, 429])
    expect((await enter(TOKEN)).status).toBe(429)
  })
})

describe('off the loopback', () => {
  it('a hub without a token for agents does not start', async () => {
    const options = { host: '0.0.0.0', port: 0, data, store: '', token: '', page: undefined, log: () => undefined }
    await expect(startHub(options)).rejects.toThrow('everybody in reach could read and write')
  })

  it('viewers show their own token, else that of agents; on the loopback none where none is set', () => {
    const may = (host: string, token: string, viewToken: string, shown: string) => {
      const tokens = new Tokens(data, { token, viewToken }, () => undefined)
      const request = { headers: shown === '' ? {} : { authorization: `Bearer ${shown}` } }
      return viewers({ host, data, tokens, isSecure: false }).roleOf(request as IncomingMessage)
    }
    expect(may('0.0.0.0', 'a', 'v', 'v')).toBe('admin')
    expect(may('0.0.0.0', 'a', 'v', 'a')).toBeUndefined()
    for (const host of ['::', '10.0.0.1']) {
      expect(may(host, 'a', '', 'a')).toBe('admin')
      expect(may(host, 'a', '', '')).toBeUndefined()
    }
    for (const host of ['127.0.0.1', '::1', 'localhost']) expect(may(host, 'a', '', '')).toBe('admin')
    expect(may('127.0.0.1', '', 'v', '')).toBeUndefined()
  })
})

/** A hub of its own, with a data folder that ends with it. */
async function withHub<T>(
  options: Partial<HubOptions>,
  look: (hub: HubHandle, data: string, lines: string[]) => Promise<T>,
): Promise<T> {
  const folder = mkdtempSync(join(tmpdir(), 'plumbline-access-'))
  const said: string[] = []
  const started = await startHub({
    ...{ host: '127.0.0.1', port: 0, data: folder, store: '', token: '', page: undefined },
    log: line => said.push(line),
    ...options,
  })
  try {
    return await look(started, folder, said)
  } finally {
    await started.close()
    rmSync(folder, { recursive: true, force: true })
  }
}

describe('tokens that are given out', () => {
  it('are kept as hashes, for their user alone', () => {
    const folder = mkdtempSync(join(tmpdir(), 'plumbline-access-'))
    const secret = addToken(folder, 'ann', 'view')
    const path = join(folder, 'tokens.json')
    expect(statSync(path).mode & 0o777).toBe(0o600)
    expect(readFileSync(path, 'utf8')).not.toContain(secret)
    expect(Buffer.from(secret, 'base64url')).toHaveLength(32)
    expect(() => addToken(folder, 'ann', 'admin')).toThrow('there is a token "ann"')
    expect(() => addToken(folder, '<b>', 'view')).toThrow('a name is')
    expect(() => removeToken(folder, 'bob')).toThrow('there is no token "bob"')
    rmSync(folder, { recursive: true, force: true })
  })

  it('let people look, annotate or administer, each role what those before it may', () =>
    withHub({}, async ({ url }, folder) => {
      const roles = ['view', 'annotate', 'admin'] as const
      const secrets = roles.map(role => addToken(folder, role, role))
      const ask = (secret: string, path: string, method = 'GET') =>
        fetch(`${url}${path}`, { method, headers: { authorization: `Bearer ${secret}` } }).then(({ status }) => status)
      await expect.poll(() => ask('wrong', '/api/runs')).toBe(401)
      const may = await Promise.all(
        secrets.map(secret =>
          Promise.all([ask(secret, '/api/runs'), ask(secret, '/api/demo', 'POST'), ask(secret, '/api/tokens')]),
        ),
      )
      // 404: the door is open, and behind it there is no demo.
      expect(may).toEqual([
        [200, 403, 403],
        [200, 404, 403],
        [200, 404, 200],
      ])
      const listed = await fetch(`${url}/api/tokens`, { headers: { authorization: `Bearer ${secrets[2] ?? ''}` } })
      const text = await listed.text()
      for (const secret of secrets) expect(text).not.toContain(secret)
      expect(text).not.toContain('hash')
    }))

  it('are changed while the hub runs: a new one holds, one taken back ends its sessions', () =>
    withHub({ viewToken: 'first' }, async ({ url }, folder) => {
      const secret = addToken(folder, 'ann', 'view')
      const login = () =>
        fetch(`${url}/login`, { method: 'POST', body: new URLSearchParams({ token: secret }), redirect: 'manual' })
      const shown = { authorization: `Bearer ${secret}` }
      await expect.poll(async () => (await fetch(`${url}/api/runs`, { headers: shown })).status).toBe(200)
      const cookie = cookieOf(await login())
      const look = async () => (await fetch(`${url}/api/runs`, { headers: { cookie } })).status
      expect(await look()).toBe(200)
      removeToken(folder, 'ann')
      await expect.poll(look, { timeout: 5000 }).toBe(401)
    }))

  it('end the pages that are open with them', () =>
    withHub({ viewToken: 'first' }, async ({ url }, folder) => {
      const secret = addToken(folder, 'ann', 'view')
      const page = (token: string) =>
        io(url + LIVE_NAMESPACE, {
          ...{ transports: ['websocket'], reconnection: false, forceNew: true },
          extraHeaders: { authorization: `Bearer ${token}` },
        })
      await expect
        .poll(async () => (await fetch(`${url}/api/runs`, { headers: { authorization: `Bearer ${secret}` } })).status)
        .toBe(200)
      const [ann, other] = [page(secret), page('first')]
      await Promise.all([ann, other].map(socket => new Promise<void>(resolve => socket.once('connect', resolve))))
      const gone = new Promise(resolve => ann.once('disconnect', resolve))
      removeToken(folder, 'ann')
      expect(await gone).toBe('io server disconnect')
      expect(other.connected).toBe(true)
      for (const socket of [ann, other]) socket.close()
    }))

  it('of agents: one that was taken back ends the connection that it opened', () =>
    withHub({}, async ({ url }, folder) => {
      const secret = addToken(folder, 'node', 'agent')
      const socket = io(url + AGENT_NAMESPACE, { transports: ['websocket'], reconnection: false })
      const hello = { protocol: PROTOCOL, version: '0', agent: 'a', node: 'n', token: secret }
      const ask = (event: string, ...values: unknown[]) => socket.timeout(5000).emitWithAck(event, ...values) as unknown
      await expect.poll(() => ask('hello', { ...hello, token: 'wrong' })).toMatchObject({ ok: false })
      expect(await ask('hello', hello)).toMatchObject({ ok: true })
      removeToken(folder, 'node')
      addToken(folder, 'other', 'agent')
      await expect
        .poll(() => ask('batch', 1, Buffer.from('x')), { timeout: 5000 })
        .toMatchObject({ ok: false, retry: true, error: expect.stringContaining('token') as string })
      socket.close()
    }))

  it('stay as they were where the file is broken, and that is said', () =>
    withHub({ viewToken: 'first' }, async ({ url }, folder, said) => {
      writeFileSync(join(folder, 'tokens.json'), '[{"name":')
      const look = (secret: string) => fetch(`${url}/api/runs`, { headers: { authorization: `Bearer ${secret}` } })
      await expect
        .poll(
          async () => {
            await look('first')
            return said.join('\n')
          },
          { timeout: 5000 },
        )
        .toContain('tokens.json cannot be read')
      expect((await look('first')).status).toBe(200)
      expect((await look('other')).status).toBe(401)
    }))
})

describe('an agent’s door', () => {
  it(
    'sends away who does not say who it is',
    () =>
      withHub({}, async ({ url }) => {
        const socket = io(url + AGENT_NAMESPACE, { transports: ['websocket'], reconnection: false })
        const reason = await new Promise<string>(resolve => socket.once('disconnect', resolve))
        expect(reason).toBe('io server disconnect')
      }),
    30_000,
  )
})

describe('a hub with TLS', () => {
  const folder = mkdtempSync(join(tmpdir(), 'plumbline-tls-'))
  const [certificate, key] = [join(folder, 'cert.pem'), join(folder, 'key.pem')]
  beforeAll(() => {
    const name = ['-subj', '/CN=localhost', '-addext', 'subjectAltName=DNS:localhost,IP:127.0.0.1']
    const made = spawnSync('openssl', [
      ...['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-days', '2'],
      ...['-keyout', key, '-out', certificate, ...name],
    ])
    if (made.status !== 0) throw new Error(`openssl: ${String(made.stderr)}`)
  })
  afterAll(() => rmSync(folder, { recursive: true, force: true }))

  /** Trusts the certificate of the hub, as an agent does with NODE_EXTRA_CA_CERTS. */
  const getOver = (url: string, headers: Record<string, string> = {}) =>
    new Promise<{ status: number; cookie: string }>((resolve, reject) => {
      const asked = request(url, { ca: readFileSync(certificate), headers }, answer => {
        answer.resume()
        resolve({ status: answer.statusCode ?? 0, cookie: String(answer.headers['set-cookie'] ?? '') })
      })
      asked.once('error', reject).end()
    })

  it('speaks it to others, and to itself without it on the loopback', () =>
    withHub({ tls: { certificate, key }, viewToken: 'v', token: 'a' }, async ({ url, ownUrl, port }) => {
      expect(url).toMatch(/^https:/)
      expect((await getOver(`${url}/api/health`)).status).toBe(200)
      await expect(fetch(`http://127.0.0.1:${port}/api/health`)).rejects.toThrow()
      expect(ownUrl).toMatch(/^http:\/\/127\.0\.0\.1:/)
      // The way inside asks for the same tokens.
      expect((await fetch(`${ownUrl}/api/runs`)).status).toBe(401)
      expect((await fetch(`${ownUrl}/api/runs`, { headers: { authorization: 'Bearer v' } })).status).toBe(200)
      for (const [address, options] of [
        [url, { ca: readFileSync(certificate, 'utf8') }],
        [ownUrl, {}],
      ] as const) {
        const socket = io(address + AGENT_NAMESPACE, { transports: ['websocket'], reconnection: false, ...options })
        const hello = { protocol: PROTOCOL, version: '0', agent: `at ${address}`, node: 'n', token: 'a' }
        expect(await socket.timeout(5000).emitWithAck('hello', hello)).toMatchObject({ ok: true })
        socket.close()
      }
    }))

  it('keeps its cookie to TLS', () => {
    const tokens = new Tokens(data, { token: '', viewToken: 'v' }, () => undefined)
    expect(viewers({ host: '127.0.0.1', data, tokens, isSecure: true }).enter('v')).toContain('; Secure')
  })

  it('does not start with files that are no certificate, and says what to give', async () => {
    writeFileSync(join(folder, 'none.pem'), 'none')
    for (const bad of ['none.pem', 'missing.pem'])
      await expect(withHub({ tls: { certificate: join(folder, bad), key } }, () => Promise.resolve())).rejects.toThrow(
        'TLS:',
      )
  })
})
