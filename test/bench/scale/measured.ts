/** What was measured, as CHANGELOG.md has it. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { packageRoot } from '../../../base/root'
import type { Look, Measured } from './extrapolate'

const page = readFileSync(join(packageRoot, 'CHANGELOG.md'), 'utf8')
const numberOf = (text = '') => Number(text.replaceAll(',', ''))

/** Rows of the table of `bench:ingest`. */
export function ingests(): Measured[] {
  const row =
    /^\s*\| ([\d,]+), ([\d,]+), ([\d,]+) \| \d+ % taken, ([\d.]+) \| ([\d.]+) GB \| ([\d.]+) \|[^|]*\| [\d.]+, ([\d.]+) s \|$/gm
  return [...page.matchAll(row)].map(([, nodes, gpus, samples, cpu, memory, bytes, delay]) => ({
    nodes: numberOf(nodes),
    gpus: numberOf(gpus),
    samplesPerSecond: numberOf(samples),
    cpuSecondsPerMillion: numberOf(cpu),
    memoryBytes: numberOf(memory) * 1e9,
    bytesPerSample: numberOf(bytes),
    pageDelaySeconds: numberOf(delay),
  }))
}

/** "0.07 s at 64 ranks, 0.12 at 256, … 1.7 at 16,384" of one look of the detectors. */
export function looks(): Look[] {
  const line = /One look of the detectors [^]*?\n\n/.exec(page)?.[0] ?? ''
  return [...line.matchAll(/([\d.]+)(?: s)? at ([\d,]+)/g)].map(([, seconds, ranks]) => ({
    ranks: numberOf(ranks),
    seconds: numberOf(seconds),
  }))
}
