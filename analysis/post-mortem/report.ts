/** A post-mortem as a text for an issue tracker, and as one HTML file that needs nothing else. */
import type { MemoryPart, PostMortem, Remedy } from '../../wire/post-mortem'
import {
  bytesText as bytes,
  CERTAINTY,
  figuresText,
  fitsText,
  placeText,
  stepTimeText,
} from '../../wire/post-mortem-text'

export interface ReportOf {
  readonly name: string
  readonly run: string
  /** Where the page of it is; undefined where it has none. */
  readonly url: string | undefined
}

const cell = (text: string) => text.replaceAll('|', '\\|').replaceAll('\n', ' ')
const row = (cells: readonly string[]) => `| ${cells.map(cell).join(' | ')} |`
const table = (head: readonly string[], rows: readonly (readonly string[])[]) =>
  [row(head), row(head.map(() => '---')), ...rows.map(row)].join('\n')

const remedyFigures = (remedy: Remedy) => [
  bytes(remedy.savedBytes),
  bytes(remedy.headroomBytes),
  fitsText(remedy),
  stepTimeText(remedy.stepTimeChange),
]
const remedyCells = (remedy: Remedy) => [
  remedy.how === null ? remedy.title : `${remedy.title} (\`${remedy.how}\`)`,
  ...remedyFigures(remedy),
]
const REMEDY_HEAD = ['change', 'saves', 'left free', 'fits', 'step time']

export function markdownOf(found: PostMortem, { name, run, url }: ReportOf): string {
  const { causes, parts, remedies, victims, gaps, event } = found
  const sections = [
    `# Out of memory: ${name}`,
    `${placeText(found)}. Run \`${run}\`${url === undefined ? '' : `, ${url}`}.${found.recovered ? ' The job went on after it.' : ''}`,
    `## Why\n\n${causes.map(one => `- **${CERTAINTY[one.certainty]}${one.title}**: ${one.evidence}`).join('\n')}`,
    `## What the error says\n\n${table(['figure', 'bytes'], figuresText(found))}\n\n\`\`\`\n${event.message.replaceAll('```', "'''")}\n\`\`\``,
    parts.length === 0
      ? ''
      : `## The device at that moment\n\n${table(
          ['part', 'bytes', 'from'],
          parts.map(part => [part.name, bytes(part.bytes), `${part.provenance}: ${part.help}`]),
        )}`,
    remedies.length === 0 ? '' : `## What would have fitted\n\n${table(REMEDY_HEAD, remedies.map(remedyCells))}`,
    victims.length === 0
      ? ''
      : `## What failed because of it\n\n${victims.map(one => `- ${one.type}${one.rank === null ? '' : ` on rank ${one.rank}`}: ${one.message.slice(0, 200).replaceAll('\n', ' ')}`).join('\n')}`,
    gaps.length === 0 ? '' : `## What is not known\n\n${gaps.map(gap => `- ${gap}`).join('\n')}`,
  ]
  return `${sections.filter(Boolean).join('\n\n')}\n`
}

