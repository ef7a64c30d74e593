/** What an import makes of files, without a hub: the records of a run, and the scene that its post-mortem looks at. */
import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import type { Scene } from '../analysis/post-mortem/index'
import { importedRun } from '../cli/imported-run'
import { parseChunks, readersNamed } from '../cli/parse'
import { readChunks } from '../cli/parse-input'
import type { PredictInput } from '../math/input'
import type { RecordOf, WireRecord } from '../wire/records'

const isEvent = (record: WireRecord): record is RecordOf<'event'> => record.kind === 'event'
const isStep = (record: WireRecord): record is RecordOf<'step'> => record.kind === 'step'

/** Of every file in the folder, in the order of their names; a log that says no times ends at `writtenAt`. */
export async function recordsOf(folder: string, writtenAt: number): Promise<WireRecord[]> {
  const files = []
  for (const name of readdirSync(folder).sort()) {
    const records: WireRecord[] = []
    const write = async (more: readonly WireRecord[]) => void records.push(...more)
    await parseChunks(readChunks(join(folder, name), process.stdin), { ...readersNamed(undefined), write })
    files.push({ records, writtenAt })
  }
  return importedRun(files, { run: 'recorded', name: 'recorded', node: 'imported' })
}

export function sceneOf(records: readonly WireRecord[]): Scene {
  const told = records.filter(isStep).filter(({ step }) => step !== undefined)
  const steps = told.filter(({ memoryPeakBytes }) => memoryPeakBytes !== undefined)
  const config = records.find(record => record.kind === 'config')
  const column = (of: (step: RecordOf<'step'>) => number | undefined) => steps.map(step => of(step) ?? NaN)
  return {
    run: 'recorded',
    events: records.filter(isEvent).toSorted((one, other) => (one.time ?? 0) - (other.time ?? 0)),
    config: config as PredictInput | undefined,
    device: {},
    peaksByRank: new Map(),
    lastStep: told.at(-1)?.step,
    lastStepAt: told.at(-1)?.time,
    history: {
      step: column(({ step }) => step),
      time: column(({ time }) => time),
      peakBytes: column(({ memoryPeakBytes }) => memoryPeakBytes),
      reservedBytes: column(({ memoryReservedBytes }) => memoryReservedBytes),
    },
  }
}
