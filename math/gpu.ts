/** What is known of a GPU. Peaks are dense: sparsity is never used, as training multiplies dense matrices. */
import type { Precision } from './plan'
import type { Source } from './sources'

export const MIB = 1024 ** 2
export const GIB = 1024 ** 3

export interface Gpu {
  readonly name: string
  /** As people say it. */
  readonly title: string
  readonly vendor: 'nvidia' | 'amd'
  /** Names that nvidia-smi, rocm-smi and torch print, whole. */
  readonly smiNames: readonly string[]
  readonly aliases: readonly string[]
  readonly peakFlopsPerSecond: Readonly<Partial<Record<Precision, number>>>
  /** What the SMI tool shows as total where that was seen, else the capacity on the data sheet. */
  readonly memoryBytes: number
  readonly memoryBytesPerSecond: number
  /** NVLink or Infinity Fabric per direction; absent where there is none, or only a bridge between two cards. */
  readonly linkBytesPerSecond: number | undefined
  readonly pcieBytesPerSecond: number | undefined
  /** Share of the bf16 peak that the best of many matmul shapes reached. */
  readonly achievableRatio: number | undefined
  readonly sources: readonly Source[]
  readonly note: string | undefined
}

interface Facts {
  vendor: Gpu['vendor']
  smiNames: readonly string[]
  aliases: readonly string[]
  teraflops: Partial<Record<Precision, number>>
  memoryBytes: number
  memoryGigabytesPerSecond: number
  linkGigabytesPerSecond?: number
  pcieGigabytesPerSecond?: number
  achievableRatio?: number
  sources: readonly Source[]
  note?: string
}

/** The day on which the tables below were read, at the commits in their addresses. */
const READ = '2026-11-23'

const times = (value: number | undefined, factor: number) => (value === undefined ? undefined : value * factor)

export function gpu(name: string, title: string, facts: Facts): Gpu {
  const peaks = Object.entries(facts.teraflops).map(([precision, value]) => [precision, value * 1e12])
  return {
    name,
    title,
    vendor: facts.vendor,
    smiNames: facts.smiNames,
    aliases: facts.aliases,
    peakFlopsPerSecond: Object.fromEntries(peaks) as Gpu['peakFlopsPerSecond'],
    memoryBytes: facts.memoryBytes,
    memoryBytesPerSecond: facts.memoryGigabytesPerSecond * 1e9,
    linkBytesPerSecond: times(facts.linkGigabytesPerSecond, 1e9),
    pcieBytesPerSecond: times(facts.pcieGigabytesPerSecond, 1e9),
    achievableRatio: facts.achievableRatio,
    sources: facts.sources.map(source => ({ ...source, read: READ })),
    note: facts.note,
  }
}

const github = (path: string) => `https://github.com/${path}`

/** Tables that cite the vendors' data sheets row by row, as of the commits in the addresses. */
export const from = {
  mlEngineering: {
    title: 'ml-engineering, accelerators (dense peaks, data sheets cited)',
    url: github('stas00/ml-engineering/blob/744d01e/compute/accelerator/README.md'),
  },
  lightning: {
    title: 'PyTorch Lightning, throughput table',
    url: github('Lightning-AI/pytorch-lightning/blob/7f0c343/src/lightning/fabric/utilities/throughput.py'),
  },
  composer: {
    title: 'Composer, speed monitor',
    url: github('mosaicml/composer/blob/6405188/composer/callbacks/speed_monitor.py'),
  },
  levanter: {
    title: 'Levanter, FLOP table',
    url: github('stanford-crfm/levanter/blob/9263f81/src/levanter/utils/flop_utils.py'),
  },
  nanochat: { title: 'nanochat, peak FLOP/s', url: github('karpathy/nanochat/blob/92d63d4/nanochat/common.py') },
  torchtitan: {
    title: 'torchtitan, peak FLOP/s',
    url: github('pytorch/torchtitan/blob/b5bcd76/torchtitan/tools/utils.py'),
  },
  llmAnalysis: {
    title: 'llm-analysis, GPU configurations',
    url: github('cli99/llm-analysis/tree/d841e40/llm_analysis/gpu_configs'),
  },
  lockwood: { title: 'Glenn Lockwood’s notes on processors', url: 'https://www.glennklockwood.com/garden/processors/' },
  ampereWhitepaper: {
    title: 'NVIDIA Ampere GA102 whitepaper, appendix A',
    url: 'https://www.nvidia.com/content/PDF/nvidia-ampere-ga-102-gpu-architecture-whitepaper-v2.pdf',
  },
  adaWhitepaper: {
    title: 'NVIDIA Ada whitepaper v2.1, appendix A',
    url: 'https://images.nvidia.com/aem-dam/Solutions/geforce/ada/nvidia-ada-gpu-architecture.pdf',
  },
  blackwellWhitepaper: {
    title: 'NVIDIA RTX Blackwell whitepaper, table 3',
    url: 'https://images.nvidia.com/aem-dam/Solutions/geforce/blackwell/nvidia-rtx-blackwell-gpu-architecture.pdf',
  },
} as const satisfies Record<string, Source>
