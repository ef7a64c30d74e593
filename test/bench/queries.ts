/**
 * `npm run bench:queries`: what the page asks of months of a run, against 200 ms for a view of 1,000 points. The store is
 * filled by itself with what agents would have sent (as rows, not through the wire: that is `bench:ingest`), folded, and
 * asked through the same functions as the hub's door.
 *
 *     npm run bench:queries -- [days 90] [gpus 64] [seconds a step 2]
 */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { efficiencyOf } from '../../analysis/efficiency'
import { gpuSeries, hostSeries } from '../../hub/queries/devices'
import { HeatMaps } from '../../hub/queries/heat'
import { rankMap, stepSeries, type Range } from '../../hub/queries/steps'
import { Folding } from '../../hub/roll-ups/folding'
import { Runs } from '../../hub/runs'
import { openStore, type Store } from '../../hub/store/store'

const LIMIT_MS = 200
const POINTS = 1000
const DAY = 86_400
const [days = 90, gpus = 64, stepSeconds = 2] = process.argv.slice(2).map(Number)
const nodes = Array.from({ length: Math.ceil(gpus / 8) }, (_, index) => `node${index}`)
const end = Math.floor(Date.now() / 1000) - 120
const began = end - days * DAY

/** A day of samples of every device and of steps of every rank. Device samples each 10 s: finer ones are not kept so long. */
async function fillDay(store: Store, day: number, everySeconds: number): Promise<void> {
  const from = began + day * DAY
  const settings = 'SETTINGS max_partitions_per_insert_block = 0'
  await store.command(
    `INSERT INTO gpu (time, node, index, source, utilizationRatio, memoryUsedBytes, memoryTotalBytes, powerWatts, temperatureCelsius, smClockHertz, agent, sequence, receivedAt)
     SELECT ${from} + intDiv(number, ${gpus}) * ${everySeconds} AS at, concat('node', toString(intDiv(number % ${gpus}, 8))), number % 8, 'nvidia-smi',
       if(intHash32(number) % 5000 = 0, 0, 0.9), 6e10 + intHash32(number) % 1000 * 1e7, 8e10, 600 + intHash32(number) % 100, 60 + intHash32(number) % 9, 1.9e9, 'bench', ${day}, at
     FROM numbers(${Math.floor(DAY / everySeconds) * gpus}) ${settings}`,
  )
  await store.command(
    `INSERT INTO host (time, node, cpuUtilizationRatio, memoryUsedBytes, memoryTotalBytes, agent, sequence, receivedAt)
     SELECT ${from} + intDiv(number, ${nodes.length}) * ${everySeconds} AS at, concat('node', toString(number % ${nodes.length})), 0.3, 1e11, 2e12, 'bench', ${day}, at
     FROM numbers(${Math.floor(DAY / everySeconds) * nodes.length}) ${settings}`,
  )
  const steps = Math.floor(DAY / stepSeconds)
  await store.command(
    `INSERT INTO step (time, run, node, rank, step, source, stepSeconds, tokens, loss, memoryAllocatedBytes, phases, agent, sequence, receivedAt)
     SELECT ${from} + intDiv(number, ${gpus}) * ${stepSeconds} AS at, 'long', concat('node', toString(intDiv(number % ${gpus}, 8))), number % ${gpus},
       ${day * steps} + intDiv(number, ${gpus}), 'hook', ${stepSeconds} + intHash32(number) % 100 / 1e3, 65536, 3 + intHash32(number) % 100 / 1e3, 5e10,
       concat('{"forward":{"seconds":0.5},"backward":{"seconds":1},"communication":{"seconds":0.', toString(100 + intHash32(number) % 300), '}}'), 'bench', ${day}, at
     FROM numbers(${steps * gpus}) ${settings}`,
  )
}

const seconds = () => process.cpuUsage().user / 1e6 + process.cpuUsage().system / 1e6

async function timed(name: string, work: () => Promise<number>): Promise<void> {
  const times: number[] = []
  let points = 0
  let spent = 0
  for (let turn = 0; turn < 5; turn += 1) {
    const [from, cpu] = [performance.now(), seconds()]
    points = await work()
    times.push(performance.now() - from)
    spent += seconds() - cpu
  }
  const middle = times.sort((one, other) => one - other)[2] ?? NaN
  const first = `${middle.toFixed(0)} ms`.padStart(9)
  const cost = `${((spent / 5) * 1000).toFixed(0)} ms of processors`.padStart(22)
  console.log(
    `${name.padEnd(44)}${first}${cost}${String(points).padStart(8)} points   ${(middle / LIMIT_MS).toFixed(2)} of the limit`,
  )
}

const data = mkdtempSync(join(tmpdir(), 'plumbline-queries-'))
const store = await openStore({ data, store: '' })
try {
  for (let day = 0; day < days; day += 1) {
    await fillDay(store, day, day < days - 1 ? 10 : 1)
    if (day % 10 === 9) console.error(`${day + 1} of ${days} days`)
  }
  const folding = new Folding(store, line => console.error(line))
  await folding.start()
  const [from, cpu] = [performance.now(), seconds()]
  await folding.fold(true, end + 60)
  await folding.close()
  const rows = Number(
    (await store.query('SELECT (SELECT count() FROM gpu) + (SELECT count() FROM step) AS rows'))['rows']?.[0],
  )
  const spent = seconds() - cpu
  console.log(
    `${days} days of ${gpus} GPUs, a step each ${stepSeconds} s: ${(rows / 1e6).toFixed(0)} M rows, folded in ${((performance.now() - from) / 1e3).toFixed(0)} s, ${((spent / rows) * 1e6).toFixed(2)} CPU s a million`,
  )
  await timed('runs, at the start of a hub', async () => {
    const runs = new Runs(store, () => false)
    await runs.restore()
    return runs.size
  })
  const known = {
    efficiency: efficiencyOf({ config: undefined, gpuNames: [], tokensPerSecond: undefined, devices: gpus }),
    devices: gpus,
  }
  for (const [span, length] of [
    ['an hour', 3600],
    ['a day', DAY],
    [`${days} days`, days * DAY],
  ] as const) {
    const range: Range = { from: end - length, to: end, points: POINTS }
    await timed(`steps, ${span}`, async () => (await stepSeries(store, 'long', range, known)).step.length)
    await timed(`one node's GPUs, ${span}`, async () =>
      (await gpuSeries(store, nodes.slice(0, 1), range)).reduce((sum, one) => sum + one.time.length, 0),
    )
    await timed(`all GPUs, ${span}, 240 points`, async () =>
      (await gpuSeries(store, nodes, { ...range, points: 240 })).reduce((sum, one) => sum + one.time.length, 0),
    )
    await timed(`hosts, ${span}`, async () =>
      (await hostSeries(store, nodes.slice(0, 1), range)).reduce((sum, one) => sum + one.time.length, 0),
    )
    await timed(
      `ranks by step, ${span}, 240 points`,
      async () => (await rankMap(store, 'long', 'stepSeconds', { ...range, points: 240 })).values.length,
    )
    const question = {
      run: 'long',
      range: { ...range, points: 240 },
      ranks: gpus,
      stepSeconds,
      lastSeenAt: end,
      lastStepAt: end,
    }
    const look = () => new HeatMaps(store).map(question, 'computeSeconds')
    await timed(`heat map, ${span}, first look`, async () => (await look()).values.length)
  }
} finally {
  await store.close()
  rmSync(data, { recursive: true, force: true })
}
