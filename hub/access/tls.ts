/** The server of the hub: plain, or TLS with the certificate and key of two files. */
import { readFileSync, statSync } from 'node:fs'
import { createServer, type RequestListener, type Server } from 'node:http'
import { createServer as createTlsServer } from 'node:https'
import { messageOf, PlumblineError } from '../../base/errors'

export interface TlsFiles {
  /** PEM: the certificate, and those between it and its root. */
  readonly certificate: string
  /** PEM. */
  readonly key: string
}

/** Certificates are renewed every few weeks or hours; a new one is taken without a restart. */
const LOOK_MS = 60_000

const FIX = 'give PEM files with --tls-certificate and --tls-key, readable for the user of the hub'

function contextOf({ certificate, key }: TlsFiles) {
  return { cert: readFileSync(certificate), key: readFileSync(key), minVersion: 'TLSv1.2' as const }
}
const changedAt = ({ certificate, key }: TlsFiles) =>
  Math.max(...[certificate, key].map(path => statSync(path, { throwIfNoEntry: false })?.mtimeMs ?? 0))

/** Throws PlumblineError where the files are no certificate and its key. */
export function openServer(
  files: TlsFiles | undefined,
  listener: RequestListener,
  log: (line: string) => void,
): Server {
  if (files === undefined) return createServer(listener)
  let server: ReturnType<typeof createTlsServer>
  try {
    server = createTlsServer(contextOf(files), listener)
  } catch (error) {
    throw new PlumblineError(`TLS: ${messageOf(error)}`, { fix: FIX })
  }
  let known = changedAt(files)
  const look = setInterval(() => {
    const changed = changedAt(files)
    if (changed === known) return
    known = changed
    try {
      server.setSecureContext(contextOf(files))
      log('the new certificate is in use')
    } catch (error) {
      log(`error: the old certificate stays in use: ${messageOf(error)}`)
    }
  }, LOOK_MS)
  look.unref()
  server.once('close', () => clearInterval(look))
  return server
}
