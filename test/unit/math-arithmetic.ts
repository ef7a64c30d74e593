/** Plain arithmetic as `explain` writes it: numbers, letters, + − · /, brackets and max(). */
const TOKEN = /\s*(\d+(?:\.\d+)?(?:e[+-]?\d+)?|[A-Za-z][A-Za-z0-9]*|[-+−·/(),])/gy

function tokensOf(text: string): string[] {
  const tokens = [...text.matchAll(TOKEN)].map(match => match[1] ?? '')
  if (tokens.join('') !== text.replaceAll(/\s/g, '')) throw new Error(`not arithmetic: ${text}`)
  return tokens
}

/** The value of a formula; throws where it is no arithmetic or has a letter that `letters` lacks. */
export function evaluate(text: string, letters: Readonly<Record<string, number>> = {}): number {
  const tokens = tokensOf(text)
  const next = () => tokens.shift() ?? ''
  const sum = (): number => {
    let value = product()
    while (tokens[0] === '+' || tokens[0] === '−') value += next() === '+' ? product() : -product()
    return value
  }
  const product = (): number => {
    let value = atom()
    while (tokens[0] === '·' || tokens[0] === '/') value *= next() === '·' ? atom() : 1 / atom()
    return value
  }
  const bracket = (): number[] => {
    const values: number[] = []
    do values.push(sum())
    while (next() === ',')
    return values
  }
  const atom = (): number => {
    const token = next()
    if (token === '-' || token === '−') return -atom()
    if (token === '(') return bracket()[0] ?? NaN
    if (token === 'max' && next() === '(') return Math.max(...bracket())
    const value = letters[token] ?? (/^\d/.test(token) ? Number(token) : undefined)
    if (value === undefined) throw new Error(`"${token}" has no value in ${text}`)
    return value
  }
  const value = sum()
  if (tokens.length > 0) throw new Error(`not arithmetic from "${tokens.join(' ')}" in ${text}`)
  return value
}
