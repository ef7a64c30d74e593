/** AReaL: `Train step N/M done.`, and behind it a table of everything that was measured in that step. */
import type { Phase } from '../../wire/metrics'
import type { RecordOf, WireRecord } from '../../wire/records'
import { nanEvent, stepFigures, valueOf, type Meanings } from './figures'
import { defineFormat, type LogLine } from './format'
import { secondsSince, type Pace } from './pace'
import { pause, timeOfStep } from './pause'
import { localTime } from './values'

type State = {
  step: { number: number; total: number; time: number | null } | null
  /** Tables that are still to come of this step: one for each update. */
  tables: number
  figures: { [name: string]: string }
  last: Pace
  pauses: string[]
  nan: boolean
}

const HEAD =
  /^(?:\[[^\][]{1,40}\] ?)?(?:\(AReaL\) )?(\d{4})(\d\d)(\d\d)-(\d\d:\d\d:\d\d\.\d{3}) ([\w .[\]-]{1,60}?) (DEBUG|INFO|WARNING|ERROR|CRITICAL): ?(.{0,4000})$/
const DONE = /^Epoch \d{1,9}\/\d{1,9} Step \d{1,9}\/\d{1,9} Train step (\d{1,12})\/(\d{1,12}) done\.$/
const TABLES = /^Stats \((\d{1,4})\/(\d{1,4})\):$/
const ROW = /^│ .{1,4000} │$/
const END = /^╘[═╧]{3,2000}╛$/
const MOST_FIGURES = 500
/** Of what is optimised, whichever trainer: its scope stands before it. */
const MEANINGS: Meanings = {
  'actor_loss/avg': 'loss',
  'loss/avg': 'loss',
  opd_loss: 'loss',
  grad_norm: 'gradientNorm',
  lr: 'learningRate',
}
const OTHERS = /(?:^|\/)(?:critic|ref|teacher|eval|eval-rollout|rollout|proxy)(?:\/|$)/
/** Pauses of so much of the time between two steps are none. */
const LEAST_PAUSE = 0.02

/** Names and values of a row by turns; of a name the first update's. */
function takeRow(text: string, state: State): void {
  const cells = text.slice(1, -1).split('│')
  for (let at = 0; at + 1 < cells.length && Object.keys(state.figures).length < MOST_FIGURES; at += 2) {
    const [name, value] = [(cells[at] ?? '').trim(), (cells[at + 1] ?? '').trim()]
    if (name !== '' && name.length <= 120 && value !== '') state.figures[name] ??= value
  }
}

/** The figures of what is trained by the last part of their names. */
function trained(figures: State['figures']): Map<string, string> {
  const found = new Map<string, string>()
  for (const [name, value] of Object.entries(figures)) {
    const own = Object.keys(MEANINGS).find(end => name === end || name.endsWith(`/${end}`))
    if (own !== undefined && !OTHERS.test(name) && !found.has(own)) found.set(own, value)
  }
  return found
}

function phasesOf(figures: State['figures']): Record<string, Phase> {
  const phases: Record<string, Phase> = {}
  for (const [name, text] of Object.entries(figures)) {
    const seconds = name.startsWith('timeperf/') ? valueOf(text, 'stepSeconds') : undefined
    if (seconds !== undefined && seconds >= 0) phases[name.slice('timeperf/'.length)] = { seconds }
  }
  return phases
}

function told(state: State): WireRecord[] {
  const { step, figures } = state
  state.step = null
  state.figures = {}
  if (step === null) return []
  const phases = phasesOf(figures)
  const own = trained(figures)
  const time = step.time ?? undefined
  const between = secondsSince(step.number, time, state)
  const [evaluated, saved] = ['eval', 'save'].map(name => phases[name]?.seconds ?? 0)
  if (between !== undefined && (evaluated ?? 0) > LEAST_PAUSE * between) pause('evaluation', state)
  if (between !== undefined && (saved ?? 0) > LEAST_PAUSE * between) pause('checkpoint', state)
  const { stepSeconds, phases: paused } = timeOfStep(between, state)
  const all = { ...phases, ...paused }
  const record: RecordOf<'step'> = {
    kind: 'step',
    source: 'areal',
    time,
    step: step.number,
    totalSteps: step.total,
    stepSeconds,
    ...stepFigures(own, MEANINGS),
    phases: Object.keys(all).length > 0 ? all : undefined,
  }
  const loss = own.get('actor_loss/avg') ?? own.get('loss/avg')
  return [record, ...nanEvent(loss, { step: step.number, time }, state)]
}

function readMessage(message: string, time: number | undefined, state: State): WireRecord[] {
  const [, done, total] = DONE.exec(message) ?? []
  if (done !== undefined) {
    const before = told(state)
    state.step = { number: Number(done), total: Number(total), time: time ?? null }
    state.tables = 1
    return before
  }
  const [, at, of] = TABLES.exec(message) ?? []
  if (at !== undefined) state.tables = Number(of) - Number(at) + 1
  return []
}

export const areal = defineFormat({
  name: 'areal',
  help: 'AReaL: steps with the table of their losses and of the time of each phase',
  origin: 'https://github.com/inclusionAI/AReaL/blob/main/areal/utils/stats_logger.py',
  begin: (): State => ({ step: null, tables: 0, figures: {}, last: null, pauses: [], nan: false }),
  parse({ text }: LogLine, state: State): WireRecord[] | undefined {
    if (state.step !== null && text.startsWith('│') && ROW.test(text)) {
      takeRow(text, state)
      return []
    }
    if (state.step !== null && text.startsWith('╘') && END.test(text)) {
      state.tables -= 1
      return state.tables <= 0 ? told(state) : []
    }
    if (state.step !== null && /^[╒├╞]/.test(text)) return []
    const [, year, month, day, clock, , level, message = ''] = HEAD.exec(text) ?? []
    // What went wrong is read by whoever knows of it.
    if (level !== 'INFO' && level !== 'DEBUG') return undefined
    return readMessage(message, localTime(`${year}-${month}-${day} ${clock}`), state)
  },
})
