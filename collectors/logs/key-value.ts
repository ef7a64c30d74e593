/**
 * Lines of `name: value` and `name=value` that no framework's format knows: a step, and something about it, under names
 * that scripts have in common. Progress bars that carry a loss are read in the same way.
 */
import type { RecordOf, WireRecord } from '../../wire/records'
import { beginBars, drawn, enrich, releaseBar, type BarState } from './bar-steps'
import { commonStep, isHeldOut, meaningOf, plainName } from './common-names'
import { nanEvent, type Figures } from './figures'
import { defineFormat, type LogLine } from './format'
import { messageOf } from './front'
import { pairsIn } from './pairs'
import { readBar, readUncounted, type Bar } from './tqdm'
import { isNotFinite, numberOf } from './values'

type State = BarState & {
  firstEpoch: number | null
  /** Of the last line that named both. */
  last: { epoch: number; step: number } | null
  /** Steps are counted anew in each epoch. */
  within: boolean
  /** What the last drawing of a bar said. */
  said: string | null
  /**
   * How many the bar has that says figures of a step before it counts the step, as a loop over `tqdm(…)` does that says
   * them itself; 0 for one without an end.
   */
  ahead: number | null
  nan: boolean
}

const MOST_CHARACTERS = 2000
/** Cheap, and true of every line that could be one. */
const LIKELY = /(?:\b|_)(?:step|iter|update|epoch|batch )|^train: \d{1,9} \[|^\d{1,12} \| |(?:^|\] )\[\d{1,12}\] [a-z]/i
/**
 * minimind and its kin count within the epoch: `Epoch:[1/2](100/5000)`; PyTorch's examples: `Epoch: [0][ 10/5005]`; MMEngine:
 * `Epoch(train) [1][ 50/1000]`; timm: `Train: 1 [ 50/1251 (  4%)]`.
 */
