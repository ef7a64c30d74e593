/** What a logger that writes JSON says of memory: the sentence among its members, and who said it when. */
import { saysMemory } from './crash-memory'
import type { LogLine } from './format'
import { membersOf, timeOf } from './json-members'
import { WORTH } from './memory-words'
import { numberOf } from './values'

const RANKS = ['rank', 'global_rank', 'extra/rank', 'record/extra/rank']

/** The line itself where it is no object, or nothing in it is about memory that ran out. */
export function unwrapJson(line: LogLine): LogLine {
  const { text } = line
  if (!text.startsWith('{') || !text.endsWith('}') || !WORTH.test(text)) return line
  const members = membersOf(text)
  if (members === undefined) return line
  // A traceback is one member of many lines.
  const said = [...members.values()].flatMap(value => value.split('\n')).find(saysMemory)
  if (said === undefined) return { ...line, text: '' }
  const rank = RANKS.map(name => numberOf(members.get(name) ?? '')).find(value => value !== undefined)
  return { ...line, text: said.trim(), rank: rank ?? line.rank, time: timeOf(members) ?? line.time }
}
