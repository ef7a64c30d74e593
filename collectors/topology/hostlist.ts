/** Slurm’s host lists: `node[001-064,070],login1`, also several brackets in a name. https://slurm.schedmd.com/topology.conf.html */

/** More names than any cluster has; a range of billions is a mistake or an attack. */
const MOST = 65_536

/** Cuts at commas outside brackets. */
function parts(text: string): string[] {
  const found: string[] = []
  let depth = 0
  let from = 0
  for (let at = 0; at <= text.length; at += 1) {
    const character = text[at] ?? ','
    if (character === '[') depth += 1
    else if (character === ']') depth -= 1
    else if (character === ',' && (depth === 0 || at === text.length)) {
      found.push(text.slice(from, at).trim())
      from = at + 1
    }
  }
  return found.filter(part => part !== '')
}

/** `001-003,7` → 001, 002, 003, 7: the width of the first number is kept. Undefined for what is no range. */
function expandRanges(text: string): string[] | undefined {
  const values: string[] = []
  for (const range of text.split(',')) {
    const match = /^\s*(\d{1,9})(?:-(\d{1,9}))?\s*$/.exec(range)
    if (match === null) return undefined
    const [, from = '', to = from] = match
    if (Number(to) - Number(from) >= MOST) return undefined
    for (let value = Number(from); value <= Number(to); value += 1)
      values.push(String(value).padStart(from.length, '0'))
  }
  return values
}

function expandOne(pattern: string): string[] | undefined {
  let names = ['']
  for (const piece of pattern.split(/(\[[^[\]]*\])/)) {
    if (!piece.startsWith('[')) names = names.map(name => name + piece)
    else {
      const values = expandRanges(piece.slice(1, -1))
      if (values === undefined || names.length * values.length > MOST) return undefined
      names = names.flatMap(name => values.map(value => name + value))
    }
  }
  return names.some(name => /[[\]\s]/.test(name)) ? undefined : names
}

/** Undefined for a list that is malformed or too long. */
export function expandHosts(text: string): string[] | undefined {
  const names: string[] = []
  for (const part of parts(text)) {
    const some = expandOne(part)
    if (some === undefined || names.length + some.length > MOST) return undefined
    names.push(...some)
  }
  return names
}
