/** What frameworks print when a device runs out: forms of many eras, with figures of our own. */
import { GIB, KIB, MIB, type Text } from './text'

const T2 =
  'If reserved but unallocated memory is large try setting PYTORCH_CUDA_ALLOC_CONF=expandable_segments:True to avoid fragmentation.  See documentation for Memory Management  (https://pytorch.org/docs/stable/notes/cuda.html#environment-variables)'
const T1 =
  'If reserved memory is >> allocated memory try setting max_split_size_mb to avoid fragmentation.  See documentation for Memory Management and PYTORCH_CUDA_ALLOC_CONF'

export const DEVICE: readonly Text[] = [
  {
    name: 'torch 0.4',
    text: 'RuntimeError: CUDA error: out of memory',
    events: [{ type: 'oom' }],
  },
  {
    name: 'torch 1.0, cached',
    text: 'RuntimeError: CUDA out of memory. Tried to allocate 1024.00 MiB (GPU 0; 15.90 GiB total capacity; 14.25 GiB already allocated; 991.56 MiB free; 607.00 KiB cached)',
    events: [
      {
        ...{ type: 'oom', gpuIndex: 0, requestedBytes: 1024 * MIB, capacityBytes: 15.9 * GIB, freeBytes: 991.56 * MIB },
        ...{ allocatedBytes: 14.25 * GIB, reservedUnallocatedBytes: 607 * KIB },
      },
    ],
  },
  {
    name: 'torch 1.10 with a job’s wrapper',
    text: `2026-01-07 11:02:03,114 ERROR trainer.py:88 - RuntimeError('CUDA out of memory. Tried to allocate 978.00 MiB (GPU 3; 39.59 GiB total capacity; 36.60 GiB already allocated; 384.19 MiB free; 37.20 GiB reserved in total by PyTorch) ${T1}')`,
    events: [
      {
        ...{ type: 'oom', gpuIndex: 3, requestedBytes: 978 * MIB, capacityBytes: 39.59 * GIB, freeBytes: 384.19 * MIB },
        ...{ allocatedBytes: 36.6 * GIB, reservedBytes: 37.2 * GIB },
      },
    ],
  },
  {
    name: 'torch 2.1 behind a rank, coloured',
    text: `\u001b[31m[rank5]:\u001b[0m torch.cuda.OutOfMemoryError: CUDA out of memory. Tried to allocate 3.91 GiB. GPU 5 has a total capacty of 79.15 GiB of which 2.30 GiB is free. Including non-PyTorch memory, this process has 76.84 GiB memory in use. Of the allocated memory 71.52 GiB is allocated by PyTorch, and 3.57 GiB is reserved by PyTorch but unallocated. ${T2}`,
    events: [
      {
        ...{ type: 'oom', rank: 5, gpuIndex: 5, requestedBytes: 3.91 * GIB, capacityBytes: 79.15 * GIB },
        ...{ freeBytes: 2.3 * GIB, processBytes: 76.84 * GIB, allocatedBytes: 71.52 * GIB },
        reservedUnallocatedBytes: 3.57 * GIB,
      },
    ],
  },
  {
    name: 'torch 2.6 with two processes and private pools',
    text: `torch.OutOfMemoryError: CUDA out of memory. Tried to allocate 20.00 MiB. GPU 1 has a total capacity of 23.64 GiB of which 11.06 MiB is free. Process 1881 has 10.41 GiB memory in use. Including non-PyTorch memory, this process has 13.20 GiB memory in use. Of the allocated memory 12.10 GiB is allocated by PyTorch, with 112.00 MiB allocated in private pools (e.g., CUDA Graphs), and 640.33 MiB is reserved by PyTorch but unallocated. ${T2}`,
    events: [
      {
        ...{ type: 'oom', gpuIndex: 1, requestedBytes: 20 * MIB, freeBytes: 11.06 * MIB, processBytes: 13.2 * GIB },
        ...{ allocatedBytes: 12.1 * GIB, reservedUnallocatedBytes: 640.33 * MIB },
      },
    ],
  },
  {
    name: 'torch 2.8 with a device of its own error',
    text: "torch.AcceleratorError: CUDA error: out of memory\nSearch for `cudaErrorMemoryAllocation' in https://docs.nvidia.com/cuda/cuda-runtime-api/group__CUDART__TYPES.html for more information.\nCUDA kernel errors might be asynchronously reported at some other API call, so the stacktrace below might be incorrect.\nFor debugging consider passing CUDA_LAUNCH_BLOCKING=1\nCompile with `TORCH_USE_CUDA_DSA` to enable device-side assertions.",
    events: [{ type: 'oom' }],
  },
  {
    name: 'torch, what no device has',
    text: 'torch.cuda.OutOfMemoryError: CUDA out of memory. Tried to allocate more than 1EB memory.',
    events: [{ type: 'oom', requestedBytes: undefined }],
  },
  {
    name: 'HIP with its own settings',
    text: 'torch.OutOfMemoryError: HIP out of memory. Tried to allocate 124.00 MiB. GPU 0 has a total capacity of 19.94 GiB of which 554.47 MiB is free. Of the allocated memory 15.87 GiB is allocated by PyTorch, and 165.29 MiB is reserved by PyTorch but unallocated. If reserved but unallocated memory is large try setting PYTORCH_HIP_ALLOC_CONF=expandable_segments:True to avoid fragmentation.',
    events: [{ type: 'oom', requestedBytes: 124 * MIB, capacityBytes: 19.94 * GIB, allocatedBytes: 15.87 * GIB }],
  },
  {
    name: 'XPU',
    text: 'torch.OutOfMemoryError: XPU out of memory. Tried to allocate 8.00 GiB. GPU 0 has a total capacity of 15.91 GiB. Of the allocated memory 12.02 GiB is allocated by PyTorch, and 110.50 MiB is reserved by PyTorch but unallocated. Please use `empty_cache` to release all unoccupied cached memory.',
    events: [{ type: 'oom', requestedBytes: 8 * GIB, capacityBytes: 15.91 * GIB, allocatedBytes: 12.02 * GIB }],
  },
  { name: 'HIP runtime', text: 'RuntimeError: HIP error: out of memory', events: [{ type: 'oom' }] },
  {
    name: 'HIP by name',
    text: 'hipErrorOutOfMemory: hipMalloc of 2147483648 bytes failed at /src/allocator.cpp:41',
    events: [{ type: 'oom', requestedBytes: 2 * GIB }],
  },
  {
    name: 'a macro of CUDA',
    text: 'CUDA error at /src/csrc/kernels.cu:112 code=2(cudaErrorMemoryAllocation) "cudaMalloc(&buffer, bytes)"',
    events: [{ type: 'oom' }],
  },
  {
    name: 'cuBLAS',
    text: 'RuntimeError: CUDA error: CUBLAS_STATUS_ALLOC_FAILED when calling `cublasLtMatmul( ltHandle, computeDesc.descriptor(), &alpha_val )`',
    events: [{ type: 'oom' }],
  },
  { name: 'cuDNN 9', text: 'RuntimeError: cuDNN error: CUDNN_STATUS_ALLOC_FAILED', events: [{ type: 'oom' }] },
  {
    name: 'cuDNN’s internal allocation',
    text: 'RuntimeError: cuDNN error: CUDNN_STATUS_INTERNAL_ERROR_DEVICE_ALLOCATION_FAILED',
    events: [{ type: 'oom' }],
  },
  {
    name: 'cuSPARSE',
    text: 'RuntimeError: CUDA error: insufficient resources when calling `cusparseCreate(handle)`',
    events: [{ type: 'oom' }],
  },
  {
    name: 'cuSOLVER',
    text: 'RuntimeError: cusolver error: CUSOLVER_STATUS_ALLOC_FAILED, when calling `cusolverDnCreate(handle)`',
    events: [{ type: 'oom' }],
  },
  { name: 'cuFFT', text: 'RuntimeError: cuFFT error: CUFFT_ALLOC_FAILED', events: [{ type: 'oom' }] },
  {
    name: 'NCCL through torch',
    text: '[rank3]: torch.distributed.DistBackendError: NCCL error in: /pytorch/torch/csrc/distributed/c10d/NCCLUtils.cpp:77, unhandled cuda error (run with NCCL_DEBUG=INFO for details), NCCL version 2.26.2\n[rank3]: ncclUnhandledCudaError: Call to CUDA function failed.\n[rank3]: Last error:\n[rank3]: Failed to CUDA calloc async 4 bytes',
    events: [{ type: 'oom', rank: 3, requestedBytes: 4 }],
  },
  {
    name: 'NCCL through torch, the failure alone',
    text: "[rank7]: torch.distributed.DistBackendError: NCCL error in: ../torch/csrc/distributed/c10d/NCCLUtils.hpp:275, unhandled cuda error (run with NCCL_DEBUG=INFO for details), NCCL version 2.20.5\n[rank7]: ncclUnhandledCudaError: Call to CUDA function failed.\n[rank7]: Last error:\n[rank7]: Cuda failure 2 'out of memory'",
    events: [{ type: 'oom', rank: 7 }],
  },
  {
    name: 'NCCL itself',
    text: "gpu-17:3063028:3066152 [3] include/alloc.h:178 NCCL WARN Cuda failure 2 'out of memory'\ngpu-17:3063028:3066152 [3] include/alloc.h:185 NCCL WARN Failed to CUDA calloc 6291456 bytes",
    events: [
      { type: 'oom', node: 'gpu-17' },
      { type: 'oom', node: 'gpu-17', requestedBytes: 6 * MIB },
    ],
  },
  {
    name: 'JAX on a GPU, bytes',
    text: 'jaxlib.xla_extension.XlaRuntimeError: RESOURCE_EXHAUSTED: Out of memory while trying to allocate 4770354232 bytes.\nBufferAssignment OOM Debugging.\nBufferAssignment stats:\n             parameter allocation:  372.76MiB\n              constant allocation:    48.5KiB\n        maybe_live_out allocation:    9.64GiB\n     preallocated temp allocation:    4.44GiB\n                 total allocation:   14.44GiB\n              total fragmentation:  680.30MiB (4.60%)',
    events: [{ type: 'oom', requestedBytes: 4770354232 }],
  },
  {
    name: 'JAX on a GPU, a request on a device',
    text: 'XlaRuntimeError: RESOURCE_EXHAUSTED: Failed to allocate request for 2.99GiB (3206250496B) on device ordinal 6',
    events: [{ type: 'oom', gpuIndex: 6, requestedBytes: 3206250496 }],
  },
  {
    name: 'JAX of today',
    text: 'jax.errors.JaxRuntimeError: RESOURCE_EXHAUSTED: Out of memory while trying to allocate 16.00GiB.',
    events: [{ type: 'oom', requestedBytes: 16 * GIB }],
  },
  {
    name: 'JAX before it had codes',
    text: 'RuntimeError: Resource exhausted: Failed to allocate request for 32.00MiB (33554432B) on device ordinal 0',
    events: [{ type: 'oom', gpuIndex: 0, requestedBytes: 32 * MIB }],
  },
  {
    name: 'a TPU’s program',
    text: 'jaxlib.xla_extension.XlaRuntimeError: RESOURCE_EXHAUSTED: XLA:TPU compile permanent error. Ran out of memory in memory space hbm. Used 63.80G of 30.75G hbm. Exceeded hbm capacity by 33.05G.\n\nTotal hbm usage >= 65.05G:\n    reserved          1.25G\n    program          63.80G\n    arguments            0B',
    events: [{ type: 'oom', requestedBytes: 63.8 * GIB, capacityBytes: 30.75 * GIB }],
  },
  {
    name: 'a TPU’s buffer',
    text: 'jaxlib.xla_extension.XlaRuntimeError: RESOURCE_EXHAUSTED: Error allocating device buffer: Attempting to allocate 4.00G. That was not possible. There are 2.51G free.; (0x0x0_HBM0)',
    events: [{ type: 'oom', requestedBytes: 4 * GIB, freeBytes: 2.51 * GIB }],
  },
  {
    name: 'a TPU of old',
    text: 'RuntimeError: Resource exhausted: From /job:tpu_worker/replica:0/task:0:\nAttempting to reserve 3.95G at the bottom of memory. That was not possible. There are 1.92G free, 0B reserved, and 1.92G reservable.; ',
    events: [{ type: 'oom', requestedBytes: 3.95 * GIB, freeBytes: 1.92 * GIB }],
  },
  {
    name: 'TensorFlow’s operator',
    text: 'tensorflow.python.framework.errors_impl.ResourceExhaustedError: {{function_node __wrapped__Mul_device_/job:localhost/replica:0/task:0/device:GPU:2}} failed to allocate memory [Op:Mul]',
    events: [{ type: 'oom', gpuIndex: 2 }],
  },
  {
    name: 'vLLM at its start',
    text: '(EngineCore_DP0 pid=22384) ERROR 10-25 13:08:43 [core.py:708] ValueError: Free memory on device (67.24/79.25 GiB) on startup is less than desired GPU memory utilization (0.9, 71.33 GiB). Decrease GPU memory utilization or reduce GPU memory used by other processes.',
    events: [{ type: 'oom', requestedBytes: 71.33 * GIB, capacityBytes: 79.25 * GIB, freeBytes: 67.24 * GIB }],
  },
  {
    name: 'vLLM without room for its cache',
    text: 'ERROR 11-18 18:07:28 engine.py:366] ValueError: No available memory for the cache blocks. Try increasing `gpu_memory_utilization` when initializing the engine.',
    events: [{ type: 'oom' }],
  },
  {
    name: 'vLLM, too little for one sequence',
    text: "ValueError: To serve at least one request with the models's max seq len (131072), (16.00 GiB KV cache is needed, which is larger than the available KV cache memory (9.61 GiB). Based on the available memory, the estimated maximum model length is 78720.",
    events: [{ type: 'oom', requestedBytes: 16 * GIB, freeBytes: 9.61 * GIB }],
  },
  {
    name: 'SGLang',
    text: 'RuntimeError: Not enough memory. Please try to increase --mem-fraction-static.',
    events: [{ type: 'oom' }],
  },
  {
    name: 'llama.cpp',
    text: 'ggml_backend_cuda_buffer_type_alloc_buffer: allocating 10240.00 MiB on device 1: cudaMalloc failed: out of memory',
    events: [{ type: 'oom', gpuIndex: 1, requestedBytes: 10 * GIB }],
  },
  {
    name: 'in a log of JSON lines',
    text: '{"level":"error","ts":"2026-02-03T10:11:12.500Z","rank":2,"msg":"training failed","exc_info":"Traceback (most recent call last):\\n  File \\"train.py\\", line 9, in <module>\\ntorch.OutOfMemoryError: CUDA out of memory. Tried to allocate 2.50 GiB. GPU 2 has a total capacity of 79.15 GiB of which 1.10 GiB is free. Including non-PyTorch memory, this process has 78.04 GiB memory in use. Of the allocated memory 70.00 GiB is allocated by PyTorch, and 6.00 GiB is reserved by PyTorch but unallocated."}',
    events: [{ type: 'oom', rank: 2, gpuIndex: 2, requestedBytes: 2.5 * GIB, freeBytes: 1.1 * GIB }],
  },
  {
    name: 'torchelastic’s error file',
    text: '{"message": {"message": "OutOfMemoryError: CUDA out of memory. Tried to allocate 64.00 MiB. GPU 4 has a total capacity of 39.39 GiB of which 33.06 MiB is free.", "extraInfo": {"py_callstack": "Traceback (most recent call last):\\n", "timestamp": "1767780000"}}}',
    events: [{ type: 'oom', gpuIndex: 4, requestedBytes: 64 * MIB, capacityBytes: 39.39 * GIB }],
  },
  {
    name: 'two ranks glued into one line',
    text: 'torch.OutOfMemoryError: CUDA out of memory. Tried to allocate 1.00 GiB. GPU 0 has a total capacity of 79.15 GiB of which 200.00 MiB is free.torch.OutOfMemoryError: CUDA out of memory. Tried to allocate 2.00 GiB. GPU 1 has a total capacity of 79.15 GiB of which 300.00 MiB is free.',
    events: [
      { type: 'oom', gpuIndex: 0, requestedBytes: GIB, freeBytes: 200 * MIB },
      { type: 'oom', gpuIndex: 1, requestedBytes: 2 * GIB, freeBytes: 300 * MIB },
    ],
  },
  {
    name: 'cut into lines by a narrow terminal',
    text: 'torch.OutOfMemoryError: CUDA out of memory. Tried to allocate 1.00 GiB. GPU 0 has a total \ncapacity of 79.15 GiB of which 200.00 MiB is free. Including non-PyTorch memory, this \nprocess has 78.90 GiB memory in use.',
    events: [{ type: 'oom', gpuIndex: 0, requestedBytes: GIB, capacityBytes: 79.15 * GIB, freeBytes: 200 * MIB }],
  },
  {
    name: 'a progress bar in front',
    text: ' 16%|█▌        | 4084/25120 [3:02:22<16:20:02,  2.80s/it]RuntimeError: CUDA out of memory. Tried to allocate 64.00 MiB (GPU 0; 10.76 GiB total capacity; 9.50 GiB already allocated; 12.56 MiB free; 9.61 GiB reserved in total by PyTorch)',
    events: [{ type: 'oom', gpuIndex: 0, requestedBytes: 64 * MIB }],
  },
  {
    name: 'two ranks whose tracebacks interleave',
    text: '[rank0]: Traceback (most recent call last):\n[rank1]: Traceback (most recent call last):\n[rank0]:   File "train.py", line 4, in step\n[rank1]:   File "train.py", line 4, in step\n[rank1]: torch.OutOfMemoryError: CUDA out of memory. Tried to allocate 2.00 GiB. GPU 1 has a total capacity of 79.15 GiB of which 1.00 GiB is free.\n[rank0]: torch.distributed.DistBackendError: NCCL communicator was aborted on rank 0.',
    events: [{ type: 'oom', rank: 1, gpuIndex: 1, requestedBytes: 2 * GIB }],
  },
  {
    name: 'Ray’s copy of a worker’s error',
    text: 'ray.exceptions.RayTaskError(OutOfMemoryError): ray::TrainWorker.run() (pid=2211, ip=10.0.0.7)\n  File "/src/train.py", line 12, in run\ntorch.OutOfMemoryError: CUDA out of memory. Tried to allocate 512.00 MiB. GPU 0 has a total capacity of 44.40 GiB of which 101.31 MiB is free.',
    events: [{ type: 'oom', requestedBytes: 512 * MIB, capacityBytes: 44.4 * GIB }],
  },
  {
    name: 'Apple',
    text: 'RuntimeError: MPS backend out of memory (MPS allocated: 17.60 GiB, other allocations: 384.00 KiB, max allowed: 18.13 GiB). Tried to allocate 1.00 GiB on private pool.',
    events: [{ type: 'oom', requestedBytes: GIB, allocatedBytes: 17.6 * GIB, capacityBytes: 18.13 * GIB }],
  },
  {
    name: 'CuPy',
    text: 'cupy.cuda.memory.OutOfMemoryError: Out of memory allocating 8,589,934,592 bytes (allocated so far: 6,442,450,944 bytes).',
    events: [{ type: 'oom', requestedBytes: 8 * GIB, allocatedBytes: 6 * GIB }],
  },
  {
    name: 'RMM',
    text: 'MemoryError: std::bad_alloc: out_of_memory: CUDA error at: /include/rmm/mr/device/cuda_memory_resource.hpp:70: cudaErrorMemoryAllocation out of memory',
    events: [{ type: 'oom' }],
  },
  {
    name: 'ONNX Runtime',
    text: '2026-01-07 10:00:00.1 [E:onnxruntime:, sequential_executor.cc:516 ExecuteKernel] bfc_arena.cc:376 onnxruntime::BFCArena::AllocateRawInternal(size_t) Failed to allocate memory for requested buffer of size 67108864',
    events: [{ type: 'oom', requestedBytes: 64 * MIB }],
  },
  {
    name: 'TensorRT',
    text: '[TRT] [E] 2: [virtualMemoryBuffer.cpp::resizePhysical::140] Error Code 2: OutOfMemory (Requested size was 2097152 bytes.)',
    events: [{ type: 'oom', requestedBytes: 2 * MIB }],
  },
  {
    name: 'bitsandbytes',
    text: 'Error out of memory at line 380 in file /src/csrc/pythonInterface.c',
    events: [{ type: 'oom' }],
  },
  {
    name: 'Gaudi',
    text: 'RuntimeError: [Rank:3] FATAL ERROR :: MODULE:PT_DEVMEM Allocation failed for size::536870912 (512)MB',
    events: [{ type: 'oom', requestedBytes: 512 * MIB }],
  },
  {
    name: 'MindSpore',
    text: "RuntimeError: Device(id:5) memory isn't enough and alloc failed, kernel name: Default/Mul-op1, alloc size: 1073741824B.",
    events: [{ type: 'oom', gpuIndex: 5, requestedBytes: GIB }],
  },
  {
    name: 'a TPU’s core memory',
    text: 'RuntimeError: Bad StatusOr access: RESOURCE_EXHAUSTED: XLA:TPU compile permanent error. Ran out of memory in memory space vmem. Used 32.42M of 16.00M vmem. Exceeded vmem capacity by 16.42M',
    events: [{ type: 'oom', requestedBytes: 32.42 * MIB, capacityBytes: 16 * MIB }],
  },
]
