/**
 * What the hook costs: a real two-rank job with it and without it, by turns, so that a drift of the machine hits both.
 *
 *     npx tsx test/bench/hook.ts [--rounds 5] [--steps 100]
 */
import { spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { packageRoot } from '../../base/root'

const { values } = parseArgs({
  options: { rounds: { type: 'string', default: '5' }, steps: { type: 'string', default: '100' } },
})
const folder = mkdtempSync(join(tmpdir(), 'plumbline-bench-'))
/** Steps in which allocators and caches still settle. */
const WARM_UP = 10

const median = (numbers: number[]) => numbers.sort((one, other) => one - other)[Math.floor(numbers.length / 2)] ?? NaN

interface Truth {
  steps: { seconds: number }[]
  hookSecondsPerStep: number
}

/** Median seconds of a step, and what the hook says of itself. */
function train(sync: string, hook: boolean): { step: number; own: number } {
  const truth = join(folder, 'truth')
  const script = join(packageRoot, 'examples/train.py')
  const args = [script, '--launch', '2', '--steps', values.steps, '--sync', sync, '--truth', truth]
  const environment = { PYTHONPATH: join(packageRoot, 'hook'), PLUMBLINE_HOOK_DIR: folder, PLUMBLINE_RUN: 'bench' }
  const { status, stderr } = spawnSync('/usr/bin/python3', hook ? args : [...args, '--no-hook'], {
    env: { ...process.env, ...environment },
    encoding: 'utf8',
  })
  if (status !== 0) throw new Error(`the job ended with ${status}: ${stderr}`)
  const { steps, hookSecondsPerStep } = JSON.parse(readFileSync(join(truth, 'rank-0.json'), 'utf8')) as Truth
  return { step: median(steps.slice(WARM_UP).map(({ seconds }) => seconds)), own: hookSecondsPerStep }
}

try {
  for (const sync of ['flat', 'ddp']) {
    const ratios: number[] = []
    const own: number[] = []
    const step: number[] = []
    for (let round = 0; round < Number(values.rounds); round += 1) {
      const without = train(sync, false)
      const withHook = train(sync, true)
      ratios.push(withHook.step / without.step)
      own.push(withHook.own)
      step.push(without.step)
    }
    const spread = `${Math.min(...ratios).toFixed(3)} to ${Math.max(...ratios).toFixed(3)}`
    console.log(
      `${sync.padEnd(5)} step ${(median(step) * 1000).toFixed(1)} ms; with hook / without: ${median(ratios).toFixed(3)} (${spread}); in the hook ${(median(own) * 1e6).toFixed(0)} µs a step`,
    )
  }
} finally {
  rmSync(folder, { recursive: true, force: true })
}
