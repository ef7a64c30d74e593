/** torchtitan's lines before the first step, as a `config` record that grows with each. */
import type { RecordOf, WireRecord } from '../../wire/records'
import { numberOf } from './values'

export type TitanConfig = {
  model: { [name: string]: number | string | boolean }
  parallelism: { [name: string]: number }
  batch: { [name: string]: number }
  recompute: string | null
  gpu: string | null
}
export const emptyConfig = (): TitanConfig => ({ model: {}, parallelism: {}, batch: {}, recompute: null, gpu: null })

export type TitanSetup = { config: TitanConfig; totalSteps: number | null; tokens: number | null }

const SIZE = /^Model (\S{1,100}) (\S{1,100}) size: ([\d,]{1,24}) total parameters/
const BUILDING = /^Building (\S{1,100}) (\S{1,100}) with \w{0,40}Args\((.{1,6000})/
const MESH = /^Building \d-D device mesh with \[([^\]]{1,400})\], \[(\d{1,9}(?:, ?\d{1,9}){0,15})\]/
const DEGREES = /^Building device mesh with parallelism: (.{1,400})$/
const TRAINER = /local batch size (\d{1,12}), global batch size (\d{1,12}),.{0,200}? sequence length (\d{1,12})/
/** Since 2026 batches are counted in tokens. */
const TOKENS =
  /^Trainer is initialized with \d{1,16} tokens per DP rank, (\d{1,16}) tokens per train step,.{0,200}? maximum context length (\d{1,12}),/
const TOTAL = /total steps (\d{1,12})/
const CHECKPOINTING = /^Applied (\w{1,40}) activation checkpointing to the model/
const DEVICE = /^\w{2,8} capacity: (.{1,100}) with ([\d.]{1,12})GiB memory/
const REMARK =
  /^(?:Training completed|Peak FLOPS used for computing MFU: |Starting job: |Applied (?:FSDP|HSDP|DDP|TP|\w{1,24} Parallel))/

const MODEL: Readonly<Record<string, string>> = {
  dim: 'hiddenSize',
  n_layers: 'layers',
  n_heads: 'attentionHeads',
  n_kv_heads: 'keyValueHeads',
  vocab_size: 'vocabularySize',
  hidden_dim: 'ffnHiddenSize',
  num_experts: 'experts',
}
const MESH_FIELD: Readonly<Record<string, string>> = {
  dp: 'data',
  dp_replicate: 'data',
  dp_shard: 'data',
  dp_shard_mod_ep: 'data',
  dp_shard_in_ep: 'data',
  tp: 'tensor',
  pp: 'pipeline',
  cp: 'context',
  ep: 'expert',
}

function takeMesh(pairs: readonly (readonly [name: string, degree: number])[], config: TitanConfig): void {
  const { parallelism } = config
  let world = 1
  parallelism['data'] = 1
  for (const [name, degree] of pairs) {
    const field = MESH_FIELD[name]
    // Experts are spread over ranks that the other dimensions count already.
    if (name !== 'ep' && name !== 'etp') world *= degree
    if (field === undefined || !Number.isFinite(degree)) continue
    parallelism[field] = field === 'data' ? (parallelism['data'] ?? 1) * degree : degree
    // FSDP shards parameters, gradients and optimizer alike.
    if (name === 'dp_shard' && degree > 1) parallelism['zeroStage'] = 3
  }
  parallelism['worldSize'] = world
}

