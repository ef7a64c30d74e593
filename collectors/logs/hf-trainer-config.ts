/** What a job under Hugging Face's libraries prints of itself before training, as a `config` record that grows. */
import type { RecordOf, WireRecord } from '../../wire/records'
import { modelOf, type HfModel } from './hf-model-config'
import { numberOf } from './values'

export type HfSetup = {
  totalSteps: number | null
  epochs: number | null
  /** Said by version 5 of transformers; else as its block has it, where epochs were asked for and not steps. */
  stepsPerEpoch: number | null
  examples: number | null
  /** Samples of a step, on all devices. */
  samples: number | null
  micro: number | null
  accumulation: number | null
  parameters: number | null
  /** Of a model with adapters: those that are trained are few. */
  allParameters: number | null
  model: HfModel
  precision: string | null
  optimizer: string | null
  recompute: string | null
  inBlock: boolean
  /** The lines so far of a model's config, or of the training arguments. */
  open: { kind: 'model' | 'arguments'; text: string; missed: number } | null
}

export const emptySetup = (): HfSetup => ({
  totalSteps: null,
  epochs: null,
  stepsPerEpoch: null,
  examples: null,
  samples: null,
  micro: null,
  accumulation: null,
  parameters: null,
  allParameters: null,
  model: {},
  precision: null,
  optimizer: null,
  recompute: null,
  inBlock: false,
  open: null,
})

/** transformers' own logger of version 5 and before it, LLaMA-Factory's, logging.basicConfig's and Accelerate's. */
const LOGGER =
  /^(?:\[transformers\] ?|\[[A-Z]{4,8}\|(?:[\w./-]{1,100}:\d{1,6}\] \d{4}-\d\d-\d\d \d\d:\d\d:\d\d(?:,\d{3})?|\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\] [\w./-]{1,100}:\d{1,6}) >> ?|[A-Z]{4,8}:[\w.]{1,100}:|\d\d\/\d\d\/\d{4} \d\d:\d\d:\d\d - [A-Z]{4,8} - [\w.]{1,100} - ?)/
