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

const remedyCells = (remedy: Remedy) => [
  remedy.how === null ? remedy.title : `${remedy.title} (\`${remedy.how}\`)`,
  ...[bytes(remedy.savedBytes), bytes(remedy.headroomBytes), fitsText(remedy), stepTimeText(remedy.stepTimeChange)],
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

function htmlBar(parts: readonly MemoryPart[], capacity: number | null): string {
  const whole = Math.max(
    capacity ?? 0,
    parts.reduce((sum, part) => sum + part.bytes, 0),
  )
  if (whole === 0) return ''
  const pieces = parts.map(
    (part, index) =>
      `<span style="width:${((100 * part.bytes) / whole).toFixed(3)}%;background:${part.name === 'free' ? '#e6e9ee' : (COLORS[index % COLORS.length] ?? '')}" title="${escape(`${part.name}: ${bytes(part.bytes)}`)}"></span>`,
  )
  return `<div class="bar">${pieces.join('')}</div>`
}

const htmlTable = (head: readonly string[], rows: readonly (readonly string[])[]) =>
  `<table><thead><tr>${head.map(text => `<th>${escape(text)}</th>`).join('')}</tr></thead><tbody>${rows
    .map(cells => `<tr>${cells.map(text => `<td>${escape(text)}</td>`).join('')}</tr>`)
    .join('')}</tbody></table>`

const STYLE = `body{font:15px/1.5 system-ui,sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem;color:#1c2430;background:#fff}
h1{font-size:1.5rem}h2{font-size:1.1rem;margin-top:2rem}table{border-collapse:collapse;width:100%}td,th{text-align:left;padding:.3rem .6rem;border-bottom:1px solid #dde1e7;vertical-align:top}
pre{white-space:pre-wrap;background:#f4f5f7;padding:.8rem;border-radius:6px}.bar{display:flex;height:28px;border-radius:4px;overflow:hidden;margin:.6rem 0}.muted{color:#5a6472}
@media (prefers-color-scheme:dark){body{background:#12161c;color:#e4e8ee}td,th{border-color:#2a313b}pre{background:#1b212a}.muted{color:#98a2b0}}`

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
    section(
      'The device at that moment',
      parts.length === 0
        ? ''
        : htmlBar(parts, event.capacityBytes) +
            htmlTable(
              ['part', 'bytes', 'from'],
              parts.map(part => [part.name, bytes(part.bytes), `${part.provenance}: ${part.help}`]),
            ),
    ),
    section('What would have fitted', remedies.length === 0 ? '' : htmlTable(REMEDY_HEAD, remedies.map(remedyCells))),
    section(
      'What the error says',
      htmlTable(['figure', 'bytes'], figuresText(found)) + `<pre>${escape(event.message)}</pre>`,
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
