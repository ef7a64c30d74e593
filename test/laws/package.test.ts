/** What `npm pack` puts into the package: what it needs to run without building, and nothing else. */
import { spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { beforeAll, describe, expect, it } from 'vitest'
import { z } from 'zod'
import { ROOT } from '../plumbline'

const NEEDED = [
  'bin/plumbline.js',
  'package.json',
  'next.config.js',
  'hook/plumbline_hook.py',
  'examples/train.py',
  'cli/demo/nvidia-smi',
  'cli/demo/recording/rank-0.jsonl.gz',
  'LICENSE',
  'README.md',
  'CHANGELOG.md',
]
/** Only where it was built before: the laws also run on a clone as it comes. */
const BUILT = ['dist/entry.js', '.next/BUILD_ID', '.next/required-server-files.json', '.next/routes-manifest.json']
const WANTED =
  /^(bin|dist|\.next|hook|examples|deploy|cli\/demo)\/|^(package\.json|next\.config\.js|LICENSE|[A-Z-]+\.md)$/
const MOST_BYTES = 3 * 2 ** 20

const schema = z.array(z.object({ size: z.number(), files: z.array(z.object({ path: z.string() })) }))
let packed: z.infer<typeof schema>[number] | undefined
const paths = () => packed?.files.map(({ path }) => path) ?? []

beforeAll(() => {
  const npm = spawnSync('npm', ['pack', '--dry-run', '--json', '--ignore-scripts'], { cwd: ROOT, encoding: 'utf8' })
  packed = schema.parse(JSON.parse(npm.stdout))[0]
})

describe('the package', () => {
  it('holds what the command line reads at run time', () => {
    expect(paths()).toEqual(expect.arrayContaining(NEEDED))
  })

  it.runIf(BUILT.every(path => existsSync(join(ROOT, path))))('holds the built command line and page', () => {
    expect(paths()).toEqual(expect.arrayContaining(BUILT))
  })

  it('holds no sources, maps, caches or tests', () => {
    expect(paths().filter(path => !WANTED.test(path) || /\.(map|tsx?)$|\/cache\/|^dist\/alone/.test(path))).toEqual([])
  })

  it('has no builder: bin/plumbline.js then builds nothing', () => {
    expect(paths()).not.toContain('scripts/build.mjs')
  })

  it('keeps to its size', () => {
    expect(packed?.size).toBeLessThan(MOST_BYTES)
  })
})
