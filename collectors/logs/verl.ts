/** veRL: `step:N - name:value - …` of its console logger, for reinforcement learning and for fine-tuning. */
import type { Phase } from '../../wire/metrics'
import type { RecordOf, WireRecord } from '../../wire/records'
import { GIBIBYTE, nanEvent, stepFigures, valueOf, type Figures, type Meanings } from './figures'
import { defineFormat, type LogLine } from './format'
import { isClosed, openPrinted, settingsOf, takePrinted, type Printed } from './printed'
import { isOn, numbersBy, optimizerOf, precisionOf } from './settings'
import { readBar } from './tqdm'
import { numberOf } from './values'

type State = { totalSteps: number | null; config: Printed | null; nan: boolean }

const STEP = /^step:(\d{1,12}) - (?=[\w@./()-]{1,160}:)(.{1,32000})$/
const MEANINGS: Meanings = {
  'actor/loss': 'loss',
  'actor/pg_loss': 'loss',
  'train/loss': 'loss',
  'actor/grad_norm': 'gradientNorm',
  'train/grad_norm': 'gradientNorm',
  'actor/lr': 'learningRate',
  'train/lr': 'learningRate',
  'train/lr(1e-3)': ['learningRate', 1e-3],
  'perf/time_per_step': 'stepSeconds',
  'timing_s/step': 'stepSeconds',
  'train/time(s)': 'stepSeconds',
  'perf/total_num_tokens': 'tokens',
  'train/global_tokens': 'tokens',
  'perf/throughput': 'tokensPerSecondPerGpu',
  'perf/mfu/actor': 'mfu',
  'mfu/actor': 'mfu',
  'train/mfu': 'mfu',
  'perf/max_memory_allocated_gb': ['memoryPeakBytes', GIBIBYTE],
  'actor/perf/max_memory_allocated_gb': ['memoryPeakBytes', GIBIBYTE],
  'perf/max_memory_reserved_gb': ['memoryReservedBytes', GIBIBYTE],
  'actor/perf/max_memory_reserved_gb': ['memoryReservedBytes', GIBIBYTE],
}
const BAR = /^Training Progress:?$/

function phasesOf(figures: Figures): Record<string, Phase> | undefined {
  const phases: Record<string, Phase> = {}
  for (const [name, text] of figures) {
    const phase = /^timing(?:_s)?\/(\w{1,60})$/.exec(name)?.[1]
    const seconds = phase === undefined || phase === 'step' ? undefined : valueOf(text, 'stepSeconds')
    if (phase !== undefined && seconds !== undefined && seconds >= 0) phases[phase] = { seconds }
  }
  return Object.keys(phases).length > 0 ? phases : undefined
}

function figuresOf(text: string): Figures {
  // Names may hold colons of their own; values hold none.
  const pairs = text.split(' - ').map(part => [part.lastIndexOf(':'), part] as const)
  return new Map(
    pairs.flatMap(([at, part]) => (at > 0 ? [[part.slice(0, at).trim(), part.slice(at + 1).trim()] as const] : [])),
  )
}

/** A learning rate of three decimals that shows as 0.000 is not zero, and a share of the peak is none of a device unknown. */
const meant = (figures: Figures): Figures =>
  new Map([...figures].filter(([name, text]) => !(/lr$|(?:^|\/)mfu(?:\/|$)/.test(name) && /^0\.0+$/.test(text))))

