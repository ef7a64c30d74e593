import { mkdtempSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { io } from 'socket.io-client'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { viewers, viewersToken } from '../../hub/access/viewers'
import { startHub, type HubHandle } from '../../hub/hub'
import { LIVE_NAMESPACE } from '../../wire/messages'

const TOKEN = 'for people & <others>'
let data: string
let hub: HubHandle
const lines: string[] = []

beforeAll(async () => {
  data = mkdtempSync(join(tmpdir(), 'plumbline-access-'))
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
afterAll(async () => {
  await hub.close()
  rmSync(data, { recursive: true, force: true })
})

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
    const [until = '', signature = ''] = cookie.replace('plumbline=', '').split('.')
    const other = (viewers('another', data).enter('another') ?? '').split(';')[0] ?? ''
    const changed = signature.replace(/^./, first => (first === '0' ? '1' : '0'))
    for (const bad of [
      ...['plumbline=', 'plumbline=.', `plumbline=${Number(until) + 1}.${signature}`, `plumbline=${until}.${changed}`],
      ...[`plumbline=1.${signature}`, `plumbline=${until}`, other],
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
    const shown = (host: string, token: string, viewToken: string) => viewersToken({ host, token, viewToken })
    expect(shown('0.0.0.0', 'a', 'v')).toBe('v')
    expect(shown('::', 'a', '')).toBe('a')
    expect(shown('10.0.0.1', 'a', '')).toBe('a')
    for (const host of ['127.0.0.1', '::1', 'localhost']) expect(shown(host, 'a', '')).toBe('')
    expect(shown('127.0.0.1', '', 'v')).toBe('v')
  })
})
