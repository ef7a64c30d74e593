/** Members of a JSON object as text, nested ones by the path to them: `metrics/train/loss`. */

/** Python writes NaN and Infinity, which JSON does not have. */
const NOT_FINITE = /(?<=[:,[]\s{0,4})(-?Infinity|NaN)(?=\s{0,4}[,}\]])/g
const MOST_MEMBERS = 2000
const MOST_DEPTH = 4

function take(value: unknown, path: string, depth: number, members: Map<string, string>): void {
  if (members.size >= MOST_MEMBERS) return
  if (typeof value === 'number' || typeof value === 'string' || typeof value === 'boolean') {
    members.set(path, String(value))
    return
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value) || depth >= MOST_DEPTH) return
  for (const [name, member] of Object.entries(value))
    take(member, path === '' ? name : `${path}/${name}`, depth + 1, members)
}

/** Undefined where the text is no JSON object. */
export function membersOf(text: string): Map<string, string> | undefined {
  try {
    const value: unknown = JSON.parse(
      text.includes('N') || text.includes('I') ? text.replaceAll(NOT_FINITE, '"$1"') : text,
    )
    if (typeof value !== 'object' || value === null || Array.isArray(value)) return undefined
    const members = new Map<string, string>()
    take(value, '', 0, members)
    return members
  } catch {
    return undefined
  }
}
