/** NeMo RL: blocks of `• Name: value` under a heading for each step, of all of its trainers (GRPO, PPO, DPO, SFT, …). */
import type { Phase } from '../../wire/metrics'
import type { RecordOf, WireRecord } from '../../wire/records'
import { nanEvent, stepFigures, valueOf, type Meanings } from './figures'
import { defineFormat, type LogLine } from './format'
import { pause, timeOfStep, type Pauses } from './pause'
import { numberOf } from './values'

type State = Pauses & {
  epoch: { at: number; of: number } | null
  step: { at: number; of: number } | null
  section: 'none' | 'results' | 'timing' | 'validation' | 'other'
  /** Of the step whose block is open. */
  figures: { [name: string]: string }
  nan: boolean
}

const HEADING = /^={5,60} (Epoch|Step) (\d{1,12})\/(\d{1,12}) ={5,60}$/
const SECTION =
  /^\s{0,4}[📊⏱🔍]\uFE0F?\s{1,4}(Training Results|Timing|Performance Metrics|Validation Results|Validation Timing)\b.{0,80}:$/u
const FIGURE = /^\s{2,6}(?:•|-) ([A-Za-z][\w ()/.@-]{0,80}): (.{1,200})$/
const SAVING = /^Saving checkpoint for step \d{1,12}\.\.\.$/
const DOING = /^\s{0,4}(?:▶|✓|🔍|⏳) ?(?=[A-Z]).{1,400}$/u
const MOST_FIGURES = 200
const MEANINGS: Meanings = {
  Loss: 'loss',
  loss: 'loss',
  'Total step time': 'stepSeconds',
}
const PER_RANK = /\(([\d.,]{1,20} TFLOPS) per rank\)$/
/** A phase says of how much of the step it was: `25.05s (37.6%)`. */
const PHASE = /^([\d.]{1,20})s \([\d.]{1,8}%\)$/

/** Steps are counted anew in each epoch. */
function numberIn({ epoch, step }: State): Pick<RecordOf<'step'>, 'step' | 'totalSteps'> {
  if (step === null) return {}
  if (epoch === null || epoch.of === 1) return { step: step.at, totalSteps: step.of }
  return { step: (epoch.at - 1) * step.of + step.at }
}

function phasesOf(figures: State['figures']): Record<string, Phase> {
  const phases = Object.entries(figures).flatMap(([name, text]) => {
    const seconds = numberOf(PHASE.exec(text)?.[1])
    return seconds === undefined ? [] : [[name, { seconds }] as const]
  })
  return Object.fromEntries(phases)
}

/** What is known of the step whose block ends. */
function told(state: State): WireRecord[] {
  const { figures } = state
  state.figures = {}
  if (state.step === null || Object.keys(figures).length === 0) return []
  const named = new Map(Object.entries(figures))
  const { stepSeconds, ...fields } = stepFigures(named, MEANINGS)
  // The time of a step has its evaluation and its checkpoint in it.
  const { phases: paused, ...time } = timeOfStep(stepSeconds, state)
  const phases = { ...phasesOf(figures), ...paused }
  const utilisation = figures['Training Model Floating Point Utilization']
  const record: RecordOf<'step'> = {
    kind: 'step',
    source: 'nemo-rl',
    ...numberIn(state),
    ...fields,
    flopsPerSecondPerGpu: valueOf(PER_RANK.exec(figures['Training FLOPS'] ?? '')?.[1] ?? '', 'flopsPerSecondPerGpu'),
    mfu: utilisation === undefined ? undefined : valueOf(utilisation, 'mfu'),
    ...time,
    phases: Object.keys(phases).length > 0 ? phases : undefined,
  }
  return [record, ...nanEvent(figures['Loss'] ?? figures['loss'], { step: record.step }, state)]
}

function evaluated(state: State): WireRecord[] {
  const said = Object.entries(state.figures).map(([name, value]) => `${name}: ${value}`)
  state.figures = {}
  if (state.step !== null) pause('evaluation', state)
  const { step } = numberIn(state)
  const message = `validation${step === undefined ? '' : ` in step ${step}`}: ${said.join(', ')}`
  return said.length > 0 ? [{ kind: 'event', type: 'evaluation', message: message.slice(0, 1000) }] : []
}

const close = (state: State) => (state.section === 'validation' ? evaluated(state) : told(state))

function readHeading(text: string, state: State): WireRecord[] | undefined {
  const [, what, at, of] = HEADING.exec(text) ?? []
  if (what === undefined) return undefined
  const records = close(state)
  state.section = 'none'
  state.pauses = []
  state[what === 'Step' ? 'step' : 'epoch'] = { at: Number(at), of: Number(of) }
  return records
}

function readSection(text: string, state: State): WireRecord[] | undefined {
  const name = SECTION.exec(text)?.[1]
  if (name === undefined) return undefined
  // The times of a step follow its results.
  const records = name === 'Timing' || name === 'Performance Metrics' ? [] : close(state)
  if (name === 'Training Results') state.section = 'results'
  else if (name === 'Validation Results') state.section = 'validation'
  else state.section = name === 'Timing' ? 'timing' : 'other'
  return records
}

export const nemoRl = defineFormat({
  name: 'nemo-rl',
  help: 'NeMo RL: results and times of each step, of GRPO, PPO, DPO, distillation, reward models and SFT; validations',
  origin: 'https://github.com/NVIDIA-NeMo/RL/blob/main/nemo_rl/algorithms/grpo.py',
  begin: (): State => ({ epoch: null, step: null, section: 'none', figures: {}, pauses: [], nan: false }),
  parse({ text }: LogLine, state: State): WireRecord[] | undefined {
    if (text.length > 1000) return undefined
    if (text.startsWith('=====')) return readHeading(text, state)
    const section = text.endsWith(':') ? readSection(text, state) : undefined
    if (section !== undefined) return section
    const [, name = '', value = ''] = FIGURE.exec(text) ?? []
    if (name !== '' && state.section !== 'none') {
      if (state.section !== 'other' && Object.keys(state.figures).length < MOST_FIGURES) state.figures[name] ??= value
      return []
    }
    if (state.step === null) return undefined
    if (SAVING.test(text)) {
      pause('checkpoint', state)
      return [{ kind: 'event', type: 'checkpoint', message: text }]
    }
    return DOING.test(text) ? [] : undefined
  },
  // Lines of others may stand between a step's results and its times.
  flush: (state: State) => (state.section === 'results' ? [] : close(state)),
})
