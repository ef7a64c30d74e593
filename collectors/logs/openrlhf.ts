/** OpenRLHF: bars of its trainers, and the status of each step of reinforcement learning. */
import type { Phase } from '../../wire/metrics'
import type { RecordOf, WireRecord } from '../../wire/records'
import { beginBars, drawn, releaseBar, type BarState } from './bar-steps'
import { nanEvent, stepFigures, type Meanings } from './figures'
import { defineFormat, type LogLine } from './format'
import { headOf } from './logger-head'
import { settingsOf } from './printed'
import { isOn, numbersBy, precisionOf } from './settings'
import { readDict } from './python-dict'
import { readBar } from './tqdm'
import { numberOf } from './values'

type State = BarState & { nan: boolean }

const STATUS = /^(?:✨ )?(?:Global step|Episode) (\d{1,12}): (\{.{1,8000}\})$/u
const EVALUATION = /^(?:✨ )?(?:Evaluation completed in |Eval at step \d)/u
const DRAWING = /^Train step of epoch (\d{1,9}):?$/
const OTHERS =
  /^(?:Train epoch|Train epoch \[\d{1,9}\/\d{1,9}\]|Episode \[\d{1,9}\/\d{1,9}\]|make_experience|Eval stage of steps \d{1,12}):?$/
const MEANINGS: Meanings = {
  gpt_loss: 'loss',
  loss: 'loss',
  policy_loss: 'loss',
  act_loss: 'loss',
  grad_norm: 'gradientNorm',
  actor_grad_norm: 'gradientNorm',
  lr: 'learningRate',
  actor_lr: 'learningRate',
  act_lr: 'learningRate',
  'timing/step_total': 'stepSeconds',
}
const LOSSES = ['gpt_loss', 'loss', 'policy_loss', 'act_loss']
const TIMES = ['make_experience', 'ppo_train', 'broadcast', 'generation']

/** Its arguments: flat until 2025, by subject since. */
const ARGUMENTS =
  /^Namespace\((?=.{0,30000}\b(?:micro_train_batch_size|train=Namespace\())(?=.{0,30000}\b(?:zero_stage|ds=Namespace\())/
const NAMES = {
  model: { max_len: 'sequenceLength', 'data.max_len': 'sequenceLength' },
  parallelism: {
    zero_stage: 'zeroStage',
    'ds.zero_stage': 'zeroStage',
    ds_tensor_parallel_size: 'tensor',
    'ds.tensor_parallel_size': 'tensor',
    ring_attn_size: 'context',
    'ds.ring_attn_size': 'context',
  },
  batch: {
    micro_train_batch_size: 'micro',
    'train.micro_batch_size': 'micro',
    train_batch_size: 'global',
    'train.batch_size': 'global',
  },
}

function configOf(text: string): RecordOf<'config'> {
  const settings = new Map([...settingsOf(text)].map(([name, value]) => [name.replace(/^Namespace\./, ''), value]))
  const first = (...names: string[]) => names.map(name => settings.get(name)).find(value => value !== undefined)
  const checkpointing = isOn(
    first('gradient_checkpointing', 'actor.gradient_checkpointing_enable', 'model.gradient_checkpointing_enable'),
  )
  const { nodes, devices } = numbersBy(settings, {
    actor_num_nodes: 'nodes',
    'actor.num_nodes': 'nodes',
    actor_num_gpus_per_node: 'devices',
    'actor.num_gpus_per_node': 'devices',
  })
  return {
    kind: 'config',
    framework: 'openrlhf',
    model: {
      name: first('pretrain', 'actor.model_name_or_path', 'model.model_name_or_path')
        ?.replace(/\/+$/, '')
        .split('/')
        .at(-1),
      ...numbersBy(settings, NAMES.model),
    },
    parallelism: {
      ...numbersBy(settings, NAMES.parallelism),
      worldSize: nodes === undefined || devices === undefined ? undefined : nodes * devices,
    },
    batch: numbersBy(settings, NAMES.batch),
    precision: isOn(settings.get('bf16')) === true ? 'bf16' : precisionOf(first('param_dtype', 'ds.param_dtype')),
    recompute: checkpointing === undefined ? undefined : checkpointing ? 'full' : 'none',
  }
}

function readStatus(text: string, state: State): WireRecord[] | undefined {
  const match = STATUS.exec(text)
  const figures = match === null ? undefined : readDict(match[2] ?? '')
  if (match === null || figures === undefined) return undefined
  const step = Number(match[1])
  const phases: Record<string, Phase> = {}
  for (const name of TIMES) {
    const seconds = numberOf(figures.get(`timing/${name}`))
    if (seconds !== undefined && seconds >= 0) phases[name] = { seconds }
  }
  const loss = LOSSES.map(name => figures.get(name)).find(value => value !== undefined)
  const record: RecordOf<'step'> = {
    kind: 'step',
    source: 'openrlhf',
    step,
    ...stepFigures(figures, MEANINGS),
    phases: Object.keys(phases).length > 0 ? phases : undefined,
  }
  return [record, ...nanEvent(loss, { step }, state)]
}

/** Bars count what the trainer calls a step: a batch of one device, of which several may make one of the optimizer. */
function readDrawing(text: string, state: State): WireRecord[] | undefined {
  const bar = readBar(text)
  if (bar === undefined) return undefined
  const epoch = DRAWING.exec(bar.description)
  if (epoch === null || bar.total === undefined) return OTHERS.test(bar.description) ? [] : undefined
  if (bar.done === 0) return []
  const step = Number(epoch[1]) * bar.total + bar.done
  const loss = LOSSES.map(name => bar.postfix.get(name)).find(value => value !== undefined)
  const figures = stepFigures(bar.postfix, MEANINGS)
  const record: RecordOf<'step'> = {
    kind: 'step',
    source: 'openrlhf',
    step,
    stepSeconds: bar.secondsPerItem,
    ...figures,
  }
  return [...drawn(record, true, state), ...nanEvent(loss, { step }, state)]
}

export const openrlhf = defineFormat({
  name: 'openrlhf',
  help: 'OpenRLHF: bars of its trainers, the status of each step, evaluations',
  origin: 'https://github.com/OpenRLHF/OpenRLHF/blob/main/openrlhf/trainer/ppo_trainer.py',
  begin: (): State => ({ ...beginBars(), nan: false }),
  parse(line: LogLine, state: State): WireRecord[] | undefined {
    if (line.text.length > 32_768) return undefined
    if (line.text.includes('%|')) return readDrawing(line.text, state)
    const { text } = headOf(line)
    if (ARGUMENTS.test(text)) return [configOf(text)]
    if (EVALUATION.test(text)) return [{ kind: 'event', type: 'evaluation', message: text.slice(0, 1000) }]
    return readStatus(text, state)
  },
  flush: (state: State) => releaseBar(state),
})