const IN_EPOCH = /\bepoch(?:\(train\))?\W{0,3}\[(\d{1,9})(?:\/\d{1,9})?\]\s{0,4}[([]\s{0,8}(\d{1,12})\/(\d{1,12})[)\]]/i
const EPOCH = /\bepoch\W{0,8}(\d{1,9})(?![\d.])/i
/** Scripts without epochs count their batches; llama2.c and its kin put the number first: `490 | loss 5.75 | …`; Flax's examples: `Step... (500 | Loss: …)`. */
const BATCH = /^(?:batch (\d{1,12})(?:\/\d{1,12})?[ ,:]|(\d{1,12}) \| loss |step\.\.\. \((\d{1,12}) \| )/i
/** PyTorch's example of a language model: `| epoch   1 |   200/ 2928 batches | lr 5.00 | ms/batch 31.72 | loss  8.20 | …`. */
const BATCHES = /^\s{0,4}\|? ?epoch {1,4}(\d{1,9}) \| {1,8}(\d{1,12})\/ {0,8}(\d{1,12}) batches \|/
const TIMM = /^Train: (\d{1,9}) \[\s{0,8}(\d{1,12})\/(\d{1,12}) \(\s{0,3}\d{1,3}%\)\]/
/** clu and its kin, of JAX: `[100] loss=2.31, learning_rate=0.001`. */
const BRACKETED_STEP = /^\[(\d{1,12})\] {1,4}[A-Za-z][^=]{0,60}=/
const evaluation = (text: string, time: number | undefined): RecordOf<'event'> => ({
  kind: 'event',
  type: 'evaluation',
  time,
  message: text.trim().slice(0, 1000),
})

function heldOut(figures: Figures, text: string, time: number | undefined): WireRecord[] | undefined {
  const names = [...figures.keys()]
  const isStep = names.some(name => /(?:step|^iter.{0,6}|^epoch)$/.test(plainName(name)))
  if (!isStep || !names.some(name => isHeldOut(name) && /loss|acc|ppl|perplexity|bpb/i.test(name))) return undefined
  return [evaluation(text, time)]
}

/** Some count anew in each epoch: those before count, from the first that was seen. */
function counted(epoch: number, done: number, total: number, state: State): number {
  state.firstEpoch ??= epoch
  return (epoch - state.firstEpoch) * total + done
}

/**
 * The number of a step among all. Whether the steps of an epoch are counted anew is seen where another epoch begins with a
 * smaller one: from then on.
 */
function absolute(epoch: number, step: number, total: number, state: State): number {
  const { last } = state
  state.firstEpoch ??= epoch
  state.last = { epoch, step }
  if (last !== null && epoch > last.epoch && step < last.step) state.within = true
  return state.within && step <= total ? counted(epoch, step, total, state) : step
}

/** Names the step as it is counted among all. */
function countSteps(figures: Map<string, string>, text: string, state: State): void {
  const head = text.slice(0, 400)
  const within = IN_EPOCH.exec(head) ?? TIMM.exec(head) ?? BATCHES.exec(head)
  if (within !== null) {
    figures.set('step', String(counted(Number(within[1]), Number(within[2]), Number(within[3]), state)))
    return
  }
  const epoch = numberOf(EPOCH.exec(head)?.[1])
  const [step, total] = ['step', 'total_steps'].map(name => numberOf(figures.get(name)))
  if (epoch !== undefined && step !== undefined && total !== undefined) {
    figures.set('step', String(absolute(epoch, step, total, state)))
    // Those of the epoch, perhaps.
    figures.delete('total_steps')
  } else if (epoch === undefined && step === undefined) {
    const batch = BATCH.exec(text) ?? BRACKETED_STEP.exec(text)
    if (batch !== null) figures.set('step', batch[1] ?? batch[2] ?? batch[3] ?? '')
  }
}

/** `step time: 0.51` between two drawings of a bar is of the step that was drawn. */
function readRemark(figures: Figures, state: State): WireRecord[] | undefined {
  const step = state.held?.step ?? undefined
  const common = step === undefined ? undefined : commonStep(new Map([['step', String(step)], ...figures]))
  if (common?.fields.stepSeconds === undefined) return undefined
  enrich({ stepSeconds: common.fields.stepSeconds }, state)
  return []
}

function readLine(line: LogLine, state: State): WireRecord[] | undefined {
  const { text, time, ofHeldOut } = messageOf(line)
  const figures = pairsIn(text)
  countSteps(figures, text, state)
  if (figures.size < 2) return readRemark(figures, state)
  const common = commonStep(figures)
  if (common === undefined) return heldOut(figures, text, time)
  if (ofHeldOut) return [evaluation(line.text, time)]
  const { fields, loss } = common
  if (Object.keys(fields).length < 2 && !isNotFinite(loss)) return undefined
  const rank = line.rank === undefined || line.rank === 0 ? undefined : line.rank
  const record: RecordOf<'step'> = { kind: 'step', source: 'key-value', time, rank, ...fields }
  return [record, ...nanEvent(loss, { step: fields.step, time, rank }, state)]
}

/** Of a bar that counts epochs: `Epochs:  10%|`, `Epoch 2/20:  10%|█ | 2/20 [00:16<02:30, 8.10s/it`. */
function countsEpochs({ description, done, total }: Bar): boolean {
  if (/\bepochs?\W{0,4}$/i.test(description)) return true
  const [, epoch, of] = /epoch\W{0,3}(\d{1,9})\/(\d{1,9})/i.exec(description) ?? []
  return of !== undefined && Number(of) === total && [0, 1].includes(Number(epoch) - done)
}

function stepOf(bar: Bar, state: State): number | undefined {
  const epoch = numberOf(/epoch\W{0,3}(\d{1,9})/i.exec(bar.description)?.[1])
  if (epoch === undefined) return bar.done
  return bar.total === undefined ? undefined : counted(epoch, bar.done, bar.total, state)
}

/** Whether the figures of a drawing are of the step that it does not count yet: it is seen where a bar begins with some. */
function isAhead(bar: Bar, figures: Figures, state: State): boolean {
  const said = JSON.stringify([...figures])
  const isNew = said !== state.said
  const total = bar.total ?? 0
  // A bar that is drawn anew may still say the figures of the epoch before.
  if (bar.done === 0) state.ahead = isNew ? total : null
  state.said = said.length <= MOST_CHARACTERS ? said : null
  return state.ahead === total && isNew && (total === 0 || bar.done < total)
}

function readDrawing(text: string, state: State): WireRecord[] | undefined {
  const bar = readBar(text) ?? readUncounted(text)
  if (bar === undefined || isHeldOut(bar.description) || countsEpochs(bar)) return undefined
  // Some put their loss into the name of the bar.
  const figures = bar.postfix.size > 0 ? bar.postfix : pairsIn(bar.description.replace(/:$/, ''))
  const named = bar.postfix.size > 0 && [...figures.keys()].some(name => meaningOf(name) === 'step')
  const step = stepOf(bar, state)
  const common = commonStep(named ? figures : new Map([...figures, ['step', String(step)]]))
  if (common === undefined || common.loss === undefined) return undefined
  const ahead = !named && step !== undefined && isAhead(bar, figures, state)
  if (bar.done === 0 && !ahead) return []
  const totalSteps = /epoch/i.test(bar.description) ? undefined : bar.total
  const record: RecordOf<'step'> = {
    kind: 'step',
    source: 'key-value',
    totalSteps,
    stepSeconds: bar.secondsPerItem,
    ...common.fields,
    ...(ahead && { step: step + 1 }),
  }
  const nan = nanEvent(common.loss, { step: record.step }, state)
  return [...drawn(record, common.fields.stepSeconds === undefined, state), ...nan]
}

export const keyValue = defineFormat({
  name: 'key-value',
  help: 'any script’s lines of name=value or name: value with a step and its loss, time or throughput; bars with a loss',
  origin: 'https://github.com/tqdm/tqdm/blob/master/tqdm/std.py',
  general: true,
  begin: (): State => ({
    ...beginBars(),
    firstEpoch: null,
    last: null,
    within: false,
    said: null,
    ahead: null,
    nan: false,
  }),
  parse(line: LogLine, state: State): WireRecord[] | undefined {
    if (line.text.length > MOST_CHARACTERS) return undefined
    if (line.text.includes('%|') || line.text.includes('it [')) return readDrawing(line.text, state)
    return LIKELY.test(line.text) && !line.text.startsWith('{') ? readLine(line, state) : undefined
  },
  flush: (state: State) => releaseBar(state),
})
