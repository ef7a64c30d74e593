/**
 * Agent and hub one version apart, both ways, as real processes: an agent of now with a hub of before; then the hub of now opens
 * that hub's store, and an agent of before reports to it. Every line of both jobs must be there once.
 *
 *     npm run skew [-- --before COMMIT]
 */
import { spawn, spawnSync, type ChildProcess } from 'node:child_process'
import { appendFileSync, mkdirSync, mkdtempSync, rmSync, symlinkSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { eventually, freePort, ROOT, storedSteps } from './plumbline'

/** The newest commit whose agents and hubs must still get on with those of now. */
const BEFORE = 'a62d492'
const STEPS = 200
const WAIT_MS = 240_000

const { values } = parseArgs({ options: { before: { type: 'string', default: BEFORE } } })
const folder = mkdtempSync(join(tmpdir(), 'plumbline-skew-'))
const before = join(folder, 'before')
const children: ChildProcess[] = []
const git = (...words: string[]) => {
  const { status, stderr } = spawnSync('git', words, { cwd: ROOT, encoding: 'utf8' })
  if (status !== 0) throw new Error(`git ${words[0] ?? ''}: ${stderr}`)
}

function start(cwd: string, ...words: string[]): ChildProcess {
  const child = spawn(process.execPath, ['--import', 'tsx', 'cli/entry.ts', ...words], {
    cwd,
    stdio: ['ignore', 'ignore', 'inherit'],
  })
  children.push(child)
  return child
}
async function end(child: ChildProcess): Promise<void> {
  const gone = new Promise(resolve => child.once('exit', resolve))
  if (child.exitCode === null && child.kill('SIGTERM')) await gone
}

/** A hub and an agent, each from its folder, and a job of `STEPS` lines; gives what is stored of it. */
async function play(name: string, hubOf: string, agentOf: string): Promise<void> {
  const port = await freePort()
  const url = `http://127.0.0.1:${port}`
  const [log, data] = [join(folder, name, 'rank-0.jsonl'), join(folder, name, 'data')]
  mkdirSync(join(folder, name), { recursive: true })
  const hub = start(hubOf, 'start', '--no-agent', '--no-page', '--port', String(port), '--data', join(folder, 'hub'))
  await eventually('the hub', async () => (await fetch(`${url}/api/health`)).ok, WAIT_MS)
  const agent = start(agentOf, 'agent', '--hub', url, '--data', data, '--logs', log, '--from-start')
  for (let step = 0; step < STEPS; step += 1) {
    const record = { kind: 'step', source: 'hook', run: name, node: 'n', rank: 0, step, time: Date.now() / 1000 }
    appendFileSync(log, `${JSON.stringify({ ...record, stepSeconds: 0.01, loss: 2 })}\n`)
  }
  const rows = await eventually(
    `lines of ${name}`,
    async () => {
      const stored = await storedSteps(url, name)
      return stored.length >= STEPS && stored
    },
    WAIT_MS,
  )
  const runs = (await (await fetch(`${url}/api/runs`)).json()) as { run: string; step: number }[]
  console.log(`${name}: ${rows.length} of ${STEPS} lines stored, ${new Set(rows).size} of them different`)
  for (const { run, step } of runs) console.log(`    the hub tells of ${run}, at step ${step}`)
  if (rows.length !== STEPS || new Set(rows).size !== STEPS) process.exitCode = 1
  await end(agent)
  await end(hub)
}

try {
  git('worktree', 'add', '--detach', before, values.before)
  symlinkSync(join(ROOT, 'node_modules'), join(before, 'node_modules'))
  await play('agent-of-now', before, ROOT)
  await play('agent-of-before', ROOT, before)
} finally {
  for (const child of children) child.kill('SIGKILL')
  git('worktree', 'remove', '--force', before)
  rmSync(folder, { recursive: true, force: true })
}
process.exit()
