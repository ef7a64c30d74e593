/** A real agent as a process of its own: eight devices that are made up, and the log of a job that goes on. */
import { spawn, type ChildProcess } from 'node:child_process'
import { appendFileSync, mkdirSync } from 'node:fs'
import { delimiter, join } from 'node:path'
import { packageRoot } from '../../base/root'

export function startAgentWithJob(folder: string, hub: string): { child: ChildProcess; stop: () => void } {
  const log = join(folder, 'train.log')
  mkdirSync(join(folder, 'data'), { recursive: true })
  let step = 0
  const job = setInterval(() => {
    step += 1
    appendFileSync(
      log,
      `iter ${step}: loss ${(3 - step * 1e-4).toFixed(4)}, time 1000.00ms, mfu 41.00%\nsaid in between: ${step}\n`,
    )
  }, 1000)
  const path = [join(packageRoot, 'cli/demo'), process.env['PATH']].join(delimiter)
  const child = spawn(
    process.execPath,
    [
      '--import',
      'tsx',
      'cli/entry.ts',
      'agent',
      '--hub',
      hub,
      '--data',
      join(folder, 'data'),
      '--logs',
      log,
      '--from-start',
    ],
    {
      cwd: packageRoot,
      env: { ...process.env, PATH: path, FAKE_SMI_GPUS: '8' },
      stdio: ['ignore', 'ignore', 'inherit'],
    },
  )
  return { child, stop: () => clearInterval(job) }
}
