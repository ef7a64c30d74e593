/** A YAML document that a job prints line by line among other lines. What is kept of it is named with dots: `model.d_model`. */

export type YamlBlock = {
  /** Where the next line stands: keys that are open, with their indentation. */
  path: { indent: number; key: string }[]
  values: { [name: string]: string }
  lines: number
}

const LINE = /^( {0,60})(?:- )?['"]?([A-Za-z_][\w./ -]{0,80}?)['"]?:(?: +(.{0,400}))?$/
const ITEM = /^ {0,60}(?:- .{0,400}|[[\]{}],?|\.\.\.|---)$/
const MOST_LINES = 5000
const MOST_VALUES = 500

export const beginYaml = (): YamlBlock => ({ path: [], values: {}, lines: 0 })

/** Whether the line goes on with the document; what it says is in `values` then. */
export function readYaml(text: string, block: YamlBlock): boolean {
  if (block.lines >= MOST_LINES) return false
  const match = LINE.exec(text)
  if (match === null) {
    if (!ITEM.test(text)) return false
    block.lines += 1
    return true
  }
  block.lines += 1
  const [, blanks = '', key = '', value = ''] = match
  block.path = [...block.path.filter(({ indent }) => indent < blanks.length), { indent: blanks.length, key }]
  const name = block.path.map(part => part.key).join('.')
  const room = Object.keys(block.values).length < MOST_VALUES && name.length < 200
  if (value !== '' && room) block.values[name] ??= value.replace(/^(['"])(.*)\1$/, '$2')
  return true
}

export const yamlValues = (block: YamlBlock): ReadonlyMap<string, string> => new Map(Object.entries(block.values))
