import { existsSync, readFileSync } from 'node:fs'
import { dirname, join, resolve } from 'node:path'
import { describe, expect, it } from 'vitest'
import { commands } from '../../cli/index'
import { metricsPage } from '../../scripts/metrics-page'
import { ROOT } from '../plumbline'
import { MAY_IMPORT } from './import-table'

const PAGES = [
  'README.md',
  'ARCHITECTURE.md',
  'CONTRIBUTING.md',
  'CHANGELOG.md',
  'docs/attach.md',
  'docs/operating.md',
  'docs/metrics.md',
  'deploy/README.md',
  'deploy/slurm/README.md',
]
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

describe('the documents', () => {
  it('explain every metric as the catalogue has it now', () => {
    expect(read('docs/metrics.md'), 'run npm run metrics-page').toBe(metricsPage())
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
