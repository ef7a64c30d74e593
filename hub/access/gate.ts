/** The gate before all that viewers ask for: lets them by, or shows a browser the way in. */
import { randomBytes } from 'node:crypto'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { isForeignOrigin } from '../http/door'
import type { Viewers } from './viewers'

/** Open to all: whether the hub lives is no secret, and balancers ask. */
const OPEN = '/api/health'
const MAX_FORM_BYTES = 4096
/** Wrong tokens of one address in a minute; then it waits. */
const MAX_WRONG = 10
const WRONG_MS = 60_000
const MAX_ADDRESSES = 10_000

export interface Gate {
  /** True: it was answered here, and goes no further. */
  answer(request: IncomingMessage, response: ServerResponse): Promise<boolean>
}

/** A path of this hub; anything else would lead a visitor away from it. */
const ownPath = (path: string | null) => (path !== null && /^\/(?![/\\])[^\\\r\n]*$/.test(path) ? path : '/')
const ESCAPES: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;' }
const escape = (text: string) => text.replace(/[&<>"]/g, character => ESCAPES[character] ?? '')

function showForm(response: ServerResponse, status: number, to: string, message: string): void {
  const nonce = randomBytes(16).toString('base64')
  response.writeHead(status, {
    'content-type': 'text/html; charset=utf-8',
    'cache-control': 'no-store',
    'referrer-policy': 'no-referrer',
    'content-security-policy': `default-src 'none'; style-src 'nonce-${nonce}'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'`,
  })
  response.end(`<!doctype html><html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>Plumbline</title><style nonce="${nonce}">
:root { color-scheme: light dark; font: 16px/1.5 system-ui, sans-serif }
form { max-width: 20rem; margin: 20vh auto 0; padding: 0 1rem; display: grid; gap: .75rem }
h1 { font-size: 1.25rem; margin: 0 } p { margin: 0; color: #c0392b }
input, button { font: inherit; padding: .5rem .75rem; border-radius: .4rem; border: 1px solid #8888 }
</style><form method="post" action="/login"><h1>Plumbline</h1><label for="token">Token for viewers</label>
<input id="token" name="token" type="password" autocomplete="current-password" required autofocus>
<input type="hidden" name="to" value="${escape(to)}"><button>Enter</button><p role="alert">${escape(message)}</p></form></html>\n`)
}

async function formOf(request: IncomingMessage): Promise<URLSearchParams | undefined> {
  let text = ''
  for await (const part of request as AsyncIterable<Buffer>) {
    text += part.toString('utf8')
    if (text.length > MAX_FORM_BYTES) return undefined
  }
  return new URLSearchParams(text)
}

export function gate(viewers: Viewers): Gate {
  const wrong = new Map<string, { count: number; since: number }>()

  function isWaiting(address: string): boolean {
    const found = wrong.get(address)
    if (found === undefined || Date.now() - found.since <= WRONG_MS) return (found?.count ?? 0) >= MAX_WRONG
    wrong.delete(address)
    return false
  }
  function countWrong(address: string): void {
    if (wrong.size >= MAX_ADDRESSES) wrong.clear()
    const found = wrong.get(address) ?? { count: 0, since: Date.now() }
    found.count += 1
    wrong.set(address, found)
  }

  async function enter(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const address = request.socket.remoteAddress ?? ''
    if (isForeignOrigin(request)) return void response.writeHead(403).end('a page of another address may not enter\n')
    if (isWaiting(address)) return showForm(response, 429, '/', 'Too many wrong tokens: wait a minute.')
    const form = await formOf(request)
    const to = ownPath(form?.get('to') ?? null)
    const cookie = viewers.enter(form?.get('token') ?? '')
    if (cookie !== undefined) return void response.writeHead(303, { location: to, 'set-cookie': cookie }).end()
    countWrong(address)
    showForm(response, 401, to, 'That is not the token.')
  }

  return {
    async answer(request, response) {
      const url = new URL(ownPath(request.url ?? '/'), 'http://hub')
      if (url.pathname === '/login') {
        if (request.method === 'POST') await enter(request, response)
        else showForm(response, 200, ownPath(url.searchParams.get('to')), '')
        return true
      }
      if (url.pathname === OPEN || viewers.roleOf(request) !== undefined) return false
      if (request.method === 'GET' && !url.pathname.startsWith('/api/') && url.pathname !== '/metrics') {
        const to = encodeURIComponent(url.pathname + url.search)
        response.writeHead(303, { location: `/login?to=${to}`, 'cache-control': 'no-store' }).end()
        return true
      }
      response.writeHead(401, { 'content-type': 'application/json; charset=utf-8', connection: 'close' })
      const fix =
        'open /login, or send `Authorization: Bearer TOKEN` with the hub’s --view-token or one of `plumbline token add`'
      response.end(JSON.stringify({ error: 'this hub asks viewers for a token', fix }))
      return true
    },
  }
}
