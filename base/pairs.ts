/** `one=1, other = 2` as names and what they are given; a name alone is given nothing. */
export function pairsOf(text: string): (readonly [name: string, given: string | undefined])[] {
  return text
    .split(',')
    .filter(Boolean)
    .map(pair => pair.split('=').map(part => part.trim()))
    .map(([name = '', given]) => [name, given])
}
