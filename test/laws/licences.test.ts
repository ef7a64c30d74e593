/** What is shipped may be shipped: its licences are known, and LICENCES.md tells them as they are now. */
import { spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { ROOT } from '../plumbline'

/** Permissive ones; LGPL of a library that is a separate file, as it comes; CC-BY of a table of browsers. */
const MAY = ['MIT', 'ISC', '0BSD', 'BSD-2-Clause', 'BSD-3-Clause', 'Apache-2.0', 'LGPL-3.0-or-later', 'CC-BY-4.0']

const list = readFileSync(join(ROOT, 'LICENCES.md'), 'utf8')
const rows = [...list.matchAll(/^\| ([^|]+) \| [^|]+ \| ([^|]+) \|$/gm)]
  .map(([, name = '', licence = '']) => ({ name, licence }))
  .filter(({ name }) => name !== 'package')

describe('LICENCES.md', () => {
  it('is what the lock file says', () => {
    const { stdout } = spawnSync('node', [join(ROOT, 'scripts/licences.mjs')], { encoding: 'utf8' })
    expect(list.trim(), 'run node scripts/licences.mjs --write').toBe(stdout.trim())
  })

  it('has only licences under which it may be shipped', () => {
    expect(rows.length).toBeGreaterThan(100)
    expect(rows.filter(({ licence }) => !licence.split(' AND ').every(one => MAY.includes(one)))).toEqual([])
  })
})
