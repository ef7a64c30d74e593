/** XLM and its heirs (UnsupervisedMT, TransCoder, …): `5 - 56.87 sent/s - 2164.25 words/s - MLM-en: 9.6898 || … - model LR: 1e-04`. */
import type { RecordOf, WireRecord } from '../../wire/records'
import { nanEvent } from './figures'
import { defineFormat, type LogLine } from './format'
import { membersOf } from './json-members'
import { headOf } from './logger-head'
import { numberOf } from './values'

type State = { nan: boolean }

const STEP = /^\s{0,10}(\d{1,12}) - \s{0,12}([\d.]{1,16}) sent\/s - \s{0,12}([\d.]{1,16}) words\/s - (.{1,4000})$/
const OBJECTIVE = /(?:^|\|\| )([A-Za-z][\w-]{0,60}): {1,8}([-+]?[\d.]{1,20}|nan|inf)(?= |$)/gi
const LEARNING_RATE = /\bLR\b(?: ?[:=])? {0,4}(?:\w{1,20}=)?([\d.]{1,12}e[-+]\d{1,3})/
const SCORES = /^__log__:(\{.{1,32000}\})$/
const SAVING = /^Saving \S{1,100} to .{1,400}\.\.\.$/
const REMARK =
  /^(?:=={3,40} (?:Starting|End of) epoch \d{1,9} (?:\.\.\. )?=={3,40}$|\w{1,100} -> [-+\w.]{1,40}$|Creating new training data iterator \(|(?:New best|Not a better) )/

function readStep(text: string, time: number | undefined, state: State): WireRecord[] | undefined {
  const [, step, , words, figures = ''] = STEP.exec(text) ?? []
  if (step === undefined) return undefined
  // Of several objectives none is the loss.
  const objectives = [...figures.slice(0, figures.search(/ - |$/)).matchAll(OBJECTIVE)]
  const loss = objectives.length === 1 ? objectives[0]?.[2] : undefined
  const record: RecordOf<'step'> = {
    kind: 'step',
    source: 'xlm',
    time,
    step: Number(step),
    loss: numberOf(loss),
    learningRate: numberOf(LEARNING_RATE.exec(figures)?.[1]),
    // Each process counts its own, and each has one device.
    tokensPerSecondPerGpu: numberOf(words),
  }
  return [record, ...nanEvent(loss, { step: Number(step), time }, state)]
}

export const xlm = defineFormat({
  name: 'xlm',
  help: 'XLM, UnsupervisedMT, TransCoder: steps, evaluations at the end of an epoch, checkpoints',
  origin: 'https://github.com/facebookresearch/XLM/blob/main/xlm/trainer.py',
  begin: (): State => ({ nan: false }),
  parse(line: LogLine, state: State): WireRecord[] | undefined {
    if (!line.text.includes(' - ') || line.text.length > 40_000) return undefined
    const { text, time, found } = headOf(line)
    if (!found || !/^[A-Z]{4,8} - \d\d\/\d\d\/\d\d /.test(line.text)) return undefined
    const step = readStep(text, time, state)
    if (step !== undefined) return step
    const scores = SCORES.exec(text)?.[1]
    if (scores !== undefined) {
      const members = membersOf(scores)
      const said = [...(members ?? [])].map(pair => pair.join(' ')).join(', ')
      return said === '' ? [] : [{ kind: 'event', type: 'evaluation', time, message: said.slice(0, 1000) }]
    }
    if (SAVING.test(text)) return [{ kind: 'event', type: 'checkpoint', time, message: text }]
    return REMARK.test(text) ? [] : undefined
  },
})
