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
  [
    'requestedBytes',
    [
      sized('[Tt]ried to allocate SIZE'),
      sized('allocating SIZE'),
      sized('allocate SIZE'),
      sized('Used SIZE of [\\d.]+[KMGT]? hbm'),
    ],
  ],
  ['capacityBytes', [sized('SIZE total capacity'), sized('total capaci?ty of SIZE')]],
  ['freeBytes', [sized('of which SIZE is free'), sized('; SIZE free')]],
  ['processBytes', [sized('this process has SIZE memory in use')]],
  ['allocatedBytes', [sized('SIZE already allocated'), sized('allocated memory SIZE is allocated by PyTorch')]],
  ['reservedBytes', [sized('SIZE reserved in total by PyTorch')]],
  // What eras before 1.4 called cached is what the allocator held beyond the tensors.
  ['reservedUnallocatedBytes', [sized('SIZE is reserved by PyTorch but unallocated'), sized('; SIZE cached\\)')]],
]
const PROCESSES = new RegExp(`\\bProcess \\d{1,10} has ${SIZE} memory in use`, 'g')
const DEVICE =
  /(?:CUDA|HIP|XPU|NPU|MPS|MUSA|CUDNN|CUBLAS) (?:error: |backend )?out of memory|OutOfMemoryError|RESOURCE_EXHAUSTED: (?:Out of memory|XLA:.{0,200}Ran out of memory)|(?:CUBLAS|CUDNN)_STATUS_ALLOC_FAILED|cudaMalloc failed: out of memory|ResourceExhaustedError: OOM when allocating/i
const HOST =
  /DefaultCPUAllocator: (?:can't allocate|not enough) memory|oom[-_]kill event|\bReason: {1,20}OOMKilled$|\b_ArrayMemoryError: Unable to allocate |: Out Of Memory$|^MemoryError\b|Cannot allocate memory$/
/** A program of XLA that does not fit: what it would use, of what there is, in powers of 1024. */
const XLA = /\bUsed ([\d.]{1,20}[KMGT]) of ([\d.]{1,20}[KMGT]) hbm\b/
/** Somebody caught it and goes on: no end. */
const RETRIED = /\bretry(?:ing)?\b|\bskipping (?:this )?batch\b|is not a failure/i
const GPU = /\bGPU (\d{1,4})(?:;| has)|\/device:GPU:(\d{1,4})\b/
const RANK = /\[(?:PG [^\]]{0,100})?[Rr]ank (\d{1,8})\]/

const rankOf = (text: string, rank: number | undefined) => {
  const match = RANK.exec(text)
  return match === null ? rank : Number(match[1])
}

/** Undefined where the text speaks of no memory that ran out. `rank` comes from the line's prefix. */
export function readOutOfMemory(text: string, rank: number | undefined): Event | undefined {
  if (!/memory|oom|exhausted|alloc/i.test(text)) return undefined
  const error = HOST.test(text) ? 'host-oom' : DEVICE.test(text) ? 'oom' : undefined
  const type = error !== undefined && RETRIED.test(text) ? 'oom-retried' : error
  if (type === undefined) return undefined
  const event: Event = { kind: 'event', type, rank: rankOf(text, rank), message: text }
  const gpu = GPU.exec(text)
  if (gpu !== null) event.gpuIndex = Number(gpu[1] ?? gpu[2])
  for (const [field, patterns] of FIGURES) {
    const match = patterns.map(pattern => pattern.exec(text)).find(found => found !== null)
    const bytes = bytesOf(match?.[1])
    if (bytes !== undefined) Object.assign(event, { [field]: bytes })
  }
  const [, used, capacity] = XLA.exec(text) ?? []
  if (used !== undefined)
    Object.assign(event, { requestedBytes: bytesOf(`${used}iB`), capacityBytes: bytesOf(`${capacity}iB`) })
  event.processBytes ??= onlyProcess(text, event.allocatedBytes)
  return event
}

/**
 * In a container PyTorch does not know its own process among those that the driver lists, and names it by its number. One that
 * holds as much as this process's tensors is this one; another process is not what the field is about.
 */
function onlyProcess(text: string, allocated: number | undefined): number | undefined {
  const listed = [...text.matchAll(PROCESSES)].map(match => bytesOf(match[1]))
  const [bytes] = listed
  return listed.length === 1 && bytes !== undefined && allocated !== undefined && bytes >= allocated ? bytes : undefined
}

const NCCL = /Watchdog caught collective operation timeout: |ProcessGroupNCCL's watchdog got stuck for \d/
const GLOO = /gloo\/transport\/\S{1,100}\] Timed out waiting \d{1,12}ms for/

export function readTimeout(text: string, rank: number | undefined): Event | undefined {
  const type = NCCL.test(text) ? 'nccl-timeout' : GLOO.test(text) ? 'gloo-timeout' : undefined
  return type === undefined ? undefined : { kind: 'event', type, rank: rankOf(text, rank), message: text }
}
