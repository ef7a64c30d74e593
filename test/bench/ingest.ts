/**
 * How much one hub takes, and what it costs: N nodes of 8 GPUs, 25 metrics at 1 Hz, a step of each rank every 5 s, as
 * frames of agents over loopback sockets into a real hub with its disk, while all runs are analysed and one is looked at; then
 * Prometheus (Debian's package) scraping the metrics of as many nodes; then the hub with these metrics alone. All share the
 * machine with the generator. In a minute what came is rolled up once.
 *
 *     npm run bench:ingest [-- --nodes 512,1024 --seconds 60 --no-prometheus]
 */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { io } from 'socket.io-client'
import { sleep } from '../../base/clock'
import { LIVE_NAMESPACE } from '../../wire/live'
import type { LiveUpdate } from '../../wire/api'
import { GPUS, METRICS } from './ingest/fleet'
import type { FleetReport } from './ingest/fleet-main'
import { mergedBytes, type MergedBytes } from './ingest/merged'
import { folderBytes, processorSeconds, residentBytes } from './ingest/process-cost'
import { startFleet, startHub } from './ingest/processes'
import { measurePrometheus } from './ingest/prometheus'
import { line, perMillion, quantile, type Measured } from './ingest/report'

/** What counts as held. */
const HELD = 0.97

const { values } = parseArgs({
  options: {
    nodes: { type: 'string', default: '256,512,1024' },
    seconds: { type: 'string', default: '60' },
    'warm-up': { type: 'string', default: '12' },
    prometheus: { type: 'boolean', default: true },
  },
  allowNegative: true,
})
const seconds = Number(values.seconds)
const warmUp = Number(values['warm-up'])

/** Seconds from a step's sample to the page, of each step of a run that is new in an update. */
function look(url: string, run: string): { delays: number[]; close: () => void } {
  const socket = io(url + LIVE_NAMESPACE, { transports: ['websocket'] })
  const delays: number[] = []
  let last: number | undefined
  socket.on('connect', () => socket.emit('watch', run))
  socket.on('update', ({ steps }: LiveUpdate) => {
    const now = Date.now() / 1000
    for (const at of steps.time) if (at > (last ?? Infinity)) delays.push(now - at)
    // Of the newest step few ranks may have told: then the step before has the newest sample, and is told again.
    if (steps.time.length > 0) last = Math.max(last ?? 0, ...steps.time)
  })
  return { delays, close: () => socket.close() }
}

type Tick = Pick<FleetReport, 'made' | 'acknowledged'>
/** Seconds in which the hub stores at least once all that came. */
const WAVE = 5

/** Samples taken: those made, less what waits at the end and did not before. As each commit ends little waits, and that counts. */
function taken(ticks: readonly Tick[]): number {
  const waits = (some: readonly Tick[]) => Math.min(...some.map(({ made, acknowledged }) => made - acknowledged))
  const made = (ticks.at(-1)?.made ?? 0) - (ticks[0]?.made ?? 0)
  return made - (waits(ticks.slice(-WAVE)) - waits(ticks.slice(0, WAVE)))
}

interface Held extends Measured {
  /** Once all parts are merged; a sample. */
  readonly merged: MergedBytes
  /** Seconds from sample to acknowledgement, and to the page. */
  readonly stored: readonly number[]
  readonly shown: readonly number[]
}

/** With runs, and a page on one of them; or the devices alone, as Prometheus has them. */
async function measureHub(data: string, nodes: number, trains: boolean): Promise<Held> {
  const hub = await startHub(data)
  const pid = hub.child.pid ?? 0
  const fleet = await startFleet(nodes, hub.url, trains)
  const page = trains ? look(hub.url, 'job-0') : undefined
  try {
    await sleep(warmUp * 1000)
    fleet.delays()
    if (page !== undefined) page.delays.length = 0
    const before = { at: performance.now(), cpu: processorSeconds(pid) }
    const ticks: Tick[] = [{ ...fleet.report() }]
    const generator = processorSeconds(fleet.child.pid ?? 0)
    let resident = 0
    for (let second = 0; second < seconds; second += 1) {
      await sleep(1000)
      resident = Math.max(resident, residentBytes(pid))
      ticks.push({ ...fleet.report() })
    }
    const took = (performance.now() - before.at) / 1000
    const samples = taken(ticks)
    const generated = (processorSeconds(fleet.child.pid ?? 0) - generator) / took
    console.log(`  generator: ${generated.toFixed(2)} cores, ${fleet.report().connected} agents connected`)
    const cost = processorSeconds(pid) - before.cpu
    const stored = fleet.delays()
    const shown = [...(page?.delays ?? [])]
    fleet.child.kill('SIGKILL')
    const all = fleet.report().acknowledged
    await hub.stop()
    const diskBytesPerSample = folderBytes(data) / all
    const { all: bytes, rolledUp } = await mergedBytes(data)
    const merged = { all: bytes / all, rolledUp: rolledUp / all }
    const costs = { rate: samples / took, samples, processorSeconds: cost, resident }
    return { ...costs, diskBytesPerSample, merged, stored, shown }
  } finally {
    page?.close()
    fleet.child.kill('SIGKILL')
    hub.child.kill('SIGKILL')
  }
}

const mergedLine = ({ all, rolledUp }: MergedBytes) =>
  `${all.toFixed(2)} bytes a sample once merged, ${rolledUp.toFixed(2)} of them roll-ups`

const milliseconds = (delays: readonly number[]) =>
  delays.length === 0
    ? 'none'
    : `p50 ${(quantile(delays, 0.5) * 1000).toFixed(0)} ms, p99 ${(quantile(delays, 0.99) * 1000).toFixed(0)} ms`

let most = 0
for (const nodes of values.nodes.split(',').map(Number)) {
  const folder = mkdtempSync(join(tmpdir(), 'plumbline-ingest-'))
  const due = nodes * GPUS * METRICS
  try {
    console.log(`${nodes} nodes, ${(nodes * GPUS).toLocaleString('en')} GPUs, ${due.toLocaleString('en')} samples/s`)
    const own = await measureHub(join(folder, 'hub'), nodes, true)
    if (own.rate >= due * HELD) most = Math.max(most, nodes * GPUS)
    console.log(`  ${line('plumbline', due, own)}`)
    console.log(`  ${mergedLine(own.merged)}, steps and all else included`)
    console.log(`  sample to stored: ${milliseconds(own.stored)}; sample to page: ${milliseconds(own.shown)}`)
    const peer = values.prometheus ? await measurePrometheus(folder, nodes, warmUp, seconds) : undefined
    if (peer === undefined) continue
    console.log(`  ${line('prometheus', due, peer)}`)
    const alike = await measureHub(join(folder, 'alike'), nodes, false)
    console.log(`  ${line('plumbline, the same series alone', due, alike)}`)
    console.log(`  ${mergedLine(alike.merged)}`)
    const ratio = (one: Measured) => (perMillion(peer) / perMillion(one)).toFixed(1)
    console.log(
      `  prometheus / plumbline, CPU a sample: ${ratio(alike)}; ${ratio(own)} with runs, their analysis and a page`,
    )
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}
console.log(`most GPUs held: ${most.toLocaleString('en')}`)
process.exit(0)
