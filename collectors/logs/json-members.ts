/** Members of a JSON object as text, nested ones by the path to them: `metrics/train/loss`. */
import { isoSeconds, localTime, numberOf } from './values'

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

const TIMES = ['time', 'timestamp', '_timestamp', 'ts', '@timestamp', 'created']
/** Seconds, or what is some thousands of years later: milliseconds. */
const MILLISECONDS_FROM = 1e11

/** Unix seconds of the member that says when. */
export function timeOf(members: ReadonlyMap<string, string>): number | undefined {
  for (const name of TIMES) {
    const text = members.get(name)
    if (text === undefined) continue
    const number = numberOf(text)
    if (number !== undefined && number > 1e9) return number > MILLISECONDS_FROM ? number / 1000 : number
    const written = isoSeconds(text) ?? localTime(text)
    if (written !== undefined) return written
  }
  return undefined
}
