/**
 * Faults on real processes, for a bounded time, and what is in the store at the end against what was written: nothing lost,
 * nothing doubled.
 *
 *     npm run chaos [-- --seconds 60 --agents 3 --hubs 1 --seed 1 --disk 512 --verbose]
 *
 * Lines of logs are written all the while and read by agents; at the end everything heals, and the store must hold each
 * line once. Several hubs are behind a balancer, on one ClickHouse and one Redis. `--disk MIB`: on a tmpfs of that size (as root), so that it can be full.
 */
import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { sleep } from '../base/clock'
import { seededRandom } from '../base/random'
import { faults } from './chaos/faults'
import { sendTwice } from './chaos/frames'
import { Stage } from './chaos/stage'
import { storedSteps } from './plumbline'

const { values } = parseArgs({
  options: {
    seconds: { type: 'string', default: '60' },
    agents: { type: 'string', default: '3' },
    hubs: { type: 'string', default: '1' },
    seed: { type: 'string', default: '1' },
    disk: { type: 'string', default: '512' },
    verbose: { type: 'boolean', default: false },
  },
})
const HEAL_SECONDS = 120
const FRAMES = 60

/** What came more than once. */
function doubled(rows: readonly string[]): string[] {
  const seen = new Set<string>()
  return rows.filter(row => seen.has(row) || !seen.add(row))
}

const folder = mkdtempSync(join(tmpdir(), 'plumbline-chaos-'))
const logs = mkdtempSync(join(tmpdir(), 'plumbline-chaos-logs-'))
const mounted = spawnSync('mount', ['-t', 'tmpfs', '-o', `size=${values.disk}m`, 'tmpfs', folder]).status === 0
const random = seededRandom(Number(values.seed))
const log = (line: string) => values.verbose && console.log(`    ${line}`)
const stage = await Stage.open(join(folder, 'stage'), logs, {
  agents: Number(values.agents),
  hubs: Number(values.hubs),
  log,
})
let lost: string[]
let repeated: string[]
try {
  const jobs = stage.write()
  await stage.flows()
  const survived = new Map<string, number>()
  const missing = new Set<string>()
  const until = performance.now() + Number(values.seconds) * 1000
  for (let round = 0; performance.now() < until; round += 1) {
    // Each once first, then as it comes.
    const fault = faults[round < faults.length ? round : Math.floor(random() * faults.length)]
    if (fault === undefined) continue
    const why = fault.missing?.(stage)
    if (why !== undefined) {
      missing.add(`${fault.name}: ${why}`)
      continue
    }
    log(`── ${fault.name}`)
    await fault.make(stage, random)
    await stage.answers()
    survived.set(fault.name, (survived.get(fault.name) ?? 0) + 1)
    await sleep(500 + random() * 1500)
  }
  jobs.stop()
  for (const hub of stage.hubs) hub.start()
  for (const agent of stage.agents) agent.start()
  let stored: string[] = []
  for (let second = 0; second < HEAL_SECONDS && stored.length < stage.written.length; second += 1) {
    await sleep(1000)
    stored = await stage.stored().catch(() => [])
  }
  const there = new Set(stored)
  lost = stage.written.filter(row => !there.has(row))
  repeated = doubled(stored)
  const acknowledged = await sendTwice(stage.url, 'chaos-frames', FRAMES, random)
  const frames = await storedSteps(stage.url, 'chaos-frames')
  for (let step = 1; step <= acknowledged; step += 1) if (!frames.includes(`${step},0`)) lost.push(`frame ${step}`)
  repeated.push(...doubled(frames))
  for (const [name, count] of survived) console.log(`${String(count).padStart(3)} × ${name}`)
  console.log(`${FRAMES} × a frame thrice, with an older one between`)
  for (const line of missing) console.log(`not tried: ${line}`)
  console.log(`${stage.written.length} lines written, ${stored.length} stored`)
  for (const row of [...lost, ...repeated].slice(0, 20)) console.log(`    ${row}`)
  console.log(`${lost.length} lost, ${repeated.length} doubled`)
} finally {
  await stage.close()
  if (mounted) spawnSync('umount', [folder])
  for (const one of [folder, logs]) rmSync(one, { recursive: true, force: true })
}
process.exit(lost.length + repeated.length === 0 ? 0 : 1)
