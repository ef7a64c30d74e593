/** Texts within SQL, for where there is nothing to bind them to: one is never a piece of it. */

const ESCAPES: Readonly<Record<string, string>> = { '\t': '\\t', '\n': '\\n', '\r': '\\r', '\0': '\\0' }

export const escaped = (text: string): string => text.replace(/[\\'\t\n\r\0]/g, one => ESCAPES[one] ?? `\\${one}`)

/** As a literal. */
export const quoted = (text: string): string => `'${escaped(text)}'`
