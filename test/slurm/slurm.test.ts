/** deploy/slurm in a real Slurm: `npm run test:slurm`. What the scripts do with a made-up environment is in test/integration. */
import { chmodSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { RecordOf } from '../../wire/records'
import { newMemory, startAcknowledger, type Acknowledger } from '../acknowledger'
import { eventually, ROOT } from '../plumbline'
import { hasSlurm, startSlurm, type Slurm } from './one-node'

if (!hasSlurm) console.warn('SKIPPED: no Slurm here: node scripts/deploy-setup.mjs --slurm installs it, as root')

const JOB = [
  'import sys, time',
  "sys.modules['torch'] = None",
  'import plumbline_hook',
  'hook = plumbline_hook.attach(tokens_per_step=64)',
  'for step in range(3):',
  '    with hook.phase("forward"): time.sleep(0.05)',
  '    hook.end_step()',
  'hook.close()',
  'print("rank", hook.rank, "of", hook.world_size, flush=True)',
  'time.sleep(3)',
  'sys.exit(int(sys.argv[1]))',
].join('\n')

let folder = ''
let hub: Acknowledger
let memory = newMemory()
let slurm: Slurm | undefined
const path = (name: string) => join(folder, name)
const script = (name: string) => join(ROOT, 'deploy/slurm', name)

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'plumbline-slurm-'))
  memory = newMemory()
  hub = await startAcknowledger({ memory })
  writeFileSync(path('agent'), `#!/bin/sh\nexec ${process.execPath} ${join(ROOT, 'bin/plumbline.js')} "$@"\n`)
  writeFileSync(path('job.py'), JOB)
  const settings = [`PLUMBLINE_HUB=${hub.url}`, `PLUMBLINE_AGENT=${path('agent')}`, `PLUMBLINE_DATA=${path('data')}`]
  writeFileSync(path('plumbline.env'), `${settings.join('\n')}\n`)
  chmodSync(path('agent'), 0o755)
})
afterEach(async () => {
  await slurm?.stop()
  slurm = undefined
  await hub.close()
  rmSync(folder, { recursive: true, force: true })
})

/** slurmd gives its scripts a bare environment: where their settings are is /etc/plumbline.env, or said by who calls them. */
function configured(name: string): string {
  const wrapper = path(name)
  writeFileSync(wrapper, `#!/bin/sh\nPLUMBLINE_ENV=${path('plumbline.env')} exec ${script(name)}\n`)
  chmodSync(wrapper, 0o755)
  return wrapper
}

const stepsOf = (rank: number) =>
  memory.batches
    .flatMap(({ records }) => records)
    .filter((record): record is RecordOf<'step'> => record.kind === 'step' && record.rank === rank)

describe.skipIf(!hasSlurm)('prolog, task prolog and epilog', () => {
  it('watch a job that knows nothing of them, and leave nothing behind', async () => {
    const scripts = { Prolog: 'prolog.sh', Epilog: 'epilog.sh', TaskProlog: 'task-prolog.sh' }
    const lines = Object.entries(scripts).map(([key, name]) => `${key}=${configured(name)}`)
    slurm = await startSlurm(folder, [...lines, 'PrologFlags=Alloc'])
    const ended = await slurm.run(['srun', '--ntasks=2', '--label', 'python3', path('job.py'), '0'])
    expect(ended, ended.stderr).toMatchObject({ code: 0 })
    expect(ended.stdout.trim().split('\n').sort()).toEqual(['0: rank 0 of 2', '1: rank 1 of 2'])
    await eventually('the steps of both tasks', () =>
      Promise.resolve(stepsOf(0).length === 3 && stepsOf(1).length === 3),
    )
    expect(stepsOf(0).map(({ run }) => run)).toEqual(['slurm-1', 'slurm-1', 'slurm-1'])
    await eventually('the end of the agent', () =>
      Promise.resolve(!readdirSync(path('data')).some(name => name.endsWith('.pid'))),
    )
    // A script that fails would drain the node.
    await eventually('an idle node', async () => /idle/.test((await slurm?.run(['sinfo', '--noheader']))?.stdout ?? ''))
  })
})

describe.skipIf(!hasSlurm)('srun task.sh', () => {
  it('watches a job without anything installed by others, and passes its exit code on', async () => {
    slurm = await startSlurm(folder, [])
    mkdirSync(path('own'))
    const own = { PLUMBLINE_HUB: hub.url, PLUMBLINE_AGENT: path('agent'), TMPDIR: path('own') }
    const ended = await slurm.run(['srun', '--ntasks=2', script('task.sh'), 'python3', path('job.py'), '7'], own)
    expect(ended.code).toBe(7)
    expect(ended.stdout.trim().split('\n').sort()).toEqual(['rank 0 of 2', 'rank 1 of 2'])
    expect([stepsOf(0).length, stepsOf(1).length]).toEqual([3, 3])
    expect(stepsOf(1)[0]?.run).toBe('slurm-1')
  })
})
