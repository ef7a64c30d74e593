/** veRL: `step:N - name:value - …` of its console logger, for reinforcement learning and for fine-tuning. */
import type { Phase } from '../../wire/metrics'
import type { RecordOf, WireRecord } from '../../wire/records'
import { GIBIBYTE, nanEvent, stepFigures, valueOf, type Figures, type Meanings } from './figures'
import { defineFormat, type LogLine } from './format'
import { readBar } from './tqdm'

type State = { totalSteps: number | null; nan: boolean }

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
  'perf/max_memory_reserved_gb': ['memoryReservedBytes', GIBIBYTE],
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

/** A learning rate of three decimals that shows as 0.000 is not zero. */
const meant = (figures: Figures): Figures =>
  new Map([...figures].filter(([name, text]) => !(/lr$/.test(name) && /^0\.0+$/.test(text))))

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
  begin: (): State => ({ totalSteps: null, nan: false }),
  parse({ text }: LogLine, state: State): WireRecord[] | undefined {
    if (text.startsWith('step:')) return readStep(text, state)
    if (!text.startsWith('Training Progress:')) return undefined
    const bar = readBar(text)
    if (bar === undefined || !BAR.test(bar.description)) return undefined
    state.totalSteps = bar.total ?? state.totalSteps
    return []
  },
})
