/**
 * Who may come with which secret. What flags and the environment give is held as hashes in memory; what `plumbline token`
 * gives out stands as hashes in the data folder, is read again when it changes, and so is changed without a restart.
 */
import { createHash, randomBytes } from 'node:crypto'
import { existsSync, readFileSync, renameSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { z } from 'zod'
import { unixSeconds } from '../../base/clock'
import { messageOf, PlumblineError } from '../../base/errors'
import { ROLES, VIEWER_ROLES, type Role, type ViewerRole } from '../../wire/api'

const tokenSchema = z.object({
  name: z.string().regex(/^[\w.@-]{1,64}$/, 'a name is 1 to 64 letters, digits and . _ - @'),
  role: z.enum(ROLES),
  /** SHA-256, hexadecimal. A secret of 256 random bits needs no slow hash: nobody can try them all. */
  hash: z.string().regex(/^[0-9a-f]{64}$/),
  /** Unix seconds. */
  since: z.number(),
})
export type Token = z.infer<typeof tokenSchema>
const fileSchema = z.array(tokenSchema)

const FILE = 'tokens.json'
const SECRET_BYTES = 32
/** The file is looked at so often, at most. */
const LOOK_MS = 1000

const hashOf = (secret: string) => createHash('sha256').update(secret).digest('hex')

/** Whether who may `held` may `wanted` as well. */
export const includesRole = (held: ViewerRole, wanted: ViewerRole): boolean =>
  VIEWER_ROLES.indexOf(held) >= VIEWER_ROLES.indexOf(wanted)

/** The tokens of a data folder. Throws PlumblineError where the file is not what `writeTokens` wrote. */
export function readTokens(data: string): Token[] {
  const path = join(data, FILE)
  if (!existsSync(path)) return []
  try {
    return fileSchema.parse(JSON.parse(readFileSync(path, 'utf8')))
  } catch (error) {
    throw new PlumblineError(`${path} cannot be read: ${messageOf(error)}`, {
      fix: 'correct it, or remove it and give tokens anew with `plumbline token add`',
    })
  }
}

/** Whole or not at all, and for its user alone. */
function writeTokens(data: string, tokens: readonly Token[]): void {
  const path = join(data, FILE)
  const next = `${path}.${process.pid}`
  writeFileSync(next, `${JSON.stringify(tokens, null, 2)}\n`, { mode: 0o600 })
  renameSync(next, path)
}

/** Gives out a new secret; it is told this once and kept nowhere. Throws PlumblineError for a name in use or none. */
export function addToken(data: string, name: string, role: Role): string {
  const tokens = readTokens(data)
  if (tokens.some(token => token.name === name))
    throw new PlumblineError(`there is a token "${name}"`, { fix: 'choose another name, or remove it first' })
  const secret = randomBytes(SECRET_BYTES).toString('base64url')
  const token = tokenSchema.safeParse({ name, role, hash: hashOf(secret), since: unixSeconds() })
  if (!token.success)
    throw new PlumblineError(token.error.issues[0]?.message ?? 'not a name', { fix: 'choose another name' })
  writeTokens(data, [...tokens, token.data])
  return secret
}

/** Takes a token back; running hubs know it within a second. Throws PlumblineError where there is none of this name. */
export function removeToken(data: string, name: string): void {
  const tokens = readTokens(data)
  const rest = tokens.filter(token => token.name !== name)
  if (rest.length === tokens.length)
    throw new PlumblineError(`there is no token "${name}"`, { fix: '`plumbline token list` names them' })
  writeTokens(data, rest)
}

export class Tokens {
  private readonly given: readonly Token[]
  private kept: readonly Token[] = []
  private lookedAt = -Infinity
  private changedAt = -1

  /** `secrets` are those of the settings: '' for none. Throws PlumblineError for a file that is broken at the start. */
  constructor(
    private readonly data: string,
    secrets: { readonly token: string; readonly viewToken: string },
    private readonly log: (line: string) => void,
  ) {
    const since = unixSeconds()
    const of = (name: string, role: Role, secret: string): Token[] =>
      secret === '' ? [] : [{ name, role, hash: hashOf(secret), since }]
    this.given = [...of('--token', 'agent', secrets.token), ...of('--view-token', 'admin', secrets.viewToken)]
    this.kept = readTokens(data)
  }

  /** All that there are now. */
  all(): readonly Token[] {
    this.look()
    return [...this.given, ...this.kept]
  }

  /** Whose secret it is. By its hash: how long it takes says nothing of the secret. */
  of(secret: string): Token | undefined {
    const hash = hashOf(secret)
    return this.all().find(token => token.hash === hash)
  }

  /** Whether someone with this secret may send: where no token for agents was given out, everybody. */
  mayReport(secret: string | undefined): boolean {
    const known = this.all().filter(({ role }) => role === 'agent')
    if (known.length === 0) return true
    const hash = hashOf(secret ?? '')
    return known.some(token => token.hash === hash)
  }

  private look(): void {
    if (performance.now() - this.lookedAt < LOOK_MS) return
    this.lookedAt = performance.now()
    const changedAt = statSync(join(this.data, FILE), { throwIfNoEntry: false })?.mtimeMs ?? 0
    if (changedAt === this.changedAt) return
    this.changedAt = changedAt
    try {
      this.kept = readTokens(this.data)
    } catch (error) {
      // Whoever could come can still; nobody new, until it is mended.
      this.log(`error: ${messageOf(error)}`)
    }
  }
}
