/** MLPerf's compliance log, whatever framework writes it: `:::MLLOG {…}`. */
import type { RecordOf, WireRecord } from '../../wire/records'
import { defineFormat, type LogLine } from './format'
import { membersOf } from './json-members'
import { numbersBy, optimizerOf } from './settings'
import { numberOf } from './values'

/** `samples`: the highest count of samples that was said. */
type State = { settings: { [name: string]: string }; told: string; samples: number | null }

/** Since 2019; the first round had `:::MLPv0.5.0 NAME TIME (FILE:LINE) KEY: VALUE`. */
const LINE = /:::MLLOG (\{.{1,16000}\})\s{0,4}$/
const OLD = /^:::MLPv0\.\d\.\d \w{1,40} [\d.]{1,24} \([^)]{1,200}\) (\w{1,80})(?:: (.{1,400}))?$/
const MODEL: Readonly<Record<string, string>> = { max_sequence_length: 'sequenceLength', seq_len: 'sequenceLength' }
const SETTINGS = new Set([
  ...Object.keys(MODEL),
  ...[
    'global_batch_size',
    'gradient_accumulation_steps',
    'opt_name',
    'submission_benchmark',
    'submission_platform',
    'number_of_ranks',
    'max_steps',
  ],
])

function configOf(settings: ReadonlyMap<string, string>): RecordOf<'config'> {
  return {
    kind: 'config',
    framework: 'mlperf',
    model: { name: settings.get('submission_benchmark'), ...numbersBy(settings, MODEL) },
    parallelism: numbersBy(settings, { number_of_ranks: 'worldSize' }),
    batch: numbersBy(settings, { global_batch_size: 'global' }),
    optimizer: optimizerOf(settings.get('opt_name')),
  }
}

function told(state: State, time: number | undefined): WireRecord[] {
  const record = configOf(new Map(Object.entries(state.settings)))
  const text = JSON.stringify(record)
  if (text === state.told || Object.keys(state.settings).length === 0) return []
  state.told = text
  return [{ ...record, time }]
}

/**
 * `step_num` is the step, of which samples so far by the batch are another name. What submitters call `step` is their count of
 * samples as well, of epochs, or of steps: it is one where the samples that were said leave no doubt.
 */
function stepOf(members: ReadonlyMap<string, string>, state: State): number | undefined {
  const named = numberOf(members.get('metadata/step_num'))
  if (named !== undefined) return named
  const batch = numberOf(state.settings['global_batch_size'])
  const ofSamples = (samples: number) => {
    const step = batch === undefined || batch === 0 ? NaN : samples / batch
    return Number.isInteger(step) ? step : undefined
  }
  const samples = numberOf(members.get('metadata/samples_count'))
  if (samples !== undefined) return ofSamples(samples)
  const step = numberOf(members.get('metadata/step'))
  if (step === undefined || state.samples === null) return undefined
  return step >= state.samples ? ofSamples(step) : step * (batch ?? NaN) >= state.samples ? step : undefined
}

/** `tracked_stats` holds whatever a submitter wants to be seen. */
function figuresOf(members: ReadonlyMap<string, string>, key: string): Partial<RecordOf<'step'>> {
  if (key === 'train_loss')
    return { loss: numberOf(members.get('value')), learningRate: numberOf(members.get('metadata/lr')) }
  const value = (name: string) => numberOf(members.get(`value/${name}`))
  return {
    loss: value('train_loss') ?? value('reduced_train_loss') ?? value('loss'),
    stepSeconds: value('train_step_time') ?? value('step_time') ?? value('train_step_timing in s'),
    samplesPerSecond: value('throughput'),
    learningRate: value('learning_rate') ?? value('lr'),
  }
}

function stepRecord(
  figures: Partial<RecordOf<'step'>>,
  step: number | undefined,
  time: number | undefined,
  state: State,
): RecordOf<'step'> {
  const totalSteps = numberOf(state.settings['max_steps'])
  return { kind: 'step', source: 'mlperf', time, step, totalSteps, ...figures }
}

function readKey(members: ReadonlyMap<string, string>, state: State): WireRecord[] {
  const key = members.get('key') ?? ''
  const milliseconds = numberOf(members.get('time_ms'))
  const time = milliseconds === undefined ? undefined : milliseconds / 1000
  const text = members.get('value')
  const samples = numberOf(members.get('metadata/samples_count'))
  if (samples !== undefined) state.samples = Math.max(samples, state.samples ?? 0)
  if (SETTINGS.has(key) && text !== undefined) {
    state.settings[key] ??= text
    return []
  }
  if (key === 'train_loss' || key === 'tracked_stats') {
    const figures = figuresOf(members, key)
    const known = Object.values(figures).some(value => value !== undefined)
    return [...told(state, time), ...(known ? [stepRecord(figures, stepOf(members, state), time, state)] : [])]
  }
  if (key === 'run_start' || key === 'init_stop') return told(state, time)
  const at = members.get('metadata/samples_count') ?? members.get('metadata/epoch_num')
  const where = at === undefined ? '' : ` at ${at}`
  if (key === 'eval_accuracy' || key === 'eval_error')
    return [{ kind: 'event', type: 'evaluation', time, message: `${key} ${text ?? ''}${where}` }]
  if (key === 'run_stop')
    return [
      {
        kind: 'event',
        type: 'summary',
        time,
        message: `run_stop: ${members.get('metadata/status') ?? text ?? 'no status'}`,
      },
    ]
  return []
}

export const mlperf = defineFormat({
  name: 'mlperf',
  help: 'MLPerf logging: losses, tracked statistics, evaluations, the batch and the sequence length',
  origin: 'https://github.com/mlcommons/logging/blob/master/mlperf_logging/mllog/mllog.py',
  begin: (): State => ({ settings: {}, told: '', samples: null }),
  parse({ text }: LogLine, state: State): WireRecord[] | undefined {
    if (!text.includes(':::MLL') && !text.startsWith(':::MLP')) return undefined
    if (OLD.test(text)) return []
    const members = membersOf(LINE.exec(text)?.[1] ?? '')
    return members === undefined ? undefined : readKey(members, state)
  },
})
