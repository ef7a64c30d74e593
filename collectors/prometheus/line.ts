/**
 * Lines of a Prometheus or OpenMetrics page, by hand and in one walk over each: no line can stop the reading or make it slow.
 * https://prometheus.io/docs/instrumenting/exposition_formats/ and https://prometheus.io/docs/specs/om/open_metrics_spec/
 */
import type { Sample } from '../../wire/exporters/exporter'

const MAX_LINE = 64 * 1024
const MAX_LABELS = 256
const TYPES = /^(?:counter|gauge|histogram|gaugehistogram|summary|untyped|unknown|info|stateset)$/

export type PageLine =
  | { readonly what: 'sample'; readonly sample: Sample }
  /** A sample whose value is NaN or infinite: there is none. */
  | { readonly what: 'absent'; readonly metric: string }
  | { readonly what: 'type' | 'help'; readonly metric: string }
  | { readonly what: 'comment' }

const METRIC = /^[A-Za-z_:][\w:]{0,511}/
const NUMBER = /^[+-]?(?:\d{1,40}(?:\.\d{0,40})?|\.\d{1,40})(?:[eE][+-]?\d{1,4})?$/
const NO_NUMBER = /^(?:nan|[+-]?inf(?:inity)?)$/i

/** What a line of a page says; undefined for one that belongs to no page. */
export function parsePageLine(raw: string): PageLine | undefined {
  if (raw.length > MAX_LINE) return undefined
  const line = raw.trim()
  if (line.startsWith('#')) return parseComment(line)
  const named = METRIC.exec(line)?.[0] ?? ''
  const walk = { at: named.length, name: named, labels: {} }
  skipBlanks(line, walk)
  if (line[walk.at] === '{' && !readLabels(line, walk)) return undefined
  if (walk.name === '') return undefined
  const [value = '', stamp, ...more] = line
    .slice(walk.at)
    .trim()
    .split(/[ \t]+/, 4)
  if (NO_NUMBER.test(value)) return { what: 'absent', metric: walk.name }
  if (!NUMBER.test(value)) return undefined
  // Behind `#` stands an exemplar of OpenMetrics.
  const hasStamp = stamp !== undefined && stamp !== '#'
  if (hasStamp && (!NUMBER.test(stamp) || (more[0] !== undefined && more[0] !== '#'))) return undefined
  const time = hasStamp ? secondsOf(Number(stamp)) : undefined
  return { what: 'sample', sample: { name: walk.name, labels: walk.labels, value: Number(value), time } }
}

/** Milliseconds in Prometheus' format, seconds in OpenMetrics; no page is of the year 5138. */
function secondsOf(stamp: number): number | undefined {
  if (!(stamp > 0) || !Number.isFinite(stamp)) return undefined
  return stamp > 1e11 ? stamp / 1000 : stamp
}

function parseComment(line: string): PageLine | undefined {
  const [keyword = '', metric = '', type = ''] = line
    .slice(1)
    .trim()
    .split(/[ \t]+/, 3)
  if (metric !== '' && keyword === 'TYPE' && TYPES.test(type)) return { what: 'type', metric: bare(metric) }
  if (metric !== '' && (keyword === 'HELP' || keyword === 'UNIT')) return { what: 'help', metric: bare(metric) }
  return { what: 'comment' }
}

/** A name that is no plain word stands in quotes. */
const bare = (name: string) => name.replaceAll('"', '')

interface Walk {
  at: number
  name: string
  readonly labels: Record<string, string>
}

function skipBlanks(line: string, walk: Walk): void {
  while (line[walk.at] === ' ' || line[walk.at] === '\t') walk.at += 1
}

/** Reads `{name="value",…}`, and leaves the walk behind it. False where it is not that. */
function readLabels(line: string, walk: Walk): boolean {
  walk.at += 1
  for (let count = 0; count <= MAX_LABELS; count += 1) {
    skipBlanks(line, walk)
    if (line[walk.at] === '}') {
      walk.at += 1
      return true
    }
    const name = line[walk.at] === '"' ? readQuoted(line, walk) : readWord(line, walk)
    if (name === undefined || name === '') return false
    skipBlanks(line, walk)
    if (line[walk.at] === '=') {
      walk.at += 1
      skipBlanks(line, walk)
      const value = line[walk.at] === '"' ? readQuoted(line, walk) : undefined
      if (value === undefined) return false
      // `__proto__` is a name like any other, and must not become the object's own.
      if (name !== '__proto__') walk.labels[name] = value
    } else if (walk.name === '') walk.name = name
    else return false
    skipBlanks(line, walk)
    if (line[walk.at] === ',') walk.at += 1
    else if (line[walk.at] !== '}') return false
  }
  return false
}

function readWord(line: string, walk: Walk): string {
  const from = walk.at
  while (walk.at < line.length && /[\w:.]/.test(line[walk.at] ?? '')) walk.at += 1
  return line.slice(from, walk.at)
}

/** Escapes are \\, \" and \n; any other character behind a backslash stands for itself and its backslash. */
function readQuoted(line: string, walk: Walk): string | undefined {
  let text = ''
  let from = (walk.at += 1)
  for (; walk.at < line.length; walk.at += 1) {
    const character = line[walk.at]
    if (character === '"') {
      text += line.slice(from, walk.at)
      walk.at += 1
      return text
    }
    if (character !== '\\') continue
    const next = line[walk.at + 1]
    if (next !== '\\' && next !== '"' && next !== 'n') continue
    text += line.slice(from, walk.at) + (next === 'n' ? '\n' : next)
    walk.at += 1
    from = walk.at + 1
  }
  return undefined
}
