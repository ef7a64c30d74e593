#!/usr/bin/env node
// Runs the command line. In a clone it first builds what is missing, with progress shown; a package comes built.
import { existsSync } from 'node:fs'

const [major = 0, minor = 0] = process.versions.node.split('.').map(Number)
if (major < 20 || (major === 20 && minor < 9)) {
  console.error(`error: Plumbline needs Node 20.9 or newer, this is ${process.versions.node}`)
  console.error('fix: install a current Node.js')
  process.exit(1)
}
const builder = new URL('../scripts/build.mjs', import.meta.url)
if (existsSync(builder)) {
  // Only a hub that will show the page needs it built.
  const words = process.argv.slice(2)
  const page =
    words[0] === 'start' && !['--no-page', '--help', '-h', '--print-config'].some(flag => words.includes(flag))
  const { build } = await import(builder.href)
  await build({ page, log: line => console.error(line) })
}
await import('../dist/entry.js')
