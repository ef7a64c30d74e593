/** Hugging Face Trainer and its kin (TRL, axolotl, LLaMA-Factory, ms-swift): logged dicts, bars, what stands before. */
import type { RecordOf, WireRecord } from '../../wire/records'
import { taint } from './bar-steps'
import { defineFormat, type LogLine } from './format'
import { figuresOf, paused, POLICY_LOSS, sinceLogged, type Counted } from './hf-figures'
import { emptySetup, readSetup, withoutLogger, type HfSetup } from './hf-trainer-config'
import { readDict } from './python-dict'
import { readBar, type Bar } from './tqdm'
import { isNotFinite, numberOf } from './values'

type State = HfSetup & {
  /** The last bar of training, or without description: it is that of training once a logged dict or the block says so. */
  bar: { done: number; total: number; secondsPerItem: number | null } | null
  /** The last step that was told of by a bar. */
  told: number | null
  nan: boolean
  /** Drawings that are still to come before the bar's smoothed rate is that of steps alone. */
  tainted: number
  counted: Counted | null
  /** The lines so far of a dict that was wrapped. */
  wrapped: string[] | null
}

/** Scripts on Accelerate name the bar of training so. */
const TRAINING_BAR = /^(?:Steps:?|Train(?:ing)?:?)?$/i
/** What their loaders and evaluations draw. Bars of other names are another's. */
const OTHER_BAR =
  /^(?:Writing|Map|Filter|Generating|Loading|Downloading|Fetching|Tokeniz|Running|Converting|Saving|Evaluat|Packing|Adding EOS|Applying|Truncating|Extracting|Resolving|Creating|Grouping|Flattening|Preprocess|Sample Packing|Dropping|Quantizing|Dataset)/i

const isTraining = (state: State) => state.bar !== null && state.bar.total === state.totalSteps

const known = (figures: Partial<RecordOf<'step'>>) =>
  Object.fromEntries(Object.entries(figures).filter(([, value]) => value !== undefined))

function takeBar(bar: Bar, state: State): WireRecord[] | undefined {
  if (!TRAINING_BAR.test(bar.description)) return OTHER_BAR.test(bar.description) ? [] : undefined
  const figures = figuresOf(bar.postfix)
  // Without a name and with a loss it is a script's own; without a total it is no bar of theirs.
  if (bar.total === undefined || (bar.description === '' && figures.loss !== undefined)) return undefined
  // The bar of an evaluation is nested in that of the training and has another total.
  if (state.totalSteps !== null && bar.total !== state.totalSteps) return []
  if (state.tainted > 0 && bar.done !== state.bar?.done) state.tainted -= 1
  const secondsPerItem = state.tainted > 0 ? undefined : bar.secondsPerItem
  state.bar = { done: bar.done, total: bar.total, secondsPerItem: secondsPerItem ?? null }
  const isTold = isTraining(state) || figures.loss !== undefined
  if (!isTold || bar.done === 0 || bar.done === state.told) return []
  state.told = bar.done
  return [
    {
      kind: 'step',
      source: 'hf-trainer',
      step: bar.done,
      totalSteps: bar.total,
      stepSeconds: secondsPerItem,
      samples: state.samples ?? undefined,
      ...known(figures),
    },
  ]
}

/** An epoch is printed with four digits. */
const EPOCH_ROUNDING = 1e-3

/** Most dicts name no step: the bar does, or the share of the epochs that is done. */
function stepOf(epoch: number | undefined, state: State): number | undefined {
  const drawn = state.bar !== null && isTraining(state) && state.bar.done > 0 ? state.bar.done : undefined
  // A bar is drawn ten times a second at most: of fast steps the last drawing may be old.
  const counted = epoch === undefined || state.stepsPerEpoch === null ? undefined : epoch * state.stepsPerEpoch
  if (
    counted !== undefined &&
    (drawn === undefined || Math.abs(drawn - counted) > Math.max(0.5, counted * EPOCH_ROUNDING))
  )
    return Math.round(counted)
  return drawn
}

function lossRecords(dict: ReadonlyMap<string, string>, state: State): WireRecord[] {
  const own = figuresOf(dict)
  state.totalSteps ??= own.totalSteps ?? state.bar?.total ?? null
  const step = own.step ?? stepOf(numberOf(dict.get('epoch')), state)
  const since = sinceLogged(dict, step, state.counted)
  state.counted = since.counted
  const nan = isNotFinite(dict.get('loss') ?? dict.get(POLICY_LOSS))
  const message = `the loss is not a number at ${step === undefined ? `epoch ${dict.get('epoch')}` : `step ${step}`}`
  const event: WireRecord[] = nan && !state.nan ? [{ kind: 'event', type: 'nan-loss', message }] : []
  state.nan = nan
  const record: RecordOf<'step'> = {
    kind: 'step',
    source: 'hf-trainer',
    ...own,
    step,
    totalSteps: state.totalSteps ?? undefined,
    stepSeconds: own.stepSeconds ?? (isTraining(state) ? (state.bar?.secondsPerItem ?? undefined) : undefined),
    samples: state.samples ?? undefined,
    ...since.own,
  }
  return [record, ...event]
}

