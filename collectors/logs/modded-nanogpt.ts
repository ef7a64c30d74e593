/** modded-nanogpt and the speedruns after it: `step:N/M train_time:…ms step_avg:…ms`, the clock stopped in evaluations. */
import type { WireRecord } from '../../wire/records'
import { nanEvent, pairsOf } from './figures'
import { defineFormat, type LogLine } from './format'
import { secondsSince, type Pace } from './pace'
import { numberOf, scaled } from './values'

type State = { last: Pace; nan: boolean }

const LINE = /^step:(\d{1,12})(?:\/(\d{1,12}))? (?=.{0,400}(?:train_time|train_loss|val_loss):)(.{1,1000})$/
const PEAK = /^peak memory (?:allocated|consumption): [\d.]{1,12} MiB(?:,? reserved: [\d.]{1,12} MiB)?$/
const REMARK =
  /^(?:Running (?:Python|PyTorch|pytorch|Triton version) \d.{0,200}|=={20,120}|Training DataLoader: total number of tokens: .{1,80}|Validation DataLoader: total number of tokens: .{1,80})$/

/** The time of training so far, whose difference between two steps is that of the steps. */
const timeOf = (text: string | undefined) =>
  text?.endsWith('ms') === true ? scaled(numberOf(text.slice(0, -2)), 1e-3) : numberOf(text?.replace(/s$/, ''))

export const moddedNanogpt = defineFormat({
  name: 'modded-nanogpt',
  help: 'modded-nanogpt: steps and evaluations of the speedruns, peak memory',
  origin: 'https://github.com/KellerJordan/modded-nanogpt/blob/master/train_gpt.py',
  begin: (): State => ({ last: null, nan: false }),
  parse({ text }: LogLine, state: State): WireRecord[] | undefined {
    if (text.length > 1200) return undefined
    if (PEAK.test(text)) return [{ kind: 'event', type: 'summary', message: text }]
    const match = text.startsWith('step:') ? LINE.exec(text) : null
    if (match === null) return REMARK.test(text) ? [] : undefined
    const figures = pairsOf((match[3] ?? '').split(/\s{1,4}/), ':')
    const step = Number(match[1])
    const stepSeconds = secondsSince(step, timeOf(figures.get('train_time')), state)
    if (figures.has('val_loss')) return [{ kind: 'event', type: 'evaluation', message: text }]
    const loss = figures.get('train_loss')
    return [
      {
        kind: 'step',
        source: 'modded-nanogpt',
        step,
        totalSteps: numberOf(match[2]),
        stepSeconds,
        loss: numberOf(loss),
      },
      ...nanEvent(loss, { step }, state),
    ]
  },
})
