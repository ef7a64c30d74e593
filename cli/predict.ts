/** `plumbline predict CONFIG`: what should be, for a config file, standard input or a preset. */
import { readFileSync } from 'node:fs'
import { parse } from 'yaml'
import { z } from 'zod'
import { messageOf, PlumblineError } from '../base/errors'
import { format } from '../base/units'
import { findGpu, gpus } from '../math/gpus'
import { precisionOf } from '../math/plan'
import { predict, type PredictInput, type Prediction } from '../math/predict'
import { findPreset, presets } from '../math/presets'
import { optimizerNames, optimizerOf } from '../math/states'
import { defineCommand } from './command'
import { applyFlags, declareFlags, flagOf } from './predict-flags'

const positive = z.number().finite().positive()
const count = positive.int()
const word = (known: (text: string) => unknown, what: string) =>
  z.string().refine(text => known(text) !== undefined, { error: `is no known ${what}` })

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
      ...{ layers: count.optional(), hiddenSize: count.optional(), attentionHeads: count.optional() },
      ...{ keyValueHeads: count.optional(), headSize: count.optional(), ffnHiddenSize: count.optional() },
      ...{ vocabularySize: count.optional(), sequenceLength: count.optional(), parameters: positive.optional() },
      ...{ experts: count.optional(), activeExperts: count.optional(), slidingWindow: count.optional() },
      ...{ tiedEmbeddings: z.boolean().optional(), gatedFfn: z.boolean().optional() },
      ...{ learnedPositions: z.boolean().optional(), biases: z.boolean().optional() },
    })
    .optional(),
  parallelism: z
    .strictObject({
      ...{ worldSize: count.optional(), tensor: count.optional(), pipeline: count.optional(), data: count.optional() },
      ...{ context: count.optional(), expert: count.optional(), virtualStages: count.optional() },
      zeroStage: z.number().int().min(0).max(3).optional(),
      sequenceParallel: z.boolean().optional(),
    })
    .optional(),
  batch: z.strictObject({ micro: positive.optional(), global: positive.optional() }).optional(),
  precision: word(precisionOf, 'precision (fp32, tf32, bf16, fp16, fp8)').optional(),
  optimizer: word(optimizerOf, `optimizer (${optimizerNames.join(', ')})`).optional(),
  recompute: z.enum(['none', 'selective', 'full']).optional(),
  hardware: z
    .strictObject({
      gpu: z.string().optional(),
      count: count.optional(),
      ...{ peakFlopsPerSecond: positive.optional(), peakSource: z.string().optional() },
      ...{ gpusPerNode: count.optional(), linkBytesPerSecond: positive.optional() },
      networkBytesPerSecond: positive.optional(),
    })
    .optional(),
  gradientPrecision: word(precisionOf, 'precision (fp32, bf16, fp16)').optional(),
  flashAttention: z.boolean().optional(),
  attention: z.enum(['full', 'causal']).optional(),
})

const usage = (message: string, fix: string) => new PlumblineError(message, { fix, usage: true })
const COMMAND_LINE = 'the command line'
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

