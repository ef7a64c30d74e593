// Builds the command line (esbuild → dist/) and the page (next build → .next/), each only when its sources have changed.
import { spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'

const root = resolve(fileURLToPath(import.meta.url), '../..')
const CODE = ['base', 'wire', 'math', 'collectors', 'agent', 'analysis', 'hub', 'cli']
const PAGE = ['app', 'base', 'wire', 'math', 'next.config.js', 'tsconfig.json', 'package-lock.json']

function files(path) {
  if (!existsSync(path)) return []
  if (!statSync(path).isDirectory()) return [path]
  return readdirSync(path)
    .sort()
    .flatMap(name => files(join(path, name)))
}

function stampOf(places) {
  const hash = createHash('sha256').update(process.version)
  for (const file of places.flatMap(place => files(join(root, place)))) {
    if (!/\.(ts|tsx|js|mjs|css|svg|json)$/.test(file)) continue
    hash.update(file.slice(root.length)).update(readFileSync(file))
  }
  return hash.digest('hex')
}

function step({ name, stampFile, places, why }, log, work) {
  const stamp = stampOf(places)
  if (existsSync(stampFile) && readFileSync(stampFile, 'utf8') === stamp) return
  log(`building ${name} (${why}) …`)
  const from = Date.now()
  work()
  mkdirSync(resolve(stampFile, '..'), { recursive: true })
  writeFileSync(stampFile, stamp)
  log(`built ${name} in ${((Date.now() - from) / 1000).toFixed(1)} s`)
}

/** @param {{ page: boolean, log: (line: string) => void }} options */
export async function build({ page, log }) {
  const { buildSync } = await import('esbuild').catch(() => ({ buildSync: undefined }))
  if (buildSync === undefined) {
    if (existsSync(join(root, 'dist/entry.js'))) return
    console.error('error: the packages are not installed')
    console.error('fix: npm ci')
    process.exit(1)
  }
  const code = {
    name: 'the command line',
    why: 'once; about a second',
    stampFile: join(root, 'dist/.stamp'),
    places: CODE,
  }
  step(code, log, () =>
    buildSync({
      ...{ absWorkingDir: root, entryPoints: ['cli/entry.ts'], outdir: 'dist', bundle: true, splitting: true },
      ...{
        platform: 'node',
        format: 'esm',
        target: 'node20',
        packages: 'external',
        sourcemap: 'linked',
        logLevel: 'warning',
      },
    }),
  )
  if (!page) return
  const pageStep = {
    name: 'the dashboard',
    why: 'once; about half a minute',
    stampFile: join(root, '.next/.stamp'),
    places: PAGE,
  }
  step(pageStep, log, () => {
    const result = spawnSync(process.execPath, [join(root, 'node_modules/next/dist/bin/next'), 'build'], {
      ...{
        cwd: root,
        env: { ...process.env, NEXT_TELEMETRY_DISABLED: '1' },
        encoding: 'utf8',
        stdio: ['ignore', 'pipe', 'pipe'],
      },
    })
    if (result.status !== 0) {
      console.error(`${result.stdout}\n${result.stderr}`)
      console.error('error: the dashboard did not build')
      console.error('fix: read what stands above; `npm ci` repairs a damaged installation')
      process.exit(1)
    }
  })
}

if (process.argv[1] === fileURLToPath(import.meta.url)) await build({ page: true, log: line => console.log(line) })
