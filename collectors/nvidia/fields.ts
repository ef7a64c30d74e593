/**
 * What is asked of nvidia-smi, under the names that drivers gave it over the years. A name is asked for only where
 * `nvidia-smi --help-query-gpu` of this driver lists it: one unknown name makes the whole query fail.
 */
import type { FieldName } from '../../wire/metrics'

export type Reading = 'number' | 'text' | 'mask' | 'reason'

export interface Wanted {
  readonly field: FieldName<'gpu'>
  readonly reading: Reading
  /** Newest or best name first. The first that the driver knows is asked for; in saved files the first with a value wins. */
  readonly names: readonly string[]
  /** What a bare number (`nounits`) means. */
  readonly unit?: Unit
}

/** Factors to SI base units. `C` is degrees Celsius, which nvidia-smi prints bare. */
export const UNITS = {
  '%': 0.01,
  B: 1,
  KiB: 1024,
  MiB: 1024 ** 2,
  GiB: 1024 ** 3,
  mW: 0.001,
  W: 1,
  kHz: 1e3,
  MHz: 1e6,
  GHz: 1e9,
  'MiB/s': 1024 ** 2,
  'MB/s': 1e6,
  'GB/s': 1e9,
  C: 1,
} as const
export type Unit = keyof typeof UNITS

const number = (field: FieldName<'gpu'>, unit: Unit | undefined, ...names: readonly string[]): Wanted => ({
  field,
  reading: 'number',
  names,
  ...(unit === undefined ? {} : { unit }),
})
const text = (field: FieldName<'gpu'>, ...names: readonly string[]): Wanted => ({ field, reading: 'text', names })

export const wanted: readonly Wanted[] = [
  number('index', undefined, 'index'),
  text('uuid', 'uuid', 'gpu_uuid'),
  text('name', 'name', 'gpu_name'),
  number('utilizationRatio', '%', 'utilization.gpu'),
  number('memoryUtilizationRatio', '%', 'utilization.memory'),
  number('memoryUsedBytes', 'MiB', 'memory.used'),
  number('memoryTotalBytes', 'MiB', 'memory.total'),
  // power.draw is the mean of the last second on newer chips and the moment on older ones; some print only one of the others.
  number('powerWatts', 'W', 'power.draw', 'power.draw.average', 'power.draw.instant'),
  number('powerLimitWatts', 'W', 'enforced.power.limit', 'power.limit'),
  number('temperatureCelsius', 'C', 'temperature.gpu'),
  number('memoryTemperatureCelsius', 'C', 'temperature.memory'),
  number('smClockHertz', 'MHz', 'clocks.current.sm', 'clocks.sm'),
  number('smClockMaxHertz', 'MHz', 'clocks.max.sm'),
  number('memoryClockHertz', 'MHz', 'clocks.current.memory', 'clocks.mem'),
  {
    field: 'throttleReasons',
    reading: 'mask',
    names: ['clocks_event_reasons.active', 'clocks_throttle_reasons.active'],
  },
  number('pcieGeneration', undefined, 'pcie.link.gen.current', 'pcie.link.gen.gpucurrent'),
  number('pcieWidth', undefined, 'pcie.link.width.current'),
  number('eccCorrectedErrors', undefined, 'ecc.errors.corrected.volatile.total'),
  number('eccUncorrectedErrors', undefined, 'ecc.errors.uncorrected.volatile.total'),
  text('migMode', 'mig.mode.current'),
]

/** Names that a driver knows, from the text of `--help-query-gpu`; undefined when the text is not that. */
export function knownNames(help: string): ReadonlySet<string> | undefined {
  const names = new Set<string>()
  for (const line of help.split('\n')) {
    if (!line.startsWith('"')) continue
    // `"pci.bus_id" or "gpu_bus_id"`; a description in quotes has spaces or more words on its line.
    const match = /^"([\w.]+)"(?: or "([\w.]+)")*\s*$/.exec(line)
    if (match === null) continue
    for (const [, name] of line.matchAll(/"([\w.]+)"/g)) if (name !== undefined) names.add(name)
  }
  return names.size > 0 ? names : undefined
}

export interface Query {
  readonly names: readonly string[]
  /** Fields of the record for which this driver has no name. */
  readonly missing: readonly FieldName<'gpu'>[]
}

/** What to ask of a driver: `known` undefined when its help could not be read; `rejected` are names that it refused. */
export function chooseQuery(known: ReadonlySet<string> | undefined, rejected: ReadonlySet<string> = new Set()): Query {
  const names: string[] = []
  const missing: FieldName<'gpu'>[] = []
  for (const { field, names: candidates } of wanted) {
    const name = candidates.find(candidate => !rejected.has(candidate) && known?.has(candidate) !== false)
    if (name === undefined) missing.push(field)
    else names.push(name)
  }
  return { names, missing }
}
