/** What `plumbline predict` prints for people. */
import { format } from '../base/units'
import type { Answer } from '../math/conventions/job'
import { gpus } from '../math/gpus'
import type { Limits } from '../math/limits'
import type { StageSummary } from '../math/memory'
import type { FoundPlan, PlanSearch } from '../math/plan-search'
import { predict, type Prediction } from '../math/predict'
import { presets } from '../math/presets'

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

const STAGE_HEAD = ['  stage', 'layers', 'parameters', 'in flight', 'states', 'activations', 'buffers', 'total']
const stageRow = (stage: StageSummary) => [
  ...[
    `  ${stage.stage}`,
    String(stage.layers),
    format(stage.deviceParameters, 'count'),
    String(Number(stage.inFlight.toFixed(2))),
  ],
  ...[stage.statesBytes, stage.activationsBytes, stage.buffersBytes, stage.totalBytes].map(one => format(one, 'bytes')),
]

/** Each figure with its value, and below it the formula, the numbers in it and the source; then assumptions and gaps. */
export function describe(prediction: Prediction): string {
  const figures = Object.entries(prediction.explain).filter(([, { formula }]) => formula !== '0')
  const width = Math.max(0, ...figures.map(([path]) => path.length))
  const lines = figures.flatMap(([path, { value, unit, formula, substituted, source }]) => {
    const numbers = formula === substituted ? [] : [`    = ${substituted}`]
    return [`${path.padEnd(width)}  ${format(value, unit)}`, `    ${formula}`, ...numbers, `    ${source.title}`]
  })
  const parts = [lines.length === 0 ? 'nothing can be predicted from this' : lines.join('\n')]
  const { stages } = prediction.memory
  if (stages !== undefined)
    parts.push(`memory of a device of each pipeline stage:\n${table([STAGE_HEAD, ...stages.map(stageRow)])}`)
  if (prediction.peak !== undefined) parts.push(`peak: ${prediction.peak.title}`)
  if (prediction.assumptions.length > 0)
    parts.push(['assumed:', ...prediction.assumptions.map(text => `  ${text}`)].join('\n'))
  const missing = prediction.missing.map(({ figure, needs }) => `  ${figure} needs ${needs.join(', ')}`)
  if (missing.length > 0) parts.push(['missing:', ...missing].join('\n'))
  return parts.join('\n\n')
}

/** What each calculator answers for the same job, figure by figure. */
export function describeAnswers(answers: readonly Answer[]): string {
  if (answers.length === 0) return 'the dimensions of the model are needed to compare'
  const figures = [...new Set(answers.flatMap(answer => Object.keys(answer.figures)))] as (keyof Answer['figures'])[]
  return figures
    .map(figure => {
      const rows = answers.flatMap(({ convention, figures: { [figure]: found } }) =>
        found === undefined ? [] : [[`  ${convention.name}`, format(found.value, found.unit), found.formula]],
      )
      return `${figure}\n${table(rows)}`
    })
    .join('\n\n')
}

const planRow = ({ plan, memoryBytes, headroomBytes, stepSeconds, mfu }: FoundPlan) => [
  ...[plan.tensor, plan.pipeline, plan.context, plan.data, plan.zeroStage, plan.microBatch ?? 0].map(String),
  ...[plan.recompute, format(memoryBytes, 'bytes'), format(headroomBytes, 'bytes')],
  ...[format(stepSeconds, 'seconds'), format(mfu, 'ratio')],
]
const PLAN_HEAD = [
  'tensor',
  'pipeline',
  'context',
  'data',
  'ZeRO',
  'micro',
  'recompute',
  'memory',
  'headroom',
  'step',
  'MFU',
]

/** The fastest plans that fit. */
export function describeSearch(search: PlanSearch, most: number): string {
  if (search.missing.length > 0) return `a search needs ${search.missing.join(', ')}`
  const { candidates, fitting, closest } = search
  const shown = closest === undefined ? fitting.slice(0, most) : [closest]
  const title =
    closest === undefined
      ? `${fitting.length} of ${candidates} plans fit; the fastest:`
      : `none of ${candidates} plans fits; the one that misses by least:`
  const assumed = ['assumed:', ...search.assumptions.map(text => `  ${text}`)].join('\n')
  return [title, table([PLAN_HEAD, ...shown.map(planRow)]), assumed].join('\n\n')
}

const limitText = (value: number | undefined, unit: string) =>
  value === undefined ? 'not known' : value === 0 ? 'none fits' : `${value.toLocaleString('en-US')} ${unit}`

/** How far the plan can be stretched, and what more devices give. */
export function describeLimits({ microBatch, sequence, scales, devicesThatPay }: Limits): string {
  const rows = scales.map(({ devices, best, efficiency }) => [
    ...[String(devices), best === undefined ? 'none fits' : format(best.stepSeconds, 'seconds')],
    ...[
      best === undefined ? '' : format(best.mfu, 'ratio'),
      efficiency === undefined ? '' : format(efficiency, 'ratio'),
    ],
  ])
  const most = scales.findLast(({ best }) => best !== undefined)?.devices
  const pay =
    most === undefined
      ? 'No number of devices that was tried fits the model.'
      : devicesThatPay === undefined
        ? `Each doubling up to ${most.toLocaleString('en-US')} devices makes a step at least √2 times as fast.`
        : `Past ${devicesThatPay.toLocaleString('en-US')} devices, twice as many no longer make a step √2 times as fast.`
  return [
    `largest micro-batch  ${limitText(microBatch, 'sequences')}\nlongest sequence     ${limitText(sequence, 'tokens')}`,
    scales.some(({ best }) => best !== undefined)
      ? table([['devices', 'best step', 'MFU', 'efficiency'], ...rows])
      : '',
    pay,
  ]
    .filter(Boolean)
    .join('\n\n')
}

export function list(json: boolean): void {
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
