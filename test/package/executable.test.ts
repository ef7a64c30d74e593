/** The agent alone: one file for Node, and one program on a PATH that has no Node. */
import { spawn, spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, mkdtempSync, rmSync, statSync, symlinkSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { newMemory, startAcknowledger } from '../acknowledger'
import { eventually, ROOT } from '../plumbline'

const alone = join(ROOT, 'dist/alone')
const program = join(alone, `plumbline-agent-linux-${process.arch}`)
const MEBIBYTE = 2 ** 20
let folder = ''
let environment: NodeJS.ProcessEnv = { NODE_ENV: 'production' }

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'plumbline-alone-'))
  const built = spawnSync('node', ['scripts/agent.mjs', '--executable'], { cwd: ROOT, encoding: 'utf8' })
  if (built.status !== 0) throw new Error(`${built.stdout}\n${built.stderr}`)
  const path = join(folder, 'bin')
  mkdirSync(path)
  symlinkSync('/usr/bin/python3', join(path, 'python3'))
  environment = { ...environment, PATH: path, HOME: folder }
})
afterAll(() => rmSync(folder, { recursive: true, force: true }))

const run = (...args: string[]) =>
  spawnSync(program, args, { cwd: folder, env: environment, encoding: 'utf8', timeout: 60_000 })

describe('the agent as one program', () => {
  it('is no larger than Node and a little', () => {
    expect(existsSync(join(folder, 'bin/node'))).toBe(false)
    expect(statSync(program).size).toBeLessThan(120 * MEBIBYTE)
    expect(statSync(join(alone, 'plumbline-agent.cjs')).size).toBeLessThan(3.5 * MEBIBYTE)
  })

  it('predicts, and says where the hub is to be had', () => {
    const predicted = run('predict', 'gpt2', '--json')
    expect(predicted.stderr).toBe('')
    expect(JSON.parse(predicted.stdout)).toHaveProperty('parameters')
    const start = run('start', '--port', '4790')
    expect(start.status).toBe(1)
    expect(start.stderr).toMatch(/^error: this is the agent alone.*\nfix: .*npx plumbline start/)
    expect(run('doctor').stdout).toMatch(/^– store +none, and none needed/m)
  })

  it('watches a node', async () => {
    const memory = newMemory()
    const hub = await startAcknowledger({ memory })
    const agent = spawn(program, ['agent', '--hub', hub.url, '--data', join(folder, 'data')], { env: environment })
    try {
      const hosts = await eventually('a host record', () =>
        Promise.resolve(memory.batches.flatMap(({ records }) => records).filter(({ kind }) => kind === 'host')),
      )
      expect(hosts).toBeDefined()
    } finally {
      agent.kill('SIGTERM')
      await hub.close()
    }
  })

  it('runs a job with the hook, which it carries inside', async () => {
    const memory = newMemory()
    const hub = await startAcknowledger({ memory })
    const script = 'import plumbline_hook, sys; print(plumbline_hook.__file__); sys.exit(3)'
    const job = ['run', '--hub', hub.url, '--data', join(folder, 'data'), '--', 'python3', '-c', script]
    const child = spawn(program, job, { env: environment })
    let printed = ''
    child.stdout.on('data', (chunk: Buffer) => (printed += chunk.toString()))
    const code = await new Promise(resolve => child.once('close', resolve))
    await hub.close()
    expect(code).toBe(3)
    expect(printed).toMatch(/\/data\/hook-[\d.]+\/plumbline_hook\.py\n/)
    const runs = memory.batches.flatMap(({ records }) => records).filter(({ kind }) => kind === 'run')
    expect(runs.at(-1)).toMatchObject({ state: 'ended', exitCode: 3 })
  })
})
