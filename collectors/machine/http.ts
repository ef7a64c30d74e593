/** Asking HTTP servers for `host.ts`: exporters on this node or another. */
import { messageOf } from '../../base/errors'

export interface FetchLimits {
  readonly timeoutMs: number
  /** Of the body as it is read, unpacked. */
  readonly maxBytes: number
}
export type Fetched = { readonly ok: true; readonly text: string } | { readonly ok: false; readonly error: string }

const MAX_REDIRECTS = 3

/** The whole body, or undefined where it is larger. Unpacked while it comes: a small answer can hide a large one. */
async function readBody(response: Response, maxBytes: number): Promise<string | undefined> {
  const parts: Uint8Array[] = []
  let bytes = 0
  const reader = response.body?.getReader()
  for (let next = await reader?.read(); next?.done === false; next = await reader?.read()) {
    bytes += next.value.length
    parts.push(next.value)
    if (bytes > maxBytes) return reader?.cancel().then(() => undefined)
  }
  return Buffer.concat(parts).toString('utf8')
}

/** Where a redirect leads, if to the same host: an exporter must not make the agent ask others. */
function redirectOf(response: Response, from: URL): URL | undefined {
  const location = response.headers.get('location')
  if (response.status < 300 || response.status > 399 || location === null) return undefined
  const to = URL.canParse(location, from.href) ? new URL(location, from.href) : undefined
  return to?.host === from.host && to.protocol === from.protocol ? to : undefined
}

export async function fetchText(address: string, { timeoutMs, maxBytes }: FetchLimits): Promise<Fetched> {
  if (!URL.canParse(address)) return { ok: false, error: 'not a URL' }
  let url = new URL(address)
  const signal = AbortSignal.timeout(timeoutMs)
  try {
    for (let turn = 0; turn <= MAX_REDIRECTS; turn += 1) {
      const response = await fetch(url, { signal, redirect: 'manual', headers: { accept: 'text/plain' } })
      const next = redirectOf(response, url)
      if (next === undefined) {
        if (response.ok) {
          const text = await readBody(response, maxBytes)
          return text === undefined ? { ok: false, error: `more than ${maxBytes} bytes` } : { ok: true, text }
        }
        await response.body?.cancel()
        return { ok: false, error: `HTTP ${response.status}` }
      }
      await response.body?.cancel()
      url = next
    }
    return { ok: false, error: 'too many redirects' }
  } catch (error) {
    if (signal.aborted) return { ok: false, error: `no answer within ${timeoutMs / 1000} s` }
    const { cause } = error as { cause?: unknown }
    return { ok: false, error: messageOf(cause instanceof Error && cause.message !== '' ? cause : error) }
  }
}
