/**
 * What being watched costs a job: a small transformer on one thread that is trained with agent and hook and without, in blocks of
 * the same process, by turns (+--+), so that what drifts hits both. The slow-down is the mean of the fours' ratios, with its 95 %
 * confidence interval. Wall time is what a job loses, where the machine is quiet; processor time is told beside it.
 *
 *     npm run bench:overhead [-- --fours 300 --steps 1 --batch 64]
 *     npm run bench:overhead -- --steps 2 --batch 16              of steps that are short: the hook costs so much a step
 *     npm run bench:overhead -- --device cuda --python python3    on a GPU, whose own nvidia-smi the agent reads
 */
import { spawn } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { delimiter, join } from 'node:path'
import { createInterface } from 'node:readline'
import { parseArgs } from 'node:util'
import { sleep } from '../../base/clock'
import { packageRoot } from '../../base/root'
import { newMemory, startAcknowledger } from '../acknowledger'
import { bundle } from './bundle'
import { processorSeconds, residentBytes } from './ingest/process-cost'

const { values } = parseArgs({
  options: {
    fours: { type: 'string', default: '300' },
    steps: { type: 'string', default: '1' },
    batch: { type: 'string', default: '64' },
    device: { type: 'string', default: 'cpu' },
    python: { type: 'string', default: '/usr/bin/python3' },
    agent: { type: 'string' },
  },
})
const WARM_UP_MS = 8000
const steps = Number(values.steps)
const expected = 4 * Number(values.fours)

interface Block {
  with: boolean
  wall: number
  cpu: number
}

/** Of four blocks, + - - +: how much longer those with took. */
function ratios(blocks: readonly Block[], of: 'wall' | 'cpu'): number[] {
  const found: number[] = []
  for (let at = 0; at + 4 <= blocks.length; at += 4) {
    const four = blocks.slice(at, at + 4)
    const sum = (isWith: boolean) => four.reduce((all, block) => all + (block.with === isWith ? block[of] : 0), 0)
    found.push(Math.log(sum(true) / sum(false)))
  }
  return found
}

/**
 * Mean and half of the 95 % interval, in percent, of all fours; and without the tenth at each end, which something else disturbed
 * or what the agent does seldom: that one is sharper, the first leaves nothing out.
 */
function interval(logs: readonly number[]): string {
  const told = (cut: number) => {
    const kept = logs.toSorted((one, other) => one - other).slice(cut, logs.length - cut)
    const mean = kept.reduce((sum, value) => sum + value, 0) / kept.length
    const spread = Math.sqrt(kept.reduce((sum, value) => sum + (value - mean) ** 2, 0) / (kept.length - 1))
    // The trimmed mean's error is that of the spread before the cut: about 1.3 times that of what is left.
    const half = (2 * (cut > 0 ? 1.3 : 1) * spread) / Math.sqrt(kept.length)
    const percent = (value: number) => `${(value * 100).toFixed(2)} %`
    return `${percent(mean)} (95 % interval ${percent(mean - half)} to ${percent(mean + half)})`
  }
  return `${told(0)}; without a tenth at each end ${told(Math.floor(logs.length / 10))}`
}

const folder = mkdtempSync(join(packageRoot, 'node_modules', '.bench-'))
const hub = await startAcknowledger({ memory: newMemory() })
mkdirSync(join(folder, 'hook'))
const log = join(folder, 'train.log')
// Without a device of its own the machine has one that plays back what was recorded.
const smi = values.device === 'cpu' ? [join(packageRoot, 'cli/demo')] : []
const path = [...smi, process.env['PATH']].join(delimiter)
const built = values.agent ?? (await bundle(join(folder, 'built')))
const options = [
  '--hub',
  hub.url,
  '--data',
  join(folder, 'data'),
  '--logs',
  `${log},${join(folder, 'hook')}/rank-*.jsonl`,
  '--from-start',
]
const agent = spawn(process.execPath, [built, 'agent', ...options], {
  env: { ...process.env, PATH: path, FAKE_SMI_GPUS: '8' },
  stdio: ['ignore', 'ignore', 'inherit'],
})
const pid = agent.pid ?? 0
try {
  await sleep(WARM_UP_MS)
  const before = processorSeconds(pid)
  const from = performance.now()
  const job = spawn(
    values.python,
    [
      join(packageRoot, 'test/bench/overhead.py'),
      String(pid),
      String(expected),
      values.steps,
      log,
      values.device,
      values.batch,
    ],
    {
      env: {
        ...process.env,
        PYTHONPATH: join(packageRoot, 'hook'),
        PLUMBLINE_HOOK_DIR: join(folder, 'hook'),
        PLUMBLINE_RUN: 'overhead',
        OMP_NUM_THREADS: '1',
      },
      stdio: ['ignore', 'pipe', 'inherit'],
    },
  )
  const blocks: Block[] = []
  for await (const line of createInterface(job.stdout)) blocks.push(JSON.parse(line) as Block)
  if (blocks.length < expected) throw new Error(`the job ended after ${blocks.length} blocks`)
  const mean = blocks.reduce((sum, { wall }) => sum + wall, 0) / blocks.length / steps
  const share = (processorSeconds(pid) - before) / ((performance.now() - from) / 1000)
  console.log(
    `${values.device}: ${values.fours} fours of blocks of ${steps} steps, ${(mean * 1000).toFixed(1)} ms a step`,
  )
  console.log(`slow-down, wall time:      ${interval(ratios(blocks, 'wall'))}`)
  console.log(`slow-down, processor time: ${interval(ratios(blocks, 'cpu'))}`)
  console.log(
    `agent: ${(share * 100).toFixed(2)} % of one processor, ${(residentBytes(pid) / 2 ** 20).toFixed(0)} MiB resident`,
  )
} finally {
  agent.kill('SIGCONT')
  agent.kill('SIGKILL')
  await hub.close()
  rmSync(folder, { recursive: true, force: true })
}
process.exit(0)
