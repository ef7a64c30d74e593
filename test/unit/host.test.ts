import { spawn } from 'node:child_process'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { localHost } from '../../collectors/host'
import { lineSplitter } from '../../collectors/machine/lines'

const host = localHost()
let folder = ''
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'plumbline-host-'))
  for (const name of [
    'a.log',
    'b.txt',
    'x/1/out.log',
    'x/2/out.log',
    'x/.hidden/out.log',
    'deep/p/q/r/last.log',
    'odd[1].log',
  ]) {
    mkdirSync(dirname(join(folder, name)), { recursive: true })
    writeFileSync(join(folder, name), `${name}\n`)
  }
  symlinkSync(folder, join(folder, 'deep/circle'))
})
afterAll(() => rmSync(folder, { recursive: true, force: true }))

/** A zombie that waits for its parent to look is not alive. */
const alive = (pid: number) => {
  try {
    return !/\) [ZX] /.test(readFileSync(`/proc/${pid}/stat`, 'utf8'))
  } catch {
    return false
  }
}

describe('files', () => {
  it.each([
    ['*.log', ['a.log', 'odd[1].log']],
    ['?.{log,txt}', ['a.log', 'b.txt']],
    ['x/*/out.log', ['x/1/out.log', 'x/2/out.log']],
    ['**/last.log', ['deep/p/q/r/last.log']],
    ['deep/**', ['deep/p/q/r/last.log']],
    ['x/{1,3}/out.log', ['x/1/out.log']],
    ['{x/1,deep/p/q/r}/*.log', ['deep/p/q/r/last.log', 'x/1/out.log']],
    ['odd[1].log', ['odd[1].log']],
    ['none/*.log', []],
  ])('match the glob %s', async (pattern, expected) => {
    expect(await host.glob(join(folder, pattern))).toEqual(expected.map(name => join(folder, name)))
  })

  it('are read to a limit, from an offset, and a missing one is undefined', async () => {
    const path = join(folder, 'a.log')
    expect(await host.read(path)).toBe('a.log\n')
    expect(await host.read(path, 3)).toBe('a.l')
    expect(await host.read(join(folder, 'nothing'))).toBeUndefined()
    expect(await host.read(folder)).toBeUndefined()
    expect((await host.readRange(path, 2, 100)).toString()).toBe('log\n')
    expect(await host.readRange(path, 99, 10)).toHaveLength(0)
    await expect(host.readRange(join(folder, 'nothing'), 0, 1)).rejects.toThrow()
    expect(await host.stat(path)).toMatchObject({ size: 6 })
    expect(await host.list(join(folder, 'x'))).toEqual(['.hidden', '1', '2'])
    expect(await host.list(join(folder, 'nothing'))).toEqual([])
  })

  it('of /proc are read although their size is 0', async () => {
    expect(await host.read('/proc/self/stat')).toContain('(')
  })

  it('that are named pipes without a writer do not hold anyone up', async () => {
    await host.run('mkfifo', [join(folder, 'pipe')], 5_000)
    expect(await host.read(join(folder, 'pipe'))).toBe('')
  })
})

describe('lines of a stream', () => {
  it('are the same wherever it is cut', () => {
    fc.assert(
      fc.property(fc.array(fc.string({ unit: fc.constantFrom('a', 'é', '\r', '\n', '') })), pieces => {
        const cut = (parts: readonly string[]) => {
          const lines: string[] = []
          const splitter = lineSplitter(line => lines.push(line))
          for (const part of parts) splitter.push(part)
          splitter.end()
          return lines
        }
        expect(cut(pieces)).toEqual(cut([pieces.join('')]))
      }),
    )
  })

  it('are cut at a mebi-character, with a word about it, and the next line is whole', () => {
    const lines: string[] = []
    const warn = vi.fn()
    const splitter = lineSplitter(line => lines.push(line), warn)
    for (let part = 0; part < 40; part += 1) splitter.push('x'.repeat(65_536))
    splitter.push('end\nnext\n')
    expect(lines.map(line => line.length)).toEqual([1024 * 1024, 4])
    expect(warn).toHaveBeenCalledTimes(1)
  })
})

