/** What schedulers, containers and launchers say of a job that had no more memory. */
import { GIB, KIB, MIB, type Text } from './text'

export const SCHEDULERS: readonly Text[] = [
  {
    name: 'Slurm 17',
    text: 'slurmstepd: error: Detected 2 oom-kill event(s) in step 3756240.batch cgroup.',
    events: [{ type: 'host-oom' }],
  },
  {
    name: 'Slurm 20',
    text: 'slurmstepd: error: Detected 1 oom-kill event(s) in StepId=191.batch cgroup. Some of your processes may have been killed by the cgroup out-of-memory handler.',
    events: [{ type: 'host-oom' }],
  },
  {
    name: 'Slurm 23, with the node’s task',
    text: 'slurmstepd: error: Detected 4 oom_kill events in StepId=77.0. Some of the step tasks have been OOM Killed.\nsrun: error: orion-18-69: task 289: Out Of Memory',
    events: [{ type: 'host-oom' }, { type: 'host-oom', rank: 289, node: 'orion-18-69' }],
  },
  {
    name: 'Slurm, several tasks',
    text: 'srun: error: n7: tasks 0-3: Out Of Memory',
    events: [{ type: 'host-oom', node: 'n7' }],
  },
  {
    name: 'Slurm’s poll of old',
    text: 'slurmstepd: error: Step 4711.0 exceeded memory limit (18874368 > 16777216), being killed',
    events: [{ type: 'host-oom', processBytes: 18874368 * KIB, capacityBytes: 16 * GIB }],
  },
  {
    name: 'Slurm’s accounting',
    text: '4711.batch      batch               gpu          8 OUT_OF_ME+    0:125',
    events: [{ type: 'host-oom' }],
  },
  {
    name: 'Slurm’s scontrol',
    text: '   JobState=OUT_OF_MEMORY Reason=OutOfMemory Dependency=(null)',
    events: [{ type: 'host-oom' }],
  },
  {
    name: 'Kubernetes describes a pod',
    text: 'Containers:\n  trainer:\n    State:          Terminated\n      Reason:       OOMKilled\n      Exit Code:    137\n      Started:      Wed, 07 Jan 2026 10:00:00 +0000\n      Finished:     Wed, 07 Jan 2026 11:30:00 +0000\n    Ready:          False\n    Restart Count:  0\n    Limits:\n      cpu:             16\n      memory:          64Gi\n      nvidia.com/gpu:  8',
    events: [{ type: 'host-oom', exitCode: 137, capacityBytes: 64 * GIB, time: Date.UTC(2026, 0, 7, 11, 30) / 1000 }],
  },
  {
    name: 'Kubernetes in YAML',
    text: 'spec:\n  containers:\n  - name: trainer\n    resources:\n      limits:\n        memory: 96Gi\n        nvidia.com/gpu: "8"\n      requests:\n        memory: 64Gi\n  nodeName: gpu-7\nstatus:\n  containerStatuses:\n  - name: trainer\n    lastState:\n      terminated:\n        containerID: containerd://77\n        exitCode: 137\n        finishedAt: "2026-01-07T11:30:00Z"\n        reason: OOMKilled\n        startedAt: "2026-01-07T10:00:00Z"',
    events: [
      {
        ...{ type: 'host-oom', node: 'gpu-7', exitCode: 137, capacityBytes: 96 * GIB },
        time: Date.UTC(2026, 0, 7, 11, 30) / 1000,
      },
    ],
  },
  {
    name: 'Kubernetes in JSON',
    text: '{\n    "status": {\n        "containerStatuses": [\n            {\n                "lastState": {\n                    "terminated": {\n                        "exitCode": 137,\n                        "reason": "OOMKilled"\n                    }\n                }\n            }\n        ]\n    }\n}',
    events: [{ type: 'host-oom', exitCode: 137 }],
  },
  {
    name: 'Kubernetes lists pods',
    text: 'trainer-worker-3   0/1     OOMKilled   2 (5m ago)   87m',
    events: [{ type: 'host-oom' }],
  },
  {
    name: 'Kubernetes evicts',
    text: '  Warning  Evicted    2m    kubelet            The node was low on resource: memory. Threshold quantity: 100Mi, available: 51836Ki. Container trainer was using 96Gi, request is 64Gi, has larger consumption of memory.',
    events: [{ type: 'host-oom', processBytes: 96 * GIB, freeBytes: 51836 * KIB }],
  },
  {
    name: 'Kubernetes tells of a node',
    text: '3m12s       Warning   SystemOOM       node/gpu-7     System OOM encountered, victim process: pt_main_thread, pid: 31877',
    events: [{ type: 'host-oom', pid: 31877 }],
  },
  {
    name: 'Docker inspects',
    text: '        "State": {\n            "Status": "exited",\n            "Running": false,\n            "OOMKilled": true,\n            "Dead": false,\n            "Pid": 0,\n            "ExitCode": 137,',
    events: [{ type: 'host-oom' }],
  },
  {
    name: 'Docker inspects one that was not',
    text: '        "State": {\n            "Status": "exited",\n            "OOMKilled": false,\n            "ExitCode": 1,',
    events: [],
  },
  {
    name: 'Docker’s events',
    text: '2026-01-07T11:30:00.000000000Z container oom 7f3a90c1d2e4 (image=trainer:1, name=trainer)',
    events: [{ type: 'host-oom' }],
  },
  {
    name: 'LSF',
    text: 'TERM_MEMLIMIT: job killed after reaching LSF memory usage limit.\nExited with exit code 143.',
    events: [{ type: 'host-oom' }],
  },
  {
    name: 'PBS',
    text: '=>> PBS: job killed: mem 38427376kb exceeded limit 33554432kb',
    events: [{ type: 'host-oom', processBytes: 38427376 * KIB, capacityBytes: 32 * GIB }],
  },
  {
    name: 'PBS by its cgroup',
    text: 'Cgroup mem limit exceeded: oom-kill: task=python3,pid=2211',
    events: [{ type: 'host-oom' }],
  },
  {
    name: 'Torque',
    text: 'Job exceeded a memory resource limit (vmem, pvmem, etc.). Job was aborted',
    events: [{ type: 'host-oom' }],
  },
  {
    name: 'HTCondor',
    text: '\tError from slot1@node7: Job has gone over memory limit of 16384 megabytes. Peak usage: 16390 megabytes.',
    events: [{ type: 'host-oom', capacityBytes: 16 * GIB, processBytes: 16390 * MIB }],
  },
  {
    name: 'Ray kills a task',
    text: 'ray.exceptions.OutOfMemoryError: Task was killed due to the node running low on memory.\nMemory on the node (IP: 10.0.0.7, ID: fc2b) where the task (actor ID: f9cc, name=Worker.__init__, pid=4331, memory used=2.22GB) was running was 59.49GB / 62.58GB (0.950744), which exceeds the memory usage threshold of 0.95. Ray killed this worker (ID: d98a) because it was the most recently scheduled task; to see more information about memory usage on this node, use `ray logs raylet.out -ip 10.0.0.7`.',
    events: [{ type: 'host-oom', processBytes: 2.22 * GIB, capacityBytes: 62.58 * GIB }],
  },
  {
    name: 'Ray’s daemon',
    text: '(raylet) [2026-01-07 09:57:19,206 E 393463 393463] (raylet) node_manager.cc:3277: 2 Workers (tasks / actors) killed due to memory pressure (OOM), 0 Workers crashed due to other reasons at node (ID: 8289, IP: 10.0.0.7) over the last time period.',
    events: [{ type: 'host-oom' }],
  },
  {
    name: 'Ray’s daemon, of crashes that were none',
    text: '(raylet) [2026-01-07 09:57:19,206 E 393463 393463] (raylet) node_manager.cc:3277: 0 Workers (tasks / actors) killed due to memory pressure (OOM), 2 Workers crashed due to other reasons at node (ID: 8289, IP: 10.0.0.7) over the last time period.',
    events: [],
  },
  {
    name: 'Ray of old',
    text: 'ray.memory_monitor.RayOutOfMemoryError: More than 95% of the memory on node trainer-3 is used (118.2 / 123.1 GB). The top 5 memory consumers are:',
    events: [{ type: 'host-oom' }],
  },
  {
    name: 'Dask',
    text: 'distributed.nanny.memory - WARNING - Worker tcp://10.0.0.7:4567 (pid=77) exceeded 95% memory budget. Restarting...',
    events: [{ type: 'host-oom', pid: 77 }],
  },
  {
    name: 'SageMaker',
    text: 'UnexpectedStatusException: Error for Training job llm-7: Failed. Reason: AlgorithmError: , exit code: 137',
    events: [],
  },
]
