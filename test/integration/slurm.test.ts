/** The Slurm scripts as slurmd and srun call them: with a job's environment, and the real agent and hook. */
import { spawn, spawnSync } from 'node:child_process'
import { existsSync, statSync } from 'node:fs'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { openStage, script, type Stage } from '../slurm/job'

const hasPython = spawnSync('python3', ['--version']).status === 0
if (!hasPython) console.warn('SKIPPED: no python3 for the jobs of the Slurm scripts')

let stage: Stage
let environment: NodeJS.ProcessEnv

beforeEach(async () => {
  stage = await openStage()
  environment = {
    ...process.env,
    PLUMBLINE_ENV: stage.path('plumbline.env'),
    PLUMBLINE_AGENT: stage.path('agent'),
    PLUMBLINE_DATA: stage.path('data'),
    PLUMBLINE_HUB: stage.hub,
    SLURM_JOB_ID: '4711',
    SLURM_JOB_UID: String(process.getuid?.() ?? 0),
    SLURM_STEP_ID: '0',
    SLURM_NTASKS: '2',
  }
})
afterEach(() => stage.close())

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
describe.skipIf(!hasPython)('the scripts of slurmd', () => {
  it('bring the steps of every task to the hub, and leave nothing running', async () => {
    slurmd('prolog.sh')
    const pidfile = stage.path('data/agent-4711.pid')
    expect(existsSync(pidfile)).toBe(true)
    expect(statSync(stage.path('data/hook/4711')).mode & 0o777).toBe(0o700)
    const jobs = [0, 1].map(rank => {
      // slurmd sets what the task prolog prints as `export NAME=value`.
      const told = [...slurmd('task-prolog.sh', taskOf(rank)).matchAll(/^export (\w+)=(.*)$/gm)]
      const set = Object.fromEntries(told.map(([, name = '', value]) => [name, value]))
      expect(set).toMatchObject({ PLUMBLINE_RUN: 'slurm-4711', PLUMBLINE_HOOK_DIR: stage.path('data/hook/4711') })
      return task('python3', [stage.path('job.py'), '0'], { ...taskOf(rank), ...set })
    })
    expect((await Promise.all(jobs)).map(({ code }) => code)).toEqual([0, 0])
    await stage.allSteps(2)
    expect(stage.stepsOf(1).map(({ run, step }) => [run, step])).toEqual([0, 1, 2].map(step => ['slurm-4711', step]))
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
      task(script('task.sh'), ['python3', stage.path('job.py'), String(code)], {
        ...taskOf(rank),
        PLUMBLINE_LINGER: '1',
      })
    const ended = await Promise.all([run(0, 5), run(1, 0)])
    expect(ended).toEqual([
      { code: 5, printed: 'rank 0 of 2\n' },
      { code: 0, printed: 'rank 1 of 2\n' },
    ])
    await stage.allSteps(2)
  })

  it('runs the command where there is no agent', async () => {
    const alone = { ...taskOf(0), PLUMBLINE_AGENT: 'no-such-agent' }
    expect(await task(script('task.sh'), ['sh', '-c', 'echo out; exit 7'], alone)).toEqual({
      code: 7,
      printed: 'out\n',
    })
  })
})
