/** What a browser is told that it may do with an answer. */
import { randomBytes } from 'node:crypto'
import type { ServerResponse } from 'node:http'

/** Answers of the API, reports among them, are shown and run nothing. */
const ANSWERS =
  "default-src 'none'; style-src 'unsafe-inline'; img-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"

/** Of a page: scripts of this hub alone, and the inline ones that carry the nonce of this answer. */
export function pagePolicy(): string {
  const nonce = randomBytes(16).toString('base64')
  return [
    "default-src 'self'",
    `script-src 'self' 'nonce-${nonce}'`,
    // Nor does what the server sends hold a style attribute: what scripts set through the DOM is theirs.
    "style-src 'self'",
    "img-src 'self' data: blob:",
    "object-src 'none'",
    "base-uri 'none'",
    "form-action 'self'",
    "frame-ancestors 'none'",
  ].join('; ')
}

/** Before anybody answers; who knows better says so after. */
export function guardAnswer(response: ServerResponse): void {
  response.setHeader('content-security-policy', ANSWERS)
  response.setHeader('x-content-type-options', 'nosniff')
  response.setHeader('referrer-policy', 'same-origin')
  response.setHeader('cross-origin-opener-policy', 'same-origin')
}
