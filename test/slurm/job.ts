/** What both tests of the Slurm scripts run: a job whose tasks use the hook, the agent, their settings, and a hub that remembers. */
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { RecordOf } from '../../wire/records'
import { newMemory, startAcknowledger } from '../acknowledger'
import { eventually, ROOT } from '../plumbline'

/** Three steps; it says which rank it is, waits until the agent has looked, and ends with the code that it is given. */
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
export const STEPS = 3

export const script = (name: string) => join(ROOT, 'deploy/slurm', name)

export interface Stage {
  readonly hub: string
  /** Of a file in the folder: `agent`, `job.py`, `plumbline.env`, `data`. */
  path(name: string): string
  stepsOf(rank: number): RecordOf<'step'>[]
  /** Until all steps of the first `ranks` ranks came. */
  allSteps(ranks: number): Promise<unknown>
  close(): Promise<void>
}

export async function openStage(): Promise<Stage> {
  const folder = mkdtempSync(join(tmpdir(), 'plumbline-slurm-'))
  const path = (name: string) => join(folder, name)
  const memory = newMemory()
  const hub = await startAcknowledger({ memory })
  writeFileSync(path('agent'), `#!/bin/sh\nexec ${process.execPath} ${join(ROOT, 'dist/entry.js')} "$@"\n`)
  writeFileSync(path('job.py'), JOB)
  const settings = [`PLUMBLINE_HUB=${hub.url}`, `PLUMBLINE_AGENT=${path('agent')}`, `PLUMBLINE_DATA=${path('data')}`]
  writeFileSync(path('plumbline.env'), `${settings.join('\n')}\n`)
  chmodSync(path('agent'), 0o755)
  const stepsOf = (rank: number) =>
    memory.batches
      .flatMap(({ records }) => records)
      .filter((record): record is RecordOf<'step'> => record.kind === 'step' && record.rank === rank)
  return {
    hub: hub.url,
    path,
    stepsOf,
    allSteps: ranks =>
      eventually('the steps of all tasks', () =>
        Promise.resolve(Array.from({ length: ranks }, (_, rank) => rank).every(rank => stepsOf(rank).length === STEPS)),
      ),
    async close() {
      await hub.close()
      rmSync(folder, { recursive: true, force: true })
    },
  }
}
