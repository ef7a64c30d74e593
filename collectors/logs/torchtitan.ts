/** torchtitan: one line a step with loss, memory and throughput; older eras print `wps` and fewer figures. */
import type { RecordOf, WireRecord } from '../../wire/records'
import { nanEvent } from './figures'
import { defineFormat, type LogLine } from './format'
import { secondsSince, type Pace } from './pace'
import { emptyConfig, readSetup, type TitanConfig } from './torchtitan-config'
import { bytesOf, localTime, numberOf, scaled } from './values'

type State = {
  config: TitanConfig
  totalSteps: number | null
  tokens: number | null
  /** The rank that speaks for the job: the first seen. Several may be let to print (LOG_RANK). */
  rank: number | null
  last: Pace
  nan: boolean
}

/** `[titan] 2026-11-23 17:35:45,123 - root - INFO - message`; older eras without `[titan]`. */
const LOGGER = /^(?:\[titan\] )?(\d{4}-\d\d-\d\d \d\d:\d\d:\d\d,\d{3}) - ([\w.]{1,100}) - [A-Z]{4,8} - /
const STEP = /^step: {0,8}(\d{1,12})(?:\/(\d{1,12})\S{0,4}(?: = [\d.]{1,12}%)?)? {1,8}(?=loss: )/
const BARE = /^step: .{0,400}memory: {0,8}[\d.]{1,12}GiB\(.{0,100} [wt]ps: /
const VALIDATION = /^validate step: {0,8}\d{1,12} {1,8}loss: /
const CHECKPOINT = /^Saving (?:the|a|a full|a model only|initial) .{0,40}checkpoint/
/** Colours whose escape character was lost where the log was copied. */
const LOST_COLOUR = /\[\d{1,3}m/g
const MOST_CHARACTERS = 8192
const FIGURE = /([a-z_]{2,32}): {0,8}(\S{1,48})/g

function figuresOf(text: string): Map<string, string> {
  return new Map([...text.slice(0, 2000).matchAll(FIGURE)].map(match => [match[1] ?? '', match[2] ?? '']))
}

/** Percentages behind a figure, as in `0.86GiB(1.09%)`, are of the device and left out: its size is known otherwise. */
const memoryOf = (text: string | undefined) => bytesOf(text?.replace(/\(.*$/, ''))

function readStep(text: string, time: number | undefined, rank: number | null, state: State): WireRecord[] | undefined {
  const match = STEP.exec(text)
  if (match === null) return undefined
  const figures = figuresOf(text.slice(match[0].length))
  const rate = numberOf(figures.get('tps') ?? figures.get('wps'))
  const memory = memoryOf(figures.get('memory'))
  if (rate === undefined && memory === undefined) return undefined
  const step = Number(match[1])
  const own: RecordOf<'step'> = {
    kind: 'step',
    source: 'torchtitan',
    time,
    step,
    tokensPerSecondPerGpu: rate,
    flopsPerSecondPerGpu: scaled(numberOf(figures.get('tflops')), 1e12),
    mfu: scaled(numberOf(figures.get('mfu')?.replace(/%$/, '')), 1e-2),
    memoryReservedBytes: memory,
  }
  state.rank ??= rank
  if (rank !== state.rank && rank !== null) return [{ ...own, rank }]
  return [
    {
      ...own,
      totalSteps: numberOf(match[2]) ?? state.totalSteps ?? undefined,
      stepSeconds: secondsSince(step, time, state),
      tokens: state.tokens ?? undefined,
      loss: numberOf(figures.get('loss')),
      gradientNorm: numberOf(figures.get('grad_norm')),
    },
    ...nanEvent(figures.get('loss'), { step, time }, state),
  ]
}

/** Validation and checkpoints take time between two lines of steps, which then is not that of the steps. */
function readPause(message: string, time: number | undefined, state: State): WireRecord[] | undefined {
  const type = VALIDATION.test(message) ? 'evaluation' : CHECKPOINT.test(message) ? 'checkpoint' : undefined
  if (type === undefined) return undefined
  state.last = null
  return [{ kind: 'event', type, time, message: message.slice(0, 1000) }]
}

export const torchtitan = defineFormat({
  name: 'torchtitan',
  help: 'torchtitan: step and validation lines, the model, its mesh and the batch, of old and new eras',
  origin: 'https://github.com/pytorch/torchtitan/blob/main/torchtitan/components/metrics.py',
  begin: (): State => ({ config: emptyConfig(), totalSteps: null, tokens: null, rank: null, last: null, nan: false }),
  parse({ text, rank }: LogLine, state: State) {
    const logger = LOGGER.exec(text)
    const message = text.slice(logger?.[0].length ?? 0, MOST_CHARACTERS).replaceAll(LOST_COLOUR, '')
    // Copied without the logger's head, a line of a step is told by its figures.
    if (logger === null) return BARE.test(message) ? readStep(message, undefined, rank ?? null, state) : undefined
    const time = localTime(logger[1] ?? '')
    const records =
      readPause(message, time, state) ?? readStep(message, time, rank ?? null, state) ?? readSetup(message, time, state)
    // Only torchtitan marks its lines so; without the mark they could be of any Python program.
    return records ?? (text.startsWith('[titan] ') ? [] : undefined)
  },
})