function readConfig(source: string): unknown {
  const preset = source === '-' ? undefined : findPreset(source)
  if (preset !== undefined) return { model: preset.model }
  const name = source === '-' ? 'standard input' : source
  try {
    // JSON is YAML.
    return parse(readText(source))
  } catch (error) {
    if (error instanceof PlumblineError) throw error
    throw usage(`${name} is neither JSON nor YAML: ${messageOf(error).split('\n')[0] ?? ''}`, 'correct the file')
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
  if (!result.success) {
    const [issue] = result.error.issues
    const path = issue?.path.join('.') ?? ''
    const flag = flagAt(path, from)
    const where = flag?.name ?? (path === '' ? from : `${from}: ${path}`)
    throw usage(`${where}: ${issue?.message ?? 'not valid'}`, flag?.help ?? FIELDS)
  }
  return result.data
}

/** What fields say together is checked when the flags are in: a flag may put right what the file says. */
function checkTogether(input: PredictInput): void {
  const gpu = input.hardware?.gpu
  if (gpu !== undefined && input.hardware?.peakFlopsPerSecond === undefined && findGpu(gpu) === undefined) {
    throw usage(
      `hardware.gpu: "${gpu}" is not known`,
      `give its peak with --peak, or use one of: ${gpus.names.join(', ')}`,
    )
  }
  const { tensor = 1, pipeline = 1, context = 1, data, worldSize } = input.parallelism ?? {}
  const world = worldSize ?? input.hardware?.count
  const model = tensor * pipeline * context
  if (world !== undefined && (data === undefined ? world % model !== 0 : world !== model * data)) {
    throw usage(
      `parallelism: tensor ${tensor} × pipeline ${pipeline} × context ${context}${data === undefined ? '' : ` × data ${data}`} does not make ${world} devices`,
      'correct the degrees, or the number of devices (--count)',
    )
  }
}

function table(rows: readonly (readonly string[])[]): string {
  const widths = (rows[0] ?? []).map((_, column) => Math.max(...rows.map(row => row[column]?.length ?? 0)))
  return rows
    .map(row =>
      row
        .map((cell, column) => cell.padEnd(widths[column] ?? 0))
        .join('  ')
        .trimEnd(),
    )
    .join('\n')
}

/** The figures with formula, numbers and source, then what was taken for granted and what is missing. */
export function describe(prediction: Prediction): string {
  const figures = Object.entries(prediction.explain).filter(([, { formula }]) => formula !== '0')
  const rows = figures.map(([path, { value, unit, formula, substituted, source }]) => {
    return [path, format(value, unit), formula === substituted ? formula : `${formula} = ${substituted}`, source.title]
  })
  const parts = [rows.length === 0 ? 'nothing can be predicted from this' : table(rows)]
  if (prediction.peak !== undefined) parts.push(`peak: ${prediction.peak.title}`)
  if (prediction.assumptions.length > 0)
    parts.push(['assumed:', ...prediction.assumptions.map(text => `  ${text}`)].join('\n'))
  const missing = prediction.missing.map(({ figure, needs }) => `  ${figure} needs ${needs.join(', ')}`)
  if (missing.length > 0) parts.push(['missing:', ...missing].join('\n'))
  return parts.join('\n\n')
}

function list(json: boolean): void {
  if (json) {
    console.log(JSON.stringify({ presets: [...presets], gpus: [...gpus] }, null, 2))
    return
  }
  const models = [...presets].map(({ name, model }) => {
    return [`  ${name}`, format(predict({ model }).parameters, 'count'), `${model.layers} layers × ${model.hiddenSize}`]
  })
  const devices = [...gpus].map(gpu => {
    const peak = gpu.peakFlopsPerSecond.bf16 ?? gpu.peakFlopsPerSecond.fp16
    return [`  ${gpu.name}`, gpu.title, format(peak, 'flopsPerSecond'), format(gpu.memoryBytes, 'bytes')]
  })
  console.log(`presets:\n${table(models)}\n\nGPUs (dense bf16, or fp16 where there is none):\n${table(devices)}`)
}

export const command = defineCommand({
  settings: [],
  configure(program) {
    program.argument('[config]', 'a JSON or YAML file, - for standard input, or the name of a preset')
    program.option('--list', 'print the presets and the GPUs')
    declareFlags(program)
  },
  async run({ arguments: [source], options }) {
    const json = options['json'] === true
    if (options['list'] === true) {
      list(json)
      return 0
    }
    if (source === undefined) throw usage('predict needs a config', 'plumbline predict --list prints the presets')
    const input = applyFlags(checkConfig(readConfig(source), source === '-' ? 'standard input' : source), options)
    const checked = checkConfig(input, COMMAND_LINE)
    checkTogether(checked)
    const prediction = predict(checked)
    console.log(json ? JSON.stringify(prediction, null, 2) : describe(prediction))
    return 0
  },
})
