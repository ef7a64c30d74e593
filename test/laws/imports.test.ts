import { readdirSync, readFileSync, statSync } from 'node:fs'
import { dirname, join, relative, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import ts from 'typescript'
import { describe, expect, it } from 'vitest'
import { MAY_IMPORT } from './import-table'

const root = resolve(dirname(fileURLToPath(import.meta.url)), '../..')

/** Packages that only some files may import: one door each. */
const DOORS: readonly (readonly [packageName: RegExp, files: RegExp])[] = [
  [/^(node:)?child_process$/, /^collectors\/(host|launch)\.ts$/],
  [/^socket\.io-client$/, /^(agent\/uplink|app\/data\/[a-z-]+)\.tsx?$/],
  [/^socket\.io$/, /^hub\//],
  [/^(chdb|@clickhouse\/client)(\/|$)/, /^hub\/store\//],
  [/^(ioredis|@socket\.io\/redis-adapter)$/, /^hub\/fleet\/redis\.ts$/],
  [/^@opentelemetry\//, /^agent\/otlp\.ts$/],
  [/^prom-client$/, /^(agent|hub)\//],
]

function sourceFiles(folder: string): string[] {
  return readdirSync(folder).flatMap(name => {
    const path = join(folder, name)
    if (statSync(path).isDirectory()) return sourceFiles(path)
    return /\.tsx?$/.test(name) && !name.endsWith('.d.ts') ? [path] : []
  })
}

function importsOf(path: string): string[] {
  return ts.preProcessFile(readFileSync(path, 'utf8'), true, true).importedFiles.map(file => file.fileName)
}

const files = Object.keys(MAY_IMPORT).flatMap(folder => sourceFiles(join(root, folder)))

describe('the import table', () => {
  it('covers the files of the house', () => {
    expect(files.length).toBeGreaterThan(30)
  })

  it.each(Object.keys(MAY_IMPORT))('holds for %s', folder => {
    const wrong = files
      .map(path => ({ path, name: relative(root, path) }))
      .filter(({ name }) => name.startsWith(`${folder}/`))
      .flatMap(({ path, name }) =>
        importsOf(path)
          .filter(target => target.startsWith('.'))
          .map(target => ({ name, target: relative(root, resolve(dirname(path), target)) }))
          .filter(({ target }) => {
            const station = target.split('/')[0] ?? ''
            return station !== folder && target !== 'package.json' && MAY_IMPORT[folder]?.includes(station) !== true
          }),
      )
    expect(wrong).toEqual([])
  })

  it.each(DOORS)('lets only the door import %s', (packageName, door) => {
    const wrong = files
      .filter(path => importsOf(path).some(target => packageName.test(target)))
      .map(path => relative(root, path))
      .filter(name => !door.test(name))
    expect(wrong).toEqual([])
  })
})

/** What a file imports for more than its types. */
function valuesOf(path: string): string[] {
  const text = readFileSync(path, 'utf8').replaceAll(/^import type [^']*'[^']*'/gm, '')
  return ts.preProcessFile(text, true, true).importedFiles.map(file => file.fileName)
}

describe('the page', () => {
  it('carries no schemas: what checks them weighs as much as all of the page', () => {
    const seen = new Set<string>()
    const packages = new Map<string, string>()
    const visit = (path: string): void => {
      if (seen.has(path)) return
      seen.add(path)
      for (const target of valuesOf(path)) {
        const own = target.startsWith('.') ? resolve(dirname(path), target) : undefined
        if (own === undefined) packages.set(target, relative(root, path))
        else visit(files.find(file => file.replace(/\.tsx?$/, '') === own) ?? own)
      }
    }
    for (const path of files) if (relative(root, path).startsWith('app/')) visit(path)
    expect(packages.has('react')).toBe(true)
    expect(packages.get('zod')).toBeUndefined()
  })
})

/** The first way from a file back to itself, type imports included; undefined where there is none. */
function circleOf(targets: ReadonlyMap<string, readonly string[]>): string[] | undefined {
  const done = new Set<string>()
  const visit = (name: string, way: readonly string[]): string[] | undefined => {
    if (way.includes(name)) return [...way.slice(way.indexOf(name)), name]
    if (done.has(name)) return undefined
    for (const target of targets.get(name) ?? []) {
      const found = visit(target, [...way, name])
      if (found !== undefined) return found
    }
    done.add(name)
    return undefined
  }
  for (const name of targets.keys()) {
    const found = visit(name, [])
    if (found !== undefined) return found
  }
  return undefined
}

describe('the files of a folder', () => {
  it.each(['base', 'wire', 'analysis'])('import each other without a circle: %s', folder => {
    const own = files.filter(path => relative(root, path).startsWith(`${folder}/`))
    const bare = (path: string) => relative(root, path).replace(/\.tsx?$/, '')
    const targets = new Map(
      own.map(path => [
        bare(path),
        importsOf(path)
          .filter(target => target.startsWith('.'))
          .map(target => bare(resolve(dirname(path), target))),
      ]),
    )
    expect(circleOf(targets)).toBeUndefined()
  })
})

describe('a source file', () => {
  it('stays short enough to be read in one go', () => {
    const long = files
      .map(path => ({ name: relative(root, path), lines: readFileSync(path, 'utf8').split('\n').length }))
      .filter(({ lines }) => lines > 400)
    expect(long).toEqual([])
  })
})
