// The agent alone, without the hub: one file for Node, and with `--executable` one program that needs no Node.
//   node scripts/agent.mjs                              dist/alone/plumbline-agent.cjs
//   node scripts/agent.mjs --executable [x64|arm64 …]   dist/alone/plumbline-agent-linux-ARCH as well
import { execFileSync } from 'node:child_process'
import {
  chmodSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { build } from 'esbuild'

const root = resolve(fileURLToPath(import.meta.url), '../..')
const folder = join(root, 'dist/alone')
const file = join(folder, 'plumbline-agent.cjs')
/** The programs of Node come from npm, as it publishes them: one for each kind of machine, the same for everybody. */
const NODE = '20.19.6'
const FUSE = 'NODE_SEA_FUSE_fce680ab2cc467b6e072b8b5df1996b2'

const mebibytes = path => `${(statSync(path).size / 2 ** 20).toFixed(1)} MiB`

/** What `cli/alone/` has in place of a file of `cli/`, for whoever imports that there. */
const alone = {
  name: 'alone',
  setup({ onResolve }) {
    onResolve({ filter: /^\.\.?\/[\w-]+$/ }, ({ path, importer }) => {
      const inPlace = join(root, 'cli/alone', `${basename(path)}.ts`)
      return importer.startsWith(join(root, 'cli/')) && existsSync(inPlace) ? { path: inPlace } : undefined
    })
  },
}

async function bundle() {
  await build({
    absWorkingDir: root,
    entryPoints: ['cli/entry.ts'],
    outfile: file,
    bundle: true,
    minify: true,
    keepNames: true,
    platform: 'node',
    format: 'cjs',
    target: 'node20',
    loader: { '.py': 'text' },
    plugins: [alone],
    define: { 'import.meta.url': 'hereUrl' },
    banner: { js: "#!/usr/bin/env node\nconst hereUrl = require('node:url').pathToFileURL(__filename).href;" },
    logLevel: 'error',
  })
  chmodSync(file, 0o755)
  console.log(`${file}: ${mebibytes(file)}`)
}

/** Puts the file into a Node program: https://nodejs.org/docs/latest-v20.x/api/single-executable-applications.html */
async function executable(arch) {
  const { inject } = await import('postject')
  const work = mkdtempSync(join(tmpdir(), 'plumbline-executable-'))
  try {
    // The first line is for a shell alone.
    writeFileSync(join(work, 'agent.cjs'), readFileSync(file, 'utf8').replace(/^#!.*\n/, ''))
    // Named as from its own folder: the path is kept in the program, and two of the same sources are the same.
    const config = { main: 'agent.cjs', output: 'agent.blob', disableExperimentalSEAWarning: true }
    writeFileSync(join(work, 'sea.json'), JSON.stringify(config))
    execFileSync(process.execPath, ['--experimental-sea-config', 'sea.json'], { cwd: work, stdio: 'pipe' })
    const npm = ['pack', '--silent', `node-linux-${arch}@${NODE}`, '--pack-destination', work]
    const packed = execFileSync('npm', npm, { encoding: 'utf8' }).trim()
    execFileSync('tar', ['-xzf', join(work, packed), '-C', work])
    const program = join(folder, `plumbline-agent-linux-${arch}`)
    copyFileSync(join(work, 'package/bin/node'), program)
    await inject(program, 'NODE_SEA_BLOB', readFileSync(join(work, 'agent.blob')), { sentinelFuse: FUSE })
    chmodSync(program, 0o755)
    console.log(`${program}: ${mebibytes(program)}`)
  } finally {
    rmSync(work, { recursive: true, force: true })
  }
}

mkdirSync(folder, { recursive: true })
await bundle()
const at = process.argv.indexOf('--executable')
const named = at < 0 ? [] : process.argv.slice(at + 1)
const wanted = at < 0 ? [] : named.length > 0 ? named : [process.arch]
for (const arch of wanted) await executable(arch)
