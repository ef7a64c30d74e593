/** docs/collector.md as somebody follows it: its files are written into a copy of the tree, compiled, and tested there. */
import { spawnSync } from 'node:child_process'
import { cpSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { ROOT } from '../plumbline'

const COPIED = ['base', 'wire', 'math', 'collectors', 'agent', 'analysis', 'hub', 'cli', 'test/unit', 'test/laws']
const WRITTEN = ['collectors/npu.ts', 'test/unit/npu.test.ts']
const SINGLE = ['package.json', 'tsconfig.json', 'vitest.config.ts', 'test/plumbline.ts']

/** Files by path: a block begins with a comment that names its file. */
function blocks(page: string): Map<string, string> {
  const found = page.matchAll(/^```ts\n\/\/ (\S+)\n([^]*?)^```$/gm)
  return new Map([...found].map(([, path = '', code = '']) => [path, code]))
}

let tree = ''
beforeAll(() => {
  tree = mkdtempSync(join(tmpdir(), 'plumbline-guide-'))
  for (const path of [...COPIED, ...SINGLE]) cpSync(join(ROOT, path), join(tree, path), { recursive: true })
  symlinkSync(join(ROOT, 'node_modules'), join(tree, 'node_modules'))
  const files = blocks(readFileSync(join(ROOT, 'docs/collector.md'), 'utf8'))
  const [added = '', entry = ''] = (files.get('collectors/index.ts') ?? '').split('\n')
  const index = join(tree, 'collectors/index.ts')
  const withBoth = readFileSync(index, 'utf8')
    .replace(/^import \{ proc \}/m, `${added}\n$&`)
    .replace(/^ {2}proc,$/m, `${entry}\n$&`)
  writeFileSync(index, withBoth)
  for (const path of WRITTEN) writeFileSync(join(tree, path), files.get(path) ?? '')
  const include = ['collectors/index.ts', 'test/unit/npu.test.ts']
  writeFileSync(join(tree, 'guide.json'), JSON.stringify({ extends: './tsconfig.json', include }))
})
afterAll(() => rmSync(tree, { recursive: true, force: true }))

function run(command: string, ...args: string[]) {
  const { status, stdout, stderr } = spawnSync(command, args, { cwd: tree, encoding: 'utf8' })
  expect(status, `${stdout}${stderr}`).toBe(0)
  return stdout
}

describe('the collector of the guide', () => {
  it('compiles as strictly as the house does', () => {
    run('npx', 'tsc', '--noEmit', '-p', 'guide.json', '--incremental', 'false')
    const style = ['--no-ignore', '--config', join(ROOT, '.prettierrc.json')]
    run('npx', 'prettier', '--check', ...style, ...WRITTEN, 'collectors/index.ts')
  })

  it('passes the law of all collectors, and its own test', () => {
    run('npx', 'vitest', 'run', 'test/laws/collectors.test.ts', 'test/unit/npu.test.ts')
  })

  it('is shown by doctor, with what is missing', () => {
    const found = spawnSync('npx', ['tsx', 'cli/entry.ts', 'doctor'], { cwd: tree, encoding: 'utf8' })
    expect(found.stdout).toMatch(/npu\b.*\/sys\/class\/npu holds no device/)
    expect(found.stdout).toContain('modprobe npu')
  })
})
