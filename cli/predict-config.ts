/** What `plumbline predict` starts from: a config, a preset, a Hugging Face `config.json`, or a training log. */
import { readFileSync } from 'node:fs'
import { parse } from 'yaml'
import { z } from 'zod'
import { messageOf, PlumblineError } from '../base/errors'
import { nearest } from '../base/nearest'
import { planProblems } from '../math/check-plan'
import { conventions } from '../math/conventions/index'
import { createLogReader } from '../collectors/logs/read'
import { RECOMPUTE } from '../math/flops'
import { findGpu, gpus } from '../math/gpus'
import { fromHuggingFace, isHuggingFaceConfig } from '../math/hugging-face'
import { precisionOf, weightPrecisionOf } from '../math/plan'
import type { PredictInput } from '../math/predict'
import { findPreset, presets } from '../math/presets'
import { optimizerNames, optimizerOf } from '../math/states'
import { flagOf } from './predict-flags'

const positive = z.number().finite().positive()
const count = positive.int()
const word = (known: (text: string) => unknown, what: string) =>
  z.string().refine(text => known(text) !== undefined, { error: `is no known ${what}` })

const encoderSchema = z.strictObject({
  layers: count.optional(),
  hiddenSize: count.optional(),
  attentionHeads: count.optional(),
  keyValueHeads: count.optional(),
  headSize: count.optional(),
  ffnHiddenSize: count.optional(),
  sequenceLength: count.optional(),
  patchSize: count.optional(),
  projectorParameters: positive.optional(),
  gatedFfn: z.boolean().optional(),
  biases: z.boolean().optional(),
  learnedPositions: z.boolean().optional(),
  crossAttention: z.boolean().optional(),
})

/** Fields of a config record, and the few more that a prediction takes. Unknown fields are refused: a typo is not a default. */
const configSchema = z.strictObject({
  kind: z.literal('config').optional(),
  time: z.number().optional(),
  run: z.string().optional(),
  node: z.string().optional(),
  framework: z.string().optional(),
  model: z
    .strictObject({
      name: z.string().optional(),
      layers: count.optional(),
      hiddenSize: count.optional(),
      attentionHeads: count.optional(),
      keyValueHeads: count.optional(),
      headSize: count.optional(),
      ffnHiddenSize: count.optional(),
      vocabularySize: count.optional(),
      sequenceLength: count.optional(),
      parameters: positive.optional(),
      experts: count.optional(),
      activeExperts: count.optional(),
      slidingWindow: count.optional(),
      trainableParameters: positive.optional(),
      expertFfnHiddenSize: count.optional(),
      sharedFfnHiddenSize: count.optional(),
      denseLayers: count.optional(),
      keyValueRank: count.optional(),
      queryRank: count.optional(),
      ropeHeadSize: count.optional(),
      valueHeadSize: count.optional(),
      linearAttention: z.boolean().optional(),
      tiedEmbeddings: z.boolean().optional(),
      dropout: z.boolean().optional(),
      gatedFfn: z.boolean().optional(),
      learnedPositions: z.boolean().optional(),
      biases: z.boolean().optional(),
      encoder: encoderSchema.optional(),
    })
    .optional(),
  parallelism: z
    .strictObject({
      worldSize: count.optional(),
      tensor: count.optional(),
      pipeline: count.optional(),
      data: count.optional(),
      context: count.optional(),
      expert: count.optional(),
      virtualStages: count.optional(),
      zeroStage: z.number().int().min(0).max(3).optional(),
      sequenceParallel: z.boolean().optional(),
      shardGroup: count.optional(),
      schedule: z.enum(['1f1b', 'gpipe']).optional(),
    })
    .optional(),
  batch: z.strictObject({ micro: positive.optional(), global: positive.optional() }).optional(),
  precision: word(precisionOf, 'precision (fp32, tf32, bf16, fp16, fp8)').optional(),
  optimizer: word(optimizerOf, `optimizer (${optimizerNames.join(', ')})`).optional(),
  offload: z.enum(['optimizer', 'parameters']).optional(),
  recompute: z.enum(RECOMPUTE).optional(),
  recomputeAboveBytes: positive.optional(),
  hardware: z
    .strictObject({
      gpu: z.string().optional(),
      count: count.optional(),
      peakFlopsPerSecond: positive.optional(),
      peakSource: z.string().optional(),
      gpusPerNode: count.optional(),
      linkBytesPerSecond: positive.optional(),
      networkBytesPerSecond: positive.optional(),
      linkLatencySeconds: positive.optional(),
      networkLatencySeconds: positive.optional(),
    })
    .optional(),
  calibration: z
    .strictObject({
      achievableRatio: positive.max(1).optional(),
      activationFactor: positive.optional(),
      fragmentationRatio: z.number().finite().nonnegative().optional(),
      contextBytes: z.number().finite().nonnegative().optional(),
      overlapRatio: z.number().min(0).max(1).optional(),
    })
    .optional(),
  budget: z.strictObject({ tokens: positive.optional(), pricePerDeviceHour: positive.optional() }).optional(),
  serving: z
    .strictObject({
      batch: count.optional(),
      tokens: count.optional(),
      weights: word(weightPrecisionOf, 'precision (fp32, bf16, fp16, fp8, int8, int4)').optional(),
      cache: word(weightPrecisionOf, 'precision (fp32, bf16, fp16, fp8, int8, int4)').optional(),
    })
    .optional(),
  gradientPrecision: word(precisionOf, 'precision (fp32, bf16, fp16)').optional(),
  masterCopy: z.boolean().optional(),
  frozenPrecision: word(weightPrecisionOf, 'precision (fp32, bf16, fp16, fp8, int8, int4)').optional(),
  flashAttention: z.boolean().optional(),
  attention: z.enum(['full', 'causal']).optional(),
  conventions: word(
    text => conventions.get(text.toLowerCase()),
    `convention (${conventions.names.join(', ')})`,
  ).optional(),
})