const ESCAPES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
}
const escape = (text: string) => text.replace(/[&<>"']/g, letter => ESCAPES[letter] ?? letter)

const COLORS = ['#3b6fb6', '#b65a3b', '#5b8c3e', '#8a5bb0', '#b08a2e', '#4d9a9a', '#777777', '#c9ced6']
const colorOf = ({ name }: MemoryPart, place: number) =>
  name === 'free' ? 'var(--free)' : (COLORS[place % COLORS.length] ?? '')

/** What was held, and hatched beyond it what could not be had. */
function htmlBar({ parts, event: { capacityBytes, requestedBytes } }: PostMortem): string {
  const held = parts.reduce((sum, part) => sum + part.bytes, 0)
  const whole = Math.max(capacityBytes ?? 0, held) + (requestedBytes ?? 0)
  if (whole === 0) return ''
  const piece = (width: number, background: string, title: string) =>
    `<span style="width:${((100 * width) / whole).toFixed(3)}%;background:${background}" title="${escape(`${title}: ${bytes(width)}`)}"></span>`
  const pieces = parts.map((part, place) => piece(part.bytes, colorOf(part, place), part.name))
  const asked = requestedBytes === null ? '' : piece(requestedBytes, HATCHED, 'asked for')
  const words =
    requestedBytes === null ? '' : `<p class="muted">Hatched: the ${bytes(requestedBytes)} that could not be had.</p>`
  return `<div class="bar">${pieces.join('')}${asked}</div>${words}`
}
const HATCHED = 'repeating-linear-gradient(135deg,#c0392b 0 4px,transparent 4px 8px)'

/** Cells as HTML. */
const htmlTable = (head: readonly string[], rows: readonly (readonly string[])[]) =>
  `<table><thead><tr>${head.map(text => `<th>${escape(text)}</th>`).join('')}</tr></thead><tbody>${rows
    .map(cells => `<tr>${cells.map(html => `<td>${html}</td>`).join('')}</tr>`)
    .join('')}</tbody></table>`

const htmlParts = (found: PostMortem) =>
  htmlBar(found) +
  htmlTable(
    ['part', 'bytes', 'from'],
    found.parts.map((part, place) => [
      `<i style="background:${colorOf(part, place)}"></i>${escape(part.name)}`,
      ...[bytes(part.bytes), `${part.provenance}: ${part.help}`].map(escape),
    ]),
  )

const htmlRemedies = (remedies: readonly Remedy[]) =>
  htmlTable(
    REMEDY_HEAD,
    remedies.map(remedy => [
      escape(remedy.title) + (remedy.how === null ? '' : `<br><code>${escape(remedy.how)}</code>`),
      ...remedyFigures(remedy).map(escape),
    ]),
  )

const STYLE = `:root{--free:#e6e9ee}a{color:#0a5ca8}i{display:inline-block;width:.7rem;height:.7rem;margin-right:.5rem;border-radius:2px}
.bar,i{print-color-adjust:exact}td+td:not(:last-child){white-space:nowrap}@media print{h2,tr{break-inside:avoid;break-after:avoid-page}}
body{font:15px/1.5 system-ui,sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem;color:#1c2430;background:#fff}
h1{font-size:1.5rem}h2{font-size:1.1rem;margin-top:2rem}table{border-collapse:collapse;width:100%}td,th{text-align:left;padding:.3rem .6rem;border-bottom:1px solid #dde1e7;vertical-align:top}
pre{white-space:pre-wrap;background:#f4f5f7;padding:.8rem;border-radius:6px}.bar{display:flex;height:28px;border-radius:4px;overflow:hidden;margin:.6rem 0}.muted{color:#5a6472}
@media screen and (prefers-color-scheme:dark){:root{--free:#2f3844}a{color:#7db8f5}body{background:#12161c;color:#e4e8ee}td,th{border-color:#2a313b}pre{background:#1b212a}.muted{color:#98a2b0}}`

/** One file: no script, nothing loaded from elsewhere. */
export function htmlOf(found: PostMortem, { name, run, url }: ReportOf): string {
  const { causes, parts, remedies, victims, gaps, event } = found
  const section = (title: string, body: string) => (body === '' ? '' : `<h2>${escape(title)}</h2>${body}`)
  const list = (items: readonly string[]) =>
    items.length === 0 ? '' : `<ul>${items.map(item => `<li>${item}</li>`).join('')}</ul>`
  const link = url === undefined ? escape(run) : `<a href="${escape(url)}">${escape(run)}</a>`
  const body = [
    `<h1>Out of memory: ${escape(name)}</h1><p class="muted">${escape(placeText(found))}. Run ${link}.${found.recovered ? ' The job went on after it.' : ''}</p>`,
    section(
      'Why',
      list(causes.map(one => `<b>${escape(CERTAINTY[one.certainty] + one.title)}</b>: ${escape(one.evidence)}`)),
    ),
    section('The device at that moment', parts.length === 0 ? '' : htmlParts(found)),
    section('What would have fitted', remedies.length === 0 ? '' : htmlRemedies(remedies)),
    section(
      'What the error says',
      htmlTable(
        ['figure', 'bytes'],
        figuresText(found).map(cells => cells.map(escape)),
      ) + `<pre>${escape(event.message)}</pre>`,
    ),
    section(
      'What failed because of it',
      list(
        victims.map(one =>
          escape(`${one.type}${one.rank === null ? '' : ` on rank ${one.rank}`}: ${one.message.slice(0, 200)}`),
        ),
      ),
    ),
    section('What is not known', list(gaps.map(escape))),
  ]
  return `<!doctype html><html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>${escape(`Out of memory: ${name}`)}</title><style>${STYLE}</style></head><body>${body.join('\n')}</body></html>\n`
}
