/** The contract of an exporter: what it calls its metrics, and which fields of the catalogue they are. One line in `index.ts`. */
import type { FieldName } from '../metrics'

/** One value of one series, from a Prometheus page or an OTLP data point. */
export interface Sample {
  readonly name: string
  readonly labels: Readonly<Record<string, string>>
  /** NaN and the infinities are no values; they are left out before. */
  readonly value: number
  /** Unix seconds, where the source says when. */
  readonly time?: number | undefined
}

type Reported = 'gpu' | 'host' | 'link'
type ReportedField = FieldName<'gpu'> | FieldName<'host'> | FieldName<'link'>
export interface Process {
  pid: number
  name?: string | undefined
  memoryUsedBytes?: number
}
type Value<F> = F extends 'throttleReasons'
  ? readonly string[]
  : F extends 'errors'
    ? Readonly<Record<string, number>>
    : F extends 'processes'
      ? readonly Process[]
      : string | number
/** Fields of a record of any of the kinds that exporters speak of. */
export type Fields = { [F in ReportedField]?: Value<F> | undefined }
type NumberField = Exclude<ReportedField, 'throttleReasons' | 'errors' | 'processes'>

/** What a sample speaks of. Samples whose entities have one key make one record. */
export interface Entity {
  readonly kind: Reported
  /** Tells this one from others of its kind and node. */
  readonly key: string
  /** The node, as the labels name it. */
  readonly node?: string | undefined
  readonly fields: Fields
}

export interface Happening {
  readonly type: string
  readonly message: string
}

/** What the samples of one entity gave. */
export interface Group {
  readonly fields: Fields
  /** Figures that are no field by themselves: a derivation makes fields of them. */
  readonly figures: Map<string, number>
}

export type Rule = (group: Group, sample: Sample) => void

export interface Exporter {
  readonly name: string
  /** Where its metrics are defined. */
  readonly origin: string
  /** Whether a metric of this name is one of its own, wanted or not. */
  owns(metric: string): boolean
  /** What the sample speaks of; undefined where its labels do not tell. */
  entityOf(sample: Sample): Entity | undefined
  ruleOf(metric: string, sample: Sample): Rule | undefined
  /** Its node labels are the node's own name; of others the place that the page came from is the better name. */
  readonly namesNode?: boolean
  /** The `source` of its device records, where they do not carry their own. */
  readonly source?: string
  /** Fields made of the figures. `before`: the figures of the previous reading, for what only a difference says. */
  derive?(group: Group, before: ReadonlyMap<string, number> | undefined): void
  /** What happened, from figures that changed: a counter or a last code. `before` undefined at the first reading. */
  happened?(group: Group, before: ReadonlyMap<string, number> | undefined): Happening[]
}

/** A division where the factor is a fraction: 7 × 0.01 is not 0.07. */
const scaled = (value: number, factor: number) => (factor < 1 ? value / Math.round(1 / factor) : value * factor)

/** The sample is this field, times a factor to SI base units. */
export const to =
  (field: NumberField, factor = 1): Rule =>
  ({ fields }, { value }) => {
    fields[field] = scaled(value, factor)
  }

/** The same, where nothing better has spoken yet. */
export const orElse =
  (field: NumberField, factor = 1): Rule =>
  ({ fields }, { value }) => {
    fields[field] ??= scaled(value, factor)
  }

/** Kept, or added up over the samples of the entity, for `derive`. */
export const keep =
  (figure: string, factor = 1): Rule =>
  ({ figures }, { value }) =>
    void figures.set(figure, scaled(value, factor))

export const add =
  (figure: string): Rule =>
  ({ figures }, { value }) =>
    void figures.set(figure, (figures.get(figure) ?? 0) + value)

/** A counter of errors of a link, under the name that the catalogue's `errors` has for it. Counters of one name add up. */
export const linkError =
  (name: string): Rule =>
  ({ fields }, { value }) => {
    const errors = fields.errors ?? {}
    fields.errors = { ...errors, [name]: (errors[name] ?? 0) + value }
  }

export const MEBIBYTE = 1024 ** 2
export const MEGA = 1e6
export const PERCENT = 0.01

/** A device index: digits alone. */
export const indexOf = (text: string | undefined) =>
  text !== undefined && /^\d{1,6}$/.test(text) ? Number(text) : undefined

/** Labels that are there but say nothing are none. */
export const told = (text: string | undefined) =>
  text === undefined || text === '' || /^(?:n\/?a|\[n\/a\]|none|null|unknown)$/i.test(text) ? undefined : text

/** Shares of processor time from seconds by mode; guest time is in user and nice already. Undefined where no time passed. */
export function processorShares(figures: ReadonlyMap<string, number>, before: ReadonlyMap<string, number> | undefined) {
  const modes = ['user', 'nice', 'system', 'idle', 'iowait', 'irq', 'softirq', 'steal']
  const grown = (mode: string) => (figures.get(`cpu.${mode}`) ?? 0) - (before?.get(`cpu.${mode}`) ?? 0)
  const total = modes.reduce((sum, mode) => sum + grown(mode), 0)
  if (before === undefined || !before.has('cpu.idle') || !(total > 0) || modes.some(mode => grown(mode) < 0)) return {}
  const share = (mode: string) => grown(mode) / total
  return {
    cpuUtilizationRatio: Math.max(0, 1 - share('idle') - share('iowait') - share('steal')),
    cpuIoWaitRatio: share('iowait'),
    cpuStealRatio: share('steal'),
  }
}
