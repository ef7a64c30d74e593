/** A model of PyTorch as `print(model)` shows it, whichever framework prints it: a module a line, by its place in the tree. */
import type { RecordOf, WireRecord } from '../../wire/records'
import { defineFormat, type LogLine } from './format'
import { headOf } from './logger-head'
import { numberOf } from './values'

type Model = { layers: number; hiddenSize: number; vocabularySize: number; ffnHiddenSize: number; experts: number }
type State = { open: { [Name in keyof Model]: number | null } | null; told: boolean }

const BEGIN =
  /^(?:(?:Actor|Critic|RewardModel|FullyShardedDataParallel|DistributedDataParallel|DeepSpeedEngine|OLMo)|\w{0,80}(?:LM|Model|LMHeadModel|ForSequenceClassification|Transformer|TransformerDecoder|Llama|GPT))\($/
const MODULE = /^ {1,80}\(([\w-]{1,80})\): (?:(\d{1,6}) x )?([A-Z]\w{0,80})(?:\((.{0,400})$|$)/
const END = /^ {0,80}\)$/
/** Modules may say more than their children: `(attention): Attention(dim=4096, …`. */
const EXTRA = /^ {1,80}(?:[a-z_]\w{0,60}=.{1,400}|\(\w{1,60}\): (?:Parameter|\w{1,80}\[).{0,400})$/
const SIZES = /^(\d{1,9}), (\d{1,9})(?:,|\)|$)/
const FEATURES = /in_features=(\d{1,9}), out_features=(\d{1,9})/
const FEED_FORWARD = /^(?:gate_proj|up_proj|gate_up_proj|w1|w3|fc1|c_fc|dense_h_to_4h|fc_in|linear_fc1|lin1|wi|wi_0)$/
/** Gate and way up in one matrix. */
const BOTH = /^gate_up_proj$/

const emptyModel = (): NonNullable<State['open']> => ({
  layers: null,
  hiddenSize: null,
  vocabularySize: null,
  ffnHiddenSize: null,
  experts: null,
})

function takeModule(match: RegExpExecArray, open: NonNullable<State['open']>): void {
  const [, name = '', times, type = '', inside = ''] = match
  const count = numberOf(times)
  if (count !== undefined && /(?:Layer|Block|DecoderLayer)$/.test(type) && !/Expert/i.test(type)) open.layers ??= count
  else if (count !== undefined && /Expert|MLP$/i.test(type)) open.experts ??= count
  const sizes = /Embedding$/.test(type) && !/pos|type|rotary/i.test(name) ? SIZES.exec(inside) : null
  if (sizes !== null) {
    open.vocabularySize ??= Number(sizes[1])
    open.hiddenSize ??= Number(sizes[2])
  }
  const features = FEED_FORWARD.test(name) ? FEATURES.exec(inside) : null
  if (features !== null) open.ffnHiddenSize ??= Number(features[2]) / (BOTH.test(name) ? 2 : 1)
}

function close(state: State): WireRecord[] {
  const { open } = state
  state.open = null
  // A critic or a reward model is printed after the model that is trained.
  if (open === null || state.told || (open.layers === null && open.hiddenSize === null)) return []
  state.told = true
  const model: RecordOf<'config'>['model'] = {
    layers: open.layers ?? undefined,
    hiddenSize: open.hiddenSize ?? undefined,
    ffnHiddenSize: open.ffnHiddenSize ?? undefined,
    vocabularySize: open.vocabularySize ?? undefined,
    experts: open.experts ?? undefined,
  }
  return [{ kind: 'config', model }]
}

export const torchModules = defineFormat({
  name: 'torch-modules',
  help: 'a model as PyTorch prints it: layers, width, feed-forward, vocabulary, experts',
  origin: 'https://github.com/pytorch/pytorch/blob/main/torch/nn/modules/module.py',
  begin: (): State => ({ open: null, told: false }),
  parse(line: LogLine, state: State): WireRecord[] | undefined {
    if (line.text.length > 1000) return undefined
    const { open } = state
    if (open !== null) {
      const module = MODULE.exec(line.text)
      if (module !== null) takeModule(module, open)
      if (module !== null || EXTRA.test(line.text)) return []
      if (!END.test(line.text)) return undefined
      return line.text.startsWith(' ') ? [] : close(state)
    }
    if (!line.text.endsWith('(') || !BEGIN.test(headOf(line).text)) return undefined
    state.open = emptyModel()
    return []
  },
  flush: (state: State) => close(state),
})
