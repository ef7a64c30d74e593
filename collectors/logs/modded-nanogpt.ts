/** modded-nanogpt and the speedruns after it: `step:N/M train_time:…ms step_avg:…ms`, the clock stopped in evaluations. */
import type { RecordOf, WireRecord } from '../../wire/records'
import { nanEvent, pairsOf, stepFigures, type Figures } from './figures'
import { defineFormat, type LogLine } from './format'
import { secondsSince, type Pace } from './pace'
import { numbersBy } from './settings'
import { numberOf, scaled } from './values'

type State = { last: Pace; nan: boolean; settings: { [name: string]: string } }

const LINE = /^step:(\d{1,12})(?:\/(\d{1,12}))? (?=.{0,400}(?:train_time|train_loss|val_loss):)(.{1,1000})$/
const PEAK = /^peak memory (?:allocated|consumption): [\d.]{1,12} MiB(?:,? reserved: [\d.]{1,12} MiB)?$/
/** `name:value` of settings, several on a line; those of the last kind say all that is to be known of the batch. */
const SETTINGS =
  /^(?:(?:model_params|world_size|tie_embeddings|sdp_backends):\S|attention_mode:\S{1,20} num_heads:\d|train_batch_tokens:\d)/
const MODEL: Readonly<Record<string, string>> = {
  model_params: 'parameters',
  num_heads: 'attentionHeads',
  num_kv_heads: 'keyValueHeads',
  train_seq_len: 'sequenceLength',
}
const STOPPED = /^stopping_early: /
const REMARK =
  /^(?:warmup_step:\d{1,6}\/\d{1,6}|seed:\d{1,12}|(?:Serialized model|Total submission size|Code size)(?: \S{1,40})?: \d|final_\w{1,60} val_loss:\d.{0,200})|^(?:Running (?:Python|PyTorch|pytorch|Triton version) \d.{0,200}|=={20,120}|Training DataLoader: total number of tokens: .{1,80}|Validation DataLoader: total number of tokens: .{1,80})$/

/** The time of training so far, whose difference between two steps is that of the steps. */
const timeOf = (text: string | undefined) =>
  text?.endsWith('ms') === true ? scaled(numberOf(text.slice(0, -2)), 1e-3) : numberOf(text?.replace(/s$/, ''))

/** What is known so far; said where the last of it comes. */
function readSettings(text: string, state: State): WireRecord[] {
  const said = pairsOf(text.split(/\s{1,4}/), ':')
  Object.assign(state.settings, Object.fromEntries([...said].filter(([name]) => name.length < 40)))
  if (!said.has('train_batch_tokens')) return []
  const settings = new Map(Object.entries(state.settings))
  const [tokens, sequence] = ['train_batch_tokens', 'train_seq_len'].map(name => numberOf(settings.get(name)))
  const global = tokens === undefined || sequence === undefined ? undefined : tokens / sequence
  const tied = settings.get('tie_embeddings')
  const record: RecordOf<'config'> = {
    kind: 'config',
    framework: 'modded-nanogpt',
    model: { ...numbersBy(settings, MODEL), tiedEmbeddings: tied === undefined ? undefined : tied === 'True' },
    parallelism: numbersBy(settings, { world_size: 'worldSize' }),
    batch: { global: Number.isInteger(global) ? global : undefined },
  }
  return [record]
}

/** What the fork of the parameter golf adds. */
const throughput = (figures: Figures) => stepFigures(figures, { tok_s: 'tokensPerSecond' })

export const moddedNanogpt = defineFormat({
  name: 'modded-nanogpt',
  help: 'modded-nanogpt: steps and evaluations of the speedruns, peak memory',
  origin: 'https://github.com/KellerJordan/modded-nanogpt/blob/master/train_gpt.py',
  begin: (): State => ({ last: null, nan: false, settings: {} }),
  parse({ text }: LogLine, state: State): WireRecord[] | undefined {
    if (text.length > 1200) return undefined
    if (SETTINGS.test(text)) return readSettings(text, state)
    if (PEAK.test(text) || STOPPED.test(text)) return [{ kind: 'event', type: 'summary', message: text }]
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
        tokens: numberOf(state.settings['train_batch_tokens']),
        ...throughput(figures),
        loss: numberOf(loss),
      },
      ...nanEvent(loss, { step }, state),
    ]
  },
})
