/** The known word that a mistyped one is nearest to; undefined where none is near. Edits are letters added, lost, changed. */
export function nearest(word: string, known: readonly string[]): string | undefined {
  const near = known.map(one => ({ one, edits: editsBetween(word.toLowerCase(), one.toLowerCase()) }))
  const best = near.reduce((least, one) => (one.edits < least.edits ? one : least), { one: '', edits: Infinity })
  return best.edits <= Math.max(2, word.length / 3) ? best.one : undefined
}

function editsBetween(one: string, other: string): number {
  let row = Array.from({ length: other.length + 1 }, (_, index) => index)
  for (let i = 1; i <= one.length; i += 1) {
    const next = [i]
    for (let j = 1; j <= other.length; j += 1) {
      const changed = (row[j - 1] ?? 0) + (one[i - 1] === other[j - 1] ? 0 : 1)
      next.push(Math.min(changed, (row[j] ?? 0) + 1, (next[j - 1] ?? 0) + 1))
    }
    row = next
  }
  return row.at(-1) ?? 0
}
