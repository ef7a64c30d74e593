// Packs the package and the agent's file from two clean clones in folders of different names, and compares them byte for byte.
//   node scripts/reproducible.mjs                what is committed; with node_modules of here
//   node scripts/reproducible.mjs --executable   and the agent as one program
import { execFileSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'

const root = resolve(fileURLToPath(import.meta.url), '../..')
const flags = process.argv.includes('--executable') ? ['--executable'] : []
const commit = execFileSync('git', ['rev-parse', 'HEAD'], { cwd: root, encoding: 'utf8' }).trim()
const run = (cwd, command, ...args) => execFileSync(command, args, { cwd, stdio: ['ignore', 'ignore', 'inherit'] })

/** SHA-256 of each thing that is given away, by its name. */
function built(clone) {
  run(root, 'git', 'clone', '--quiet', '--no-checkout', root, clone)
  run(clone, 'git', 'checkout', '--quiet', commit)
  // Hard links: as if installed there, and at once.
  run(root, 'cp', '-al', join(root, 'node_modules'), join(clone, 'node_modules'))
  run(clone, 'npm', 'pack')
  run(clone, 'node', 'scripts/agent.mjs', ...flags)
  const archive = readdirSync(clone).filter(name => name.endsWith('.tgz'))
  const alone = readdirSync(join(clone, 'dist/alone')).map(name => join('dist/alone', name))
  const hash = name =>
    createHash('sha256')
      .update(readFileSync(join(clone, name)))
      .digest('hex')
  return new Map([...archive, ...alone].map(name => [name, hash(name)]))
}

const folder = mkdtempSync(join(root, '..', '.plumbline-twice-'))
try {
  const one = built(join(folder, 'one'))
  const other = built(join(folder, 'the-other'))
  const differing = [...one].filter(([name, hash]) => other.get(name) !== hash)
  for (const [name, hash] of one) console.log(`${other.get(name) === hash ? 'same' : 'DIFFERS'} ${hash} ${name}`)
  process.exitCode = differing.length > 0 || one.size !== other.size ? 1 : 0
} finally {
  rmSync(folder, { recursive: true, force: true })
}
