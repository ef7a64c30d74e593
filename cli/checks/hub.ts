/** The hub that agents of these settings report to, and the port on which one would be started here. */
import { createServer } from 'node:net'
import { messageOf } from '../../base/errors'
import { healthSchema } from '../../wire/api'
import { PROTOCOL } from '../../wire/messages'
import { hubUrl } from '../settings'
import { absent, failed, ok, type Check, type Finding } from './check'

const TIMEOUT_MS = 5_000

type Answer =
  { kind: 'hub'; version: string; protocol: number } | { kind: 'other'; why: string } | { kind: 'none'; why: string }

/** Who answers at a URL: a hub, something else, or nobody. */
async function ask(url: string): Promise<Answer> {
  try {
    const response = await fetch(new URL('/api/health', url), { signal: AbortSignal.timeout(TIMEOUT_MS) })
    const health = healthSchema.safeParse(await response.json().catch(() => undefined))
    return health.success
      ? { kind: 'hub', version: health.data.version, protocol: health.data.protocol }
      : { kind: 'other', why: `it answers with status ${response.status}, and not as a hub does` }
  } catch (error) {
    const cause = error instanceof Error && error.cause !== undefined ? messageOf(error.cause) : messageOf(error)
    return { kind: 'none', why: cause === '' ? messageOf(error) : cause }
  }
}

function describeHub(url: string, { version, protocol }: { version: string; protocol: number }): Finding {
  const detail = `${url}, Plumbline ${version}`
  if (protocol === PROTOCOL) return ok(detail)
  return failed(
    `${detail} speaks protocol ${protocol}, this one ${PROTOCOL}`,
    'run one version of Plumbline on hub and agents',
  )
}

export const hub: Check = {
  name: 'hub',
  needed: false,
  async run(_host, settings) {
    const url = hubUrl(settings)
    if (!URL.canParse(url)) return failed(`${url} is no URL`, 'name the hub as --hub http://HOST:PORT')
    const answer = await ask(url)
    if (answer.kind === 'hub') return describeHub(url, answer)
    if (settings.hub === '') return absent(`none runs at ${url}`, 'plumbline start, or name another with --hub URL')
    const why = answer.kind === 'other' ? `${url}: ${answer.why}` : `${url} cannot be reached (${answer.why})`
    return failed(why, 'check the URL, that the hub runs, and that its --host lets other machines in')
  },
}

/** Resolves to an error code where the port cannot be had. */
function tryPort(port: number, host: string): Promise<string | undefined> {
  return new Promise(resolve => {
    const server = createServer()
    server.once('error', (error: NodeJS.ErrnoException) => resolve(error.code ?? error.message))
    server.listen(port, host, () => server.close(() => resolve(undefined)))
  })
}

export const port: Check = {
  name: 'port',
  needed: false,
  async run(_host, settings) {
    const { port: number, host } = settings
    const code = await tryPort(number, host)
    if (code === undefined) return ok(number === 0 ? 'any free one' : `${host}:${number} is free`)
    if (code !== 'EADDRINUSE')
      return failed(`${host}:${number} cannot be listened on (${code})`, 'choose with --port and --host')
    const answer = await ask(hubUrl({ ...settings, hub: '' }))
    if (answer.kind === 'hub') return ok(`${host}:${number} is in use by Plumbline ${answer.version}`)
    return failed(`${host}:${number} is in use by another program`, 'choose another with --port N')
  },
}