export const withoutLogger = (text: string) =>
  /^[[A-Z\d]/.test(text) ? text.slice(LOGGER.exec(text)?.[0].length ?? 0) : text
const BLOCK = /^\*{5} Running training \*{5}$/
const ITEM = /^\s{1,8}([A-Z][\w ().,&/]{3,100}?) = ([\d,.]{1,24})$/
const ADAPTERS = /^trainable params: [\d,]{1,24} \|\| all params: ([\d,]{1,24}) \|\| trainable%: [\d.]{1,24}$/
const CHECKPOINT = /^Saving (?:model checkpoint to|current state to|state to) \S{1,1000}$/
/** As the library logs it, or as a script prints it. */
const MODEL = /^(?:Model config \w{1,80}|[A-Z]\w{1,80}Config) \{$/
const ARGUMENTS = /(?:^|\s)(?:\w{1,40}Arguments|\w{1,40}Config)\((?=$|[a-z_]{2,60}=)/
const REMARK =
  /^(?:Loading safetensors checkpoint shards|Training completed\. Do not forget|Configuration saved in |Model weights saved in |tokenizer config file saved in |Special tokens file saved in |loading configuration file |PyTorch: setting up devices|Using auto half precision backend|Gradient checkpointing enabled|Deepspeed ZeRO3 detected|\*{5} (?:Running Evaluation|Running Prediction|train metrics|eval metrics) \*{5}$)/
/** What `save_metrics` prints once more at the end. */
const METRICS = /^ {2}(?:epoch|(?:train|eval)_\w{1,60}|total_flos|num_input_tokens_seen) {1,40}= {1,20}\S{1,40}$/
const MOST_TEXT = 60_000
/** Lines of others within a text, beyond which its end was lost among them. */
const MOST_MISSED = 4

/** Devices among which the samples of a step are divided. */
function dataParallel({ samples, micro, accumulation }: HfSetup): number | undefined {
  const ranks = (samples ?? 0) / ((micro ?? 0) * (accumulation ?? 0))
  return Number.isInteger(ranks) && ranks > 0 ? ranks : undefined
}

function configOf(setup: HfSetup): RecordOf<'config'> {
  return {
    kind: 'config',
    framework: 'hf-trainer',
    model: { ...setup.model, parameters: setup.allParameters ?? setup.parameters ?? undefined },
    parallelism: { data: dataParallel(setup) },
    batch: { micro: setup.micro ?? undefined, global: setup.samples ?? undefined },
    precision: setup.precision ?? undefined,
    optimizer: setup.optimizer ?? undefined,
    recompute: setup.recompute ?? undefined,
  }
}

/**
 * Steps of an epoch where the block leaves no doubt. An epoch's last samples may be a step or none; where the steps were asked
 * for, the epochs are only rounded; where samples are generated, the examples are others.
 */
function stepsPerEpoch({ examples, samples, epochs, totalSteps }: HfSetup): number | null {
  const byBatch = (examples ?? NaN) / (samples ?? NaN)
  const byEpoch = (totalSteps ?? NaN) / (epochs ?? NaN)
  return Number.isInteger(byEpoch) && Math.abs(byEpoch - byBatch) < 1 ? byEpoch : null
}

function takeItem(name: string, value: number, setup: HfSetup): boolean {
  if (name === 'Num examples') setup.examples = value
  else if (name === 'Num Epochs') setup.epochs = value
  else if (name === 'Num update steps per epoch') setup.stepsPerEpoch = value
  else if (/^Instantaneous batch size per (?:device|GPU)$/.test(name)) setup.micro = value
  else if (name.startsWith('Total train batch size')) setup.samples = value
  else if (name === 'Gradient Accumulation steps') setup.accumulation = value
  else if (name === 'Total optimization steps') {
    setup.totalSteps = value
    setup.stepsPerEpoch ??= stepsPerEpoch(setup)
  } else if (name === 'Number of trainable parameters') setup.parameters = value
  return name === 'Total optimization steps' || name === 'Number of trainable parameters'
}

function readBlock(text: string, setup: HfSetup): WireRecord[] | undefined {
  if (BLOCK.test(text)) {
    setup.inBlock = true
    return []
  }
  const match = setup.inBlock ? ITEM.exec(text) : null
  const value = numberOf(match?.[2])
  if (match === null || value === undefined) return undefined
  return takeItem(match[1] ?? '', value, setup) ? [configOf(setup)] : []
}

/** `name=value` of a dumped dataclass, which is one line or a line each. */
function takeArguments(text: string, setup: HfSetup): WireRecord[] {
  const flag = (name: string) => new RegExp(`(?<=^|[\\s(,])${name}=([\\w.]{1,80})(?=[,)]|$)`, 'm').exec(text)?.[1]
  setup.micro = numberOf(flag('per_device_train_batch_size')) ?? setup.micro
  setup.accumulation = numberOf(flag('gradient_accumulation_steps')) ?? setup.accumulation
  // Without either, the type of the weights decides, which is not said here.
  if (flag('bf16') === 'True') setup.precision = 'bf16'
  else if (flag('fp16') === 'True') setup.precision = 'fp16'
  const optimizer = flag('optim')
    ?.replace(/^\w{1,40}\./, '')
    .toLowerCase()
  if (optimizer !== undefined) setup.optimizer = optimizer.startsWith('adamw_torch') ? 'adamw' : optimizer
  const checkpointing = flag('gradient_checkpointing')
  if (checkpointing !== undefined) setup.recompute = checkpointing === 'True' ? 'full' : 'none'
  return [configOf(setup)]
}

function closed(setup: HfSetup): WireRecord[] {
  const { open } = setup
  setup.open = null
  if (open === null) return []
  if (open.kind === 'arguments') return takeArguments(open.text, setup)
  const model = modelOf(open.text)
  if (model === undefined) return []
  setup.model = model
  return [configOf(setup)]
}

const CONTINUES = {
  model: /^\s{0,40}(?:"[^"]{1,200}": .{0,400}|"[^"]{0,200}",?|[-\d.eE+]{1,32},?|[}\]]{1,2},?|null,?)$/,
  arguments: /^(?:[a-z_]\w{0,80}=.{0,4000},|\))$/,
} as const

/** Lines of a text that was opened. Its end is where its bracket closes, at the beginning of a line. */
function readOpen(text: string, setup: HfSetup): WireRecord[] | undefined {
  const { open } = setup
  if (open === null) return undefined
  if (!CONTINUES[open.kind].test(text)) {
    open.missed += 1
    if (open.missed > MOST_MISSED) setup.open = null
    return undefined
  }
  open.text += `\n${text}`
  if (text !== '}' && text !== ')' && open.text.length < MOST_TEXT) return []
  return closed(setup)
}

function readBeginning(text: string, setup: HfSetup): WireRecord[] | undefined {
  if (MODEL.test(text)) {
    setup.open = { kind: 'model', text: '{', missed: 0 }
    return []
  }
  if (!text.includes('Arguments(') && !text.includes('Config(')) return undefined
  const match = ARGUMENTS.exec(text.slice(0, 400))
  if (match === null || (!text.endsWith('(') && !text.includes('per_device_train_batch_size='))) return undefined
  setup.open = { kind: 'arguments', text: text.slice(0, MOST_TEXT), missed: 0 }
  return text.endsWith('(') ? [] : closed(setup)
}

/** `plain`: a line without what a logger put before it; `logged`: there was a logger. */
export function readSetup(plain: string, logged: boolean, setup: HfSetup): WireRecord[] | undefined {
  const records = readBlock(plain, setup) ?? readOpen(plain, setup) ?? readBeginning(plain, setup)
  if (records !== undefined) return records
  const adapters = ADAPTERS.exec(plain)
  if (adapters !== null) {
    setup.allParameters = numberOf(adapters[1]) ?? null
    return [configOf(setup)]
  }
  if (CHECKPOINT.test(plain)) return [{ kind: 'event', type: 'checkpoint', message: plain }]
  if (METRICS.test(plain) || /^\*{5} (?:train|eval|test) metrics \*{5}$/.test(plain)) return []
  return logged && REMARK.test(plain) ? [] : undefined
}
