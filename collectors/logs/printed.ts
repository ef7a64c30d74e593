/**
 * Settings as Python prints them: nested dicts, dataclasses, Namespaces and pydantic models, on one line or on many
 * (`print`, `pprint`, rich). Names are joined by dots: `model.attention.n_heads`; what a class is called is the value of
 * the name that holds it: `optim` is `AdamWConfig`.
 */
import type { Settings } from './settings'

/** The lines so far of what is being printed. */
export type Printed = { text: string; depth: number; missed: number }

const MOST_TEXT = 131_072
/** Lines of others within it, beyond which its end was lost among them. */
const MOST_MISSED = 50
const MOST_VALUES = 2000
const MOST_DEPTH = 12
const QUOTED = /'(?:[^'\\]|\\.){0,4000}'|"(?:[^"\\]|\\.){0,4000}"/g
/** A quoted text, a key behind it; a name and `=`; brackets; a comma; anything else without blanks. */
const TOKEN =
  /'((?:[^'\\]|\\.){0,4000})'(\s{0,4}:)?|"((?:[^"\\]|\\.){0,4000})"(\s{0,4}:)?|([A-Za-z_]\w{0,80})=(?!=)|([([{])|([)\]}])|(,)|([^\s'"()[\]{},=]{1,400})/g
const CONTINUES = /^(?:\s|[)\]}])/

function depthOf(text: string): number {
  const bare = text.replaceAll(QUOTED, '')
  return [...bare].reduce((depth, one) => depth + ('([{'.includes(one) ? 1 : ')]}'.includes(one) ? -1 : 0), 0)
}

/** Begins with the line in which the first bracket stands. */
export function openPrinted(text: string): Printed {
  return { text: text.slice(0, MOST_TEXT), depth: depthOf(text), missed: 0 }
}

export const isClosed = (printed: Printed) => printed.depth <= 0 || printed.text.length >= MOST_TEXT

/** Whether the line goes on with it: all but its last bracket are indented. Gives up by closing it. */
export function takePrinted(text: string, printed: Printed): boolean {
  if (!CONTINUES.test(text)) {
    printed.missed += 1
    if (printed.missed > MOST_MISSED) printed.depth = 0
    return false
  }
  printed.text = `${printed.text}\n${text}`.slice(0, MOST_TEXT)
  printed.depth += depthOf(text)
  return true
}

/** Values by name; of a name that comes twice the first counts. */
export function settingsOf(text: string): Settings {
  const settings = new Map<string, string>()
  const path: string[] = []
  let name: string | undefined
  let value: string | undefined
  const put = () => {
    const said = value
    value = undefined
    if (name === undefined || said === undefined) return
    const full = [...path, name].filter(part => part !== '').join('.')
    if (settings.size < MOST_VALUES && !settings.has(full)) settings.set(full, said)
  }
  for (const match of text.slice(0, MOST_TEXT).matchAll(TOKEN)) {
    const [, single, singleKey, double, doubleKey, argument, opened, closed, comma, bare] = match
    const quoted = single ?? double
    const key = argument ?? (singleKey === undefined && doubleKey === undefined ? undefined : quoted)
    if (key !== undefined) {
      put()
      name = key
    } else if (opened !== undefined) {
      put()
      if (path.length < MOST_DEPTH) path.push(name ?? '')
      name = undefined
    } else if (closed !== undefined) {
      put()
      path.pop()
      name = undefined
    } else if (comma !== undefined) {
      put()
      name = undefined
    } else value ??= quoted ?? bare
  }
  put()
  return settings
}

/** The same by the last part of each name, for frameworks that move their settings about from year to year. */
export function lastNames(settings: Settings): Settings {
  const last = new Map<string, string>()
  for (const [name, value] of settings) {
    const own = name.slice(name.lastIndexOf('.') + 1)
    if (!last.has(own)) last.set(own, value)
  }
  return last
}
