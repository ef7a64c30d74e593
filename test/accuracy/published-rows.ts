/** Rows of published tables, and what those who compare with them share. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { conventions } from '../../math/conventions/index'
import { jobOf } from '../../math/conventions/job'
import { completeShape, type ModelShape } from '../../math/dimensions'
import type { ModelInput } from '../../math/input'
import { Notes } from '../../math/notes'
import { findPreset } from '../../math/presets'

export type Row = Readonly<Record<string, unknown>> & { readonly source: string; readonly table: string }
const fixture = join(import.meta.dirname, '../fixtures/reference/published.json')
const { rows } = JSON.parse(readFileSync(fixture, 'utf8')) as { rows: Row[] }

export interface PublishedComparison {
  readonly what: string
  readonly row: string
  readonly published: number
  readonly ours: number
}
/** `points`: difference of percentages; `relative`: difference over what was published. */
export interface PublishedTable {
  readonly title: string
  readonly measure: 'points' | 'relative'
  readonly goal: number
  /** Of rows that cannot be met: which, and why. */
  readonly known?: { readonly row: RegExp; readonly why: string; readonly within: number }
  readonly compare: () => PublishedComparison[]
}

export const A100 = 312e12
export const H100 = 989.4e12
export const number = (row: Row, name: string) => Number(row[name])
export const from = (source: string, table = '') =>
  rows.filter(row => row.source.includes(source) && row.table.includes(table))
export const percent = (flops: number, seconds: number, devices: number, peak: number) =>
  (100 * flops) / seconds / devices / peak

export function shapeOf(model: ModelInput): ModelShape {
  const shape = completeShape(model, new Notes())
  if (shape === undefined) throw new Error(`a dimension of ${model.name ?? 'the model'} is missing`)
  return shape
}
export const preset = (name: string): ModelInput => findPreset(name)?.model ?? { name }

export function flopsBy(convention: string, model: ModelInput): number {
  const job = jobOf({ model })
  return (job && conventions.get(convention)?.count(job).flopsPerToken?.value) ?? NaN
}

export const gpt = (layers: number, hiddenSize: number, vocabularySize = 51_200) => ({
  layers,
  hiddenSize,
  vocabularySize,
  sequenceLength: 2048,
})

export const errorOf = ({ measure }: PublishedTable, { published, ours }: PublishedComparison) =>
  measure === 'points' ? Math.abs(ours - published) : Math.abs(ours / published - 1)
