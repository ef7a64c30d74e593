/** Answers of other people's calculators and published tables, where the collection lies beside the checkout. */
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { PredictInput } from '../../math/predict'

const folder = join(import.meta.dirname, '../../../shared/reference')
export const there = existsSync(folder)
if (!there) console.warn('reference calculators are not beside this checkout: their tests are skipped')

type Numbers = Readonly<Record<string, number | undefined>>
export interface Row {
  readonly id: string
  readonly inputs: {
    readonly config: Readonly<
      Record<'tp' | 'pp' | 'dp' | 'zero' | 'mbs' | 'grad_accum' | 'seq' | 'grad_bytes' | 'ep' | 'cp', number>
    > & {
      readonly vp: number | null
      readonly recompute: 'none' | 'selective' | 'full'
      readonly optimizer: string
      readonly precision: string
      readonly gpu: string
      readonly sequence_parallel: boolean
      readonly flash_attn: boolean
    }
    readonly arch: Readonly<Record<'L' | 'h' | 'a' | 'V' | 's' | 'ffn' | 'kv' | 'head_dim', number>> & {
      readonly window: number | null
      readonly swiglu: boolean
      readonly tied: boolean
      readonly bias: boolean
      readonly pos: string
      readonly moe: { readonly E: number; readonly k: number } | null
    }
    readonly params: Readonly<Record<'total' | 'active' | 'embedding' | 'position', number>>
    readonly global_batch: number
    readonly tokens_per_step: number
  }
  readonly outputs: Readonly<Record<string, Numbers | undefined>>
}

export interface Published {
  readonly source: string
  readonly table: string
  readonly [field: string]: unknown
}

export interface ReferenceGpu {
  readonly key: string
  readonly smi_names: readonly string[]
  readonly dense_tflops: Readonly<Record<string, number | null>>
  readonly memory_GB: number | string
  readonly smi_memory_total_MiB: readonly number[] | null
  readonly mem_bandwidth_GBps: number | null
  readonly gpu_link: { readonly name: string | null; readonly per_direction_GBps: number | null }
  readonly pcie: { readonly x16_per_direction_GBps: number | null }
}

function read<T>(name: string, key: string): readonly T[] {
  if (!there) return []
  return (JSON.parse(readFileSync(join(folder, name), 'utf8')) as Record<string, T[]>)[key] ?? []
}

export const calculators = read<Row>('calculators.json', 'rows')
export const published = read<Published>('published.json', 'rows')
export const referenceGpus = read<ReferenceGpu>('gpus.json', 'gpus')

/** Rows of one table, by parts of the names of source and table. */
export const tableOf = (source: string, table: string) =>
  published.filter(row => row.source.includes(source) && row.table.includes(table))

/** The same job in our words. `vocabulary`: what a calculator that pads it counts with. */
export function inputOf({ inputs: { config, arch, global_batch } }: Row, vocabulary = arch.V): PredictInput {
  return {
    model: {
      layers: arch.L,
      hiddenSize: arch.h,
      attentionHeads: arch.a,
      keyValueHeads: arch.kv,
      headSize: arch.head_dim,
      ffnHiddenSize: arch.ffn,
      vocabularySize: vocabulary,
      sequenceLength: arch.s,
      gatedFfn: arch.swiglu,
      tiedEmbeddings: arch.tied,
      learnedPositions: arch.pos === 'learned',
      biases: arch.bias,
      ...(arch.moe === null ? {} : { experts: arch.moe.E, activeExperts: arch.moe.k }),
    },
    parallelism: {
      tensor: config.tp,
      pipeline: config.pp,
      data: config.dp,
      context: config.cp,
      expert: config.ep,
      virtualStages: config.vp ?? 1,
      zeroStage: config.zero,
      sequenceParallel: config.sequence_parallel,
    },
    batch: { micro: config.mbs, global: global_batch },
    precision: config.precision,
    recompute: config.recompute,
    flashAttention: config.flash_attn,
    optimizer: config.optimizer.replace('_', '-'),
    gradientPrecision: config.grad_bytes === 4 ? 'fp32' : 'bf16',
    hardware: { gpu: config.gpu.replace('h100-sxm-80gb', 'h100-sxm') },
  }
}
