/** What Python, the kernel and its daemons say when a host’s memory, or a limit of it, ran out. */
import { GIB, KIB, MIB, type Text } from './text'

export const HOST: readonly Text[] = [
  {
    name: 'Python',
    text: 'Traceback (most recent call last):\n  File "load.py", line 3, in <module>\nMemoryError',
    events: [{ type: 'host-oom' }],
  },
  {
    name: 'NumPy',
    text: 'numpy.exceptions._ArrayMemoryError: Unable to allocate 96.0 MiB for an array with shape (4096, 3072) and data type float64',
    events: [{ type: 'host-oom', requestedBytes: 96 * MIB }],
  },
  {
    name: 'NumPy 2',
    text: 'numpy._core._exceptions._ArrayMemoryError: Unable to allocate 1.50 TiB for an array with shape (450000, 450000) and data type float64',
    events: [{ type: 'host-oom', requestedBytes: 1.5 * 1024 * GIB }],
  },
  {
    name: 'torch on processors',
    text: 'RuntimeError: [enforce fail at alloc_cpu.cpp:114] data. DefaultCPUAllocator: not enough memory: you tried to allocate 17179869184 bytes.',
    events: [{ type: 'host-oom', requestedBytes: 16 * GIB }],
  },
  {
    name: 'torch on processors, with its error number',
    text: "RuntimeError: [enforce fail at alloc_cpu.cpp:75] err == 0. DefaultCPUAllocator: can't allocate memory: you tried to allocate 7105020 bytes. Error code 12 (Cannot allocate memory)",
    events: [{ type: 'host-oom', requestedBytes: 7105020 }],
  },
  {
    name: 'C++',
    text: "terminate called after throwing an instance of 'std::bad_alloc'\n  what():  std::bad_alloc",
    events: [{ type: 'host-oom' }],
  },
  { name: 'C++ through Python', text: 'MemoryError: std::bad_alloc', events: [{ type: 'host-oom' }] },
  {
    name: 'Arrow',
    text: 'pyarrow.lib.ArrowMemoryError: malloc of size 2147483648 failed',
    events: [{ type: 'host-oom', requestedBytes: 2 * GIB }],
  },
  { name: 'a fork', text: 'OSError: [Errno 12] Cannot allocate memory', events: [{ type: 'host-oom' }] },
  { name: 'a shell that cannot fork', text: 'bash: fork: Cannot allocate memory', events: [{ type: 'host-oom' }] },
  {
    name: 'an mmap of a checkpoint',
    text: 'RuntimeError: unable to mmap 9976576152 bytes from file </ckpt/model-00001.safetensors>: Cannot allocate memory (12)',
    events: [{ type: 'host-oom', requestedBytes: 9976576152 }],
  },
  {
    name: 'pinned memory, in a traceback',
    text: 'Traceback (most recent call last):\n  File "train.py", line 8, in <module>\n    engine = deepspeed.initialize(model=model)\n  File "/usr/lib/python3/dist-packages/deepspeed/accelerator/cuda_accelerator.py", line 296, in pin_memory\n    return tensor.pin_memory()\nRuntimeError: CUDA error: out of memory',
    events: [{ type: 'host-oom' }],
  },
  {
    name: 'XLA’s pinned memory',
    text: 'E0107 10:00:01.123456   77 cuda_executor.cc:1240] could not allocate pinned host memory of size: 17179869184',
    events: [{ type: 'host-oom', requestedBytes: 16 * GIB }],
  },
  {
    name: 'a loader’s worker by its bus error',
    text: "RuntimeError: DataLoader worker (pid 71) is killed by signal: Bus error. It is possible that dataloader's workers are out of shared memory. Please try to raise your shared memory limit.",
    events: [{ type: 'host-oom' }],
  },
  {
    name: 'a loader’s worker that is gone',
    text: 'RuntimeError: DataLoader worker (pid(s) 4711, 4712) exited unexpectedly',
    events: [],
  },
  {
    name: 'shared memory by its file',
    text: 'RuntimeError: unable to write to file </torch_71_1234_0>: No space left on device (28)',
    events: [{ type: 'host-oom' }],
  },
  {
    name: 'shared memory of NCCL',
    text: 'gpu-3:9621:9691 [6] misc/shmutils.cc:71 NCCL WARN Error: failed to extend /dev/shm/nccl-fjwOOB to 5967876 bytes',
    events: [{ type: 'host-oom', node: 'gpu-3', requestedBytes: 5967876 }],
  },
  {
    name: 'the kernel, cgroup v2, whole report',
    text: [
      '[ 3449.257924] python3 invoked oom-killer: gfp_mask=0xcc0(GFP_KERNEL), order=0, oom_score_adj=0',
      '[ 3449.257933] CPU: 0 PID: 405 Comm: python3 Not tainted 6.8.0-40-generic #40-Ubuntu',
      '[ 3449.258030] memory: usage 33554432kB, limit 33554432kB, failcnt 1204',
      '[ 3449.258031] swap: usage 0kB, limit 0kB, failcnt 0',
      '[ 3449.258040] oom-kill:constraint=CONSTRAINT_MEMCG,nodemask=(null),cpuset=job_17,mems_allowed=0,oom_memcg=/system.slice/slurmstepd.scope/job_17,task_memcg=/system.slice/slurmstepd.scope/job_17/step_0/user/task_0,task=python3,pid=405,uid=1001',
      '[ 3449.258050] Memory cgroup out of memory: Killed process 405 (python3) total-vm:41943040kB, anon-rss:31457280kB, file-rss:10240kB, shmem-rss:2048kB, UID:1001 pgtables:65536kB oom_score_adj:0',
      '[ 3449.300000] oom_reaper: reaped process 405 (python3), now anon-rss:0kB, file-rss:0kB, shmem-rss:0kB',
    ].join('\n'),
    events: [
      {
        type: 'host-oom',
        pid: 405,
        device: 'python3',
        capacityBytes: 32 * GIB,
        processBytes: (31457280 + 10240 + 2048) * KIB,
      },
    ],
  },
  {
    name: 'the kernel of old, cgroup v1',
    text: 'Nov 17 06:18:01 node7 kernel: Task in /slurm/uid_1001/job_9/step_0 killed as a result of limit of /slurm/uid_1001/job_9\nNov 17 06:18:01 node7 kernel: memory: usage 8388608kB, limit 8388608kB, failcnt 77\nNov 17 06:18:01 node7 kernel: Memory cgroup out of memory: Kill process 2211 (python) score 991 or sacrifice child\nNov 17 06:18:01 node7 kernel: Killed process 2211 (python) total-vm:20971520kB, anon-rss:8300000kB, file-rss:1024kB, shmem-rss:0kB',
    events: [{ type: 'host-oom', node: 'node7', pid: 2211, capacityBytes: 8 * GIB, processBytes: 8301024 * KIB }],
  },
  {
    name: 'the kernel, a whole group',
    text: '[  100.000001] Tasks in /kubepods.slice/pod1 are going to be killed due to memory.oom.group set\n[  100.000002] Memory cgroup out of memory: Killed process 77 (pt_main_thread) total-vm:100kB, anon-rss:60kB, file-rss:4kB, shmem-rss:0kB, UID:0 pgtables:1kB oom_score_adj:1000\n[  100.000003] Memory cgroup out of memory: Killed process 78 (pt_data_worker) total-vm:100kB, anon-rss:20kB, file-rss:4kB, shmem-rss:0kB, UID:0 pgtables:1kB oom_score_adj:1000',
    events: [
      { type: 'host-oom', pid: 77 },
      { type: 'host-oom', pid: 78 },
    ],
  },
  {
    name: 'systemd-oomd',
    text: 'Sep 10 14:59:49 node4 systemd-oomd[34]: Killed /system.slice/train.service due to memory pressure for /system.slice being 64.15% > 50.00% for > 20s with reclaim activity',
    events: [{ type: 'host-oom', node: 'node4', device: '/system.slice/train.service' }],
  },
  {
    name: 'systemd-oomd for swap',
    text: 'Sep 10 14:59:49 node4 systemd-oomd[34]: Killed /user.slice/user-1000.slice/session-2.scope due to memory used (65796702208) / total (66995998720) and swap used (8100000000) / total (8589930496) being more than 90.00%',
    events: [{ type: 'host-oom', node: 'node4', processBytes: undefined }],
  },
  {
    name: 'systemd-oomd of today',
    text: 'Sep 10 14:59:49 node4 systemd-oomd[34]: Marked /system.slice/train.service for killing due to memory pressure for /system.slice being 85.03% > 80.00% for > 2s with reclaim activity',
    events: [{ type: 'host-oom', node: 'node4', device: '/system.slice/train.service' }],
  },
  {
    name: 'systemd, of a service',
    text: "Sep 10 15:00:00 node4 systemd[1]: train.service: A process of this unit has been killed by the OOM killer.\nSep 10 15:00:01 node4 systemd[1]: train.service: Failed with result 'oom-kill'.",
    events: [
      { type: 'host-oom', node: 'node4', device: 'train.service' },
      { type: 'host-oom', device: 'train.service' },
    ],
  },
  {
    name: 'earlyoom',
    text: 'earlyoom[612]: low memory! at or below SIGTERM limits: mem 10.00%, swap 10.00%\nearlyoom[612]: sending SIGTERM to process 2211 uid 1000 "python3": oom_score 1160, VmRSS 24576 MiB, cmdline "python3 train.py"',
    events: [{ type: 'host-oom', pid: 2211, processBytes: 24 * GIB }],
  },
  {
    name: 'Rust',
    text: 'memory allocation of 1073741824 bytes failed',
    events: [{ type: 'host-oom', requestedBytes: GIB }],
  },
  { name: 'Go', text: 'fatal error: runtime: out of memory', events: [{ type: 'host-oom' }] },
  {
    name: 'JavaScript',
    text: 'FATAL ERROR: Reached heap limit Allocation failed - JavaScript heap out of memory',
    events: [{ type: 'host-oom' }],
  },
]
