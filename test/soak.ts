/**
 * An hour at 1,024 GPUs: a hub with its disk, the fleet of `bench:ingest`, one real agent with devices and a log that grows, and
 * somebody who looks, opens and closes pages and asks for figures. Memory, open files and disk are taken down all the while, drawn
 * into docs/figures/soak.svg, and judged by how they grow in the second half.
 *
 *     npm run soak [-- --minutes 60 --nodes 128 --figure docs/figures/soak.svg]
 */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { parseArgs } from 'node:util'
import { sleep } from '../base/clock'
import { packageRoot } from '../base/root'
import { GPUS, METRICS, RUN_NODES } from './bench/ingest/fleet'
import { mergedBytes } from './bench/ingest/merged'
import { startFleet, startHub } from './bench/ingest/processes'
import { startAgentWithJob } from './soak/agent'
import { soakFigure } from './soak/figure'
import { look, measure, perHour, type Look } from './soak/measure'
import { visit } from './soak/visitor'

const { values } = parseArgs({
  options: {
    minutes: { type: 'string', default: '60' },
    nodes: { type: 'string', default: '128' },
    every: { type: 'string', default: '10' },
    figure: { type: 'string', default: 'docs/figures/soak.svg' },
  },
})
const minutes = Number(values.minutes)
const nodes = Number(values.nodes)

const folder = mkdtempSync(join(tmpdir(), 'plumbline-soak-'))
const hubData = join(folder, 'hub')
const hub = await startHub(hubData)
const agent = startAgentWithJob(join(folder, 'agent'), hub.url)
const fleet = await startFleet(nodes, hub.url)
const visitor = visit(hub.url, Math.ceil(nodes / RUN_NODES))
const looks: Look[] = []
let bytesPerSample: number
try {
  const from = performance.now()
  for (let due = 0; due <= minutes * 60; due += Number(values.every)) {
    await sleep(Math.max(0, from + due * 1000 - performance.now()))
    const { acknowledged, made } = fleet.report()
    const parts = { hub: measure(hub.child.pid), agent: measure(agent.child.pid) }
    const disk = { hub: hubData, agent: join(folder, 'agent', 'data') }
    looks.push(look({ minutes: due / 60, parts, disk, acknowledged, made }))
    const last = looks.at(-1)
    if (last !== undefined && due % 300 === 0)
      console.log(
        `${(due / 60).toFixed(0).padStart(3)} min: hub ${(last.hubBytes / 1e6).toFixed(0)} MB, ${last.hubFiles} files; ` +
          `agent ${(last.agentBytes / 1e6).toFixed(0)} MB, ${last.agentFiles} files; ` +
          `store ${(last.storeBytes / 1e6).toFixed(0)} MB, ${last.acknowledged.toLocaleString('en')} samples`,
      )
  }
  visitor.close()
  fleet.child.kill('SIGKILL')
  await hub.stop()
  // The folder as it lies holds small parts, and merged ones that are not yet gone: it swings by a half.
  bytesPerSample = (await mergedBytes(hubData)).all / fleet.report().acknowledged
} finally {
  visitor.close()
  fleet.child.kill('SIGKILL')
  agent.child.kill('SIGKILL')
  hub.child.kill('SIGKILL')
  agent.stop()
  rmSync(folder, { recursive: true, force: true })
}

const half = looks.filter(({ minutes: at }) => at >= minutes / 2)
const last = looks.at(-1)
if (last === undefined) throw new Error('nothing was measured')
const of = (name: keyof Look) => perHour(half, name)
console.log(`${(nodes * GPUS).toLocaleString('en')} GPUs at 1 Hz, ${METRICS} metrics each, ${minutes} minutes`)
console.log(
  `taken: ${((last.acknowledged / last.made) * 100).toFixed(2)} % of what was made; ${visitor.asked()} requests, ${visitor.failed()} failed`,
)
console.log('growth an hour in the second half, by least squares:')
for (const [name, value, unit] of [
  ['hub memory', of('hubBytes') / 1e6, 'MB'],
  ['hub open files', of('hubFiles'), ''],
  ['hub threads', of('hubThreads'), ''],
  ['agent memory', of('agentBytes') / 1e6, 'MB'],
  ['agent open files', of('agentFiles'), ''],
  ['agent disk', of('spoolBytes') / 1e6, 'MB'],
  ['store', of('storeBytes') / 1e6, 'MB'],
] as const)
  console.log(`  ${name.padEnd(17)} ${value.toFixed(1).padStart(9)} ${unit}`)
console.log(`  ${bytesPerSample.toFixed(2)} bytes a sample in the store once merged, steps and roll-ups included`)
writeFileSync(resolve(packageRoot, values.figure), soakFigure(looks, nodes * GPUS))
console.log(`drawn: ${values.figure}`)
process.exit(0)
