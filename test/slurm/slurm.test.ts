/** deploy/slurm in a real Slurm: `npm run test:slurm`. What the scripts do with a made-up environment is in test/integration. */
import { chmodSync, chownSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { eventually } from '../plumbline'
import { hasSlurm, idOf, startSlurm, type Slurm } from './cluster'
import { openStage, script, STEPS, type Stage } from './job'

if (!hasSlurm) console.warn('SKIPPED: no Slurm here: node scripts/deploy-setup.mjs --slurm installs it, as root')

/** Somebody without rights. */
const USER = 'nobody'
const NODES = ['n1', 'n2']
const SCRIPTS = { Prolog: 'prolog.sh', Epilog: 'epilog.sh', TaskProlog: 'task-prolog.sh' }

let stage: Stage
let slurm: Slurm | undefined

beforeEach(async () => {
  stage = await openStage()
})
afterEach(async () => {
  await slurm?.stop()
  slurm = undefined
  await stage.close()
})

/**
 * slurmd gives its scripts a bare environment: where their settings are is /etc/plumbline.env, or said by who calls them. The
 * nodes are one machine: what each would keep in its own /var/lib/plumbline has a folder for each here.
 */
function configured(name: string): string {
  const wrapper = stage.path(name)
  const [settings, data] = [stage.path('plumbline.env'), stage.path('data')]
  const own = `grep -v DATA ${settings} >"${data}-$SLURMD_NODENAME.env"; echo "PLUMBLINE_DATA=${data}-$SLURMD_NODENAME" >>"${data}-$SLURMD_NODENAME.env"`
  const line = `PLUMBLINE_ENV="${data}-$SLURMD_NODENAME.env" exec ${script(name)}`
  writeFileSync(wrapper, `#!/bin/sh\n[ -r "${data}-$SLURMD_NODENAME.env" ] || { ${own}; }\n${line}\n`)
  chmodSync(wrapper, 0o755)
  return wrapper
}
const sorted = (text: string) => text.trim().split('\n').sort()

describe.skipIf(!hasSlurm)('prolog, task prolog and epilog on two nodes', () => {
  it('watch a job of a plain user that knows nothing of them, and leave nothing behind', async () => {
    const lines = Object.entries(SCRIPTS).map(([key, name]) => `${key}=${configured(name)}`)
    slurm = await startSlurm(stage.path(''), NODES, [...lines, 'PrologFlags=Alloc'])
    const job = ['srun', '--nodes=2', '--ntasks=4', '--label', 'python3', stage.path('job.py'), '0']
    const ended = await slurm.run(job, {}, USER)
    expect(ended, ended.stderr).toMatchObject({ code: 0 })
    expect(sorted(ended.stdout)).toEqual([0, 1, 2, 3].map(rank => `${rank}: rank ${rank} of 4`))
    await stage.allSteps(4)
    expect(stage.stepsOf(3).map(({ run }) => run)).toEqual(Array.from({ length: STEPS }, () => 'slurm-1'))
    for (const node of NODES)
      await eventually(`the end of the agent of ${node}`, () =>
        Promise.resolve(!readdirSync(stage.path(`data-${node}`)).some(name => name.endsWith('.pid'))),
      )
    // A script that fails would drain the node.
    await slurm.idle()
  })
})

describe.skipIf(!hasSlurm)('srun task.sh on two nodes', () => {
  it('watches a plain user’s job without anything installed by others, and passes its exit code on', async () => {
    slurm = await startSlurm(stage.path(''), NODES, [])
    mkdirSync(stage.path('own'))
    chownSync(stage.path('own'), idOf(USER, '-u'), idOf(USER, '-g'))
    const own = {
      PLUMBLINE_HUB: stage.hub,
      PLUMBLINE_AGENT: stage.path('agent'),
      TMPDIR: stage.path('own'),
      PLUMBLINE_LINGER: '5',
    }
    const job = ['srun', '--nodes=2', '--ntasks=4', script('task.sh'), 'python3', stage.path('job.py'), '7']
    const ended = await slurm.run(job, own, USER)
    expect(ended.code, ended.stderr).toBe(7)
    expect(sorted(ended.stdout)).toEqual([0, 1, 2, 3].map(rank => `rank ${rank} of 4`))
    await stage.allSteps(4)
    expect(stage.stepsOf(1)[0]?.run).toBe('slurm-1')
  })
})
