/**
 * Out-of-memory messages with their figures, and collectives that timed out.
 * PyTorch, by era: `(GPU 0; A total capacity; B already allocated; C free; D cached)` to 1.3, `D reserved in total by
 * PyTorch` from 1.4 to 2.0, sentences from 2.1 on. https://github.com/pytorch/pytorch/blob/main/c10/cuda/CUDACachingAllocator.cpp
 */
import type { RecordOf } from '../../wire/records'
import { bytesOf } from './values'

type Event = RecordOf<'event'>

const SIZE = '(\\d[\\d.]{0,20} ?(?:[KMGTP]i?)?(?:B|bytes))'
const sized = (pattern: string) => new RegExp(pattern.replace('SIZE', SIZE))
const FIGURES: readonly (readonly [field: keyof Event, patterns: readonly RegExp[]])[] = [
  ['requestedBytes', [sized('[Tt]ried to allocate SIZE'), sized('allocating SIZE'), sized('allocate SIZE')]],
  ['capacityBytes', [sized('SIZE total capacity'), sized('total capaci?ty of SIZE')]],
  ['freeBytes', [sized('of which SIZE is free'), sized('; SIZE free')]],
  ['processBytes', [sized('this process has SIZE memory in use')]],
  ['allocatedBytes', [sized('SIZE already allocated'), sized('allocated memory SIZE is allocated by PyTorch')]],
  ['reservedBytes', [sized('SIZE reserved in total by PyTorch')]],
  // What eras before 1.4 called cached is what the allocator held beyond the tensors.
  ['reservedUnallocatedBytes', [sized('SIZE is reserved by PyTorch but unallocated'), sized('; SIZE cached\\)')]],
]
const DEVICE =
  /(?:CUDA|HIP|XPU|NPU|MPS|MUSA|CUDNN|CUBLAS) (?:error: |backend )?out of memory|OutOfMemoryError|RESOURCE_EXHAUSTED: Out of memory|CUBLAS_STATUS_ALLOC_FAILED|cudaMalloc failed: out of memory/i
const HOST =
  /DefaultCPUAllocator: (?:can't allocate|not enough) memory|oom-kill event|: Out Of Memory$|^MemoryError\b|Cannot allocate memory$/
const GPU = /\bGPU (\d{1,4})(?:;| has)/
const RANK = /\[(?:PG [^\]]{0,100})?[Rr]ank (\d{1,8})\]/

const rankOf = (text: string, rank: number | undefined) => {
  const match = RANK.exec(text)
  return match === null ? rank : Number(match[1])
}

/** Undefined where the text speaks of no memory that ran out. `rank` comes from the line's prefix. */
export function readOutOfMemory(text: string, rank: number | undefined): Event | undefined {
  if (!/memory|oom|exhausted|alloc/i.test(text)) return undefined
  const type = HOST.test(text) ? 'host-oom' : DEVICE.test(text) ? 'oom' : undefined
  if (type === undefined) return undefined
  const event: Event = { kind: 'event', type, rank: rankOf(text, rank), message: text }
  const gpu = GPU.exec(text)
  if (gpu !== null) event.gpuIndex = Number(gpu[1])
  for (const [field, patterns] of FIGURES) {
    const match = patterns.map(pattern => pattern.exec(text)).find(found => found !== null)
    const bytes = bytesOf(match?.[1])
    if (bytes !== undefined) Object.assign(event, { [field]: bytes })
  }
  return event
}

const NCCL = /Watchdog caught collective operation timeout: |ProcessGroupNCCL's watchdog got stuck for \d/
const GLOO = /gloo\/transport\/\S{1,100}\] Timed out waiting \d{1,12}ms for/

export function readTimeout(text: string, rank: number | undefined): Event | undefined {
  const type = NCCL.test(text) ? 'nccl-timeout' : GLOO.test(text) ? 'gloo-timeout' : undefined
  return type === undefined ? undefined : { kind: 'event', type, rank: rankOf(text, rank), message: text }
}
