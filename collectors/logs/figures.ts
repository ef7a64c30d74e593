/**
 * Figures of a step by the names that a framework gives them: `grad_norm=0.51`, `throughput/device/mfu: 0.42`. Each format
 * says what its names mean; how values are printed, with units and without, is the same everywhere.
 */
import { fieldsOf, type FieldName } from '../../wire/metrics'
import type { RecordOf } from '../../wire/records'
import { isNotFinite, numberOf, tidy } from './values'

export type Figures = ReadonlyMap<string, string>

type Step = RecordOf<'step'>
type StepNumber = { [F in FieldName<'step'>]: NonNullable<Step[F]> extends number ? F : never }[FieldName<'step'>]
/** The field of a record, and the factor to its unit where the value is printed without one. */
export type Meaning = StepNumber | readonly [field: StepNumber, factor: number]
/** Names in the order in which they are believed: the first that has a value gives it. */
export type Meanings = Readonly<Record<string, Meaning>>

const GIBI = 1024 ** 3
const SECONDS: Readonly<Record<string, number>> = {
  s: 1,
  sec: 1,
  secs: 1,
  seconds: 1,
  's/it': 1,
  ms: 1e-3,
  us: 1e-6,
  µs: 1e-6,
  min: 60,
}
const BYTES: Readonly<Record<string, number>> = {
  B: 1,
  KB: 1e3,
  MB: 1e6,
  GB: 1e9,
  TB: 1e12,
  KiB: 1024,
  MiB: 1024 ** 2,
  GiB: GIBI,
  TiB: 1024 * GIBI,
}
const FLOPS = /^([KMGTPE]?)FLOP(?:S|s|\/s)?(?:\/s)?(?:\/(?:s\/)?(?:GPU|device))?$/i
const PREFIX: Readonly<Record<string, number>> = { '': 1, K: 1e3, M: 1e6, B: 1e9, G: 1e9, T: 1e12, P: 1e15, E: 1e18 }
const UNITS = new Map(fieldsOf('step').map(([name, field]) => [name, field.type === 'number' ? field.unit : undefined]))

/** `1.23`, `1,497,600`, `11.5K`, `5.2 GiB`, `350.12ms`, `np.float64(0.5)`, `tensor(2.1, device='cuda:0')`. */
const VALUE =
  /^(?:(?:np\.float\d\d|np\.int\d\d|tensor)\()?([-+]?(?:\d[\d,_]*(?:\.\d*)?|\.\d+)(?:[eE][-+]?\d{1,4})?)(?:, ?(?:device|dtype|grad_fn)=[^)]{1,80})?\)?\s?([^\s\d([][^\s]{0,24})?(?:\s?[([].{0,80}[)\]])?$/

/** Factor of a printed unit for a field; undefined where the unit is not one of this field's. */
function factorOf(unit: string, field: StepNumber): number | undefined {
  const kind = UNITS.get(field)
  if (kind === 'ratio') return unit === '%' ? 1e-2 : undefined
  if (kind === 'seconds') return SECONDS[unit]
  if (kind === 'bytes') return BYTES[unit]
  if (kind === 'flopsPerSecond') {
    const match = FLOPS.exec(unit)
    return match === null ? undefined : PREFIX[(match[1] ?? '').toUpperCase()]
  }
  return /^(?:tok(?:en)?s?|samples|sequences|examples|it)\/s(?:ec(?:ond)?)?$/i.test(unit) ? 1 : undefined
}

/**
 * A value in the unit of its field: `factor` is that of a bare number. A letter for thousands comes on top of it.
 * Undefined where it is no number, where its unit is another field's, and for `nan`.
 */
export function valueOf(text: string, field: StepNumber, factor = 1): number | undefined {
  if (text.length > 160) return undefined
  const match = VALUE.exec(text.trim())
  const number = numberOf(match?.[1])
  if (match === null || number === undefined) return undefined
  const unit = match[2]
  if (unit === undefined) return scaled(number, factor)
  const known =
    factorOf(unit, field) ?? (/^[KMBGTP]$/i.test(unit) ? (PREFIX[unit.toUpperCase()] ?? 1) * factor : undefined)
  return known === undefined ? undefined : scaled(number, known)
}

/** Digits that only a multiplication put there go; those that were printed stay. */
const scaled = (number: number, factor: number): number | undefined => {
  const value = factor === 1 ? number : tidy(number * factor)
  // A factor that is not known is NaN; a number may be too large for the unit.
  return Number.isFinite(value) ? value : undefined
}

const WHOLE: ReadonlySet<string> = new Set<StepNumber>(['step', 'totalSteps', 'tokens', 'samples'])

/** A figure as its field has it. Bytes are whole; a step is no fraction; a share is none where it cannot be one. */
function checked(value: number | undefined, field: StepNumber): number | undefined {
  if (value === undefined) return undefined
  const unit = UNITS.get(field)
  if (unit === 'bytes') return value < 0 ? undefined : Math.round(value)
  if (WHOLE.has(field)) return value < 0 || !Number.isInteger(value) ? undefined : value
  // -100 % and its like stand for what is not known.
  if (unit === 'ratio' || unit === 'seconds') return value < 0 ? undefined : value
  return value
}

type MeaningList = readonly (readonly [name: string, meaning: Meaning])[]
const isList = (meanings: Meanings | MeaningList): meanings is MeaningList => Array.isArray(meanings)
const entries = new WeakMap<Meanings, MeaningList>()

/** Each format has one table, which is asked for every line. */
function entriesOf(meanings: Meanings): MeaningList {
  const known = entries.get(meanings) ?? Object.entries(meanings)
  entries.set(meanings, known)
  return known
}

/** The fields that figures give. */
export function stepFigures(figures: Figures, meanings: Meanings | MeaningList): Partial<Step> {
  const step: Partial<Step> = {}
  for (const [name, meaning] of isList(meanings) ? meanings : entriesOf(meanings)) {
    const text = figures.get(name)
    if (text === undefined) continue
    const [field, factor] = typeof meaning === 'string' ? [meaning, 1] : meaning
    step[field] ??= checked(valueOf(text, field, factor), field)
  }
  return step
}

/** `name: value`, `name=value` or `name value` of each part; names and values trimmed. */
export function pairsOf(parts: readonly string[], separator: RegExp | string): Map<string, string> {
  const pairs = new Map<string, string>()
  for (const part of parts) {
    const [name, ...rest] = part.split(separator)
    if (name !== undefined && rest.length > 0) pairs.set(name.trim(), rest.join(':').trim())
  }
  return pairs
}

/** An event where the loss is printed and is no number; said once, until it is one again. */
export function nanEvent(
  loss: string | undefined,
  at: { readonly step: number | undefined; readonly time?: number | undefined; readonly rank?: number | undefined },
  state: { nan: boolean },
): RecordOf<'event'>[] {
  const before = state.nan
  if (loss !== undefined) state.nan = isNotFinite(loss)
  if (before || !state.nan) return []
  const message = `the loss is not a number${at.step === undefined ? '' : ` at step ${at.step}`}`
  return [{ kind: 'event', type: 'nan-loss', time: at.time, rank: at.rank, message }]
}

export const GIBIBYTE = GIBI