function readMesh(text: string, config: TitanConfig): boolean {
  const mesh = MESH.exec(text)
  if (mesh !== null) {
    const degrees = (mesh[2] ?? '').split(',').map(numberOf)
    const names = (mesh[1] ?? '').split(',').map(name => name.replaceAll(/['" ]/g, ''))
    takeMesh(
      names.map((name, index) => [name, degrees[index] ?? 1] as const),
      config,
    )
    return true
  }
  const list = DEGREES.exec(text)
  if (list === null) return false
  const pairs = [...(list[1] ?? '').matchAll(/(\w{2,24})=(\d{1,8})/g)]
  takeMesh(
    pairs.map(match => [match[1] ?? '', Number(match[2])] as const),
    config,
  )
  return true
}

const ARGUMENT = /(?<=^|[ (])(\w{2,40})=([\d.]{1,16})(?=[,)]|$)/g

/** Llama's gated FFN as torchtitan makes it: two thirds of 4·h, times the multiplier, up to a multiple. */
function ffnWidthOf(given: ReadonlyMap<string, number>): number | undefined {
  const [dim, multiple, multiplier = 1] = [given.get('dim'), given.get('multiple_of'), given.get('ffn_dim_multiplier')]
  if (dim === undefined || multiple === undefined || !(multiple > 0)) return undefined
  return Math.ceil(Math.floor(multiplier * Math.floor((2 * 4 * dim) / 3)) / multiple) * multiple
}

function readModel(text: string, config: TitanConfig): boolean {
  const building = BUILDING.exec(text)
  if (building !== null) {
    config.model['name'] = `${building[1]} ${building[2]}`
    const given = new Map<string, number>()
    for (const [, name = '', value] of (building[3] ?? '').matchAll(ARGUMENT)) {
      const number = numberOf(value)
      if (number !== undefined) given.set(name, number)
    }
    for (const [name, field] of Object.entries(MODEL)) {
      const number = given.get(name)
      if (number !== undefined) config.model[field] = number
    }
    const width = given.has('hidden_dim') ? undefined : ffnWidthOf(given)
    if (width !== undefined) Object.assign(config.model, { ffnHiddenSize: width, gatedFfn: true })
    return true
  }
  const size = SIZE.exec(text)
  const parameters = numberOf(size?.[3])
  if (size === null || parameters === undefined) return false
  config.model['name'] = `${size[1]} ${size[2]}`
  config.model['parameters'] = parameters
  return true
}

function readTokens(text: string, state: TitanSetup): boolean {
  const match = TOKENS.exec(text)
  if (match === null) return false
  state.tokens = Number(match[1])
  state.config.model['sequenceLength'] = Number(match[2])
  state.totalSteps = numberOf(TOTAL.exec(text)?.[1]) ?? state.totalSteps
  return true
}

function readTrainer(text: string, state: TitanSetup): boolean {
  const match = TRAINER.exec(text)
  if (match === null) return readTokens(text, state)
  const [micro, global, sequence] = match.slice(1, 4).map(Number)
  state.config.batch = { micro: micro ?? 0, global: global ?? 0 }
  state.config.model['sequenceLength'] = sequence ?? 0
  state.tokens = (global ?? 0) * (sequence ?? 0)
  state.totalSteps = numberOf(TOTAL.exec(text)?.[1]) ?? state.totalSteps
  return true
}

function readOther(text: string, config: TitanConfig): boolean {
  const checkpointing = CHECKPOINTING.exec(text)
  const device = DEVICE.exec(text)
  if (checkpointing !== null) config.recompute = checkpointing[1] ?? null
  else if (device !== null) config.gpu = device[1] ?? null
  return checkpointing !== null || device !== null
}

function recordOf(config: TitanConfig, time: number | undefined): RecordOf<'config'> {
  return {
    kind: 'config',
    time,
    framework: 'torchtitan',
    model: { ...config.model },
    parallelism: { ...config.parallelism },
    batch: { ...config.batch },
    recompute: config.recompute ?? undefined,
    hardware: config.gpu === null ? undefined : { gpu: config.gpu },
  }
}

/** `time` comes from the line, Unix seconds. */
export function readSetup(text: string, time: number | undefined, state: TitanSetup): WireRecord[] | undefined {
  const { config } = state
  if (readMesh(text, config) || readModel(text, config) || readTrainer(text, state) || readOther(text, config))
    return [recordOf(config, time)]
  return REMARK.test(text) ? [] : undefined
}
