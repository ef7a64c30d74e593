/**
 * Records of AMD devices from cells by name, whatever tool and form they come from.
 *
 * `temperatureCelsius` is the edge sensor's where a device has one, as AMD's exporter is read too and as the older tables
 * show; it is the junction's (hotspot) on those that have no edge sensor, such as the MI300 series.
 *
 * A partition (CPX, DPX, …) is to its device what a MIG instance is on NVIDIA: a record with `instance`. The tools number
 * partitions as devices, and so does HIP: that number is the `index`. Power, temperature and power cap are of the
 * whole package; the tools print them at the first partition, older ones at every one. They make up a record of the device
 * from its first partition, and are left out of all others.
 */
import type { RecordOf } from '../../wire/records'
import { quantity, word } from './cells'

export type Gpu = RecordOf<'gpu'>
/** What is said of one device: printed text by name. */
export type Cells = ReadonlyMap<string, string>

/** A field, the names under which it comes (the better first), and the unit of a cell that has none. */
export type Wanted = readonly [field: keyof Gpu, names: readonly string[], unit?: string]

/** The first of these cells that holds something. */
export function cellOf(cells: Cells, names: readonly string[]): string | undefined {
  for (const name of names) {
    const text = word(cells.get(name))
    if (text !== undefined) return text
  }
  return undefined
}

/** Counters and sizes are never negative, and the SMI library marks "not known" by the widest number of a field. */
const isBlank = (value: number) => value < 0 || value >= 2 ** 63

/** Puts what the cells say into the record; fields of which they say nothing stay absent. */
export function fill(record: Gpu, cells: Cells, wanted: readonly Wanted[]): Gpu {
  for (const [field, names, unit] of wanted) {
    for (const name of names) {
      const value = quantity(cells.get(name), unit)
      if (value === undefined || (isBlank(value) && !/Celsius$/.test(field))) continue
      Object.assign(record, { [field]: value })
      break
    }
  }
  return record
}

export interface Partitioning {
  /** SPX (a whole device), DPX, TPX, QPX or CPX; XCP where only that it is divided is known. */
  readonly mode?: string | undefined
  /** NPS1 (all partitions share the memory), NPS2, NPS4, … */
  readonly memory?: string | undefined
  /** The number of this partition on its device. */
  readonly id?: number | undefined
  /** Utilisation is that of the partition, not of the whole device. */
  readonly ownUtilization?: boolean
}

const IDENTITY = new Set(['kind', 'time', 'node', 'index', 'vendor', 'source', 'instance'])

/** Whether there is more in the record than which device it would be of. */
export const saysSomething = (record: Gpu) =>
  Object.entries(record).some(([name, value]) => !IDENTITY.has(name) && value !== undefined)

const OF_PARTITION = new Set<keyof Gpu>(['smClockHertz', 'processes'])
const OF_BOTH = new Set<string>(['kind', 'time', 'node', 'index', 'uuid', 'name', 'vendor', 'source'])

/** The mode where it divides the device; undefined for a whole one. */
export const dividing = (mode: string | undefined) => (/^(?:DPX|TPX|QPX|CPX|XCP)$/i.test(mode ?? '') ? mode : undefined)

/** One record for a whole device; for a partition its own, after that of its device where it is the first. */
export function byPartition(record: Gpu, { mode, memory, id, ownUtilization }: Partitioning): Gpu[] {
  const divided = dividing(mode) ?? (id !== undefined && id > 0 ? 'XCP' : undefined)
  if (divided === undefined) return [record]
  const own = (field: string) =>
    OF_PARTITION.has(field as keyof Gpu) ||
    (/^memory(?:Used|Total)/.test(field) && memory !== undefined && !/^NPS1$/i.test(memory)) ||
    (field === 'utilizationRatio' && ownUtilization === true)
  const whole: Gpu = { kind: 'gpu' }
  const part: Gpu = { kind: 'gpu', instance: id === undefined ? divided : `${divided.toUpperCase()} ${id}` }
  let saysOfWhole = false
  for (const [field, value] of Object.entries(record)) {
    const both = OF_BOTH.has(field)
    if (both || own(field)) Object.assign(part, { [field]: value })
    if (both || !own(field)) Object.assign(whole, { [field]: value })
    if (!both && !own(field) && value !== undefined) saysOfWhole = true
  }
  return id === 0 && saysOfWhole ? [whole, part] : [part]
}
