/** DeepSpeed's dump of its own config when the engine is built, as a `config` record. */
import type { RecordOf, WireRecord } from '../../wire/records'
import { numberOf } from './values'

/** What of the dump is kept, by its names; `nested` while the lines of a value of several lines are printed. */
export type Dump = { values: { [name: string]: string }; nested: boolean }
type State = { dump: Dump | null }

const BEGIN = /\] DeepSpeed\w{0,20} configuration:$/
/** Dots fill up to 29 columns; a longer name has none. */
const ARGUMENT = /^ {1,4}(\w{1,80}) (?:\.{1,40}| ) ?(.{0,4000})$/
const END = /^ {1,4}json = \{/
/** A line of an indented JSON text, without its braces' contents on the same line. */
const JSON_LINE = /^\s{0,40}(?:"[^"]{1,200}" ?: ?.{0,400}|[}\]]{1,2},?|-?[\d.eE+-]{1,32},?|"[^"]{0,400}",?|\{)$/

const STAGES: Readonly<Record<string, number>> = { disabled: 0, optimizer_states: 1, gradients: 2, weights: 3 }

/** `2`, or the member's name where Python prints an enumeration so: `ZeroStageEnum.gradients`. */
function stageOf(value: string | undefined): number | undefined {
  return numberOf(value) ?? STAGES[value?.replace(/^\w{1,40}\./, '') ?? '']
}

/** `True`, or a structure that says so of itself: `enabled=True loss_scale=0 …`. */
const isOn = (value: string | undefined) => value !== undefined && /^True$|\benabled=True\b/.test(value)

function precisionOf(values: Dump['values']): string | undefined {
  if (isOn(values['bfloat16_enabled'] ?? values['bfloat16_config'])) return 'bf16'
  return isOn(values['fp16_enabled'] ?? values['float16_config']) ? 'fp16' : undefined
}

/** The framework is left to its own lines: DeepSpeed runs under another's name. Its world is the data-parallel one. */
function configOf(values: Dump['values']): RecordOf<'config'> {
  const optimizer = values['optimizer_name']
  return {
    kind: 'config',
    parallelism: { data: numberOf(values['world_size']), zeroStage: stageOf(values['zero_optimization_stage']) },
    batch: { micro: numberOf(values['train_micro_batch_size_per_gpu']), global: numberOf(values['train_batch_size']) },
    precision: precisionOf(values),
    optimizer: optimizer === undefined || optimizer === 'None' ? undefined : optimizer,
  }
}

const KEPT = new Set([
  ...['world_size', 'zero_optimization_stage', 'train_micro_batch_size_per_gpu', 'train_batch_size', 'optimizer_name'],
  ...['bfloat16_enabled', 'bfloat16_config', 'fp16_enabled', 'float16_config'],
])

/** Whether a line begins the dump. */
export function beginDump(text: string, state: State): boolean {
  if (text.length > 400 || !text.endsWith(' configuration:') || !BEGIN.test(text)) return false
  state.dump = { values: {}, nested: false }
  return true
}

/** A line of the dump, without what the logger puts before it. The user's own JSON ends it. */
export function readDump(text: string, state: State): WireRecord[] | undefined {
  const { dump } = state
  if (dump === null) return undefined
  const isEnd = END.test(text)
  const match = isEnd ? null : ARGUMENT.exec(text)
  dump.nested = text.endsWith('{')
  if (match !== null && KEPT.has(match[1] ?? '')) dump.values[match[1] ?? ''] = (match[2] ?? '').trim()
  if (!isEnd) return match === null ? undefined : []
  const record = configOf(dump.values)
  dump.values = {}
  return [record]
}

/** Values of several lines are printed as JSON, without the logger's head. */
export function readJsonLine(text: string, state: State): WireRecord[] | undefined {
  const { dump } = state
  if (dump === null || !dump.nested || text.length > 1000 || !JSON_LINE.test(text)) return undefined
  if (text === '}') dump.nested = false
  return []
}