describe('a command that runs to its end', () => {
  it('gives its output and its exit code', async () => {
    expect(await host.run('sh', ['-c', 'echo out; echo err >&2; exit 3'], 5_000)).toEqual({
      code: 3,
      stdout: 'out\n',
      stderr: 'err\n',
    })
  })

  it('is killed with its children when it is late, and says so', async () => {
    const result = await host.run('sh', ['-c', 'echo begun; sleep 60 & sleep 60'], 200)
    expect(result).toMatchObject({ stdout: 'begun\n', error: expect.stringContaining('did not end') as unknown })
  })

  it('says when it is not there', async () => {
    expect(await host.run('plumbline-no-such-command', [], 100)).toMatchObject({
      code: null,
      error: 'plumbline-no-such-command: command not found',
    })
  })
})

describe('a long-lived child', () => {
  const collect = (script: string) => {
    const seen = { lines: [] as string[], errors: [] as string[] }
    let ended: (result: unknown) => void = () => undefined
    const exit = new Promise<unknown>(resolve => (ended = resolve))
    const child = host.spawn('sh', ['-c', script], {
      line: text => seen.lines.push(text),
      errorLine: text => seen.errors.push(text),
      exit: result => ended(result),
    })
    return { seen, exit, child }
  }

  it('gives its lines and says how it ended, the last line without an end too', async () => {
    const { seen, exit } = collect("printf 'one\\r\\ntwo\\nthree'; echo bad >&2; exit 4")
    expect(await exit).toEqual({ code: 4, signal: null })
    expect(seen).toEqual({ lines: ['one', 'two', 'three'], errors: ['bad'] })
  })

  it('is stopped with its own children, and stop may be called twice', async () => {
    const { seen, child, exit } = collect('sleep 60 & echo $!; wait')
    await vi.waitFor(() => expect(seen.lines).toHaveLength(1))
    await Promise.all([child.stop(), child.stop()])
    expect(await exit).toMatchObject({ signal: 'SIGTERM' })
    await vi.waitFor(() => expect(alive(Number(seen.lines[0]))).toBe(false))
    await child.stop()
  })

  it('is killed when it does not hear SIGTERM', async () => {
    const { seen, child, exit } = collect("trap '' TERM; echo ready; while :; do sleep 1; done")
    await vi.waitFor(() => expect(seen.lines).toEqual(['ready']))
    const began = Date.now()
    await child.stop()
    expect(Date.now() - began).toBeGreaterThan(1_900)
    expect(await exit).toMatchObject({ signal: 'SIGKILL' })
  })

  it('says when the program is not there', async () => {
    const exit = await new Promise(resolve =>
      host.spawn('plumbline-no-such-command', [], { line: vi.fn(), errorLine: vi.fn(), exit: resolve }),
    )
    expect(exit).toMatchObject({ code: null, error: expect.stringContaining('not found') as unknown })
  })

  it.each([
    ['exits', 'process.exit(0)'],
    ['is killed with SIGKILL', "process.kill(process.pid, 'SIGKILL')"],
  ])(
    'does not outlive an agent that %s',
    async (_, end) => {
      const root = join(import.meta.dirname, '../..')
      const program = `
      import { localHost } from '${root}/collectors/host.ts'
      localHost().spawn('${root}/cli/demo/nvidia-smi', ['--query-gpu=index', '--format=csv', '--loop-ms=100'], {
        line: text => { if (text.startsWith('7')) ${end} }, errorLine: console.error, exit: console.error,
      }).pid
    `
      const path = join(folder, 'agent.mts')
      writeFileSync(
        path,
        program
          .replace('localHost().spawn', 'const child = localHost().spawn')
          .replace(/\.pid\s*$/, '\n console.log(child.pid)\n'),
      )
      const agent = spawn(process.execPath, ['--import', 'tsx', path], {
        cwd: root,
        stdio: ['ignore', 'pipe', 'inherit'],
      })
      let output = ''
      agent.stdout.on('data', (data: Buffer) => (output += data.toString()))
      await new Promise(resolve => agent.on('exit', resolve))
      const pid = Number(output)
      expect(pid).toBeGreaterThan(1)
      await vi.waitFor(() => expect(alive(pid)).toBe(false), { timeout: 3_000 })
    },
    20_000,
  )
})
