/**
 * Feeds mutated fixtures to every log format and form: nothing may throw but an error for people, hang, or give a record
 * that is none. Bounded; the seed makes a failure come again.
 *
 *     npm run fuzz [-- INPUTS [SEED]]
 */
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { PlumblineError } from '../../base/errors'
import { seededRandom } from '../../base/random'
import { forms } from '../../collectors/forms/index'
import { formats } from '../../collectors/logs/index'
import { createLogReader } from '../../collectors/logs/read'
import { sectionsOf } from '../../collectors/sections'
import { asRecord, type WireRecord } from '../../wire/records'

const inputs = Number(process.argv[2] ?? 1_000_000)
const seed = Number(process.argv[3] ?? 1)
/** Processor time: an input of a few kilobytes that takes longer than this has met a pattern that explodes. */
const HANG_MS = 2_000
const MOST_BYTES = 4096
const root = join(import.meta.dirname, '../fixtures')
const random = seededRandom(seed)
const below = (limit: number) => Math.floor(random() * limit)

/** Golden records lie beside: of a form under a name of their own, for some tools print JSON Lines. */
function samplesOf(folder: string, golden: string): Buffer[] {
  if (!existsSync(folder)) return []
  return readdirSync(folder)
    .map(name => join(folder, name))
    .filter(path => statSync(path).isFile() && !path.endsWith(golden))
    .map(path => readFileSync(path))
}

interface Target {
  readonly name: string
  readonly samples: readonly Buffer[]
  readonly read: (bytes: Buffer) => Promise<WireRecord[]>
}
const logTargets: Target[] = [...formats].map(format => ({
  name: format.name,
  samples: samplesOf(join(root, 'logs', format.name), '.jsonl'),
  read(bytes) {
    const reader = createLogReader()
    return Promise.resolve([...reader.push(bytes), ...reader.end()])
  },
}))
const formTargets: Target[] = [...forms].map(form => ({
  name: form.name,
  samples: samplesOf(join(root, 'forms', form.name), '.golden.jsonl'),
  async read(bytes) {
    const records: WireRecord[] = []
    form.claims({ bytes, text: bytes.toString('utf8') })
    async function* chunks() {
      yield await Promise.resolve(bytes)
    }
    await form.read(chunks(), more => Promise.resolve(void records.push(...more)))
    return records
  },
}))
/** Two outputs behind one another. */
const sections: Target = {
  name: 'sections',
  samples: formTargets.map(({ samples }, at) =>
    Buffer.concat([...samples.slice(0, 1), ...(formTargets[at + 1]?.samples.slice(0, 1) ?? [])]),
  ),
  read: bytes =>
    Promise.resolve(sectionsOf(bytes.toString('utf8'), [...forms]).flatMap(({ own }) => own?.reading.records ?? [])),
}
const targets = [...logTargets, ...formTargets, sections].filter(({ samples }) => samples.length > 0)

const pick = <T>(list: readonly T[]): T => list[below(list.length)] as T
const piece = (bytes: Buffer) => {
  const from = below(bytes.length)
  return bytes.subarray(from, from + below(200))
}
/** Numbers, signs and brackets that parsers trip over. */
const SPICE = [
  'NaN',
  '-inf',
  '1e999',
  '0x',
  '[N/A]',
  '9'.repeat(40),
  '-',
  ',,,',
  '{"',
  '}',
  ']',
  '\u0000',
  '\r',
  '\n',
  '%',
  ' '.repeat(80),
]

function mutated(sample: Buffer): Buffer {
  const from = sample.length > MOST_BYTES ? below(sample.length - MOST_BYTES) : 0
  let bytes = sample.subarray(from, from + MOST_BYTES)
  for (let times = 1 + below(4); times > 0; times -= 1) {
    const at = below(bytes.length + 1)
    const [before, after] = [bytes.subarray(0, at), bytes.subarray(at)]
    const change = below(6)
    if (change === 0) bytes = before
    else if (change === 1) bytes = Buffer.concat([before, after.subarray(below(60))])
    else if (change === 2) bytes = Buffer.concat([before, Buffer.from(pick(SPICE)), after.subarray(below(8))])
    else if (change === 3) bytes = Buffer.concat([before, piece(pick(pick(targets).samples)), after])
    else if (change === 4) bytes = Buffer.concat([before, Buffer.from([below(256), below(256)]), after.subarray(2)])
    else bytes = Buffer.concat([before, after.subarray(0, 100), after])
  }
  return bytes
}

const processorMs = () => {
  const { user, system } = process.cpuUsage()
  return (user + system) / 1000
}

let done = 0
let failures = 0
let slowest = 0
const began = performance.now()
while (done < inputs && failures < 20) {
  const target = pick(targets)
  const bytes = mutated(pick(target.samples))
  const from = processorMs()
  let problem: string | undefined
  try {
    const bad = (await target.read(bytes)).find(record => asRecord(JSON.parse(JSON.stringify(record))) === undefined)
    if (bad !== undefined) problem = `a record that is none: ${JSON.stringify(bad).slice(0, 300)}`
  } catch (error) {
    if (!(error instanceof PlumblineError))
      problem = error instanceof Error ? (error.stack ?? error.message) : String(error)
  }
  const took = processorMs() - from
  slowest = Math.max(slowest, took)
  if (took > HANG_MS) problem = `took ${took.toFixed(0)} ms`
  done += 1
  if (problem !== undefined) {
    failures += 1
    console.log(
      `${target.name}, input ${done} of seed ${seed}: ${problem}\n  ${JSON.stringify(bytes.toString('latin1')).slice(0, 500)}`,
    )
  }
  if (done % 100_000 === 0) console.log(`${done} inputs, ${((performance.now() - began) / 1000).toFixed(0)} s`)
}
console.log(
  `${done} mutated inputs of ${targets.length} formats and forms, seed ${seed}: ${failures} failures; slowest ${slowest.toFixed(0)} ms`,
)
process.exit(failures === 0 ? 0 : 1)
