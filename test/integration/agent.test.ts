import { spawn, spawnSync, type ChildProcess } from 'node:child_process'
import { appendFileSync, existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { newMemory, startAcknowledger, type Acknowledger, type AcknowledgerOptions, type Memory } from '../acknowledger'
import { eventually, freePort, ROOT } from '../plumbline'

let folder: string
let memory: Memory
let hubs: Acknowledger[]
let children: ChildProcess[]

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'plumbline-agent-'))
  memory = newMemory()
  hubs = []
  children = []
})
afterEach(async () => {
  for (const child of children) child.kill('SIGKILL')
  await Promise.all(hubs.map(hub => hub.close()))
  rmSync(folder, { recursive: true, force: true })
})

async function startHub(options: Partial<AcknowledgerOptions> = {}): Promise<Acknowledger> {
  const hub = await startAcknowledger({ memory, ...options })
  hubs.push(hub)
  return hub
}

interface Process {
  readonly child: ChildProcess
  readonly output: { stdout: Buffer; stderr: string }
  readonly ended: Promise<number | null>
}

/** `plumbline` from its source. */
function plumbline(...words: string[]): Process {
  const child = spawn(process.execPath, ['--import', 'tsx', join(ROOT, 'cli/entry.ts'), ...words], {
    cwd: ROOT,
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  children.push(child)
  const output = { stdout: Buffer.alloc(0), stderr: '' }
  child.stdout?.on('data', (chunk: Buffer) => (output.stdout = Buffer.concat([output.stdout, chunk])))
  child.stderr?.on('data', (chunk: Buffer) => (output.stderr += chunk.toString()))
  return { child, output, ended: new Promise(resolve => child.once('close', code => resolve(code))) }
}

const agent = (url: string, ...words: string[]) =>
  plumbline('agent', '--hub', url, '--data', join(folder, 'data'), '--from-start', ...words)
const run = (url: string, options: readonly string[], ...command: string[]) =>
  plumbline('run', '--hub', url, '--data', join(folder, 'data'), ...options, '--', ...command)

const records = () => memory.batches.flatMap(batch => batch.records)
const steps = () => records().flatMap(record => (record.kind === 'step' ? [record.step ?? -1] : []))
const runRecords = () => records().flatMap(record => (record.kind === 'run' ? [record] : []))
const upTo = (count: number) => Array.from({ length: count }, (_, step) => step)
const spools = () => (existsSync(join(folder, 'data/spool')) ? readdirSync(join(folder, 'data/spool')) : [])

/** A hook's file that grows by a line each 5 ms, some of them in two writes. */
function growingHook(): { written: () => number; stop: () => void } {
  const path = join(folder, 'data/hook/r1')
  mkdirSync(path, { recursive: true })
  let step = 0
  let rest = ''
  const write = (text: string) => appendFileSync(join(path, 'rank-0.jsonl'), text)
  const timer = setInterval(() => {
    const line = `${JSON.stringify({ kind: 'step', source: 'hook', run: 'r1', node: 'n', rank: 0, step, time: step, stepSeconds: 0.005 })}\n`
    const half = step % 3 === 0 ? line.length / 2 : line.length
    write(rest + line.slice(0, half))
    rest = line.slice(half)
    step += 1
  }, 5)
  const stop = () => {
    clearInterval(timer)
    write(rest)
  }
  return { written: () => step, stop }
}

describe('plumbline agent', () => {
  it('gives every line once, killed with -9 three times while the file grows', async () => {
    const hub = await startHub()
    const hook = growingHook()
    let current = agent(hub.url)
    for (const target of [100, 300, 500]) {
      await eventually(`step ${target}`, () => Promise.resolve(steps().length > target))
      current.child.kill('SIGKILL')
      await current.ended
      current = agent(hub.url)
    }
    await eventually('step 700', () => Promise.resolve(steps().length > 700))
    hook.stop()
    await eventually('the last step', () => Promise.resolve(steps().length >= hook.written()))
    current.child.kill('SIGTERM')
    expect(await current.ended).toBe(0)
    expect(steps()).toEqual(upTo(hook.written()))
    expect(new Set(memory.hellos.map(hello => hello.agent)).size).toBe(1)
  })

  it('keeps all while the hub is away at first, and over three restarts of the hub', async () => {
    const port = await freePort()
    const hook = growingHook()
    const { output } = agent(`http://127.0.0.1:${port}`)
    await eventually('the line', () => Promise.resolve(output.stderr.includes('collecting into the spool meanwhile')))
    for (const target of [200, 400, 600]) {
      const hub = await startHub({ port })
      await eventually(`step ${target}`, () => Promise.resolve(steps().length > target))
      await hub.close()
    }
    await startHub({ port })
    hook.stop()
    await eventually('the last step', () => Promise.resolve(steps().length >= hook.written()))
    expect(steps()).toEqual(upTo(hook.written()))
    expect(output.stderr).toContain('lost the hub')
    expect(output.stderr).toContain('reports to')
  })

  it('says what a hub of another token answers, once, with a fix, and lives', async () => {
    const hub = await startHub({ token: 'right' })
    const { child, output, ended } = agent(hub.url, '--token', 'wrong')
    await eventually('the refusal', () => Promise.resolve(output.stderr.includes('fix:')))
    expect(output.stderr).toContain(
      'error: the hub refuses this agent: the token is wrong\nfix: start the agent with --token',
    )
    expect(child.exitCode).toBeNull()
    child.kill('SIGTERM')
    expect(await ended).toBe(0)
    expect(memory.batches).toEqual([])
    expect(output.stderr.match(/refuses this agent/g)).toHaveLength(1)
  })

  it('waits with a hub that is busy, and sets aside a batch that the hub will never take', async () => {
    let busy = 3
    let poisoned = 0
    const hub = await startHub({
      answer: (sequence, batch) => {
        if (busy > 0) return { ok: false, error: `busy ${busy--}`, retry: true }
        const bad = batch.some(record => record.kind === 'step' && record.step === 50)
        if (bad) poisoned = sequence
        return bad ? { ok: false, error: 'not a frame', retry: false } : undefined
      },
    })
    const hook = growingHook()
    const { output } = agent(hub.url)
    await eventually('steps behind the bad one', () => Promise.resolve(steps().some(step => step > 200)))
    hook.stop()
    expect(output.stderr).toContain('takes nothing now (busy 3)')
    // Others are on their way with it: they may be there before the agent has said so.
    const said = `error: the hub refused batch ${poisoned}: not a frame`
    await eventually('the refusal', () => Promise.resolve(output.stderr.includes(said)))
    expect(readdirSync(join(folder, 'data/spool/agent/refused'))).toEqual([`${poisoned}.frame`])
  })

  it('answers /metrics with its figures, and goes on where that port is taken', async () => {
    const hub = await startHub()
    const port = String(await freePort())
    const first = agent(hub.url, '--metrics-port', port)
    const text = await eventually('figures', async () => {
      const body = await (await fetch(`http://127.0.0.1:${port}/metrics`)).text()
      return body.includes('plumbline_host_memory_used_bytes{') && body
    })
    expect(text).toMatch(/^plumbline_agent_spool_pending \d+$/m)
    expect(text).toMatch(/^plumbline_collector_duration_seconds\{node=".+",name="proc"\} /m)
    expect(first.child.exitCode).toBeNull()
    const second = agent(hub.url, '--metrics-port', port)
    await eventually('both', () => Promise.resolve(second.output.stderr.includes('reports to')))
    await eventually('the word of the taken port', () =>
      Promise.resolve(second.output.stderr.includes('error: no metrics are exported')),
    )
    expect(spools().sort()).toEqual(['agent', 'agent-2'])
  })

  it('samples a node once: the second agent takes over when the first is gone', async () => {
    const hub = await startHub()
    const first = agent(hub.url)
    await eventually('samples', () => Promise.resolve(records().some(record => record.kind === 'host')))
    agent(hub.url)
    await eventually('the second', () => Promise.resolve(new Set(memory.batches.map(batch => batch.agent)).size === 2))
    const hostAgents = () =>
      new Set(memory.batches.flatMap(batch => (batch.records.some(one => one.kind === 'host') ? [batch.agent] : [])))
    const count = records().filter(record => record.kind === 'host').length
    await eventually('more', () => Promise.resolve(records().filter(one => one.kind === 'host').length > count + 2))
    expect(hostAgents().size).toBe(1)
    first.child.kill('SIGKILL')
    await eventually('the takeover', () => Promise.resolve(hostAgents().size === 2))
  })
})

describe('plumbline run', () => {
  it('passes output and exit code through byte for byte, and records the run', async () => {
    const hub = await startHub()
    const script = `head -c 300000 /dev/zero | tr '\\0' '\\377'; printf 'no end'; printf 'oops\\r' >&2; exit 7`
    const { output, ended } = run(hub.url, ['--name', 'seven'], 'sh', '-c', script)
    expect(await ended).toBe(7)
    expect(output.stdout.equals(Buffer.concat([Buffer.alloc(300_000, 255), Buffer.from('no end')]))).toBe(true)
    expect(output.stderr).toContain('oops\r')
    expect(output.stderr).toMatch(/plumbline: watching seven at http:\/\/127\.0\.0\.1:\d+\/runs\/\d{8}-\d{6}-\w{4}\n/)
    expect(runRecords().map(({ state, name, exitCode }) => ({ state, name, exitCode }))).toEqual([
      { state: 'started', name: 'seven', exitCode: undefined },
      { state: 'ended', name: 'seven', exitCode: 7 },
    ])
    // It ended badly: its last minutes wait for a hub that takes them, which the one of this test does not.
    expect(spools()).toEqual([expect.stringMatching(/^run-/)])
  })

  it('has the hook’s last lines before it ends', async () => {
    const hub = await startHub()
    const script = `for i in $(seq 0 2999); do echo '{"kind":"step","source":"hook","rank":0,"step":'$i',"time":1}'; done >> $PLUMBLINE_HOOK_DIR/rank-0.jsonl`
    expect(await run(hub.url, ['--quiet'], 'sh', '-c', script).ended).toBe(0)
    expect(steps()).toEqual(upTo(3000))
    expect(new Set(records().flatMap(record => (record.kind === 'step' ? [record.run] : [])))).toEqual(
      new Set(runRecords().map(record => record.run)),
    )
  })

  it('keeps all of a run without a hub, which the next agent sends', async () => {
    const port = await freePort()
    const url = `http://127.0.0.1:${port}`
    const one = run(url, [], 'sh', '-c', 'echo hello')
    expect(await one.ended).toBe(0)
    expect(one.output.stdout.toString()).toBe('hello\n')
    expect(one.output.stderr).toMatch(/does not answer|batches wait in/)
    expect(spools()).toHaveLength(1)
    await startHub({ port })
    agent(url)
    await eventually('the run', () => Promise.resolve(runRecords().some(({ state }) => state === 'ended')))
    await eventually('the folder to go', () => Promise.resolve(spools().join() === 'agent'))
  })

  it('says that a command is not found, and ends with 127', async () => {
    const { output, ended } = run('http://127.0.0.1:9', ['--quiet'], 'no-such-command-here')
    expect(await ended).toBe(127)
    expect(output.stderr).toMatch(/^error: no-such-command-here is not found\nfix: /m)
  })

  it('hands Ctrl-C to the whole job, and ends as it ends', async () => {
    const hub = await startHub()
    const { child, output, ended } = run(hub.url, [], 'sh', '-c', 'sleep 77.25 & echo started; wait')
    await eventually('the job', () => Promise.resolve(output.stdout.includes('started')))
    child.kill('SIGINT')
    // A shell’s background job ignores SIGINT: only what happens after the leader’s end can end it.
    expect(await ended).toBe(130)
    expect(spawnSync('pgrep', ['-f', 'sleep 77.25']).stdout.toString()).toBe('')
  })

  it('ends with its job even where a daemon holds the output open', async () => {
    const { child, ended } = run(
      'http://127.0.0.1:9',
      ['--quiet'],
      'sh',
      '-c',
      // It has left the group of the job when that ends.
      'setsid sleep 60.5 & echo $! > "$0"; sleep 1; exit 3',
      join(folder, 'pid'),
    )
    const from = Date.now()
    expect(await ended).toBe(3)
    expect(Date.now() - from).toBeLessThan(20_000)
    expect(child.exitCode).toBe(3)
    process.kill(Number(readFileSync(join(folder, 'pid'), 'utf8')), 'SIGKILL')
  })

  it('runs the job even where the data folder cannot be', async () => {
    const one = plumbline(
      'run',
      '--hub',
      'http://127.0.0.1:9',
      '--data',
      '/dev/null/data',
      '--',
      'sh',
      '-c',
      'echo hi; exit 4',
    )
    expect(await one.ended).toBe(4)
    expect(one.output.stdout.toString()).toBe('hi\n')
    expect(one.output.stderr).toContain('the run is not watched')
  })
})
