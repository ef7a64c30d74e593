/** The Slurm scripts as slurmd and srun call them: with a job's environment, and the real agent and hook. */
import { spawn, spawnSync } from 'node:child_process'
import { chmodSync, existsSync, mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { RecordOf } from '../../wire/records'
import { newMemory, startAcknowledger, type Acknowledger } from '../acknowledger'
import { eventually, ROOT } from '../plumbline'

const hasPython = spawnSync('python3', ['--version']).status === 0
if (!hasPython) console.warn('SKIPPED: no python3 for the jobs of the Slurm scripts')

const JOB = [
  'import sys, time, os',
  "sys.modules['torch'] = None",
  'import plumbline_hook',
  'hook = plumbline_hook.attach(tokens_per_step=64)',
  'for step in range(3):',
  '    with hook.phase("forward"): time.sleep(0.05)',
  '    hook.end_step()',
  'hook.close()',
  'print("rank", os.environ["SLURM_PROCID"], flush=True)',
  'time.sleep(float(sys.argv[1]))',
  'sys.exit(int(sys.argv[2]))',
].join('\n')

let folder = ''
let hub: Acknowledger
let environment: NodeJS.ProcessEnv
let memory = newMemory()

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'plumbline-slurm-'))
  memory = newMemory()
  hub = await startAcknowledger({ memory })
  const agent = join(folder, 'plumbline-agent')
  writeFileSync(agent, `#!/bin/sh\nexec ${process.execPath} ${join(ROOT, 'dist/entry.js')} "$@"\n`)
  chmodSync(agent, 0o755)
  writeFileSync(join(folder, 'job.py'), JOB)
  writeFileSync(join(folder, 'plumbline.env'), `PLUMBLINE_HUB=${hub.url}\n`)
  environment = {
    ...process.env,
    PLUMBLINE_ENV: join(folder, 'plumbline.env'),
    PLUMBLINE_AGENT: agent,
    PLUMBLINE_DATA: join(folder, 'data'),
    PLUMBLINE_HUB: hub.url,
    SLURM_JOB_ID: '4711',
    SLURM_JOB_UID: String(process.getuid?.() ?? 0),
    SLURM_STEP_ID: '0',
    SLURM_NTASKS: '2',
  }
})
afterEach(async () => {
  await hub.close()
  rmSync(folder, { recursive: true, force: true })
})

const script = (name: string) => join(ROOT, 'deploy/slurm', name)
const taskOf = (rank: number) => ({ SLURM_PROCID: String(rank), SLURM_LOCALID: String(rank) })
/** A script of slurmd to its end; its standard output. */
function slurmd(name: string, more: Record<string, string> = {}): string {
  const { status, stdout, stderr } = spawnSync(script(name), [], {
    env: { ...environment, ...more },
    encoding: 'utf8',
  })
  expect(status, stderr).toBe(0)
  return stdout
}
/** One task of the job: what it printed, and its exit code. */
async function task(command: string, args: readonly string[], more: Record<string, string>) {
  const child = spawn(command, args, { env: { ...environment, ...more } })
  let printed = ''
  child.stdout.on('data', (chunk: Buffer) => (printed += chunk.toString()))
  const code = await new Promise(resolve => child.once('close', resolve))
  return { code, printed }
}
const stepsOf = (rank: number) =>
  memory.batches
    .flatMap(({ records }) => records)
    .filter((record): record is RecordOf<'step'> => record.kind === 'step' && record.rank === rank)

describe.skipIf(!hasPython)('the scripts of slurmd', () => {
  it('bring the steps of every task to the hub, and leave nothing running', async () => {
    slurmd('prolog.sh')
    const pidfile = join(folder, 'data/agent-4711.pid')
    expect(existsSync(pidfile)).toBe(true)
    expect(statSync(join(folder, 'data/hook/4711')).mode & 0o777).toBe(0o700)
    const jobs = [0, 1].map(rank => {
      // slurmd sets what the task prolog prints as `export NAME=value`.
      const told = [...slurmd('task-prolog.sh', taskOf(rank)).matchAll(/^export (\w+)=(.*)$/gm)]
      const set = Object.fromEntries(told.map(([, name = '', value]) => [name, value]))
      expect(set).toMatchObject({ PLUMBLINE_RUN: 'slurm-4711', PLUMBLINE_HOOK_DIR: join(folder, 'data/hook/4711') })
      return task('python3', [join(folder, 'job.py'), '3', '0'], { ...taskOf(rank), ...set })
    })
    expect((await Promise.all(jobs)).map(({ code }) => code)).toEqual([0, 0])
    await eventually('the steps of both tasks', () =>
      Promise.resolve(stepsOf(0).length === 3 && stepsOf(1).length === 3),
    )
    expect(stepsOf(1).map(({ run, step }) => [run, step])).toEqual([0, 1, 2].map(step => ['slurm-4711', step]))
    slurmd('epilog.sh')
    expect(existsSync(pidfile)).toBe(false)
    slurmd('epilog.sh')
  })

  it('never fail, whatever is missing: a failing prolog would drain the node', () => {
    const nothing = { PLUMBLINE_ENV: '/nowhere', PLUMBLINE_AGENT: '/nowhere/agent', PLUMBLINE_HUB: '' }
    slurmd('prolog.sh', nothing)
    expect(slurmd('task-prolog.sh', nothing)).not.toContain('PYTHONPATH')
    slurmd('epilog.sh', nothing)
  })
})

describe.skipIf(!hasPython)('srun task.sh', () => {
  it('passes output and exit code through, and watches from the first task of the node', async () => {
    const run = (rank: number, code: number) =>
      task(script('task.sh'), ['python3', join(folder, 'job.py'), '3', String(code)], {
        ...taskOf(rank),
        PLUMBLINE_LINGER: '1',
      })
    const ended = await Promise.all([run(0, 5), run(1, 0)])
    expect(ended).toEqual([
      { code: 5, printed: 'rank 0\n' },
      { code: 0, printed: 'rank 1\n' },
    ])
    expect([stepsOf(0).length, stepsOf(1).length]).toEqual([3, 3])
  })

  it('runs the command where there is no agent', async () => {
    const alone = { ...taskOf(0), PLUMBLINE_AGENT: 'no-such-agent' }
    expect(await task(script('task.sh'), ['sh', '-c', 'echo out; exit 7'], alone)).toEqual({
      code: 7,
      printed: 'out\n',
    })
  })
})
