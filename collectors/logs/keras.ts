/** Keras' bars of all its years: `123/1875 ━━━━ 4s 2ms/step - accuracy: 0.8 - loss: 0.5` under `Epoch 1/5`. */
import type { RecordOf, WireRecord } from '../../wire/records'
import { beginBars, drawn, enrich, releaseBar, type BarState } from './bar-steps'
import { nanEvent, stepFigures, type Figures, type Meanings } from './figures'
import { defineFormat, type LogLine } from './format'
import { numberOf, tidy } from './values'

type State = BarState & {
  /** What is drawn below it; null behind its end: what is drawn then is an evaluation or a prediction. */
  epoch: { at: number; of: number } | null
  /** Drawings of its end so far: that of the last step, and once more with what was evaluated. */
  ends: number
  /** How many steps it had. */
  total: number | null
  /** Keras 2 and before counted samples; known at the first drawing of an epoch, which is of one step, or of one batch. */
  counts: 'unknown' | 'steps' | 'samples'
  nan: boolean
}

const EPOCH = /^Epoch (\d{1,9})\/(\d{1,9})$/
/** A drawn bar, or none: then a time in seconds stands alone between dashes. */
const BAR =
  /^\s{0,8}(\d{1,12})\/(\d{1,12}|Unknown)(?:\s{1,4}(?:(━{5,80})|\[[=>.]{5,80}\])\s?(?=(?:- )?(?:ETA: )?(?:(?:\d{1,4}:){1,2}\d\d|\d{1,7}s)\b)| -? ?(?=\d{1,7}s (?:- |\d{1,9}(?:us|ms|s)\/)))(.{1,2000})$/
const PER_STEP = /\b(\d{1,9})(us|ms|s)\/step\b/
const SECONDS: Readonly<Record<string, number>> = { us: 1e-6, ms: 1e-3, s: 1 }
const SAMPLES = /^Train on \d{1,12} samples/
const MEANINGS: Meanings = { loss: 'loss', learning_rate: 'learningRate', lr: 'learningRate' }

const figuresOf = (rest: string): Figures =>
  new Map(
    rest.split(' - ').flatMap(part => {
      const [name, value] = part.split(': ')
      return name === undefined || value === undefined ? [] : [[name.trim(), value.trim()] as const]
    }),
  )

function secondsOf(rest: string): number | undefined {
  const [, value, unit = ''] = PER_STEP.exec(rest) ?? []
  const seconds = numberOf(value)
  // Nothing was known yet, where it prints zero.
  return seconds === undefined || seconds === 0 ? undefined : tidy(seconds * (SECONDS[unit] ?? NaN))
}

/** In steps, unless the first drawing of an epoch is of several at once. */
function countOf(done: number, total: number | undefined, isNew: boolean, rest: string): State['counts'] {
  if (rest.includes('/sample')) return 'samples'
  if (isNew || done === 1 || total === undefined) return 'steps'
  return done === total && !/us\/step/.test(rest) ? 'steps' : 'samples'
}

function readBar(text: string, state: State): WireRecord[] | undefined {
  const match = BAR.exec(text)
  if (match === null) return undefined
  const [, doneText, totalText, line, rest = ''] = match
  const figures = figuresOf(rest)
  const isBar = line !== undefined || text.includes('[') || /\d[um]?s\/(?:step|epoch|sample)\b/.test(rest)
  if (!isBar && !figures.has('loss')) return undefined
  const [done, total] = [Number(doneText), numberOf(totalText)]
  const isEnd = total !== undefined && done >= total
  const most = line === undefined && !text.includes('[') ? 1 : 2
  if (state.ends > 0 && (state.ends >= most || !isEnd || total !== state.total)) state.epoch = null
  const { epoch } = state
  if (epoch === null) return []
  if (isEnd) state.ends += 1
  state.total = total ?? null
  if (state.counts === 'unknown') state.counts = countOf(done, total, line !== undefined, rest)
  const evaluated = [...figures].filter(([name]) => name.startsWith('val_'))
  const loss = figures.get('loss')
  // How many steps the epochs before had is not known where they are not counted.
  const before = epoch.at === 1 ? 0 : total === undefined ? undefined : (epoch.at - 1) * total
  const events: WireRecord[] = []
  if (evaluated.length > 0) {
    const said = evaluated.map(pair => pair.join(' ')).join(', ')
    events.push({ kind: 'event', type: 'evaluation', message: `epoch ${epoch.at}: ${said}`.slice(0, 1000) })
  }
  if (state.counts === 'samples' || before === undefined || done === 0 || loss === undefined) return events
  const record: RecordOf<'step'> = {
    kind: 'step',
    source: 'keras',
    step: before + done,
    totalSteps: total === undefined ? undefined : epoch.of * total,
    // At the end of an epoch with an evaluation the time of that is in it.
    stepSeconds: evaluated.length > 0 ? undefined : secondsOf(rest),
    ...stepFigures(figures, MEANINGS),
  }
  const nan = nanEvent(loss, { step: record.step }, state)
  if (evaluated.length > 0 && isEnd && state.held?.step === record.step) {
    enrich(stepFigures(figures, MEANINGS), state)
    return [...events, ...nan]
  }
  return [...drawn(record, false, state), ...events, ...nan]
}

export const keras = defineFormat({
  name: 'keras',
  help: 'Keras: the bars of training, evaluations at the end of an epoch',
  origin: 'https://github.com/keras-team/keras/blob/master/keras/src/utils/progbar.py',
  begin: (): State => ({ ...beginBars(), epoch: null, ends: 0, total: null, counts: 'unknown', nan: false }),
  parse({ text }: LogLine, state: State): WireRecord[] | undefined {
    if (text.length > 2400) return undefined
    const [, at, of] = EPOCH.exec(text) ?? []
    if (at !== undefined) {
      const told = releaseBar(state)
      state.epoch = { at: Number(at), of: Number(of) }
      state.ends = 0
      state.counts = state.counts === 'samples' ? 'samples' : 'unknown'
      return told
    }
    if (SAMPLES.test(text)) {
      state.counts = 'samples'
      return []
    }
    return readBar(text, state)
  },
  flush: (state: State) => releaseBar(state),
})
