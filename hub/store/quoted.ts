/** Texts and names within SQL, for where there is nothing to bind them to. A text is never a piece of it; names are our own. */

const ESCAPES: Readonly<Record<string, string>> = { '\t': '\\t', '\n': '\\n', '\r': '\\r', '\0': '\\0' }

export const escaped = (text: string): string => text.replace(/[\\'\t\n\r\0]/g, one => ESCAPES[one] ?? `\\${one}`)

/** As a literal. */
export const quoted = (text: string): string => `'${escaped(text)}'`

/** As the name of a table or a column. */
export const named = (name: string): string => `\`${name}\``
export const listed = (names: readonly string[]): string => names.map(named).join(', ')
