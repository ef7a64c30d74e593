/** slime, and miles after it: `step N: {'train/loss': …}` of each optimizer step, `perf N: {…}` of each rollout. */
import { asRecord, type RecordOf, type WireRecord } from '../../wire/records'
import type { Phase } from '../../wire/metrics'
import { nanEvent, stepFigures, valueOf, type Figures, type Meanings } from './figures'
import { defineFormat, type LogLine } from './format'
import { headOf } from './logger-head'
import { readDict } from './python-dict'

type Step = RecordOf<'step'>
type State = {
  /** Not told yet: the other line of the same step may follow. */
  held: { number: number; isStep: boolean; record: string } | null
  /** Optimizer steps since the last `perf`: of several the times of a rollout are those of none. */
  steps: number
  nan: boolean
}

const LINE = /^(\w{1,20}-)?(step|perf|rollout|eval|passrate|multi_turn) (\d{1,12}): (\{'[\w-]{1,40}\/.{1,16000}\})$/
const TIMER = /^Timer \w{1,80} (?:start|end \(elapsed: [\d.]{1,12}s\))$/
const MEANINGS: Meanings = {
  'train/loss': 'loss',
  'train/grad_norm': 'gradientNorm',
  'train/lr-pg_0': 'learningRate',
  'train/global_batch_size': 'samples',
}
const PERF: Meanings = {
  'perf/step_time': 'stepSeconds',
  'perf/total_train_time': 'stepSeconds',
  'perf/actor_train_tflops': ['flopsPerSecondPerGpu', 1e12],
}
const WHOLE = new Set(['step', 'total_train'])

function phasesOf(figures: Figures): Record<string, Phase> | undefined {
  const phases: Record<string, Phase> = {}
  for (const [name, text] of figures) {
    const phase = /^perf\/(\w{1,60})_time$/.exec(name)?.[1]
    const seconds = phase === undefined || WHOLE.has(phase) ? undefined : valueOf(text, 'stepSeconds')
    if (phase !== undefined && seconds !== undefined && seconds >= 0) phases[phase] = { seconds }
  }
  return Object.keys(phases).length > 0 ? phases : undefined
}

function release(state: State): Step[] {
  const { held } = state
  state.held = null
  // Of a rollout alone nothing is known of a step.
  const record = held?.isStep === true ? asRecord(JSON.parse(held.record)) : undefined
  return record?.kind === 'step' ? [record] : []
}

/** Holds what a line says of a step, with what is held of the same. */
function hold(number: number, isStep: boolean, fields: Partial<Step>, state: State): WireRecord[] {
  const same = state.held?.number === number ? state.held : undefined
  const told = same === undefined ? release(state) : []
  const before = same === undefined ? {} : (JSON.parse(same.record) as Step)
  const record: Step = { kind: 'step', source: 'slime', step: number, ...before, ...fields }
  state.held = { number, isStep: isStep || same?.isStep === true, record: JSON.stringify(record) }
  return told
}

function readStep(number: number, figures: Figures, time: number | undefined, state: State): WireRecord[] {
  state.steps += 1
  const told = hold(number, true, { time, ...stepFigures(figures, MEANINGS) }, state)
  return [...told, ...nanEvent(figures.get('train/loss'), { step: number, time }, state)]
}

/** The rollout's workers say `perf` as well, of generating alone. */
function readPerf(number: number, figures: Figures, state: State): WireRecord[] {
  if (!figures.has('perf/train_time') && !figures.has('perf/actor_train_time')) return []
  const { steps } = state
  state.steps = 0
  return steps > 1
    ? release(state)
    : hold(number, false, { ...stepFigures(figures, PERF), phases: phasesOf(figures) }, state)
}

export const slime = defineFormat({
  name: 'slime',
  help: 'slime and miles: optimizer steps, times of their rollouts, evaluations',
  origin: 'https://github.com/THUDM/slime/blob/main/slime/observability/train_metric_utils.py',
  begin: (): State => ({ held: null, steps: 0, nan: false }),
  parse(line: LogLine, state: State): WireRecord[] | undefined {
    if (!line.text.endsWith('}')) {
      const { text, name } = headOf(line)
      return name === 'timer.py' && TIMER.test(text) ? [] : undefined
    }
    const { text, time } = headOf(line)
    const [, role, what, number, dict = ''] = LINE.exec(text) ?? []
    const figures = what === undefined ? undefined : readDict(dict)
    if (figures === undefined) return undefined
    if (what === 'eval') return [{ kind: 'event', type: 'evaluation', time, message: text.slice(0, 1000) }]
    // A critic's steps stand beside the actor's.
    if (role !== undefined) return []
    if (what === 'step') return readStep(Number(number), figures, time, state)
    return what === 'perf' ? readPerf(Number(number), figures, state) : []
  },
  flush: (state: State) => release(state),
})
