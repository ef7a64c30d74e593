/** Idle, computing and communication of each rank’s traces agree with the traces’ own sums. */
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { basename, join } from 'node:path'
import { Readable } from 'node:stream'
import { gunzipSync } from 'node:zlib'
import { describe, expect, it } from 'vitest'
import { messageOf } from '../../base/errors'
import { kinetoTrace } from '../../collectors/forms/kineto-trace'
import type { RecordOf, WireRecord } from '../../wire/records'
import { traceSums } from '../trace-sums'

const fixtures = join(import.meta.dirname, '../fixtures/forms/kineto-trace')
/** Published traces are found beside the project, or in a folder that one names. */
const published = process.env['PLUMBLINE_TRACES'] ?? join(import.meta.dirname, '../../../shared/captures')

const tracesIn = (folder: string): string[] =>
  !existsSync(folder)
    ? []
    : readdirSync(folder, { recursive: true, withFileTypes: true })
        .filter(entry => entry.isFile() && /\.json(?:\.gz)?$/.test(entry.name) && !entry.name.includes('golden'))
        .map(entry => join(entry.parentPath, entry.name))

function textOf(path: string): string {
  const bytes = readFileSync(path)
  return (path.endsWith('.gz') ? gunzipSync(bytes) : bytes).toString('utf8')
}

async function told(text: string): Promise<RecordOf<'step'>[]> {
  const records: WireRecord[] = []
  const write = (some: readonly WireRecord[]) => Promise.resolve(void records.push(...some))
  await kinetoTrace.read(Readable.from([Buffer.from(text)]), write)
  return records.filter((record): record is RecordOf<'step'> => record.kind === 'step' && record.phases !== undefined)
}

/** Of what one was given: a file that breaks off is named, and keeps no other from being read. */
function isTrace(path: string): boolean {
  try {
    return textOf(path).includes('"traceEvents"')
  } catch (error) {
    console.warn(`${path} is left out: ${messageOf(error)}`)
    return false
  }
}

async function agrees(path: string): Promise<number> {
  const text = textOf(path)
  const sums = traceSums(text)
  const steps = await told(text)
  expect(steps.map(({ step }) => step)).toEqual(sums.map(({ step }) => step))
  for (const [index, { compute, communication, exposed, idle }] of sums.entries()) {
    const phases = steps[index]?.phases ?? {}
    for (const [name, seconds] of Object.entries({ compute, communication, 'exposed-communication': exposed, idle }))
      expect(phases[name]?.seconds, `${name} of step ${steps[index]?.step ?? '–'}`).toBeCloseTo(seconds, 7)
  }
  return sums.length
}

describe('sums of a trace', () => {
  it.each(tracesIn(fixtures).map(path => [basename(path), path]))(
    'are those of its own kernels: %s',
    async (_, path) => {
      expect(await agrees(path)).toBeGreaterThan(0)
    },
  )

  const traces = tracesIn(published).filter(isTrace)
  if (traces.length === 0) console.warn(`no trace in ${published}: name a folder of them by PLUMBLINE_TRACES`)
  it.skipIf(traces.length === 0)(
    'are those of the kernels of every published trace',
    async () => {
      let windows = 0
      for (const path of traces) windows += await agrees(path)
      console.info(`${traces.length} traces, ${windows} steps or whole traces agree`)
      expect(windows).toBeGreaterThan(0)
    },
    600_000,
  )
})
