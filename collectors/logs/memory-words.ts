/**
 * The words in which tools say that memory ran out, by whose memory it was; those of somebody who caught it and goes on; and those
 * that only speak of it. PyTorch, by era: `(GPU 0; A total capacity; B already allocated; C free; D cached)` to 1.3, `D reserved in
 * total by PyTorch` from 1.4 to 2.0, sentences from 2.1 on.
 * https://github.com/pytorch/pytorch/blob/main/c10/cuda/CUDACachingAllocator.cpp
 */

const anyOf = (patterns: readonly RegExp[], flags = '') =>
  new RegExp(patterns.map(({ source }) => source).join('|'), flags)

/** Cheap: most lines of a log are none of these. */
export const WORTH =
  /memory|oom|exhausted|alloc|hbm|MEMLIMIT|killed by signal|\/dev\/shm|<\/torch_|exceeded limit|insufficient resources|OUT_OF_ME/i

export const DEVICE = anyOf(
  [
    // Frameworks, by the name of the device.
    /\b(?:CUDA|HIP|XPU|NPU|MPS|MUSA|MLU|HPU|TPU|GPU|CUDNN|CUBLAS)\b (?:runtime |driver )?(?:error:? ?(?:\(\d{1,4}\) ?:? ?)?|backend )?out of memory/,
    /(?:^|[\s.])(?:torch\.(?:cuda\.)?)?OutOfMemoryError\b(?!: (?:Java|Task was|GC overhead|Direct buffer|unable to create))/,
    /out of memory error on [GNX]PU|ran out of memory(?: on GPU| with exception|, skipp?ing)|PT_DEVMEM Allocation failed|Device\(id:\d{1,4}\) memory isn't enough/,
    /Allocator \(\w{1,40}\) ran out of memory trying to allocate|Out of memory allocating [\d,]{1,30} bytes/,
    // The runtimes below them, by code, name or call.
    /error ?(?:=|\()2\)? ?: out of memory|Error out of memory at line \d|Error Code 2: OutOfMemory/,
    /(?:Cuda|HIP) failure (?:\d{1,4} )?'out of memory'|Failed to (?:CUDA|HIP) (?:calloc|malloc|alloc)/,
    /(?:CUDA|HIP)_ERROR_OUT_OF_MEMORY|(?:cuda|hip)Error(?:MemoryAllocation|OutOfMemory)|out_of_memory: CUDA/,
    /(?:cudaMalloc|cuMem\w{1,30}|hipMalloc)(?: retry)? failed: out of memory/,
    // Libraries that could not have a workspace or a handle.
    /(?:CUBLAS|CUSOLVER|CUSPARSE|CURAND|CUFFT|HIPBLAS|HIPSPARSE)(?:_STATUS)?_ALLOC(?:ATION)?_FAILED|CUDNN_STATUS_\w{0,40}ALLOC(?:ATION)?_FAILED/,
    /rocblas_status_memory_error|miopenStatusAllocFailed|insufficient resources when calling `cu\w{3,20}Create/,
    /BFCArena::AllocateRawInternal.{1,400}(?:Failed to allocate|smaller than requested)|nrt\w{0,40}.{0,80}Failed to allocate/,
    // XLA and TensorFlow.
    /RESOURCE_?\s?EXHAUSTED: .{0,400}?(?:memory|allocat|hbm|reserve)|Ran out of memory in memory space/,
    /Attempting to (?:allocate|reserve) [\d.]{1,20} ?\w{0,3}\b.{0,60}That was not possible/,
    /ResourceExhaustedError\b.{0,400}?(?:OOM|Out of memory|failed to allocate)|OOM when allocating tensor/,
    // Engines that plan their memory, and find that the plan does not fit.
    /No available memory for the cache blocks|Free memory on device .{1,60} is less than desired|KV cache is needed, which is larger than the available/,
    /Not enough memory\. Please try to \w{1,20} --mem-fraction-static/,
  ],
  'i',
)

export const HOST = anyOf([
  // Allocators of frameworks and languages.
  /(?:DefaultCPUAllocator|Torch): (?:can't allocate|not enough) memory|CPUAllocator\.cpp:\d{1,6}\] posix_memalign/,
  /\b_ArrayMemoryError: Unable to allocate |MemoryError: Unable to allocate |^(?:builtins\.)?MemoryError\b(?!.{0,80}: CUDA error)|ArrowMemoryError\b/,
  /Cannot allocate memory(?:\)|$| \(12\))|OSError: \[Errno 12\] /,
  /what\(\): {1,3}std::bad_alloc|'std::bad_alloc'|memory allocation of \d{1,20} bytes failed|fatal error: runtime: out of memory/,
  /java\.lang\.OutOfMemoryError|JavaScript heap out of memory/,
  /on host: CUDA_ERROR_OUT_OF_MEMORY|could not allocate pinned host memory|OOM when allocating tensor.{1,300}\/device:CPU:/,
  // Schedulers and containers.
  /\boom[-_]kill(?:er)? event|OOM Killed\b|cgroup out-of-memory handler|: Out Of Memory$|[Ee]xceeded (?:job |step )?(?:virtual )?memory limit/,
  /\bJobState=OUT_OF_MEMORY\b|\bOUT_OF_ME(?:MORY|\+)\s{1,20}0:125\b|\bState: OUT_OF_MEMORY\b/,
  /TERM_MEMLIMIT|\bv?mem \d{1,15}kb exceeded limit|Cgroup mem(?:sw)? limit exceeded|exceeded a memory resource limit|gone over memory limit of/,
  /\bOOMKilled\b(?!"?:? ?"?false)|low on resource: memory|System OOM encountered|\bcontainer oom [\da-f]{6,64} \(/,
  /killed due to the node running low on memory|RayOutOfMemoryError|\b[1-9]\d{0,6} Workers? \(tasks \/ actors\) killed due to memory pressure/,
  /exceeded \d{1,3}% memory budget\. (?:Restarting|Killing)/,
  // Shared memory, which is the host's.
  /DataLoader worker \(pid[^)]{1,60}\) is killed by signal: (?:Killed|Bus error)|dataloader's workers are out of shared memory/,
  /Error(?:: failed to extend| while creating shared memory segment) \/dev\/shm\/|<\/torch_\w{1,60}>.{0,40}No space left on device/,
])

/** What looks like it, and is another thing: memory that may be locked, shared memory of one kernel. */
export const OTHER = /\bibv_\w{1,40}\b|OutOfResources: out of resource: shared memory/

/** Somebody caught it and goes on: no end. A library that logs at this level tries again, or with less. */
export const CAUGHT = anyOf(
  [
    /\bretry(?:ing)?\b|will be retr(?:ied|ained)|\bskipp?(?:ing|ed)? (?:this |the )?(?:batch|step|sample|example)/,
    /is not a failure|recover(?:ing)? from OOM|\bcaught\b.{0,40}(?:OOM|out of memory)|fall(?:ing)? back/,
    /(?:reduc|decreas|halv)ing (?:the )?(?:micro-?)?batch|batch size will be (?:de|re)(?:creas|duc)ed|accumulation increased from/,
    /^.{0,120}\bWARNING\b(?!.{0,40}NCCL).{0,80}ran out of memory|^.{0,60} I .{0,20}tensorflow.{0,60}(?:cuda_driver|bfc_allocator)/,
  ],
  'i',
)

/** Speaks of what could happen, or of what to do about it. */
export const ADVICE = anyOf(
  [
    /\b(?:if|when|in case|whether|to (?:avoid|prevent)|avoids?|prevents?|may|might|could|can) (?:\S{1,40} ){0,8}(?:OOMs?\b|out[- ]of[- ]memory)/,
    /(?:OOMs?|out[- ]of[- ]memory) errors? (?:\S{1,20} ){0,3}(?:occurs?|happens?|can|may|might)\b/,
    /^\s{0,40}(?:#|\/\/|>>> |(?:except|raise|catch|throw)\b)/,
  ],
  'i',
)

/** The allocator gives back what it kept, to be able to go on. */
export const PRESSURE = /pytorch allocator cache flush(?:es)? since last step/
