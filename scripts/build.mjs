// Builds the command line (esbuild → dist/) and the page (next build → .next/), each only when its sources have changed.
// `--fresh` builds both from nothing, for a package that is the same whoever packs it.
import { spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
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
  work(stamp)
  mkdirSync(resolve(stampFile, '..'), { recursive: true })
  writeFileSync(stampFile, stamp)
  log(`built ${name} in ${((Date.now() - from) / 1000).toFixed(1)} s`)
}

function buildCode(buildSync) {
  buildSync({
    absWorkingDir: root,
    entryPoints: { entry: 'cli/entry.ts', 'evidence-worker': 'cli/evidence/evidence-worker.ts' },
    outdir: 'dist',
    bundle: true,
    splitting: true,
    platform: 'node',
    format: 'esm',
    target: 'node20',
    packages: 'external',
    sourcemap: 'linked',
    logLevel: 'warning',
  })
}

/**
 * Next draws keys for draft mode at random and writes down where it was built. The page has no draft mode, and runs wherever
 * it is put: without both, two builds of the same sources are the same.
 */
function settle(stamp) {
  const key = (_, name) => `"${name}": "${createHash('sha256').update(stamp).update(name).digest('hex')}"`
  for (const name of ['prerender-manifest.json', 'server/preview-props.json', 'required-server-files.json']) {
    const path = join(root, '.next', name)
    const text = readFileSync(path, 'utf8')
    const settled = text.replace(/"(previewMode\w+)": ?"[0-9a-f]+"/g, key).replaceAll(JSON.stringify(root), '"."')
    writeFileSync(path, settled)
  }
}

function buildPage(stamp) {
  const env = {
    ...process.env,
    NEXT_TELEMETRY_DISABLED: '1',
    // The page has no server actions either: their key guards nothing.
    NEXT_SERVER_ACTIONS_ENCRYPTION_KEY: Buffer.from(stamp, 'hex').toString('base64'),
    PLUMBLINE_BUILD: stamp.slice(0, 16),
  }
  const next = join(root, 'node_modules/next/dist/bin/next')
  const result = spawnSync(process.execPath, [next, 'build'], {
    cwd: root,
    env,
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  if (result.status !== 0) {
    console.error(`${result.stdout}\n${result.stderr}`)
    console.error('error: the dashboard did not build')
    console.error('fix: read what stands above; `npm ci` repairs a damaged installation')
    process.exit(1)
  }
  settle(stamp)
}

/** @param {{ page: boolean, fresh?: boolean, log: (line: string) => void }} options */
export async function build({ page, fresh = false, log }) {
  const { buildSync } = await import('esbuild').catch(() => ({ buildSync: undefined }))
  if (buildSync === undefined) {
    if (existsSync(join(root, 'dist/entry.js'))) return
    console.error('error: the packages are not installed')
    console.error('fix: npm ci')
    process.exit(1)
  }
  if (fresh) for (const folder of ['dist', '.next']) rmSync(join(root, folder), { recursive: true, force: true })
  const code = {
    name: 'the command line',
    why: 'once; about a second',
    stampFile: join(root, 'dist/.stamp'),
    places: CODE,
  }
  step(code, log, () => buildCode(buildSync))
  if (!page) return
  const dashboard = {
    name: 'the dashboard',
    why: 'once; about half a minute',
    stampFile: join(root, '.next/.stamp'),
    places: PAGE,
  }
  step(dashboard, log, buildPage)
}

if (process.argv[1] === fileURLToPath(import.meta.url))
  await build({ page: true, fresh: process.argv.includes('--fresh'), log: line => console.error(line) })
