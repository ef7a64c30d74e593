/**
 * What a fleet would take, on paper, from what was measured: `npm run bench:scale -- [GPUS]` (100,000). It measures nothing
 * itself: the figures are read from CHANGELOG.md, where `bench:ingest` and `bench:detect` put them, and every assumption is
 * printed.
 */
import { extrapolate, type Scale } from './scale/extrapolate'
import { ingests, looks } from './scale/measured'

const gigabytes = (bytes: number) => `${(bytes / 1e9).toPrecision(3)} GB`

function print(one: Scale): void {
  const rows: [string, string][] = [
    ['GPUs, nodes, samples a second', `${one.gpus}, ${one.nodes}, ${one.samplesPerSecond}`],
    ['hubs', `${one.hubs} (at most ${one.nodesPerHub} nodes each)`],
    ['processor of all hubs and the store', `${one.cores.toFixed(1)} cores`],
    ['memory of each hub', gigabytes(one.memoryBytesPerHub)],
    ['disk a day, one replica', gigabytes(one.diskBytesPerDay)],
    ['disk a day, two replicas', gigabytes(2 * one.diskBytesPerDay)],
    ['one look at a run of all ranks', `${one.lookSeconds.toFixed(1)} s of a core`],
    ['between two looks', `${one.lookEverySeconds.toFixed(0)} s`],
  ]
  for (const [name, value] of rows) console.log(`${name.padEnd(38)} ${value}`)
}

const gpus = Number(process.argv[2] ?? 100_000)
const [measured, seen] = [ingests(), looks()]
console.log('measured, on two cores, as CHANGELOG.md has it:')
for (const one of measured)
  console.log(
    `  ${one.gpus} GPUs: ${one.cpuSecondsPerMillion} CPU s a million, ${gigabytes(one.memoryBytes)}, ${one.bytesPerSample} bytes a sample, page p99 ${one.pageDelaySeconds} s`,
  )
for (const { ranks, seconds } of seen) console.log(`  a look at ${ranks} ranks: ${seconds} s`)
const scale = extrapolate(gpus, measured, seen)
console.log('\nextrapolated, on paper:')
print(scale)
console.log('\nassumed:')
for (const line of scale.assumptions) console.log(`- ${line}`)
