/**
 * What the agent costs: processor share and memory at 1 Hz on 8 simulated GPUs, its nvidia-smi included, beside
 * prometheus-node-exporter scraped at 1 Hz in the same seconds; and of that the black box alone.
 *
 *     npx tsx test/bench/agent.ts [--seconds 30]
 */
import { spawn, spawnSync, type ChildProcess } from 'node:child_process'
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { delimiter, join } from 'node:path'
import { parseArgs } from 'node:util'
import { sleep } from '../../base/clock'
import { packageRoot } from '../../base/root'
import { newMemory, startAcknowledger } from '../acknowledger'
import { freePort } from '../plumbline'
import { measureBlackBox } from './black-box'
import { bundle } from './bundle'

const EXPORTER = 'prometheus-node-exporter'
const WARM_UP_MS = 5_000
const ticksPerSecond = Number(spawnSync('getconf', ['CLK_TCK']).stdout.toString()) || 100

interface Cost {
  /** User and system seconds; ended children of each process included. */
  seconds: number
  residentMib: number
  /** Shared pages split among those who share them. */
  proportionalMib: number
  processes: number
}

interface Stat {
  readonly parent: number
  readonly ticks: number
}

function statOf(pid: number): Stat | undefined {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, 'utf8')
    const fields = text
      .slice(text.lastIndexOf(')') + 2)
      .split(' ')
      .map(Number)
    // utime, stime, cutime, cstime are fields 14 to 17 of proc_pid_stat(5); here counted from the third.
    return { parent: fields[1] ?? 0, ticks: fields.slice(11, 15).reduce((sum, value) => sum + value, 0) }
  } catch {
    return undefined
  }
}

function memoryOf(pid: number): { resident: number; proportional: number } {
  try {
    const text = readFileSync(`/proc/${pid}/smaps_rollup`, 'utf8')
    const mib = (name: string) => Number(new RegExp(`^${name}:\\s+(\\d+)`, 'm').exec(text)?.[1] ?? 0) / 1024
    return { resident: mib('Rss'), proportional: mib('Pss') }
  } catch {
    return { resident: 0, proportional: 0 }
  }
}

/** A process and all below it now. */
function family(root: number): number[] {
  const all = readdirSync('/proc').flatMap(name => (/^\d+$/.test(name) ? [Number(name)] : []))
  const parents = new Map(all.map(pid => [pid, statOf(pid)?.parent]))
  const found = [root]
  for (const pid of found) for (const [child, parent] of parents) if (parent === pid) found.push(child)
  return found
}

function costOf(root: number): Cost {
  const cost: Cost = { seconds: 0, residentMib: 0, proportionalMib: 0, processes: 0 }
  for (const pid of family(root)) {
    const { resident, proportional } = memoryOf(pid)
    cost.seconds += (statOf(pid)?.ticks ?? 0) / ticksPerSecond
    cost.residentMib += resident
    cost.proportionalMib += proportional
    cost.processes += 1
  }
  return cost
}

function start(children: ChildProcess[], command: string, args: readonly string[], environment = process.env): number {
  const child = spawn(command, args, { stdio: ['ignore', 'ignore', 'pipe'], env: environment })
  child.on('error', error => console.error(`error: ${command}: ${error.message}`))
  children.push(child)
  return child.pid ?? 0
}

function line(name: string, from: Cost, to: Cost, seconds: number): { share: number; resident: number } {
  const share = (to.seconds - from.seconds) / seconds
  const memory = `${to.residentMib.toFixed(1)} MiB RSS, ${to.proportionalMib.toFixed(1)} MiB PSS`
  console.log(`${name.padEnd(28)} ${(share * 100).toFixed(2)} % of one processor, ${memory}, ${to.processes} processes`)
  return { share, resident: to.residentMib }
}

async function measure(seconds: number, folder: string, children: ChildProcess[]): Promise<void> {
  const memory = newMemory()
  const hub = await startAcknowledger({ memory })
  const entry = await bundle(folder)
  const port = await freePort()
  const path = [join(packageRoot, 'cli/demo'), process.env['PATH']].join(delimiter)
  const agent = start(
    children,
    process.execPath,
    [entry, 'agent', '--hub', hub.url, '--data', join(folder, 'data'), '--interval-ms', '1000'],
    { ...process.env, PATH: path, FAKE_SMI_GPUS: '8' },
  )
  const exporter = start(children, EXPORTER, [`--web.listen-address=127.0.0.1:${port}`, '--log.level=error'])
  let scrapes = 0
  const scrape = async () => {
    await (await fetch(`http://127.0.0.1:${port}/metrics`)).text()
    scrapes += 1
  }
  const scraping = setInterval(() => void scrape().catch(() => undefined), 1000)
  await sleep(WARM_UP_MS)
  const samples = () => memory.batches.flatMap(batch => batch.records).filter(record => record.kind === 'gpu').length
  const before = {
    agent: costOf(agent),
    exporter: costOf(exporter),
    samples: samples(),
    batches: memory.batches.length,
    scrapes,
    at: performance.now(),
  }
  await sleep(seconds * 1000)
  const after = { agent: costOf(agent), exporter: costOf(exporter) }
  const took = (performance.now() - before.at) / 1000
  clearInterval(scraping)
  const rate = (samples() - before.samples) / took
  const sent = memory.batches.slice(before.batches)
  console.log(`${took.toFixed(1)} s, ${rate.toFixed(2)} GPU samples a second, ${scrapes - before.scrapes} scrapes`)
  const own = line('plumbline agent', before.agent, after.agent, took)
  const peer = line(EXPORTER, before.exporter, after.exporter, took)
  if (peer.resident === 0) console.log(`${EXPORTER} did not run: no ratio`)
  else
    console.log(
      `agent / exporter: processor ${(own.share / peer.share).toFixed(2)}, RSS ${(own.resident / peer.resident).toFixed(2)}`,
    )
  measureBlackBox(
    sent.map(({ records }) => records),
    took,
    join(folder, 'black-box'),
  )
  await hub.close()
}

const { values } = parseArgs({ options: { seconds: { type: 'string', default: '30' } } })
// Below the package, so that the bundle finds the packages that it leaves out.
const folder = mkdtempSync(join(packageRoot, 'node_modules', '.bench-'))
const children: ChildProcess[] = []
try {
  await measure(Number(values.seconds), folder, children)
} finally {
  await Promise.all(
    children.map(async child => {
      const gone = new Promise(resolve => child.once('close', resolve))
      if (child.exitCode === null && child.kill('SIGTERM')) await Promise.race([gone, sleep(6000)])
    }),
  )
  rmSync(folder, { recursive: true, force: true })
}
