// The licences of what is shipped: every package that the package installs, by licence, and the hub's store among them.
//   node scripts/licences.mjs           prints the list
//   node scripts/licences.mjs --write   writes LICENCES.md
import { readFileSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'

const root = resolve(fileURLToPath(import.meta.url), '../..')

/** What the lock file leaves out, from the packages themselves and from the project that each is a part of. */
const KNOWN = [
  [/^@chdb\/lib-/, 'Apache-2.0'],
  [/^xmlhttprequest-ssl$/, 'MIT'],
]
const licenceOf = (name, said) => said ?? KNOWN.find(([names]) => names.test(name))?.[1]

/** Name, version and licence of every package that is installed with ours, in order, each version once. */
export function shipped() {
  const { packages } = JSON.parse(readFileSync(join(root, 'package-lock.json'), 'utf8'))
  const entries = Object.entries(packages)
    .filter(([path, about]) => path.startsWith('node_modules/') && about.dev !== true && about.devOptional !== true)
    .map(([path, { version, license }]) => {
      const name = path.split('node_modules/').at(-1)
      return { name, version, licence: licenceOf(name, license) }
    })
  const once = new Map(entries.map(entry => [`${entry.name}@${entry.version}`, entry]))
  return [...once.values()].sort((one, other) => (one.name < other.name ? -1 : one.name > other.name ? 1 : 0))
}

export function document() {
  const lines = shipped().map(({ name, version, licence }) => `| ${name} | ${version} | ${licence ?? 'not said'} |`)
  return [
    '# Licences of what is shipped',
    '',
    'Plumbline is under the [MIT licence](LICENSE). These packages come with it when it is installed; the agent alone carries those',
    'of them inside that it uses, and as one program Node.js (MIT, with the licences of what Node.js is made of).',
    'Made by `node scripts/licences.mjs --write` from package-lock.json.',
    '',
    '| package | version | licence |',
    '|---|---|---|',
    ...lines,
    '',
  ].join('\n')
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  if (process.argv.includes('--write')) writeFileSync(join(root, 'LICENCES.md'), document())
  else console.log(document())
}
