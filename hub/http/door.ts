/** The HTTP door: finds the endpoint, answers JSON, turns what goes wrong into `{ error, fix }`. */
import type { IncomingMessage, ServerResponse } from 'node:http'
import { messageOf, PlumblineError } from '../../base/errors'
import { includesRole } from '../access/tokens'
import { HttpError, type Endpoint, type Hub } from './endpoint'
import { endpoints } from './index'

const LOOPBACK = /^(localhost|127(\.\d{1,3}){3}|\[::1\])(:\d+)?$/i

/**
 * A page elsewhere may point a name of its own at 127.0.0.1 and read this hub through the visitor's browser. A hub on the
 * loopback therefore answers only to loopback names.
 */
export function isForeignHost(request: IncomingMessage, boundHost: string): boolean {
  const loopback = LOOPBACK.test(boundHost.includes(':') ? `[${boundHost}]` : boundHost)
  return loopback && !LOOPBACK.test(request.headers.host ?? '')
}

/**
 * A browser lets a page anywhere open a socket here and read it, and only says whose page it is. Programs that are no
 * browser say nothing. A proxy in between must pass the name under which it is known.
 */
export function isForeignOrigin({ headers }: IncomingMessage): boolean {
  if (headers.origin === undefined) return false
  const host = headers['x-forwarded-host'] ?? headers.host
  return !URL.canParse(headers.origin) || new URL(headers.origin).host !== host
}

function match(endpoint: Endpoint, path: string): { run: string | undefined; id: string | undefined } | undefined {
  const pattern = endpoint.path.split('/')
  const parts = path.split('/')
  if (pattern.length !== parts.length) return undefined
  let run: string | undefined
  let id: string | undefined
  for (const [index, expected] of pattern.entries()) {
    if (expected === ':run') run = decode(parts[index] ?? '')
    else if (expected === ':import') id = decode(parts[index] ?? '')
    else if (expected !== parts[index]) return undefined
  }
  return { run, id }
}

function decode(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    return text
  }
}

function sendJson(response: ServerResponse, status: number, value: unknown): void {
  // Half an answer must not look like a whole one.
  if (response.headersSent) return void response.destroy()
  response.writeHead(status, { 'content-type': 'application/json; charset=utf-8', 'cache-control': 'no-store' })
  response.end(JSON.stringify(value))
}

/** What changes something is asked for by POST, and never by a page of somewhere else. */
function checkMethod({ method = 'GET' }: Endpoint, request: IncomingMessage, response: ServerResponse): void {
  const allowed = method === 'GET' ? ['GET', 'HEAD'] : [method]
  if (!allowed.includes(request.method ?? '')) {
    response.setHeader('allow', allowed.join(', '))
    throw new HttpError(405, `this door is asked with ${allowed[0] ?? ''}`, `ask again with ${allowed[0] ?? ''}`)
  }
  if (method === 'POST' && isForeignOrigin(request))
    throw new HttpError(403, 'a page of another address may not change anything here', 'open the page of this hub')
}

/** The gate has let by who may look; some doors ask for more. */
function checkRole({ role = 'view' }: Endpoint, hub: Hub, request: IncomingMessage): void {
  if (role === 'anybody') return
  const held = hub.roleOf(request)
  if (held === undefined || !includesRole(held, role))
    throw new HttpError(
      403,
      `this asks for the role ${role}`,
      `show a token of it: plumbline token add NAME --role ${role}`,
    )
}

/** Answers a request of the API. False: it is not one, and belongs to the page. */
export async function answerRequest(hub: Hub, request: IncomingMessage, response: ServerResponse): Promise<boolean> {
  const address = request.url ?? '/'
  // `//name` would be read as another host, and some of those throw.
  const url = new URL(address.startsWith('/') ? `http://hub${address}` : 'http://hub/')
  if (!url.pathname.startsWith('/api/') && url.pathname !== '/metrics') return false
  for (const endpoint of endpoints) {
    const found = match(endpoint, url.pathname)
    if (found === undefined) continue
    try {
      checkMethod(endpoint, request, response)
      checkRole(endpoint, hub, request)
      const value = await endpoint.answer({
        hub,
        query: url.searchParams,
        run: found.run,
        id: found.id,
        request,
        response,
      })
      if (value !== undefined) sendJson(response, 200, value)
    } catch (error) {
      const status = error instanceof HttpError ? error.status : 500
      if (status === 500 && !response.destroyed)
        hub.log(`error: ${request.method} ${url.pathname}: ${messageOf(error)}`)
      const fix = error instanceof PlumblineError ? error.fix : 'look at the terminal of the hub'
      sendJson(response, status, { error: messageOf(error), ...(fix !== undefined && { fix }) })
    }
    return true
  }
  sendJson(response, 404, { error: `there is no ${url.pathname}`, fix: 'GET /api/openapi.json lists the endpoints' })
  return true
}
