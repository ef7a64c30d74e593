/**
 * Lines of `name: value` and `name=value` that no framework's format knows: a step, and something about it, under names
 * that scripts have in common. Progress bars that carry a loss are read in the same way.
 */
import type { RecordOf, WireRecord } from '../../wire/records'
import { beginBars, drawn, releaseBar, type BarState } from './bar-steps'
import { commonStep, isHeldOut, plainName } from './common-names'
import { nanEvent, type Figures } from './figures'
import { defineFormat, type LogLine } from './format'
import { headOf } from './logger-head'
import { readBar, readUncounted, type Bar } from './tqdm'
import { isNotFinite, numberOf } from './values'

type State = BarState & { firstEpoch: number | null; nan: boolean }

const MOST_CHARACTERS = 2000
/** Cheap, and true of every line that could be one. */
const LIKELY = /\b(?:step|iter|update)/i
/** A comma within `1,497,600` separates nothing. */
const BETWEEN =
  /\s{0,8}[|;]\s{0,8}|,(?!\d{3}(?!\d))\s{0,8}|(?<=\d):\s|\s{2,80}|\s-\s|\s(?=[A-Za-z][\w./()%-]{0,60}\s?[=:]\s?\S)/
const NAME = String.raw`([A-Za-z][\w ./()%@-]{0,60}?)`
const NUMBER = String.raw`([-+]?(?:\d[\d,_]{0,20}(?:\.\d{0,20})?|\.\d{1,20})(?:[eE][-+]?\d{1,4})?|[-+]?(?:nan|inf))`
const UNIT = String.raw`(?: ?(?:%|[KMBG]|ms|s|sec|secs|seconds|s\/it|[KMGT]i?B|TFLOPs?(?:\/s)?|tok(?:en)?s?\/s(?:ec)?|samples\/s(?:ec)?))?`
const PAIR = new RegExp(`^${NAME}\\s{0,4}[=:]\\s{0,8}\\[?${NUMBER}(${UNIT})\\]?(?: ?\\(.{0,60}\\))?$`, 'i')
const SPACED = new RegExp(`^${NAME} {1,8}${NUMBER}(${UNIT})(?: ?\\(.{0,60}\\))?$`, 'i')
/** What is said once more in brackets: `tps 6574.51(821.81/gpu)`, `loss = 79.35 (57.126 sec/step)`. */
const BRACKETED = new RegExp(`\\(${NUMBER} ?(\\/gpu|s(?:ec(?:onds?)?)?\\/(?:step|it|iter|batch))\\)$`, 'i')
const SEPARATED = /[=:]/
/** `step 10/1000`, `Iter [10/1000]`, `step: 10 / 1000 (1 %)`, `step 10 of 1000`. */
const OF = /^(?:.{0,160}\W)?(step|iter|iteration|update)s?[ :=[(]{1,6}(\d{1,12}) {0,4}(?:\/|of) {0,8}(\d{1,12})\b/i
/** A rate in front of its unit: `91886 tok/s`. */
const RATE = new RegExp(
  `^${NUMBER} ?(ms|tok(?:en)?s?\\/s(?:ec)?(?:\\/(?:gpu|device))?|samples\\/s(?:ec)?|s\\/it|s\\/step|ms\\/step)$`,
  'i',
)
const RATE_NAMES: Readonly<Record<string, string>> = { ms: 'dt', 's/it': 'dt', 's/step': 'dt', 'ms/step': 'dt_ms' }

/** Without a bracket that another part opened or closes. */
function bare(part: string): string {
  const trimmed = part.trim().replace(/^[[({]/, '')
  return /[\])}]$/.test(trimmed) && /[[({]/.test(trimmed) ? trimmed : trimmed.replace(/[\])},:]$/, '')
}

function figuresOf(text: string): Map<string, string> {
  const figures = new Map<string, string>()
  const put = (name: string, value: string) => {
    if (!figures.has(name)) figures.set(name, value)
  }
  const of = OF.exec(text.slice(0, 400))
  if (of !== null) {
    put('step', of[2] ?? '')
    put('total_steps', of[3] ?? '')
  }
  for (const part of text.split(BETWEEN)) {
    const trimmed = bare(part)
    if (trimmed.length > 120 || trimmed.length < 3) continue
    const bracketed = trimmed.endsWith(')') ? BRACKETED.exec(trimmed) : null
    if (bracketed !== null) put(bracketed[2] === '/gpu' ? 'tps_per_gpu' : 'step_time', bracketed[1] ?? '')
    const pair = (SEPARATED.test(trimmed) ? PAIR : SPACED).exec(trimmed)
    if (pair !== null) {
      const name = (pair[1] ?? '').trim()
      // nanoGPT's heirs: a time in milliseconds is a step's; one in seconds may be that of the whole run.
      const isStepTime = /^time$/i.test(name) && pair[3]?.trim() === 'ms'
      put(isStepTime ? 'step_time' : name, `${pair[2] ?? ''}${pair[3] ?? ''}`)
      continue
    }
    const rate = RATE.exec(trimmed)
    if (rate !== null)
      put(
        RATE_NAMES[(rate[2] ?? '').toLowerCase()] ?? rate[2] ?? '',
        /ms$/i.test(rate[2] ?? '') ? `${rate[1]}ms` : (rate[1] ?? ''),
      )
  }
  return figures
}

function heldOut(figures: Figures, text: string, time: number | undefined): WireRecord[] | undefined {
  const names = [...figures.keys()]
  const isStep = names.some(name => plainName(name).endsWith('step') || /^iter/.test(plainName(name)))
  if (!isStep || !names.some(name => isHeldOut(name) && /loss|acc|ppl|perplexity|bpb/i.test(name))) return undefined
  return [{ kind: 'event', type: 'evaluation', time, message: text.trim().slice(0, 1000) }]
}

function readLine(line: LogLine, state: State): WireRecord[] | undefined {
  const { text, time } = headOf(line)
  const figures = figuresOf(text)
  const common = figures.size < 2 ? undefined : commonStep(figures)
  if (common === undefined) return figures.size < 2 ? undefined : heldOut(figures, text, time)
  const { fields, loss } = common
  if (Object.keys(fields).length < 2 && !isNotFinite(loss)) return undefined
  const rank = line.rank === undefined || line.rank === 0 ? undefined : line.rank
  const record: RecordOf<'step'> = { kind: 'step', source: 'key-value', time, rank, ...fields }
  return [record, ...nanEvent(loss, { step: fields.step, time, rank }, state)]
}

/** Bars begin anew in each epoch: those before count, from the first that was seen. */
function stepOf(bar: Bar, state: State): number | undefined {
  const epoch = numberOf(/epoch\W{0,3}(\d{1,9})/i.exec(bar.description)?.[1])
  if (epoch === undefined) return bar.done
  state.firstEpoch ??= epoch
  return bar.total === undefined ? undefined : (epoch - state.firstEpoch) * bar.total + bar.done
}

function readDrawing(text: string, state: State): WireRecord[] | undefined {
  const bar = readBar(text) ?? readUncounted(text)
  if (bar === undefined || bar.postfix.size === 0 || isHeldOut(bar.description)) return undefined
  const common = commonStep(new Map([['step', String(stepOf(bar, state))], ...bar.postfix]))
  if (common === undefined || common.loss === undefined) return undefined
  if (bar.done === 0) return []
  const totalSteps = /epoch/i.test(bar.description) ? undefined : bar.total
  const record: RecordOf<'step'> = {
    kind: 'step',
    source: 'key-value',
    totalSteps,
    stepSeconds: bar.secondsPerItem,
    ...common.fields,
  }
  const nan = nanEvent(common.loss, { step: common.fields.step }, state)
  return [...drawn(record, common.fields.stepSeconds === undefined, state), ...nan]
}

export const keyValue = defineFormat({
  name: 'key-value',
  help: 'any script’s lines of name=value or name: value with a step and its loss, time or throughput; bars with a loss',
  origin: 'https://github.com/tqdm/tqdm/blob/master/tqdm/std.py',
  general: true,
  begin: (): State => ({ ...beginBars(), firstEpoch: null, nan: false }),
  parse(line: LogLine, state: State): WireRecord[] | undefined {
    if (line.text.length > MOST_CHARACTERS) return undefined
    if (line.text.includes('%|') || line.text.includes('it [')) return readDrawing(line.text, state)
    return LIKELY.test(line.text) && !line.text.startsWith('{') ? readLine(line, state) : undefined
  },
  flush: (state: State) => releaseBar(state),
})
