/** Meta Lingua: `step: 100  acc: 0  loss: 6.1  grad: 1.2e+00  flops: 4.1e+14  wps: 5.1e+04  iter: 0.12  …` of one device. */
import type { RecordOf, WireRecord } from '../../wire/records'
import { nanEvent, pairsOf, stepFigures, type Meanings } from './figures'
import { defineFormat, type LogLine } from './format'
import { localTime } from './values'

type State = { nan: boolean }

/** `INFO    24-11-01 12:00:00.123456 - 0:01:23 - `, the rank before it where there are several. */
const HEAD =
  /^(?:DEBUG|INFO) {1,4}(\d\d-\d\d-\d\d) (\d\d:\d\d:\d\d\.\d{1,9}) - (?:\d{1,4} days?, )?\d{1,3}:\d\d:\d\d - /
const STEP = /^step: (\d{1,12}) {2,4}acc: \d{1,9} {2,4}(loss: .{1,600})$/
const MEANINGS: Meanings = {
  loss: 'loss',
  grad: 'gradientNorm',
  lr: 'learningRate',
  iter: 'stepSeconds',
  // Of the tokens and FLOPs of one process, which has one device.
  wps: 'tokensPerSecondPerGpu',
  flops: 'flopsPerSecondPerGpu',
}

export const lingua = defineFormat({
  name: 'lingua',
  help: 'Meta Lingua: steps with the tokens and FLOPs per second of a device',
  origin: 'https://github.com/facebookresearch/lingua/blob/main/apps/main/train.py',
  begin: (): State => ({ nan: false }),
  parse({ text, rank }: LogLine, state: State): WireRecord[] | undefined {
    const head = HEAD.exec(text.slice(0, 200))
    const match = STEP.exec(head === null ? text : text.slice(head[0].length))
    if (match === null) return undefined
    const [, number, figures = ''] = match
    const named = pairsOf(figures.split(/ {2,8}(?=[a-z]{1,12}:)/), ':')
    if (!named.has('wps') || !named.has('flops')) return undefined
    const time = head === null ? undefined : localTime(`20${head[1]} ${head[2]}`)
    const at = { step: Number(number), time, rank: rank === 0 ? undefined : rank }
    const record: RecordOf<'step'> = { kind: 'step', source: 'lingua', ...at, ...stepFigures(named, MEANINGS) }
    return [record, ...nanEvent(named.get('loss'), at, state)]
  },
})
