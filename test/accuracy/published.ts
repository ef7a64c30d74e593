/** Figures of published tables beside ours, each by the convention that its authors name. */
import { attentionFlopsPerToken, megatronStepFlops, type Recompute } from '../../math/flops'
import { parameterCount } from '../../math/parameters'
import { predict } from '../../math/predict'
import { clusterTables } from './published-clusters'
import {
  A100,
  flopsBy,
  from,
  gpt,
  H100,
  number,
  percent,
  preset,
  shapeOf,
  type PublishedTable,
  type Row,
} from './published-rows'

export { errorOf, type PublishedTable } from './published-rows'

const RECOMPUTATION: Readonly<Record<string, readonly [ReturnType<typeof gpt>, batch: number, devices: number]>> = {
  '22B': [gpt(48, 6144), 4, 8],
  '175B': [gpt(96, 12_288), 64, 64],
  '530B': [gpt(105, 20_480), 280, 280],
  '1T': [gpt(128, 25_600), 512, 512],
}
const recomputation = (figure: string, recompute: Recompute) => () =>
  from('2205.05198', 'Table 5').map(row => {
    const [model, batch, devices] = RECOMPUTATION[String(row['model'])] ?? [gpt(0, 0), 0, 0]
    const ours = percent(
      megatronStepFlops(model, batch, recompute),
      number(row, 'iter_s_present_work'),
      ...([devices, A100] as const),
    )
    return { what: figure, row: String(row['model']), published: number(row, figure), ours }
  })

const MPT: Readonly<Record<string, readonly [hidden: number, layers: number]>> = {
  '125m': [768, 12],
  '350m': [1024, 24],
  '760m': [1536, 24],
  '1b': [2048, 24],
  '3b': [2560, 32],
  '7b': [4096, 32],
  '13b': [5120, 40],
  '30b': [7168, 48],
  '70b': [8192, 80],
}
function foundryPeak(row: Row): number {
  if (String(row['GPU']).startsWith('a100')) return A100
  return String(row['Precision']).includes('fp8') ? 2 * H100 : H100
}
const foundry = (figure: 'MFU' | 'HFU') => () =>
  from('llm-foundry').map(row => {
    const [hidden, layers] = MPT[String(row['Model'])] ?? [NaN, NaN]
    const perToken = 6 * number(row, 'NumParams') + 12 * layers * hidden * number(row, 'SeqLen (T)')
    const again = figure === 'HFU' && row['Activation Checkpointing'] === 'True' ? 4 / 3 : 1
    const perSecond = perToken * again * number(row, 'Throughput (T/s)')
    return {
      what: figure,
      row: `${String(row['Model'])} ${String(row['SeqLen (T)'])} on ${String(row['# GPUs'])} ${String(row['GPU'])}`,
      published: number(row, figure),
      ours: percent(perSecond, 1, number(row, '# GPUs'), foundryPeak(row)),
    }
  })

function torchtitanModel(row: Row): string {
  if (row['Model size'] === '13B') return 'llama-2-13b'
  if (row['Model size'] === '70B') return row['WPS'] === 331 ? 'llama-3-70b' : 'llama-2-70b'
  return `llama-3-${String(row['Model size']).toLowerCase()}`
}
const torchtitan = () =>
  from('torchtitan docs/performance.md').map(row => {
    const shape = shapeOf(preset(torchtitanModel(row)))
    const perToken = 6 * parameterCount(shape).value + attentionFlopsPerToken(shape)
    const float8 = String(row['Optimizations']).includes('Float8')
    const peak = row['Model size'] === '405B' ? (float8 ? 2 * H100 : H100) : A100
    const ours = percent(perToken * number(row, 'WPS'), 1, 1, peak)
    return {
      what: 'MFU',
      row: `${String(row['Model size'])} ${String(row['WPS'])} tok/s`,
      published: number(row, 'MFU'),
      ours,
    }
  })

/** Without attention 6·N; with it 12·L·H·Q·T, heads of 256 (PaLM) and 160 (MT-NLG). */
const PALM: Readonly<Record<string, readonly [parameters: number, attention: number, devices: number, peak: number]>> =
  {
    'PaLM 540B': [540.35e9, 12 * 118 * 48 * 256 * 2048, 6144, 275e12],
    'MT-NLG 530B': [529.6e9, 12 * 105 * 128 * 160 * 2048, 2240, A100],
  }
const palm = () =>
  from('2204.02311').map(row => {
    const [parameters, attention, devices, peak] = PALM[String(row['model'])] ?? [NaN, NaN, NaN, NaN]
    const perSecond = (6 * parameters + attention) * number(row, 'tokens_per_s')
    return {
      what: 'MFU',
      row: String(row['model']),
      published: number(row, 'MFU_pct'),
      ours: percent(perSecond, 1, devices, peak),
    }
  })

