/** A group of ranks is named by its members: `0-12/4`, `0-3,8-11`, `0,16`; `5>9` for messages from rank 5 to rank 9. */

/** A name is hostile input: `0-999999999` must not become a list. */
const MOST_RANKS = 1 << 20
const MESSAGE = /^(\d{1,7})>(\d{1,7})$/
const PART = /^(\d{1,7})(?:-(\d{1,7})(?:\/([1-9]\d{0,6}))?)?$/

/** `ranks` ascend. Three or more that are equally far apart are written as first, last and stride. */
export function groupName(ranks: ArrayLike<number>): string {
  const parts: string[] = []
  for (let at = 0; at < ranks.length;) {
    const first = ranks[at] ?? NaN
    const stride = (ranks[at + 1] ?? NaN) - first
    let end = at + 1
    while (end < ranks.length && (ranks[end] ?? NaN) - (ranks[end - 1] ?? NaN) === stride) end += 1
    const isProgression = end - at > 2
    parts.push(isProgression ? `${first}-${ranks[end - 1] ?? NaN}${stride === 1 ? '' : `/${stride}`}` : `${first}`)
    at = isProgression ? end : at + 1
  }
  return parts.join()
}

export const messageName = (from: number, to: number) => `${from}>${to}`

/** The members, of a message the sender first; undefined where the name does not say them. */
export function ranksOfGroup(name: string): number[] | undefined {
  const message = MESSAGE.exec(name)
  if (message !== null) return [Number(message[1]), Number(message[2])]
  const ranks: number[] = []
  for (const part of name.split(',')) {
    const [, begin, end, stride] = PART.exec(part) ?? []
    if (begin === undefined) return undefined
    const [first, last, step] = [Number(begin), Number(end ?? begin), Number(stride ?? 1)]
    if (ranks.length + (last - first) / step > MOST_RANKS) return undefined
    for (let rank = first; rank <= last; rank += step) {
      // Neither twice nor out of order: it would not be a name that this file gives.
      if (rank <= (ranks[ranks.length - 1] ?? -1)) return undefined
      ranks.push(rank)
    }
  }
  return ranks.length === 0 ? undefined : ranks
}

export const isMessage = (name: string) => MESSAGE.test(name)
