/** Memory of a rank as parts that add up to what its device, or its process, holds. Pure. */
import type { GpuSeries, RankInfo } from '../../wire/api'
import type { MemoryPrediction } from '../../math/predict-parts'
import { gpuId } from './run-view'

export interface Part {
  readonly name: string
  readonly bytes: number
}
export interface MemoryBar {
  readonly name: string
  readonly parts: readonly Part[]
  readonly totalBytes: number
  /** What the total is, and who said so. */
  readonly total: string
  readonly capacityBytes: number | undefined
}

/** Categories in the order in which they are stacked; others of the hook follow under their own names. */
export const CATEGORIES = ['parameters', 'gradients', 'optimizer', 'activations', 'buffers'] as const

const RESERVED = 'reserved, not in use'
const CONTEXT = 'context and libraries'

export function predictedBar(memory: MemoryPrediction): MemoryBar | undefined {
  const parts: Part[] = CATEGORIES.flatMap(name => {
    const bytes = memory[`${name}Bytes`]
    return bytes === undefined ? [] : [{ name, bytes }]
  })
  if (parts.length === 0) return undefined
  // Beside a device: under the names of what is left over of its measured memory.
  const { fragmentationBytes, contextBytes, capacityBytes } = memory
  if (capacityBytes !== undefined && fragmentationBytes !== undefined && contextBytes !== undefined)
    parts.push({ name: RESERVED, bytes: fragmentationBytes }, { name: CONTEXT, bytes: contextBytes })
  const totalBytes = parts.reduce((sum, { bytes }) => sum + bytes, 0)
  const isWhole = memory.totalBytes !== undefined
  return {
    parts,
    totalBytes,
    name: 'predicted',
    total: isWhole ? 'predicted for the fullest pipeline stage' : 'predicted in part: not every term is known',
    capacityBytes,
  }
}

/** The gpu series of a rank, by uuid or else by node and index. */
export function gpuOfRank(rank: RankInfo, gpus: readonly GpuSeries[]): GpuSeries | undefined {
  const byUuid = rank.gpuUuid === null ? undefined : gpus.find(({ uuid }) => uuid === rank.gpuUuid)
  if (byUuid !== undefined || rank.gpuIndex === null || rank.node === null) return byUuid
  const id = gpuId({ node: rank.node, index: rank.gpuIndex })
  return gpus.find(gpu => gpuId(gpu) === id)
}

const last = (values: readonly (number | null)[] | undefined) => values?.findLast(value => value !== null) ?? null

function hookParts(rank: RankInfo): Part[] {
  const names = [
    ...CATEGORIES.filter(name => name in rank.memoryCategories),
    ...Object.keys(rank.memoryCategories).filter(name => !CATEGORIES.some(category => category === name)),
  ]
  return names.map(name => ({ name, bytes: rank.memoryCategories[name] ?? 0 }))
}

/** Each residual gets the name of what is known to be in it. Figures of different moments may cross: never below 0. */
function residuals(rank: RankInfo, named: number, totalBytes: number, isDevice: boolean): Part[] {
  const { memoryAllocatedBytes: allocated, memoryReservedBytes: reserved } = rank
  const parts: Part[] = []
  let level = named
  const upTo = (name: string, bytes: number | null) => {
    if (bytes === null || bytes <= level) return
    parts.push({ name, bytes: bytes - level })
    level = bytes
  }
  upTo('other tensors', allocated)
  upTo(RESERVED, reserved)
  const rest = !isDevice
    ? 'interpreter, libraries, other'
    : reserved === null && allocated === null
      ? 'not explained'
      : CONTEXT
  upTo(named === 0 && parts.length === 0 ? 'used' : rest, totalBytes)
  return parts
}

/** Undefined where nothing of the rank's memory is known. */
export function rankBar(rank: RankInfo, gpus: readonly GpuSeries[]): MemoryBar | undefined {
  const gpu = gpuOfRank(rank, gpus)
  const used = last(gpu?.memoryUsedBytes)
  const parts = hookParts(rank)
  const named = parts.reduce((sum, { bytes }) => sum + bytes, 0)
  const seen: [number | null, string][] = [
    [used, `in use on the device (${gpu?.source ?? 'nvidia-smi'})`],
    [gpu === undefined ? rank.residentBytes : null, 'resident in host memory (the process)'],
    [rank.memoryReservedBytes, 'reserved by the framework'],
    [rank.memoryAllocatedBytes, 'held by tensors'],
    [named > 0 ? named : null, 'held by tensors of known kind'],
  ]
  const found = seen.find(([bytes]) => bytes !== null)
  if (found === undefined) return undefined
  const totalBytes = Math.max(found[0] ?? 0, named)
  return {
    name: `rank ${rank.rank}`,
    parts: [...parts, ...residuals(rank, named, totalBytes, used !== null)],
    totalBytes,
    total: found[1],
    capacityBytes: last(gpu?.memoryTotalBytes) ?? undefined,
  }
}
