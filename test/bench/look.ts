/**
 * One look of the hub at a run in the embedded store, all its steps of a window read and judged: how long that takes, and how
 * long at a time it holds the hub's only thread, in which nothing else is answered.
 * `npm run bench:look -- [ranks]`.
 */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { monitorEventLoopDelay } from 'node:perf_hooks'
import { setTimeout as sleep } from 'node:timers/promises'
import { detectEach } from '../../analysis/index'
import { newFacts, type RunFacts } from '../../hub/run-facts'
import { Runs } from '../../hub/runs'
import { openStore, type Store } from '../../hub/store/store'
import { detectorWindow, windowSteps } from '../../hub/window'

const [ranks = 1024] = process.argv.slice(2).map(Number)
const LOOKS = 4
const TENSOR = 8
const RUN = 'look'
const steps = windowSteps(ranks)
const end = Math.floor(Date.now() / 1000)

/** What the hook of every rank tells: its steps, and what it spent with those of its node and with its like elsewhere. */
async function fill(store: Store): Promise<void> {
  const origin = `'bench' AS agent, 1 AS sequence, ${end} AS receivedAt`
  const place = `concat('node', toString(intDiv(rank, ${TENSOR})))`
  await store.command(
    `INSERT INTO rank (agent, sequence, receivedAt, run, time, node, rank, localRank, worldSize, coordinates)
     SELECT ${origin}, '${RUN}', ${end - steps}, concat('node', toString(intDiv(number, ${TENSOR}))), number, number % ${TENSOR}, ${ranks},
       concat('{"pp":0,"dp":', toString(intDiv(number, ${TENSOR})), ',"tp":', toString(number % ${TENSOR}), '}') FROM numbers(${ranks})`,
  )
  const noise = 'cityHash64(number) % 1000 / 1e5'
  await store.command(
    `INSERT INTO step (agent, sequence, receivedAt, run, node, time, rank, step, source, stepSeconds, tokens, phases)
     WITH number % ${ranks} AS rank, intDiv(number, ${ranks}) + 1 AS step
     SELECT ${origin}, '${RUN}', ${place}, ${end - steps} + step, rank, step, 'hook', 1, 4096,
       concat('{"data":{"seconds":0.01},"forward":{"seconds":', toString(0.2 + ${noise}), '},"backward":{"seconds":', toString(0.4 + ${noise}),
         '},"communication":{"seconds":0.3},"optimizer":{"seconds":0.05}}')
     FROM numbers(${ranks * steps})`,
  )
  const node = `intDiv(rank, ${TENSOR}) * ${TENSOR}`
  for (const group of [
    `concat(toString(${node}), '-', toString(${node} + ${TENSOR - 1}))`,
    `concat(toString(rank % ${TENSOR}), '-', toString(${ranks - TENSOR} + rank % ${TENSOR}), '/${TENSOR}')`,
  ])
    await store.command(
      `INSERT INTO collective (agent, sequence, receivedAt, run, node, time, rank, step, group, operation, bytes, seconds)
       WITH number % ${ranks} AS rank, intDiv(number, ${ranks}) + 1 AS step
       SELECT ${origin}, '${RUN}', ${place}, ${end - steps} + step, rank, step, ${group}, 'all-reduce', 1e9, 0.1 + ${noise} FROM numbers(${ranks * steps})`,
    )
}

function factsOf(): RunFacts {
  const facts = newFacts(RUN, end - steps)
  for (let rank = 0; rank < ranks; rank += 1) {
    facts.ranks.add(rank)
    facts.nodes.add(`node${Math.floor(rank / TENSOR)}`)
  }
  return Object.assign(facts, { lastStep: steps, lastStepAt: end, lastSeenAt: end })
}

const data = mkdtempSync(join(tmpdir(), 'plumbline-look-'))
const store = await openStore({ data, store: '' })
try {
  await fill(store)
  const runs = new Runs(store, () => true)
  const facts = factsOf()
  const delay = monitorEventLoopDelay({ resolution: 1 })
  for (let look = 1; look <= LOOKS; look += 1) {
    await sleep(200)
    delay.reset()
    delay.enable()
    const [began, used] = [performance.now(), process.cpuUsage()]
    const window = await detectorWindow(store, runs, facts, { from: 0, to: steps })
    await sleep(5)
    const [read, held] = [performance.now() - began, delay.max / 1e6]
    const judges = performance.now()
    const turns: number[] = []
    for (const found of detectEach(window, (name, why) => console.error(`${name}: ${why}`))) {
      turns.push(performance.now() - judges - turns.reduce((sum, took) => sum + took, 0))
      if (found.length > 0) console.error(found.map(({ title }) => title).join(', '))
    }
    delay.disable()
    const { user, system } = process.cpuUsage(used)
    const [total, most] = [turns.reduce((sum, took) => sum + took, 0), Math.max(...turns)]
    console.log(
      `${ranks} ranks, ${steps} steps, ${window.groups?.groups.length ?? 0} groups: read in ${read.toFixed(0)} ms, the thread held for ${held.toFixed(0)} ms` +
        ` at most; judged in ${total.toFixed(0)} ms, ${most.toFixed(0)} at a time; ${((user + system) / 1e6).toFixed(2)} CPU s`,
    )
  }
} finally {
  await store.close()
  rmSync(data, { recursive: true, force: true })
}
