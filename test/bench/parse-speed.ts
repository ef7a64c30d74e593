/**
 * How fast logs are read on one core: MB/s of each format beside `grep -c` and beside a regular expression of Python's over
 * the same file, as ratios.
 *
 *     npm run bench:parse [-- MEBIBYTES]
 */
import { spawnSync } from 'node:child_process'
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { formats } from '../../collectors/logs/index'
import { createLogReader } from '../../collectors/logs/read'

const BYTES = Number(process.argv[2] ?? 32) * 1024 * 1024
const CHUNK = 1024 * 1024
const folder = mkdtempSync(join(tmpdir(), 'plumbline-parse-'))
const fixtures = join(import.meta.dirname, '../fixtures/logs')
/** What a person would write first: the numbers of a line. */
const PYTHON = `
import re, sys, time
number = re.compile(r'[a-z_ ]+[:=]? *([-+]?[0-9.]+(?:e[-+]?[0-9]+)?)', re.I)
began = time.perf_counter()
count = 0
for line in open(sys.argv[1], errors='replace'):
    count += len(number.findall(line))
print(time.perf_counter() - began)
`

function secondsOf(run: () => void): number {
  const from = performance.now()
  run()
  return (performance.now() - from) / 1000
}

function ours(bytes: Buffer): number {
  return secondsOf(() => {
    const reader = createLogReader()
    for (let at = 0; at < bytes.length; at += CHUNK) reader.push(bytes.subarray(at, at + CHUNK))
    reader.end()
  })
}

console.log('format'.padEnd(20), '  MB/s', '  × grep -c', '  × Python re')
for (const { name } of formats) {
  const own = join(fixtures, name)
  if (!existsSync(own)) continue
  const text = Buffer.concat(
    readdirSync(own)
      .filter(file => file.endsWith('.log'))
      .map(file => readFileSync(join(own, file))),
  )
  const bytes = Buffer.concat(Array.from({ length: Math.ceil(BYTES / text.length) }, () => text))
  const path = join(folder, `${name}.log`)
  writeFileSync(path, bytes)
  const mine = ours(bytes)
  const grep = secondsOf(() => spawnSync('grep', ['-c', 'loss', path], { env: { ...process.env, LC_ALL: 'C' } }))
  const python = Number(spawnSync('python3', ['-c', PYTHON, path], { encoding: 'utf8' }).stdout)
  const rate = bytes.length / 1e6 / mine
  console.log(
    name.padEnd(20),
    rate.toFixed(1).padStart(6),
    (grep / mine).toFixed(4).padStart(11),
    (python / mine).toFixed(2).padStart(13),
  )
  rmSync(path)
}
rmSync(folder, { recursive: true })
console.log('× above 1: faster than it, over the same bytes on one core')
