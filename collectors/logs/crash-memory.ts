/**
 * What kind of event a message about memory is: a device or a host that ran out, one that was caught, mere pressure, or none.
 * PyTorch, by era: `(GPU 0; A total capacity; B already allocated; C free; D cached)` to 1.3, `D reserved in total by
 * PyTorch` from 1.4 to 2.0, sentences from 2.1 on. https://github.com/pytorch/pytorch/blob/main/c10/cuda/CUDACachingAllocator.cpp
 */
import type { RecordOf } from '../../wire/records'
import { operationOf } from '../evidence/operation'
import { figuresIn, placeIn } from './crash-figures'

type Event = RecordOf<'event'>

/** Cheap: most lines of a log are none of these. */
const WORTH = /memory|oom|exhausted|alloc|hbm|MEMLIMIT|killed by signal/i

const DEVICE = new RegExp(
  [
    String.raw`\b(?:CUDA|HIP|XPU|NPU|MPS|MUSA|MLU|HPU|TPU|GPU|CUDNN|CUBLAS)\b (?:runtime |driver )?(?:error:? ?(?:\(\d{1,4}\) ?:? ?)?|backend )?out of memory`,
    String.raw`out of memory error on [GNX]PU`,
    String.raw`(?:^|[\s.])(?:torch\.(?:cuda\.)?)?OutOfMemoryError\b(?!: (?:Java|Task was|GC overhead|Direct buffer|unable to create))`,
    String.raw`error ?(?:=|\()2\)? ?: out of memory`,
    String.raw`(?:Cuda|HIP) failure (?:\d{1,4} )?'out of memory'`,
    String.raw`Failed to (?:CUDA|HIP) (?:calloc|malloc|alloc)`,
    String.raw`(?:CUDA|HIP)_ERROR_OUT_OF_MEMORY|(?:cuda|hip)Error(?:MemoryAllocation|OutOfMemory)|out_of_memory: CUDA`,
    String.raw`(?:CUBLAS|CUDNN|CUSOLVER|CUSPARSE|CURAND|CUFFT|HIPBLAS|HIPSPARSE)(?:_STATUS)?_ALLOC(?:ATION)?_FAILED|rocblas_status_memory_error|miopenStatusAllocFailed`,
    String.raw`RESOURCE_EXHAUSTED: .{0,400}?(?:memory|allocat|hbm|reserve)|Ran out of memory in memory space`,
    String.raw`(?:cudaMalloc|cuMem\w{1,30}|hipMalloc) failed: out of memory`,
    String.raw`ResourceExhaustedError\b.{0,40}?(?:OOM|Out of memory|failed to allocate)|OOM when allocating tensor`,
    String.raw`Allocator \(\w{1,40}\) ran out of memory trying to allocate`,
    String.raw`ran out of memory (?:on GPU|with exception)`,
    String.raw`No available memory for the cache blocks`,
  ].join('|'),
  'i',
)
const HOST = new RegExp(
  [
    String.raw`(?:DefaultCPUAllocator|Torch): (?:can't allocate|not enough) memory|CPUAllocator\.cpp:\d{1,6}\] posix_memalign`,
    String.raw`\boom[-_]kill(?:er)? event|OOM Killed\b|cgroup out-of-memory handler|[Ee]xceeded (?:job|step) memory limit|exceeded memory limit|TERM_MEMLIMIT|\bmem \d{1,15}kb exceeded limit`,
    String.raw`\bOOMKilled\b|low on resource: memory`,
    String.raw`\b_ArrayMemoryError: Unable to allocate |MemoryError: Unable to allocate |: Out Of Memory$|^(?:builtins\.)?MemoryError\b|Cannot allocate memory\)?$|OSError: \[Errno 12\] `,
    String.raw`java\.lang\.OutOfMemoryError|what\(\): {1,3}std::bad_alloc|'std::bad_alloc'|killed due to (?:memory pressure|the node running low on memory)`,
    String.raw`DataLoader worker \(pid[^)]{1,60}\) is killed by signal: (?:Killed|Bus error)|out of shared memory|Error(?:: failed to extend| while creating shared memory segment) /dev/shm/`,
    String.raw`on host: CUDA_ERROR_OUT_OF_MEMORY|could not allocate pinned host memory|OOM when allocating tensor.{1,300}/device:CPU:`,
  ].join('|'),
)
/** Somebody caught it and goes on: no end. A library that logs at this level tries again, or with less. */
const CAUGHT =
  /\bretry(?:ing)?\b|\bskipp?(?:ing|ed)? (?:this |the )?(?:batch|step|sample|example)|is not a failure|recover(?:ing)? from OOM|\bcaught\b.{0,40}(?:OOM|out of memory)|(?:reduc|decreas|halv)ing (?:the )?(?:micro-?)?batch|fall(?:ing)? back|^.{0,120}\bWARNING\b(?!.{0,40}NCCL).{0,80}ran out of memory|^.{0,60} I .{0,20}tensorflow.{0,60}(?:cuda_driver|bfc_allocator)/i
