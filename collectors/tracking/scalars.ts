/** Scalars that a tracker kept, by step: TensorBoard's, MLflow's. What they say of a step are the names that scripts have in common. */
import { PlumblineError } from '../../base/errors'
import type { WireRecord } from '../../wire/records'
import { isHeldOut, meaningOf, plainName, commonStep } from '../logs/common-names'
import { nanEvent, type Figures } from '../logs/figures'
import { sinceLogged, TOKENS_SEEN, type Counted } from '../logs/hf-figures'
import { secondsSince, type Pace } from '../logs/pace'

export interface Scalar {
  readonly name: string
  readonly step: number
  /** Unix seconds. */
  readonly time: number | undefined
  readonly value: number
}

const MOST_SCALARS = 4_000_000
const HELD_OUT_WORD = /(?:^|_)(?:val|valid|validation|eval|evaluation|test|dev)(?:_|$)/
/** Megatron draws each figure a second time over samples instead of steps. */
const OTHER_AXIS = / vs (?:samples|tokens|epochs?)$/i
/** Of Hugging Face's Trainer: tokens since the start by the time since, which is no rate of a step. */
const SINCE_START = 'train_tokens_per_second'

/** `Loss/val`, `lm-loss-validation/lm loss`: of what was held out, wherever the word stands. */
const isOfEvaluation = (name: string): boolean => isHeldOut(name) || HELD_OUT_WORD.test(plainName(name))

/** The name under which a figure is known: as it is, or without the group that it was put in. */
function commonName(name: string): string | undefined {
  const last = name.split('/').at(-1) ?? ''
  if (OTHER_AXIS.test(name) || last === SINCE_START) return undefined
  if (last === TOKENS_SEEN) return last
  return [name, last].find(one => meaningOf(one) !== undefined)
}

/** What a tracker's name says of its value: that it is of an evaluation, or which figure it is, and in which unit. */
export type Told = 'evaluation' | { readonly common: string; readonly unit: '' | '%' } | undefined

function read(name: string): Told {
  if (isOfEvaluation(name)) return 'evaluation'
  const common = commonName(name)
  // `mfu (%)`: a name that says its unit, for a value that has none.
  return common === undefined ? undefined : { common, unit: name.includes('%') ? '%' : '' }
}

const MOST_NAMES = 1000
const told = new Map<string, Told>()

/** Undefined for a name that is nobody's. */
export function toldBy(name: string): Told {
  if (told.has(name)) return told.get(name)
  const says = read(name)
  // Trackers have few names and tell each of them at every step; hostile ones must not fill the memory.
  if (told.size < MOST_NAMES) told.set(name, says)
  return says
}

interface Row {
  time: number | undefined
  readonly figures: Map<string, string>
  evaluatedAt: number | undefined
  readonly heldOut: Map<string, number>
}

const beginRow = (): Row => ({ time: undefined, figures: new Map(), evaluatedAt: undefined, heldOut: new Map() })
const later = (one: number | undefined, other: number | undefined) =>
  one === undefined || other === undefined ? (one ?? other) : Math.max(one, other)

/** What is kept from one row to the next. */
export interface StepState {
  last: Pace
  nan: boolean
  counted: Counted | null
}

/** Gathers scalars in any order; of two for one step and name the later counts, as after a restart. */
export class ScalarRows {
  private readonly rows = new Map<number, Row>()
  private count = 0

  constructor(private readonly source: string) {}

  /** False: it says nothing that is known. Throws a PlumblineError where there are too many. */
  add({ name, step, time, value }: Scalar): boolean {
    const says = toldBy(name)
    if (says === undefined) return false
    this.count += 1
    if (this.count > MOST_SCALARS)
      throw new PlumblineError(`more than ${MOST_SCALARS} scalars`, { fix: 'import the parts of the run one by one' })
    const row = this.rows.get(step) ?? beginRow()
    this.rows.set(step, row)
    if (says === 'evaluation') {
      row.evaluatedAt = later(row.evaluatedAt, time)
      row.heldOut.set(name, value)
    } else {
      row.time = later(row.time, time)
      row.figures.set(says.common, `${value}${says.unit}`)
    }
    return true
  }

  /** What the rows say, by step. */
  records(): WireRecord[] {
    const state: StepState = { last: null, nan: false, counted: null }
    return [...this.rows]
      .sort(([one], [other]) => one - other)
      .flatMap(([step, row]) => this.recordsOf(step, row, state))
  }

  private recordsOf(step: number, row: Row, state: StepState): WireRecord[] {
    const { time, figures, evaluatedAt, heldOut } = row
    const records = stepRecords(this.source, new Map([...figures, ['step', String(step)]]), time, state)
    if (heldOut.size === 0) return records
    // The time until the next row is not that of steps alone.
    state.last = null
    return [...records, evaluation(step, heldOut, evaluatedAt)]
  }
}

export function evaluation(step: number, figures: ReadonlyMap<string, number>, time: number | undefined): WireRecord {
  const message = [`step ${step}`, ...[...figures].map(([name, value]) => `${name} ${value}`)].join(', ')
  return { kind: 'event', type: 'evaluation', time, message: message.slice(0, 1000) }
}

/** A step of what is said of it under common names; its seconds are those since the row before, where nobody says them. */
export function stepRecords(
  source: string,
  figures: Figures,
  time: number | undefined,
  state: StepState,
): WireRecord[] {
  const common = commonStep(figures)
  if (common === undefined) return []
  const { fields, loss } = common
  const paced = fields.step === undefined ? undefined : secondsSince(fields.step, time, state)
  const { own, counted } = sinceLogged(figures, fields.step, state.counted)
  state.counted = counted
  return [
    { kind: 'step', source, time, ...fields, stepSeconds: fields.stepSeconds ?? paced, ...own },
    ...nanEvent(loss, { step: fields.step, time }, state),
  ]
}
