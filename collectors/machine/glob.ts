/** Globs for `host.ts`, bounded: a pattern over a huge or circular tree ends. */
import { readdir, stat } from 'node:fs/promises'
import { homedir } from 'node:os'
import { join } from 'node:path'
import picomatch from 'picomatch'
import { statFile } from './files'

const MAX_ENTRIES = 100_000
const MAX_DEPTH = 16
const MAX_ALTERNATIVES = 256

/** `a{b,c}d` → `abd`, `acd`; nested too. A pattern with more alternatives than the limit is cut there. */
function expandBraces(pattern: string): string[] {
  const open = pattern.indexOf('{')
  if (open < 0) return [pattern]
  let depth = 0
  let from = open + 1
  const choices: string[] = []
  for (let at = open; at < pattern.length; at += 1) {
    const character = pattern[at]
    if (character === '{') depth += 1
    else if (character === '}') depth -= 1
    if ((character === ',' && depth === 1) || depth === 0) {
      choices.push(pattern.slice(from, at))
      from = at + 1
    }
    if (depth !== 0) continue
    const rest = expandBraces(pattern.slice(at + 1))
    const all = choices.flatMap(choice =>
      expandBraces(choice).flatMap(middle => rest.map(tail => `${pattern.slice(0, open)}${middle}${tail}`)),
    )
    return all.slice(0, MAX_ALTERNATIVES)
  }
  return [pattern]
}

export async function glob(pattern: string): Promise<readonly string[]> {
  if ((await statFile(pattern)) !== undefined) return [pattern]
  const home = pattern.startsWith('~/') ? join(homedir(), pattern.slice(2)) : pattern
  const found = new Set<string>()
  const budget = { entries: MAX_ENTRIES }
  for (const plain of expandBraces(home)) {
    const segments = plain.split('/').filter((segment, index) => segment !== '' || index === 0)
    const start = segments[0] === '' ? '/' : ''
    await walk(start, start === '/' ? segments.slice(1) : segments, found, budget, 0)
  }
  return [...found].sort()
}

/** Follows the pattern segment by segment, so that only folders that can match are read. Bounded in entries and depth. */
async function walk(
  folder: string,
  segments: readonly string[],
  found: Set<string>,
  budget: { entries: number },
  depth: number,
): Promise<void> {
  const [segment, ...rest] = segments
  if (segment === undefined || budget.entries <= 0) return
  const last = rest.length === 0
  if (!/[*?[\]!()]/.test(segment)) return step(join(folder, segment), last, rest, found, budget, depth)
  const deep = segment === '**'
  if (deep && !last) await walk(folder, rest, found, budget, depth)
  const matches = picomatch(deep ? '*' : segment)
  const entries = await readdir(folder === '' ? '.' : folder, { withFileTypes: true }).catch(() => [])
  for (const entry of entries) {
    if ((budget.entries -= 1) < 0) return
    if (!matches(entry.name)) continue
    const path = join(folder, entry.name)
    // `**` does not follow symbolic links: they may lead in a circle.
    if (deep && entry.isDirectory() && depth < MAX_DEPTH) await walk(path, segments, found, budget, depth + 1)
    if (deep && !last) continue
    await step(path, last, rest, found, budget, depth)
  }
}

async function step(
  path: string,
  last: boolean,
  rest: readonly string[],
  found: Set<string>,
  budget: { entries: number },
  depth: number,
): Promise<void> {
  if (!last) return walk(path, rest, found, budget, depth)
  const entry = await stat(path).catch(() => undefined)
  if (entry?.isFile() === true) found.add(path)
}
