import { existsSync, readFileSync } from 'node:fs'
import { dirname, join, resolve } from 'node:path'
import { Command } from 'commander'
import { describe, expect, it } from 'vitest'
import { flagOf } from '../../base/config'
import { commands } from '../../cli/index'
import { settings } from '../../cli/settings'
import { figures } from '../../scripts/figures'
import { NODE_ADVICE, RUN_ADVICE } from '../../scripts/metrics-advice'
import { exportedName, metricsPage } from '../../scripts/metrics-page'
import { RUN_FIGURES } from '../../hub/run-metrics'
import { fieldsOf, kinds, type Kind } from '../../wire/metrics'
import { ROOT } from '../plumbline'
import { MAY_IMPORT } from './import-table'

const PAGES = [
  'README.md',
  'ARCHITECTURE.md',
  'CONTRIBUTING.md',
  'CHANGELOG.md',
  'docs/start.md',
  'docs/attach.md',
  'docs/theory.md',
  'docs/collector.md',
  'docs/operating.md',
  'docs/metrics.md',
  'docs/security.md',
  'deploy/README.md',
  'deploy/slurm/README.md',
]
/** Options that every command has. */
const EVERYWHERE = ['--json', '--print-config', '--help']
const read = (page: string) => readFileSync(join(ROOT, page), 'utf8')
const { scripts } = JSON.parse(read('package.json')) as { scripts: Record<string, string> }

/** Local files that a page names: targets of links, and paths in code that begin with a folder of the house. */
function pathsIn(text: string): string[] {
  const links = [...text.matchAll(/\]\((?!https?:)([^)#]+)\)/g)].map(([, target]) => target ?? '')
  const folders = [...Object.keys(MAY_IMPORT), 'hook', 'examples', 'test', 'scripts', 'bin', 'docs']
  const coded = [...text.matchAll(/`([\w.[\]/-]+)`/g)].map(([, target]) => target ?? '')
  return [...links, ...coded.filter(target => folders.some(folder => target.startsWith(`${folder}/`)))]
}

describe.each(PAGES)('%s', page => {
  it('names only files that are there', () => {
    // Capitals stand for a name that the reader chooses.
    const named = pathsIn(read(page)).filter(path => !/[A-Z]{4}/.test(path) || path.endsWith('.md'))
    // Links are from the page on; what stands in code is from the root on.
    const isThere = (path: string) => existsSync(resolve(ROOT, dirname(page), path)) || existsSync(join(ROOT, path))
    expect(named.filter(path => !isThere(path))).toEqual([])
  })

  it('names only scripts and commands that there are', () => {
    const text = read(page)
    const npm = [...text.matchAll(/npm run ([\w:-]+)/g)].map(([, name]) => name ?? '')
    expect(npm.filter(name => scripts[name] === undefined)).toEqual([])
    const own = [...text.matchAll(/(?:^ {4}|`|npx )plumbline ([a-z]+)/gm)].map(([, name]) => name ?? '')
    expect(own.filter(name => commands.get(name) === undefined)).toEqual([])
  })
})

/** As headings become anchors where Markdown is shown. */
const anchorOf = (heading: string) =>
  heading
    .toLowerCase()
    .replaceAll(/[^\p{L}\p{N} _-]/gu, '')
    .replaceAll(' ', '-')

describe('links with an anchor', () => {
  it('lead to a heading that is there', () => {
    const missing = PAGES.flatMap(page =>
      [...read(page).matchAll(/\]\((?!https?:)([^)#]*)#([^)]+)\)/g)].filter(([, path = '', anchor]) => {
        const target = path === '' ? page : join(dirname(page), path)
        const headings = [...read(target).matchAll(/^#+ (.+)$/gm)].map(([, heading = '']) => anchorOf(heading))
        return !headings.includes(anchor ?? '')
      }),
    )
    expect(missing).toEqual([])
  })
})

describe('commands with options', () => {
  it('name only options that there are', async () => {
    const unknown: string[] = []
    for (const page of PAGES)
      for (const [whole, name = '', rest = ''] of read(page).matchAll(
        /(?<![\w-])plumbline ([a-z]+)((?: [^`|\n]*)?)/g,
      )) {
        const entry = commands.get(name)
        if (entry === undefined) continue
        const program = new Command(name)
        ;(await entry.load()).command.configure(program)
        const known = [...program.options.map(({ long }) => long), ...Object.keys(settings).map(flagOf), ...EVERYWHERE]
        const own = rest.split(' -- ')[0] ?? ''
        for (const [flag] of own.matchAll(/(?<=[ [])--[a-z][a-z-]*/g))
          if (!known.includes(flag)) unknown.push(`${page}: ${whole} has no ${flag}`)
      }
    expect(unknown).toEqual([])
  })
})

describe('the documents', () => {
  it('explain every metric as the catalogue has it now', () => {
    expect(read('docs/metrics.md'), 'run npm run metrics-page').toBe(metricsPage())
  })

  it('say of every metric that is exported what to do about it', () => {
    const advice: Partial<Record<Kind, Readonly<Record<string, string>>>> = NODE_ADVICE
    const exported = kinds.flatMap(kind =>
      fieldsOf(kind).flatMap(([name, field]) => (exportedName(kind, name, field) === '' ? [] : [{ kind, name }])),
    )
    expect(exported.length).toBeGreaterThan(30)
    expect(exported.filter(({ kind, name }) => advice[kind]?.[name] === undefined)).toEqual([])
    expect(Object.keys(RUN_ADVICE)).toEqual(RUN_FIGURES.map(({ name }) => name))
  })

  it.each(Object.keys(figures))('show %s as the code draws it now', name => {
    expect(read(`docs/figures/${name}`), 'run npm run figures').toBe(figures[name]?.())
    expect(read('docs/theory.md')).toContain(`(figures/${name})`)
  })

  it('give the import table as the law holds it', () => {
    const rows = [...read('ARCHITECTURE.md').matchAll(/^\| `(\w+)\/` \|[^|]*\| ([^|]*) \|$/gm)]
    const told = new Map(rows.map(([, folder, may]) => [folder, may]))
    for (const [folder, may] of Object.entries(MAY_IMPORT)) {
      if (folder === 'cli') expect(told.get(folder)).toBe('all but app')
      else expect(told.get(folder)).toBe(may.length === 0 ? 'nothing of ours' : may.join(', '))
    }
  })

  it('name every command in the README', () => {
    for (const { name } of commands) expect(read('README.md')).toContain(`plumbline ${name}`)
  })
})