/** The whole config, which the trainer prints before it begins: `{'actor_rollout_ref': {'actor': …`. */
const CONFIG = /^\{'(?:actor_rollout_ref|algorithm|actor|async_training|critic)': ?\{/
const TOTAL = /^Total training steps: (\d{1,12})$/

function configOf(text: string): RecordOf<'config'> {
  const settings = settingsOf(text)
  const own = new Map([...settings].map(([name, value]) => [name.replace(/^actor_rollout_ref\./, ''), value]))
  const { devices, nodes } = numbersBy(own, { 'trainer.n_gpus_per_node': 'devices', 'trainer.nnodes': 'nodes' })
  const { prompt, response } = numbersBy(own, {
    'data.max_prompt_length': 'prompt',
    'data.max_response_length': 'response',
  })
  const strategy = own.get('actor.strategy')
  const degrees =
    strategy === 'megatron'
      ? {
          'actor.megatron.tensor_model_parallel_size': 'tensor',
          'actor.megatron.pipeline_model_parallel_size': 'pipeline',
          'actor.megatron.context_parallel_size': 'context',
          'actor.megatron.expert_model_parallel_size': 'expert',
          'actor.megatron.virtual_pipeline_model_parallel_size': 'virtualStages',
        }
      : { 'actor.ulysses_sequence_parallel_size': 'context' }
  const checkpointing = isOn(own.get('model.enable_gradient_checkpointing'))
  return {
    kind: 'config',
    framework: 'verl',
    model: {
      name: own.get('model.path')?.replace(/\/+$/, '').split('/').at(-1),
      // What one sequence may have at most: the prompt and the answer to it.
      sequenceLength: prompt === undefined || response === undefined ? undefined : prompt + response,
    },
    parallelism: {
      ...numbersBy(own, degrees),
      worldSize: devices === undefined || nodes === undefined ? undefined : devices * nodes,
      zeroStage: strategy?.startsWith('fsdp') === true ? 3 : undefined,
    },
    batch: numbersBy(own, { 'actor.ppo_micro_batch_size_per_gpu': 'micro', 'data.train_batch_size': 'global' }),
    precision: precisionOf(own.get('actor.megatron.dtype') ?? own.get('actor.fsdp_config.dtype')),
    optimizer: optimizerOf(own.get('actor.optim.optimizer')),
    recompute: checkpointing === undefined ? undefined : checkpointing ? 'full' : 'none',
  }
}

function readConfig(text: string, state: State): WireRecord[] | undefined {
  const opens = state.config === null && CONFIG.test(text)
  if (opens) state.config = openPrinted(text)
  const { config } = state
  if (config === null || !(opens || takePrinted(text, config))) return undefined
  if (!isClosed(config)) return []
  state.config = null
  return [configOf(config.text)]
}

function readStep(text: string, state: State): WireRecord[] | undefined {
  const match = STEP.exec(text)
  if (match === null) return undefined
  const step = Number(match[1])
  const figures = meant(figuresOf(match[2] ?? ''))
  const names = [...figures.keys()]
  const evaluated = names.filter(name => name.startsWith('val'))
  const message = `step ${step}: ${evaluated.map(name => `${name} ${figures.get(name)}`).join(', ')}`
  const evaluation: WireRecord[] =
    evaluated.length > 0 ? [{ kind: 'event', type: 'evaluation', message: message.slice(0, 1000) }] : []
  if (!names.some(name => /^(?:actor|critic|train|perf|timing|timing_s|mfu)\//.test(name)))
    return evaluated.length > 0 ? evaluation : undefined
  const record: RecordOf<'step'> = {
    kind: 'step',
    source: 'verl',
    step,
    totalSteps: state.totalSteps ?? undefined,
    ...stepFigures(figures, MEANINGS),
    phases: phasesOf(figures),
  }
  const loss = figures.get('actor/loss') ?? figures.get('actor/pg_loss') ?? figures.get('train/loss')
  return [record, ...evaluation, ...nanEvent(loss, { step }, state)]
}

export const verl = defineFormat({
  name: 'verl',
  help: 'veRL: steps of reinforcement learning and of fine-tuning, their phases, evaluations',
  origin: 'https://github.com/volcengine/verl/blob/main/verl/utils/logger/aggregate_logger.py',
  begin: (): State => ({ totalSteps: null, config: null, nan: false }),
  parse({ text }: LogLine, state: State): WireRecord[] | undefined {
    if (text.startsWith('step:')) return readStep(text, state)
    if (!text.startsWith('Training Progress:')) {
      const steps = numberOf(TOTAL.exec(text)?.[1])
      if (steps === undefined) return readConfig(text, state)
      state.totalSteps = steps
      return []
    }
    const bar = readBar(text)
    if (bar === undefined || !BAR.test(bar.description)) return undefined
    state.totalSteps = bar.total ?? state.totalSteps
    return []
  },
})
