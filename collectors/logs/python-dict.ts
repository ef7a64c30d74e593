/** A flat Python dict of figures as `print` shows it: `{'loss': 2.31, 'epoch': 0.02}`; values may be quoted. */

const ITEM = /^'([^'\\]{1,200})': ?(?:'([^'\\]{0,200})'|([^,{}[\]'"]{1,64}))/

/** Values by key, as printed and without quotes; undefined when the text is not such a dict. */
export function readDict(text: string): Map<string, string> | undefined {
  if (!text.startsWith("{'") || !text.endsWith('}') || text.length > 8192) return undefined
  const items = new Map<string, string>()
  let rest = text.slice(1, -1)
  while (rest !== '') {
    const match = ITEM.exec(rest)
    if (match === null) return undefined
    items.set(match[1] ?? '', (match[2] ?? match[3] ?? '').trim())
    rest = rest.slice(match[0].length)
    if (rest === '') break
    if (!rest.startsWith(', ')) return undefined
    rest = rest.slice(2)
  }
  return items
}