/** Speaks of what could happen, or of what to do about it. */
const ADVICE =
  /\b(?:if|when|in case|whether|to (?:avoid|prevent)|avoids?|prevents?|may|might|could|can) (?:\S{1,40} ){0,8}(?:OOMs?\b|out[- ]of[- ]memory)|(?:OOMs?|out[- ]of[- ]memory) errors? (?:\S{1,20} ){0,3}(?:occurs?|happens?|can|may|might)\b|^\s{0,40}(?:#|\/\/|>>> |(?:except|raise|catch|throw)\b)/i
const PRESSURE = /pytorch allocator cache flush(?:es)? since last step/

function kindOf(text: string): string | undefined {
  if (PRESSURE.test(text)) return 'memory-pressure'
  const type = HOST.test(text) ? 'host-oom' : DEVICE.test(text) ? 'oom' : undefined
  return type !== undefined && CAUGHT.test(text) ? 'oom-retried' : type
}

/** Undefined where the text speaks of no memory that ran out. `rank` comes from the line's prefix. */
export function readOutOfMemory(text: string, rank: number | undefined): Event | undefined {
  if (!WORTH.test(text)) return undefined
  const type = kindOf(text)
  if (type === undefined) return undefined
  const figures = figuresIn(text)
  // An error of a device says how much it asked for, or is raised; advice does neither.
  if (
    type !== 'host-oom' &&
    figures.requestedBytes === undefined &&
    !/^[\w.]{1,200}(?:Error|Exception)\b/.test(text) &&
    ADVICE.test(text)
  )
    return undefined
  return { kind: 'event', type, rank, message: text, ...placeIn(text), ...figures }
}

const NCCL = /Watchdog caught collective operation timeout: |ProcessGroupNCCL's watchdog got stuck for \d/
const GLOO = /gloo\/transport\/\S{1,100}\] Timed out waiting \d{1,12}ms for/

/** `WorkNCCL(SeqNum=21, OpType=ALLREDUCE, …)`, and from torch 2.3 on `[PG ID 3 PG GUID 5(dp_group) Rank 1]` before it. */
const WORK = /WorkNCCL\(SeqNum=(\d{1,15}), OpType=(\w{1,40})/
const GROUP = /\[PG (?:ID )?(\d{1,9})(?: PG GUID [^ (]{1,60}\(([^)]{1,80})\))?/

export function readTimeout(text: string, rank: number | undefined): Event | undefined {
  const type = NCCL.test(text) ? 'nccl-timeout' : GLOO.test(text) ? 'gloo-timeout' : undefined
  if (type === undefined) return undefined
  const [, sequence, operation] = WORK.exec(text) ?? []
  const [, number, description] = GROUP.exec(text) ?? []
  return {
    kind: 'event',
    type,
    rank: placeIn(text).rank ?? rank,
    message: text,
    operation: operation === undefined ? undefined : (operationOf(operation) ?? operation.toLowerCase()),
    collectiveSequence: sequence === undefined ? undefined : Number(sequence),
    group: description ?? (number === undefined ? undefined : `PG ${number}`),
  }
}