/** Names that may stand at a path of a config. */
function namesAt(path: string): string[] {
  let part: unknown = configSchema
  for (const name of path.split('.').filter(Boolean)) {
    const inner: unknown = part instanceof z.ZodObject ? part.shape[name] : undefined
    part = inner instanceof z.ZodOptional ? inner.unwrap() : inner
  }
  return part instanceof z.ZodObject ? Object.keys(part.shape) : []
}

export const usage = (message: string, fix: string) => new PlumblineError(message, { fix, usage: true })
export const COMMAND_LINE = 'the command line'
/** A config that was read has been checked when the flags come to it: what is wrong then is a flag. */
const flagAt = (path: string, from: string) => (from === COMMAND_LINE ? flagOf(path) : undefined)

function readText(source: string): string {
  try {
    // 0 is standard input.
    return readFileSync(source === '-' ? 0 : source, 'utf8')
  } catch (error) {
    throw usage(
      `there is no preset "${source}", and no such file can be read: ${messageOf(error)}`,
      'plumbline predict --list prints the presets; give - for standard input',
    )
  }
}

/** A preset, a Hugging Face configuration, a training log or a config record, as it was read. */
export function readConfig(source: string): unknown {
  const preset = source === '-' ? undefined : findPreset(source)
  if (preset !== undefined) return { model: preset.model }
  const name = source === '-' ? 'standard input' : source
  const text = readText(source)
  const value = parseText(text)
  const table = z.record(z.string(), z.unknown()).safeParse(value)
  if (table.success) return isHuggingFaceConfig(table.data) ? { model: fromHuggingFace(table.data) } : table.data
  const logged = configInLog(text)
  if (logged !== undefined) return logged
  if (value instanceof Error) {
    const why = value.message.split('\n')[0] ?? ''
    throw usage(`${name} is neither JSON nor YAML nor a log that says its configuration: ${why}`, 'correct the file')
  }
  return value
}

/** What a training log says of its job (Megatron's dump of arguments, torchtitan's of its config); undefined for no log. */
function configInLog(text: string): Record<string, unknown> | undefined {
  const reader = createLogReader()
  const records = [...reader.push(Buffer.from(text)), ...reader.end()]
  const configs = records.filter(record => record.kind === 'config')
  if (configs.length === 0) return undefined
  const merged: Record<string, unknown> = {}
  for (const config of configs) {
    for (const [field, value] of Object.entries(config)) {
      const both = typeof value === 'object' && typeof merged[field] === 'object'
      merged[field] = both ? { ...(merged[field] as object), ...(value as object) } : value
    }
  }
  return merged
}

/** JSON is YAML. What is neither gives the complaint. */
function parseText(text: string): unknown {
  try {
    return parse(text)
  } catch (error) {
    return new Error(messageOf(error))
  }
}

/** `"model": "llama-3-8b"` stands for `"model": {"name": "llama-3-8b"}`. */
function expandModel(config: Record<string, unknown>): Record<string, unknown> {
  const { model } = config
  const name = typeof model === 'string' ? model : undefined
  if (name === undefined) return config
  const preset = findPreset(name)
  if (preset === undefined)
    throw usage(`model: there is no preset "${name}"`, `use one of: ${presets.names.join(', ')}`)
  return { ...config, model: preset.model }
}

const FIELDS =
  'a config has framework, model, parallelism, batch, precision, optimizer, recompute and hardware, in the words of the `config` record; every field may be absent'

/** Checks a config; throws a usage error that names the field, or the flag that set it. */
export function checkConfig(value: unknown, from: string): PredictInput {
  const table = z.record(z.string(), z.unknown()).safeParse(value)
  if (!table.success) throw usage(`${from} holds no config`, 'give the fields of a config record as JSON or YAML')
  const result = configSchema.safeParse(expandModel(table.data))
  if (!result.success) throw complaint(result.error.issues[0], from)
  return result.data
}

function complaint(issue: z.core.$ZodIssue | undefined, from: string): PlumblineError {
  const path = issue?.path.join('.') ?? ''
  const flag = flagAt(path, from)
  const where = flag?.name ?? (path === '' ? from : `${from}: ${path}`)
  const [unknown] = issue?.code === 'unrecognized_keys' ? issue.keys : []
  const meant = unknown === undefined ? undefined : nearest(unknown, namesAt(path))
  if (meant !== undefined) return usage(`${where}: there is no field "${unknown}"`, `did you mean "${meant}"?`)
  return usage(`${where}: ${issue?.message ?? 'not valid'}`, flag?.help ?? FIELDS)
}

/** What fields say together is checked when the flags are in: a flag may put right what the file says. */
export function checkTogether(input: PredictInput): void {
  const gpu = input.hardware?.gpu
  if (gpu !== undefined && input.hardware?.peakFlopsPerSecond === undefined && findGpu(gpu) === undefined) {
    throw usage(
      `hardware.gpu: "${gpu}" is not known`,
      `give its peak with --peak, or use one of: ${gpus.names.join(', ')}`,
    )
  }
  const [problem] = planProblems(input)
  if (problem !== undefined) throw usage(problem.message, problem.fix)
}
