/** fairseq and metaseq: figures behind `epoch 001: N / M`, or the same as JSON; losses are in the base that they print. */
import type { RecordOf, WireRecord } from '../../wire/records'
import { GIBIBYTE, nanEvent, stepFigures, type Figures, type Meanings } from './figures'
import { defineFormat, type LogLine } from './format'
import { membersOf } from './json-members'
import { headOf } from './logger-head'
import { lastNames, settingsOf } from './printed'
import { isOn, numbersBy, optimizerOf } from './settings'
import { readBar } from './tqdm'
import { numberOf } from './values'

type State = { parameters: number | null; world: number | null; nan: boolean }

const SIMPLE = /^\|? ?epoch (\d{1,9}):? {1,8}(\d{1,12}) \/ (\d{1,12}) (?=\S{1,80}=)(.{1,2000})$/
const PIPES = /^\|? ?epoch (\d{3,9}) \| (.{1,2000})$/
const JSON_LINE = /^\{"epoch": ?\d{1,9}, ?"/
const MEANINGS: Meanings = {
  num_updates: 'step',
  loss: 'loss',
  train_loss: 'loss',
  gnorm: 'gradientNorm',
  lr: 'learningRate',
  lr_default: 'learningRate',
  wps: 'tokensPerSecond',
  bsz: 'samples',
  wpb: 'tokens',
  cuda_gb_allocated: ['memoryAllocatedBytes', GIBIBYTE],
  cuda_gb_reserved: ['memoryReservedBytes', GIBIBYTE],
}
const PARAMETERS = /^(?:\| )?num\. (?:shared )?model params: ([\d,]{1,24}) \(num\. trained: [\d,]{1,24}\)$/
const WORLD = /^(?:\| )?training on (\d{1,9}) (?:devices|GPUs)/
const CHECKPOINT = /^(?:\| )?(?:Preparing to save checkpoint for epoch |saved checkpoint \S)/i
const SAVED = /^Saved checkpoint \S{1,1000} \(epoch /
const PIPED = /^[\d :,.-]{10,30} \| [A-Z]{4,8} \| /
const OWN = /^(?:fairseq|metaseq|train|train_inner|valid\w{0,40}|fairseq_cli)\b/

/** Words per batch by words per second; both are of the same window, and printed to more digits than the updates. */
function secondsOf(figures: Figures): number | undefined {
  const [batch, rate] = [numberOf(figures.get('wpb')), numberOf(figures.get('wps'))]
  if (batch === undefined || rate === undefined || rate < 1e-6 || batch > 1e15) return undefined
  return Number((batch / rate).toPrecision(4))
}

/** Figures of a stretch of updates: batches are averages over it, and whole only by chance. */
function stepRecords(raw: Figures, time: number | undefined, state: State): WireRecord[] {
  const figures = new Map([...raw].map(([name, value]) => [name.replace(/^train_/, ''), value.replace(/ \(.*$/, '')]))
  // Before the meter has two updates it shows 0.
  if (figures.get('wps') === '0') figures.delete('wps')
  const fields = stepFigures(figures, MEANINGS)
  const record: RecordOf<'step'> = { kind: 'step', source: 'fairseq', time, ...fields, stepSeconds: secondsOf(figures) }
  return [record, ...nanEvent(figures.get('loss'), { step: fields.step, time }, state)]
}

const evaluation = (type: 'evaluation' | 'summary', time: number | undefined, text: string): WireRecord[] => [
  { kind: 'event', type, time, message: text.trim().slice(0, 1000) },
]

function readSimple(text: string, time: number | undefined, state: State): WireRecord[] | undefined {
  const match = SIMPLE.exec(text)
  if (match === null) return undefined
  const [, epoch, done, total, figures = ''] = match
  const parts = figures.split(/,\s{1,4}/).map(part => part.split('='))
  // In 2018 the updates were not counted: they are those of the epochs so far.
  const counted = (Number(epoch) - 1) * Number(total) + Number(done)
  const named = new Map(parts.map(([name = '', value = '']) => [name, value]))
  return stepRecords(new Map([['num_updates', String(counted)], ...named]), time, state)
}

/** The ends of epochs and evaluations: averages over the epoch, which are those of no step. */
function readPipes(text: string, time: number | undefined): WireRecord[] | undefined {
  const match = PIPES.exec(text)
  if (match === null || !/(?:^| )(?:train )?(?:valid_)?loss /.test(match[2] ?? ''))
    return /\bvalid on\b/.test(text) ? [] : undefined
  return evaluation(/\bvalid/.test(match[2] ?? '') ? 'evaluation' : 'summary', time, text)
}

function readJson(
  text: string,
  tag: string | undefined,
  time: number | undefined,
  state: State,
): WireRecord[] | undefined {
  const members = JSON_LINE.test(text) ? membersOf(text) : undefined
  if (members === undefined) return undefined
  const names = [...members.keys()]
  if (names.some(name => /^valid/.test(name))) return evaluation('evaluation', time, text)
  if (!names.some(name => /(?:^|_)(?:loss|wps|num_updates)$/.test(name))) return undefined
  // The end of an epoch has no `update`, which is its fraction; metaseq, whose data have no end, never says it.
  if (tag === 'train' || (tag !== 'train_inner' && !members.has('update'))) return evaluation('summary', time, text)
  return stepRecords(members, time, state)
}

/** All settings on one line: a Namespace until 2020, the dict of a config of Hydra since. */
const SETTINGS = /^(?:\| )?(?:Namespace\(|\{'_name': )(?=.{0,60000}\b(?:arch|distributed_world_size)\b)/
const NAMES: Readonly<Record<string, string>> = {
  decoder_layers: 'layers',
  encoder_layers: 'layers',
  decoder_embed_dim: 'hiddenSize',
  encoder_embed_dim: 'hiddenSize',
  decoder_attention_heads: 'attentionHeads',
  encoder_attention_heads: 'attentionHeads',
  decoder_ffn_embed_dim: 'ffnHiddenSize',
  encoder_ffn_embed_dim: 'ffnHiddenSize',
  tokens_per_sample: 'sequenceLength',
}

function configOf(text: string, time: number | undefined, state: State): RecordOf<'config'> {
  const settings = lastNames(settingsOf(text))
  const { world, tensor, micro } = numbersBy(settings, {
    distributed_world_size: 'world',
    model_parallel_size: 'tensor',
    batch_size: 'micro',
    max_sentences: 'micro',
  })
  const [bf16, fp16] = [isOn(settings.get('bf16')), isOn(settings.get('fp16'))]
  const recompute = isOn(settings.get('checkpoint_activations'))
  state.world = world ?? state.world
  return {
    kind: 'config',
    time,
    framework: 'fairseq',
    model: { name: settings.get('arch'), ...numbersBy(settings, NAMES) },
    parallelism: {
      worldSize: world,
      tensor,
      zeroStage: settings.get('ddp_backend') === 'fully_sharded' ? 3 : undefined,
    },
    batch: { micro },
    precision: bf16 === true ? 'bf16' : fp16 === true ? 'fp16' : fp16 === false ? 'fp32' : undefined,
    optimizer: optimizerOf(settings.get('optimizer')),
    recompute: recompute === undefined ? undefined : recompute ? 'full' : 'none',
  }
}

function readSetup(text: string, time: number | undefined, state: State): WireRecord[] | undefined {
  const parameters = numberOf(PARAMETERS.exec(text)?.[1])
  const world = numberOf(WORLD.exec(text)?.[1])
  if (parameters === undefined && world === undefined) return undefined
  state.parameters = parameters ?? state.parameters
  state.world = world ?? state.world
  const [model, parallelism] = [{ parameters: state.parameters ?? undefined }, { worldSize: state.world ?? undefined }]
  return [{ kind: 'config', time, framework: 'fairseq', model, parallelism }]
}

function readDrawing(text: string, state: State): WireRecord[] | undefined {
  const bar = readBar(text)
  if (bar === undefined || !/^epoch \d{1,9}/.test(bar.description)) return undefined
  if (bar.description.includes('valid')) return []
  return bar.postfix.has('num_updates') ? stepRecords(bar.postfix, undefined, state) : []
}

export const fairseq = defineFormat({
  name: 'fairseq',
  help: 'fairseq and metaseq: steps as text, JSON or bars, evaluations, checkpoints, sizes',
  origin: 'https://github.com/facebookresearch/fairseq/blob/main/fairseq/logging/progress_bar.py',
  begin: (): State => ({ parameters: null, world: null, nan: false }),
  parse(line: LogLine, state: State): WireRecord[] | undefined {
    if (line.text.includes('%|')) return line.text.length > 8192 ? undefined : readDrawing(line.text, state)
    const { text, time, name, calm } = headOf(line)
    const own = name !== undefined && OWN.test(name)
    if ((own || line.text.startsWith('Namespace(')) && SETTINGS.test(text)) return [configOf(text, time, state)]
    if (line.text.length > 8192) return undefined
    const records =
      readSimple(text, time, state) ??
      readPipes(text, time) ??
      readJson(text, name, time, state) ??
      readSetup(text, time, state)
    if (records !== undefined) return records
    if (CHECKPOINT.test(text) && !SAVED.test(text))
      return [{ kind: 'event', type: 'checkpoint', time, message: text.slice(0, 1000) }]
    return calm && own && PIPED.test(line.text) ? [] : undefined
  },
})