const megaScale = () =>
  from('2402.15627').map(row => ({
    what: 'MFU',
    row: `${String(row['system'])} ${String(row['gpus'])} GPUs`,
    published: number(row, 'MFU_pct'),
    ours: percent(
      megatronStepFlops(gpt(96, 12_288, 64_000), number(row, 'batch'), 'none'),
      number(row, 'iter_s'),
      ...([number(row, 'gpus'), A100] as const),
    ),
  }))

const days = () =>
  from('2104.04473', 'Table 2').map(row => ({
    what: 'days for 300 B tokens',
    row: `${String(row['params_B'])} B on ${String(row['gpus'])}`,
    published: number(row, 'days_for_300B_tokens'),
    // 8·D·P / (n·X): with full recomputation.
    ours:
      (8 * 300e9 * number(row, 'params_B') * 1e9) /
      (number(row, 'gpus') * number(row, 'tflops_per_gpu') * 1e12) /
      86_400,
  }))

const weakScaling = () =>
  from('2104.04473', 'Table 1').map(row => ({
    what: 'billion parameters',
    row: `${String(row['params_B'])} B`,
    published: number(row, 'params_B'),
    ours:
      parameterCount(
        shapeOf({
          ...gpt(number(row, 'layers'), number(row, 'hidden')),
          attentionHeads: number(row, 'heads'),
          tiedEmbeddings: true,
          learnedPositions: true,
          biases: true,
          gatedFfn: false,
        }),
      ).value / 1e9,
  }))

const BRIDGE: Readonly<Record<string, string>> = {
  LLAMA3_8B: 'llama-3-8b',
  'LLAMA3-8B': 'llama-3-8b',
  LLAMA3_70B: 'llama-3-70b',
  'LLAMA3-70B': 'llama-3-70b',
  'LLAMA3.1_405B': 'llama-3-405b',
  'LLAMA3-405B': 'llama-3-405b',
}
const perToken =
  (source: string, convention: string, [tokens, flops, length]: readonly [string, string, string]) =>
  () =>
    from(source).flatMap(row => {
      const name = BRIDGE[String(row['Model'])]
      if (name === undefined) return []
      const model = { ...preset(name), sequenceLength: number(row, length) }
      return {
        what: 'GFLOP per token',
        row: `${row.table.slice(0, 8)} ${String(row['Model'])} ${String(row['System'] ?? '')} ${String(row['Precision'] ?? '')}`,
        published: (1000 * number(row, flops)) / number(row, tokens),
        ours: flopsBy(convention, model) / 1e9,
      }
    })

const bloom = () =>
  from('tr11-176B-ml/README').map(row => ({
    what: 'TFLOP/s per GPU',
    row: String(row['model']),
    published: number(row, 'tflops_per_gpu'),
    ours:
      megatronStepFlops(gpt(70, 14_336, 250_880), number(row, 'global_batch'), 'full') /
      number(row, 'iter_s') /
      number(row, 'gpus') /
      1e12,
  }))

const nanoGpt = () =>
  from('nanoGPT').map(row => ({
    what: 'MFU',
    row: String(row['model']),
    published: number(row, 'MFU_pct'),
    ours: percent(
      flopsBy('nanogpt', { ...preset('gpt2'), biases: false }) * 1024 * number(row, 'batch'),
      number(row, 'iter_s'),
      ...([1, A100] as const),
    ),
  }))

/** Bytes per parameter: 4 + 12/d, 2 + 14/d, 16/d; d devices. */
const zero = () =>
  from('1910.02054').flatMap(row => {
    const d = number(row, 'dp')
    const stage = /ZeRO-(\d)/.exec(String(row['stage']))?.[1]
    const bytes = { 1: 4 + 12 / d, 2: 2 + 14 / d, 3: 16 / d }[Number(stage)]
    const parameters =
      Number(/^([\d.]+)([BT])/.exec(String(row['model']))?.[1]) * (String(row['model']).endsWith('T') ? 1e3 : 1)
    if (bytes === undefined) return []
    return {
      what: 'GB',
      row: `${String(row['model'])} stage ${stage} on ${d}`,
      published: number(row, 'GB'),
      ours: bytes * parameters,
    }
  })

