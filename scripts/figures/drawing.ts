/** What all figures of the documents share: the page's colours, light and dark, text and the frame of an SVG. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { packageRoot } from '../../base/root'

const USED = ['surface', 'line', 'line-strong', 'text', 'text-muted', 'predicted', 'critical']
export const SERIES = 8

/** The colours of the page as custom properties: an image has no theme switch, it goes by the reader's system. */
function colours(): string {
  const tokens = readFileSync(join(packageRoot, 'app/tokens.css'), 'utf8')
  const names = [...USED, ...Array.from({ length: SERIES }, (_, index) => `series-${index + 1}`)]
  const of = (at: 1 | 2) =>
    names
      .map(name => `--${name}:${new RegExp(`--${name}: light-dark\\((\\S+), (\\S+)\\)`).exec(tokens)?.[at] ?? ''}`)
      .join(';')
  return `svg{${of(1)}}@media(prefers-color-scheme:dark){svg{${of(2)}}}`
}

const STYLE = [
  'text{font:13px system-ui,sans-serif;fill:var(--text)}',
  '.muted{fill:var(--text-muted)}.small{font-size:12px}.middle{text-anchor:middle}.end{text-anchor:end}',
  '.grid{stroke:var(--line)}.axis{stroke:var(--line-strong)}.limit{stroke:var(--critical);stroke-dasharray:5 4}',
  '.curve{fill:none;stroke-width:2.5;stroke-linejoin:round}',
  ...Array.from({ length: SERIES }, (_, index) => {
    const colour = `var(--series-${index + 1})`
    return `.fill-${index}{fill:${colour}}.stroke-${index}{stroke:${colour}}`
  }),
].join('')

export const escaped = (text: string) => text.replaceAll('&', '&amp;').replaceAll('<', '&lt;')
/** Half a pixel is not seen; more digits would make the file differ between machines. */
export const px = (value: number) => String(Math.round(value * 10) / 10)

export const text = (x: number, y: number, words: string, classes = '') =>
  `<text x="${px(x)}" y="${px(y)}"${classes === '' ? '' : ` class="${classes}"`}>${escaped(words)}</text>`
export const line = (x1: number, y1: number, x2: number, y2: number, name: string) =>
  `<line x1="${px(x1)}" y1="${px(y1)}" x2="${px(x2)}" y2="${px(y2)}" class="${name}"/>`
export const box = (x: number, y: number, width: number, height: number, name: string) =>
  `<rect x="${px(x)}" y="${px(y)}" width="${px(width)}" height="${px(height)}" class="${name}"/>`

/** Names beside their colours, in one row. */
export function legend(x: number, y: number, names: readonly string[]): string {
  let at = x
  return names
    .map((name, index) => {
      const own = box(at, y - 10, 12, 12, `fill-${index}`) + text(at + 18, y, name, 'small')
      at += 34 + name.length * 6.6
      return own
    })
    .join('')
}

/** A whole figure. `title` is what a screen reader says. */
export function svg(width: number, height: number, title: string, body: readonly string[]): string {
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}" role="img">`,
    `<title>${escaped(title)}</title>`,
    `<style>${colours()}${STYLE}</style>`,
    `<rect width="${width}" height="${height}" rx="6" style="fill:var(--surface)"/>`,
    ...body,
    '</svg>',
    '',
  ].join('\n')
}