function summary(dict: ReadonlyMap<string, string>): WireRecord[] {
  const parts = ['train_runtime', 'train_samples_per_second', 'train_steps_per_second', 'train_loss']
    .filter(key => dict.has(key))
    .map(key => `${key} ${dict.get(key)}`)
  return [{ kind: 'event', type: 'summary', message: parts.join(', ') }]
}

function takeDict(text: string, state: State): WireRecord[] | undefined {
  const dict = readDict(text)
  if (dict === undefined) return undefined
  // Where tokens are counted the runtime so far stands beside each loss.
  if (dict.has('train_runtime') && !dict.has('loss')) return summary(dict)
  if (!dict.has('epoch')) return undefined
  if (dict.has('loss') || dict.has(POLICY_LOSS)) return lossRecords(dict, state)
  if (![...dict.keys()].some(key => key.startsWith('eval_'))) return undefined
  taint(state)
  state.counted = paused(state.counted)
  const parts = [...dict].map(([key, value]) => `${key} ${value}`)
  return [{ kind: 'event', type: 'evaluation', message: parts.join(', ').slice(0, 1000) }]
}

const VERSION_5 = '[transformers]'

function readLogged(line: string, state: State): WireRecord[] | undefined {
  // A bar that was wiped out leaves blanks in front of what is printed in its place.
  const text = line.trimStart().startsWith(VERSION_5) ? line.trimStart() : line
  const plain = withoutLogger(text)
  const setup = readSetup(plain, plain !== text, state)
  if (setup?.some(record => record.kind === 'event' && record.type === 'checkpoint') === true) {
    taint(state)
    state.counted = paused(state.counted)
  }
  return setup ?? (text.startsWith(VERSION_5) ? [] : undefined)
}

/** Bars and dicts, several on a line where the terminal would have drawn one over the other. */
function readOutput(text: string, state: State): WireRecord[] | undefined {
  const records: WireRecord[] = []
  let rest = text.trim()
  while (rest !== '') {
    const dictEnd = rest.startsWith("{'") ? rest.indexOf('}') + 1 : 0
    const bar = dictEnd > 0 ? undefined : readBar(rest)
    const found = dictEnd > 0 ? takeDict(rest.slice(0, dictEnd), state) : bar && takeBar(bar, state)
    if (found === undefined) {
      // What is logged while a bar is drawn stands behind it on its line.
      const logged = rest.startsWith(VERSION_5) ? readLogged(rest, state) : undefined
      return records.length > 0 || logged !== undefined ? [...records, ...(logged ?? [])] : undefined
    }
    records.push(...found)
    rest = (bar?.rest ?? rest.slice(dictEnd)).trim()
  }
  return records
}

/** Lines that a wrapped dict may go on for. */
const MOST_WRAPS = 16
/** A dict of dicts is somebody's settings. */
const NESTED = /^\{'[^']{1,80}': ?[{[(]/
const CONTINUES = /^[^{}[\]|]{1,400}\}?$/

/** A dict that a terminal or a pager has wrapped, at a blank or in the middle of a word. */
function readWrapped(text: string, state: State): WireRecord[] | undefined {
  if (text.startsWith("{'") && !text.includes('}') && text.length < 2000 && !NESTED.test(text)) {
    state.wrapped = [text]
    return []
  }
  const { wrapped } = state
  if (wrapped === null) return undefined
  const isEnd = text.endsWith('}')
  if (!CONTINUES.test(text) || !(isEnd || text.includes("': ")) || wrapped.length > MOST_WRAPS) {
    state.wrapped = null
    return undefined
  }
  wrapped.push(text)
  if (!isEnd) return []
  state.wrapped = null
  const whole = wrapped.map(part => (/[,:]$/.test(part) ? `${part} ` : part)).join('')
  return takeDict(whole, state) ?? []
}

export const hfTrainer = defineFormat({
  name: 'hf-trainer',
  help: 'Hugging Face Trainer, TRL, axolotl, LLaMA-Factory: logged dicts, progress bars, the configs before training',
  origin: 'https://github.com/huggingface/transformers/blob/main/src/transformers/trainer_callback.py',
  begin: (): State => ({
    ...emptySetup(),
    bar: null,
    told: null,
    nan: false,
    tainted: 0,
    counted: null,
    wrapped: null,
  }),
  parse({ text }: LogLine, state: State) {
    if (text.length > 20_000) return undefined
    if (text.includes('%|')) return readOutput(text, state)
    const plain = withoutLogger(text)
    const wrapped = readWrapped(plain.trim(), state)
    if (wrapped !== undefined) return wrapped
    if (plain.trimStart().startsWith("{'")) return readOutput(plain, state)
    return readLogged(text, state)
  },
})