interface TitanJob {
  readonly table: RegExp
  readonly model: string
  readonly recompute: string
  readonly degrees: { data: number; tensor?: number; pipeline?: number; context?: number }
  readonly batch: { micro: number; global: number }
}
/** FSDP over what the row says, or the table. */
const TITAN: readonly TitanJob[] = [
  {
    table: /^Table 1/,
    model: 'llama-3-8b',
    recompute: 'selective',
    degrees: { data: 8 },
    batch: { micro: 2, global: 16 },
  },
  { table: /^Table 2/, model: 'llama-3-8b', recompute: 'full', degrees: { data: 8 }, batch: { micro: 1, global: 8 } },
  {
    table: /^Table 3/,
    model: 'llama-3-8b',
    recompute: 'selective',
    degrees: { data: 128 },
    batch: { micro: 2, global: 256 },
  },
  {
    table: /^Table 4/,
    model: 'llama-3-70b',
    recompute: 'full',
    degrees: { data: 32, tensor: 8 },
    batch: { micro: 16, global: 512 },
  },
  {
    table: /^Table 5/,
    model: 'llama-3-405b',
    recompute: 'full',
    degrees: { data: 8, tensor: 8, pipeline: 8 },
    batch: { micro: 4, global: 256 },
  },
  {
    table: /^Table 6/,
    model: 'llama-3-405b',
    recompute: 'full',
    degrees: { data: 8, tensor: 8, pipeline: 8 },
    batch: { micro: 1, global: 8 },
  },
]
const titanMemory = () =>
  from('llama3_h100_202412').flatMap(row => {
    const job = TITAN.find(({ table }) => table.test(row.table))
    if (job === undefined) return []
    const [, data = job.degrees.data, context = 1] = /FSDP (\d+), CP (\d+)/.exec(String(row['Parallelism'])) ?? []
    const sequenceLength = row['Sequence Length'] === undefined ? 8192 : number(row, 'Sequence Length')
    const { memory } = predict({
      framework: 'torchtitan',
      model: { ...preset(job.model), sequenceLength },
      precision: 'bf16',
      optimizer: 'adamw',
      recompute: job.recompute,
      batch: job.batch,
      parallelism: {
        ...job.degrees,
        data: Number(data),
        context: Number(context),
        zeroStage: 3,
        sequenceParallel: true,
      },
    })
    return {
      what: 'GiB',
      row: `${row.table.slice(0, 8)}${String(row['Techniques'] ?? row['Parallelism'] ?? '')}`,
      published: number(row, 'Memory(GiB)'),
      ours: ((memory.totalBytes ?? NaN) + (memory.fragmentationBytes ?? NaN)) / 1024 ** 3,
    }
  })

export const tables: readonly PublishedTable[] = [
  {
    title: 'recomputation paper, table 5: MFU',
    measure: 'points',
    goal: 0.5,
    compare: recomputation('MFU_pct', 'none'),
  },
  {
    title: 'recomputation paper, table 5: HFU',
    measure: 'points',
    goal: 0.5,
    compare: recomputation('HFU_pct', 'selective'),
  },
  { title: 'PaLM, section 4.1: MFU', measure: 'points', goal: 0.5, compare: palm },
  { title: 'torchtitan, performance.md: MFU', measure: 'points', goal: 0.5, compare: torchtitan },
  { title: 'llm-foundry, benchmarking: MFU', measure: 'points', goal: 0.5, compare: foundry('MFU') },
  { title: 'llm-foundry, benchmarking: HFU', measure: 'points', goal: 0.5, compare: foundry('HFU') },
  {
    title: 'MegaScale, table 2: MFU',
    measure: 'points',
    goal: 0.5,
    compare: megaScale,
    known: {
      row: /^MegaScale /,
      why: 'its own runs attend over a sliding window, whose width the paper does not give; ours counts the whole square',
      within: 1.01,
    },
  },
  { title: 'nanoGPT, transformer_sizing: MFU', measure: 'points', goal: 0.5, compare: nanoGpt },
  { title: 'BLOOM, production log: TFLOP/s per GPU', measure: 'relative', goal: 0.001, compare: bloom },
  { title: 'SC21, table 1: parameters', measure: 'relative', goal: 0.05, compare: weakScaling },
  { title: 'SC21, table 2: days', measure: 'relative', goal: 0.05, compare: days },
  { title: 'ZeRO, table 1: model states', measure: 'relative', goal: 0.05, compare: zero },
  {
    title: 'torchtitan, H100: memory reserved',
    measure: 'relative',
    goal: 0.05,
    compare: titanMemory,
    known: {
      row: /^Table [456]/,
      why: 'with tensor parallelism (tables 4 to 6) the gathered inputs of matmuls and the workspaces of AsyncTP are reserved as well, and 126 layers over 8 stages (405B) may be cut otherwise than evenly',
      within: 0.21,
    },
  },
  {
    title: 'Megatron-LM, Llama README: FLOPs per token, whole square',
    measure: 'relative',
    goal: 0.01,
    compare: perToken('llama/README', 'megatron-2024', ['Tokens/sec/GPU', 'TFLOP/sec/GPU', 'Seq Length']),
  },
  {
    title: 'Megatron-Bridge, summaries: FLOPs per token, causal half',
    measure: 'relative',
    goal: 0.01,
    known: {
      row: /^26\.04\.01/,
      why: 'rows of that release differ by 3 % among themselves for the same model',
      within: 0.03,
    },
    compare: perToken('Megatron-Bridge', 'megatron', [
      'Tokens / sec / GPU',
      'Model TFLOP / sec / GPU',
      'Sequence Length',
    ]),
  },
  ...clusterTables,
]
