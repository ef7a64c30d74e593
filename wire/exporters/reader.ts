/** Samples to records: each metric by the rules of the exporter that owns it, one record for each entity and second. */
import type { Batch } from '../table'
import type { WireRecord } from '../records'
import { exporters } from './index'
import type { Entity, Exporter, Fields, Group, Sample } from './exporter'

/** A reading of more entities than a cluster has is a mistake or an attack. */
const MAX_GROUPS = 100_000

export interface Place {
  /** When, for samples that do not say so. */
  readonly time?: number | undefined
  /** Where the samples come from. It is the better name, but for exporters whose labels name the node itself. */
  readonly node?: string | undefined
}

interface Open extends Group {
  readonly exporter: Exporter
  readonly entity: Entity
  readonly node: string | undefined
  readonly time: number | undefined
}

export interface ReaderOptions {
  /**
   * A source that is read again and again: what was there at the first look is no news, and figures are kept for the
   * differences. Without it a reading stands alone.
   */
  readonly repeated?: boolean
  /** Samples that speak of no node are not taken. */
  readonly needsNode?: boolean
}

/** Entities whose last figures are remembered for the next reading. */
const MAX_REMEMBERED = 20_000

export class ExporterReader {
  private groups = new Map<string, Open>()
  private readonly remembered = new Map<string, ReadonlyMap<string, number>>()

  constructor(private readonly options: ReaderOptions = {}) {}

  /** Whether an exporter that is known has this metric, wanted or not. */
  static knows(metric: string): boolean {
    return exporterOf(metric) !== undefined
  }

  /** False where the sample gives nothing: nobody's metric, nobody's entity, one entity too many. */
  take(sample: Sample, place: Place = {}): boolean {
    const exporter = exporterOf(sample.name)
    const rule = exporter?.ruleOf(sample.name, sample)
    if (exporter === undefined || rule === undefined || !Number.isFinite(sample.value)) return false
    const entity = exporter.entityOf(sample)
    if (entity === undefined) return false
    const time = sample.time ?? place.time
    const node = exporter.namesNode === true ? (entity.node ?? place.node) : (place.node ?? entity.node)
    if (node === undefined && this.options.needsNode === true) return false
    const id = JSON.stringify([
      exporter.name,
      entity.kind,
      entity.key,
      exporter.namesNode === true ? node : place.node,
      time && Math.floor(time),
    ])
    let group = this.groups.get(id)
    if (group === undefined) {
      if (this.groups.size >= MAX_GROUPS) return false
      group = { exporter, entity, node, time, fields: {}, figures: new Map() }
      this.groups.set(id, group)
    }
    for (const [name, value] of Object.entries(entity.fields))
      if (value !== undefined) (group.fields as Record<string, unknown>)[name] = value
    rule(group, sample)
    return true
  }

  /** Ends a reading: its records go into the batch. `wanted` leaves records or fields out. */
  finish(batch: Batch, wanted: (record: WireRecord) => WireRecord | undefined = record => record): void {
    for (const group of this.groups.values()) {
      const { exporter, entity, node } = group
      const key = JSON.stringify([exporter.name, entity.kind, entity.key, node])
      const before = this.remembered.get(key)
      exporter.derive?.(group, before)
      for (const record of recordsOf(group, this.happenings(group, before))) {
        const kept = wanted(record)
        if (kept !== undefined) batch.add(kept)
      }
      if (this.options.repeated === true && (before !== undefined || this.remembered.size < MAX_REMEMBERED))
        this.remembered.set(key, group.figures)
    }
    this.groups = new Map()
  }

  private happenings(group: Open, before: ReadonlyMap<string, number> | undefined) {
    if (this.options.repeated === true && before === undefined) return []
    return group.exporter.happened?.(group, before) ?? []
  }
}

const exporterOf = (metric: string): Exporter | undefined => {
  for (const exporter of exporters) if (exporter.owns(metric)) return exporter
  return undefined
}

/** What tells an entity from others, and is no figure: a record of nothing else says nothing. */
const IDENTITY = new Set(['index', 'uuid', 'name', 'vendor', 'instance', 'device', 'port', 'migMode'])

function recordsOf(
  { exporter, entity, node, time, fields }: Open,
  happenings: readonly { type: string; message: string }[],
) {
  const records: WireRecord[] = []
  const figures = Object.entries(fields).filter(([name, value]) => !IDENTITY.has(name) && value !== undefined)
  const common = { time, node }
  if (figures.length > 0) {
    const source = entity.kind === 'gpu' ? { source: exporter.source } : {}
    records.push(clean({ kind: entity.kind, ...common, ...fields, ...source }))
  }
  const { index } = fields as Fields
  for (const { type, message } of happenings)
    records.push(clean({ kind: 'event', ...common, type, gpuIndex: index, message }))
  return records
}

/** Absent is absent, also of numbers that are none. */
const clean = (record: Record<string, unknown>) =>
  Object.fromEntries(
    Object.entries(record).filter(
      ([, value]) => value !== undefined && !(typeof value === 'number' && !Number.isFinite(value)),
    ),
  ) as unknown as WireRecord
