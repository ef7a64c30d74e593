/** What speaks of memory that ran out and is no end: caught, tried again, advised, set, counted, documented. */
import type { Text } from './text'

const retried = (name: string, text: string): Text => ({ name, text, events: [{ type: 'oom-retried' }] })
const nothing = (name: string, text: string): Text => ({ name, text, events: [] })

export const NONE: readonly Text[] = [
  retried('a batch that is skipped', 'WARNING: ran out of memory, skipping batch'),
  retried(
    'a batch that is tried again',
    'WARNING | trainer | OOM: CUDA out of memory. Tried to allocate 28.00 MiB. Retrying batch with half its size',
  ),
  retried('Accelerate’s search', 'Decreasing batch size to: 16. CUDA out of memory. Tried to allocate 1.00 GiB'),
  retried(
    'Composer’s search',
    'INFO: composer.trainer.trainer: CUDA out of memory detected. Train microbatch size will be decreased from 8 -> 4.',
  ),
  nothing('Lightning’s search', 'Batch size 64 failed, trying batch size 32'),
  retried(
    'Composer of old',
    'CUDA out of memory detected. Gradient Accumulation increased from 1 -> 2, and the batch will be retrained.',
  ),
  nothing(
    'locked memory of a network card',
    'gpu-2:4016:4653 [7] misc/ibvwrap.cc:190 NCCL WARN Call to ibv_create_cq failed with error Cannot allocate memory',
  ),
  nothing('a container that was not', '"State": {"Status":"exited","OOMKilled":false,"ExitCode":1}'),
  nothing(
    'a logger’s JSON without an end',
    '{"level":"info","msg":"OOM guard is on","alloc_conf":"expandable_segments:True"}',
  ),
  retried(
    'TensorFlow’s allocator',
    '2026-01-07 10:00:00.000001: W tensorflow/core/common_runtime/bfc_allocator.cc:245] Allocator (GPU_0_bfc) ran out of memory trying to allocate 2.13GiB with freed_by_count=0. The caller indicates that this is not a failure, but may mean that there could be performance gains if more memory were available.',
  ),
  retried(
    'a handler in the script',
    'Caught OOM at step 77: CUDA out of memory. Tried to allocate 5.00 GiB; clearing the cache and going on',
  ),
  retried(
    'cuDNN falls back',
    'UserWarning: Plan failed with an OutOfMemoryError: CUDA out of memory. Tried to allocate 7.50 GiB. Falling back to the next plan (Triggered internally at ../aten/src/ATen/native/cudnn/Conv_v8.cpp:919.)',
  ),
  nothing(
    'expandable segments are not there',
    'UserWarning: expandable_segments not supported on this platform (Triggered internally at ../c10/cuda/CUDAAllocatorConfig.h:28.)',
  ),
  nothing('a setting', 'PYTORCH_CUDA_ALLOC_CONF=expandable_segments:True,garbage_collection_threshold:0.8'),
  nothing('an argument', '  oom_retry_attempts ............................. 3'),
  nothing(
    'an argument of a batch search',
    '  --find_executable_batch_size   halve the batch until there is no out-of-memory error',
  ),
  nothing(
    'a configuration in Python',
    'TrainingArguments(auto_find_batch_size=True, skip_memory_metrics=True, torch_empty_cache_steps=4)',
  ),
  nothing('a comment', '# reduce the micro-batch if CUDA out of memory'),
  nothing('advice', 'If you run out of memory, try a smaller batch size or gradient checkpointing.'),
  nothing('advice about the error', 'To avoid CUDA out of memory errors, lower --micro-batch-size.'),
  nothing('a source line of a traceback', '    except torch.cuda.OutOfMemoryError as error:'),
  nothing('a source line that raises', '    raise RuntimeError("CUDA out of memory") from error'),
  nothing('a count of none', 'oom_count: 0, skipped: 0'),
  nothing('a count of none in JSON', '{"step": 100, "loss": 2.5, "oom_errors": 0, "num_alloc_retries": 0}'),
  nothing('a table of the allocator', '|       CUDA OOMs: 0            |        cudaMalloc retries: 0         |'),
  nothing('a test that passed', 'PASSED tests/test_oom.py::test_out_of_memory_is_caught'),
  nothing(
    'shared memory of a kernel',
    'triton.runtime.errors.OutOfResources: out of resource: shared memory, Required: 114688, Hardware limit: 101376. Reducing block sizes or `num_stages` may help.',
  ),
  nothing('a setting of the kernel', '  vm.panic_on_oom = 0'),
  nothing('a score', 'oom_score_adj: 1000'),
  nothing('Kubernetes’ counter', 'container_oom_events_total{container="trainer"} 0'),
  nothing('a cgroup’s counters', 'oom 0\noom_kill 0'),
  nothing('a handler that is installed', 'INFO: Installed OOM observer, memory snapshots go to /tmp/oom'),
  nothing(
    'TensorFlow that grows',
    'Physical devices cannot be modified after being initialized; set_memory_growth to avoid out of memory',
  ),
  nothing('pressure', 'kernel: psi: memory pressure monitor ready'),
]
