/**
 * Who may look, and what else: everybody all on the loopback, where no token for viewers was given out; else who shows one,
 * by its role. Programs show it with each request, a browser once, for a session. A session is a time, a token and a
 * signature: the hub keeps none, and one ends when its token is taken back.
 */
import { createHmac, randomBytes, timingSafeEqual } from 'node:crypto'
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import type { IncomingMessage } from 'node:http'
import { join } from 'node:path'
import { unixSeconds } from '../../base/clock'
import { PlumblineError } from '../../base/errors'
import type { ViewerRole } from '../../wire/api'
import type { Token, Tokens } from './tokens'

const SESSION_SECONDS = 7 * 86_400
const COOKIE = 'plumbline'
const KEY_BYTES = 32
/** Characters of a token's hash that name it in a session. */
const NAME_LENGTH = 16

export interface Viewers {
  /** Whether anybody is asked for a token. */
  asks(): boolean
  /** What who sends this may; undefined for nothing. */
  roleOf(request: IncomingMessage): ViewerRole | undefined
  /** A cookie for who shows a token; undefined for who does not. */
  enter(secret: string): string | undefined
}

export interface ViewersOptions {
  readonly host: string
  readonly data: string
  readonly tokens: Tokens
  /** Cookies go over TLS alone. */
  readonly isSecure: boolean
  /** Signs sessions; the hub's own where absent. */
  readonly sessionKey?: Buffer | undefined
}

const isLoopback = (host: string) => /^(localhost|127(\.\d{1,3}){3}|::1)$/i.test(host)

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

/** Throws PlumblineError where it would let everybody in. */
export function viewers({ host, data, tokens, isSecure, sessionKey }: ViewersOptions): Viewers {
  const isOpen = isLoopback(host)
  const hasAgents = () => tokens.all().some(({ role }) => role === 'agent')
  if (!isOpen && !hasAgents())
    throw new PlumblineError(`on ${host} everybody in reach could read and write`, {
      fix: 'give a secret for agents with --token, and one for people with --view-token, or listen on 127.0.0.1',
    })
  const key = sessionKey ?? keyOf(data)
  const sign = ({ hash }: Token, until: string) => createHmac('sha256', key).update(`${hash}.${until}`).digest('hex')

  const isViewer = ({ role }: Token) => role !== 'agent'
  const asks = () => !isOpen || tokens.all().some(isViewer)

  /** Off the loopback viewers without a token of their own show the agents'. */
  function roleOfToken(token: Token | undefined): ViewerRole | undefined {
    if (token === undefined) return undefined
    if (token.role !== 'agent') return token.role
    return tokens.all().some(isViewer) ? undefined : 'admin'
  }
  function tokenOfSession(cookie: string): Token | undefined {
    const [until = '', name = '', signature = ''] = cookie.split('.')
    const token = tokens.all().find(({ hash }) => hash.slice(0, NAME_LENGTH) === name)
    if (token === undefined || !(Number(until) > unixSeconds())) return undefined
    const [shown, own] = [Buffer.from(signature), Buffer.from(sign(token, until))]
    return shown.length === own.length && timingSafeEqual(shown, own) ? token : undefined
  }
  return {
    asks,
    roleOf(request) {
      if (!asks()) return 'admin'
      const bearer = bearerOf(request)
      if (bearer !== undefined) return roleOfToken(tokens.of(bearer))
      const cookie = cookieOf(request)
      return cookie === undefined ? undefined : roleOfToken(tokenOfSession(cookie))
    },
    enter(secret) {
      if (!asks()) return ''
      const token = tokens.of(secret)
      if (token === undefined || roleOfToken(token) === undefined) return undefined
      const until = String(Math.floor(unixSeconds()) + SESSION_SECONDS)
      const session = `${until}.${token.hash.slice(0, NAME_LENGTH)}.${sign(token, until)}`
      const secure = isSecure ? '; Secure' : ''
      return `${COOKIE}=${session}; Path=/; HttpOnly; SameSite=Strict; Max-Age=${SESSION_SECONDS}${secure}`
    },
  }
}
