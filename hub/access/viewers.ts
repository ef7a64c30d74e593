/**
 * Who may look: everybody on the loopback, where no token for viewers is set; else who shows it. Programs show it with each
 * request, a browser once, for a session. A session is a time and its signature: the hub keeps none, and one ends when the
 * token is changed, for the key is made of both.
 */
import { createHmac, randomBytes, timingSafeEqual } from 'node:crypto'
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import type { IncomingMessage } from 'node:http'
import { join } from 'node:path'
import { unixSeconds } from '../../base/clock'
import { PlumblineError } from '../../base/errors'
import { showsToken } from '../ingest/token'

const SESSION_SECONDS = 7 * 86_400
const COOKIE = 'plumbline'
const KEY_BYTES = 32

export interface Viewers {
  may(request: IncomingMessage): boolean
  /** A cookie for who shows the token; undefined for who does not. */
  enter(token: string): string | undefined
}

const isLoopback = (host: string) => /^(localhost|127(\.\d{1,3}){3}|::1)$/i.test(host)

/**
 * The token that viewers must show. Off the loopback there must be one, for agents as well; where viewers have none of
 * their own they show the agents'. Throws PlumblineError where it would let everybody in.
 */
export function viewersToken({ host, token, viewToken }: { host: string; token: string; viewToken: string }): string {
  if (isLoopback(host)) return viewToken
  if (token === '')
    throw new PlumblineError(`on ${host} everybody in reach could read and write`, {
      fix: 'give a secret for agents with --token, and one for people with --view-token, or listen on 127.0.0.1',
    })
  return viewToken === '' ? token : viewToken
}

/** The hub's own secret, the same after a restart; for its user alone. */
function keyOf(data: string): Buffer {
  const file = join(data, 'session.key')
  if (!existsSync(file)) writeFileSync(file, randomBytes(KEY_BYTES), { mode: 0o600 })
  return readFileSync(file)
}

const cookieOf = ({ headers }: IncomingMessage) =>
  (headers.cookie ?? '')
    .split(';')
    .map(part => part.trim())
    .find(part => part.startsWith(`${COOKIE}=`))
    ?.slice(COOKIE.length + 1)

const bearerOf = ({ headers }: IncomingMessage) => /^Bearer (.+)$/i.exec(headers.authorization ?? '')?.[1]

export function viewers(token: string, data: string): Viewers {
  if (token === '') return { may: () => true, enter: () => '' }
  const key = createHmac('sha256', keyOf(data)).update(token).digest()
  const sign = (until: string) => createHmac('sha256', key).update(until).digest('hex')

  function isSession(cookie: string): boolean {
    const [until = '', signature = ''] = cookie.split('.')
    const [shown, own] = [Buffer.from(signature), Buffer.from(sign(until))]
    return shown.length === own.length && timingSafeEqual(shown, own) && Number(until) > unixSeconds()
  }
  return {
    may(request) {
      const bearer = bearerOf(request)
      if (bearer !== undefined) return showsToken(bearer, token)
      const cookie = cookieOf(request)
      return cookie !== undefined && isSession(cookie)
    },
    enter(shown) {
      if (!showsToken(shown, token)) return undefined
      const until = String(Math.floor(unixSeconds()) + SESSION_SECONDS)
      return `${COOKIE}=${until}.${sign(until)}; Path=/; HttpOnly; SameSite=Strict; Max-Age=${SESSION_SECONDS}`
    },
  }
}
