"""Plumbline's hook: per-rank step times, phases, time in collectives and memory, as JSON Lines. One file, no dependency.

    import plumbline_hook
    hook = plumbline_hook.attach(model, optimizer, tokens_per_step=batch * sequence, model_config={...})
    for batch in data:
        loss = model(batch); loss.backward(); optimizer.step(); optimizer.zero_grad()
        hook.log(loss=loss.item())          # optional

`trainer_callback()` and `lightning_callback()` do this for Hugging Face's Trainer and for Lightning; a loop without torch (JAX)
calls `end_step()` itself.

Each rank writes `$PLUMBLINE_HOOK_DIR/rank-N.jsonl` (`plumbline run` sets the folder; without it
`~/.local/share/plumbline/hook/<run>/`), one line a step, one write a line. A step ends when `optimizer.step()` returns and
is written when the next one begins its forward pass, so that what `log` says of it is in.

Phases of a step, in seconds, none counted twice:
- `data`: from the end of the last optimizer step to the start of the forward pass, less collectives;
- `forward`: in the outermost module's forward, less collectives; passes without gradients (evaluation) stay in `data`;
  where `optimizer.step` is given a closure, that is what runs the passes, and its own time stays in `backward`;
- `backward`: from the end of a forward to the next one or to `optimizer.step()`, less collectives (gradient clipping and
  whatever else stands there included). With several micro-batches a step, each adds to both;
- `communication`: in which the program waited for collectives: a synchronous call from call to return, an asynchronous one
  in its `wait()`, the buckets of DistributedDataParallel from the launch of the last one to the end of all. What runs
  beside the computation is hidden by it and not counted here;
- `optimizer`: in `optimizer.step()`, less collectives.

Collectives seen: those called through `torch.distributed`, and the gradient buckets of DistributedDataParallel (through a
communication hook that does what DDP does by default, and only where none is registered). Besides the phase there is one
`collective` line a step for each group and operation: seconds (from launch to completion, hidden or not; union, not sum) and
bytes of all its calls in the step. A group is named by its ranks (`0-3`, `0-12/4`), a message by sender and receiver (`4>8`).

Why a rank is slow, and which way its traffic is, the kernel knows (Linux):
- `cpuSeconds` of a step: processor time of the program’s own thread up to the optimizer; `runDelaySeconds`: it was ready to
  run and another had its processor; `throttledSeconds`: a quota of its cgroup was used up. Both are no longer than it was off its
  processor, and 0 where that was less than a thousandth of the time;
- one `flow` line a step for each node that it sent to by TCP: bytes, how long they were on their way (`busySeconds`, less what
  the receiver was not ready for), retransmissions, round trip.

On CUDA and ROCm the program runs ahead of its kernels, so moments are events in the device's queues: phases are times of the
device's own clock, what the program does meanwhile is hidden, and a step is written once the device has come to its end; nothing
is ever waited for. A collective of NCCL is exposed for as long as the stream that computes is held up by it: in a synchronous call,
in `wait()`, or (FSDP) where that stream waits for another one. What is captured into a CUDA graph is not seen. Held against
kernels of known length on an H200 (`test/real/gpu/check.py`), with NCCL of one rank: several GPUs were not to be had.

What it costs, measured on a CPU core: 0.04 ms a step where it is in the caches, 0.25 ms behind a pass that left it in none. With
the agent beside it a job with steps of 0.5 s was 0.12 % slower (95 % interval -0.01 to 0.25 %); `npm run bench:overhead` and
`npm run bench:hook` measure it anew.

It never breaks training: an error inside disables it, with one line on standard error.
"""

from __future__ import annotations

import atexit
import ctypes
import json
import os
import pickle
import shlex
import socket
import struct
import sys
import threading
import time
from collections import deque
from contextlib import contextmanager
from functools import partial, update_wrapper
from typing import Any, Callable, Deque, Dict, Iterator, List, Optional, Tuple


def _torch() -> Tuple[Any, Any]:
    """PyTorch and its collectives. Without them the hook still records phases and steps that it is told of."""
    try:
        import torch
        import torch.distributed
    except Exception:
        return None, None
    return torch, torch.distributed


torch: Any
dist: Any
torch, dist = _torch()

# By function: what it is called in the field, and which of its arguments is the buffer that it sends.
COLLECTIVES = {
    "all_reduce": ("all-reduce", 0), "reduce": ("reduce", 0), "broadcast": ("broadcast", 0), "barrier": ("barrier", -1),
    "all_gather": ("all-gather", 1), "all_gather_into_tensor": ("all-gather", 1), "_all_gather_base": ("all-gather", 1),
    "all_gather_single": ("all-gather", 1), "reduce_scatter_single": ("reduce-scatter", 1),
    "reduce_scatter": ("reduce-scatter", 1), "reduce_scatter_tensor": ("reduce-scatter", 1),
    "_reduce_scatter_base": ("reduce-scatter", 1), "all_to_all": ("all-to-all", 1), "all_to_all_single": ("all-to-all", 1),
    "gather": ("gather", 0), "scatter": ("scatter", 0),
    "send": ("send", 0), "isend": ("send", 0), "recv": ("recv", 0), "irecv": ("recv", 0),
}
RECOGNISED = {
    "layers": ("num_hidden_layers", "n_layer", "num_layers", "n_layers", "layers"),
    "hiddenSize": ("hidden_size", "n_embd", "dim", "d_model", "hiddenSize"),
    "attentionHeads": ("num_attention_heads", "n_head", "n_heads", "attentionHeads"),
    "keyValueHeads": ("num_key_value_heads", "n_kv_heads", "keyValueHeads"),
    "ffnHiddenSize": ("intermediate_size", "ffn_hidden_size", "n_inner", "ffnHiddenSize"),
    "vocabularySize": ("vocab_size", "vocabularySize"),
    "sequenceLength": ("sequenceLength", "block_size", "seq_length", "max_seq_len"),
}
ENCODER = json.JSONEncoder(separators=(",", ":"), allow_nan=False)
PRECISIONS = {"torch.float32": "fp32", "torch.bfloat16": "bf16", "torch.float16": "fp16"}


def _environment_int(name: str, default: int) -> int:
    try:
        return int(os.environ[name])
    except (KeyError, ValueError):
        return default


def _autocast_type(device: str) -> Any:
    """What `torch.autocast` has matrices multiplied in; None outside of it. Before torch 2.4 each device had its own functions."""
    if hasattr(torch, "get_autocast_dtype"):
        return torch.get_autocast_dtype(device) if torch.is_autocast_enabled(device) else None
    if device == "cuda":
        return torch.get_autocast_gpu_dtype() if torch.is_autocast_enabled() else None
    return torch.get_autocast_cpu_dtype() if torch.is_autocast_cpu_enabled() else None


def _matmul_precision(weight: Any) -> Optional[str]:
    """In which a forward pass multiplies here and now, where that is another than the weights' own; None else."""
    try:
        cast = _autocast_type(weight.device.type)
        if cast is not None and cast != weight.dtype:
            return PRECISIONS.get(str(cast))
        # torch raises where a job has set it by the newer names and it is read by the older.
        return "tf32" if weight.is_cuda and weight.dtype == torch.float32 and torch.backends.cuda.matmul.allow_tf32 else None
    except Exception:
        return None


# Labels by which a scheduler of Kubernetes names the job on all of its pods, and tells two jobs of one name apart.
POD_LABELS = (
    ("jobset.sigs.k8s.io/jobset-name", "jobset.sigs.k8s.io/jobset-uid"),  # JobSet, and Kubeflow's TrainJob, which makes one
    ("training.kubeflow.org/job-name", ""),  # Kubeflow's PyTorchJob and its kin
    ("volcano.sh/job-name", ""),
    ("kueue.x-k8s.io/pod-group-name", ""),  # pods that Kueue admits together
    ("batch.kubernetes.io/job-name", "batch.kubernetes.io/controller-uid"),
)


def _run_of_pod() -> Optional[str]:
    """Of the labels that the downward API puts into a file, a line NAME="VALUE" each; None outside a pod that has them."""
    try:
        with open(os.environ.get("PLUMBLINE_POD_LABELS", "/etc/podinfo/labels"), encoding="utf-8") as file:
            lines = [line.rstrip("\n").partition("=") for line in file]
    except (OSError, UnicodeError):
        return None
    labels = {name: value.strip('"') for name, _, value in lines}
    for name, identity in POD_LABELS:
        if labels.get(name):
            return "-".join(part for part in (labels[name], labels.get(identity, "")[:8]) if part)
    return None


def _run_id() -> str:
    """The same on all ranks without a word between them: the launcher's id, or the rendezvous and the launcher's start."""
    for value in (os.environ.get("PLUMBLINE_RUN"), _run_of_pod(), os.environ.get("TORCHELASTIC_RUN_ID"), os.environ.get("SLURM_JOB_ID")):
        if value and value != "none":
            return value
    try:
        with open("/proc/%d/stat" % os.getppid(), "rb") as file:
            started = file.read().rsplit(b")", 1)[1].split()[19].decode()
    except OSError:
        started = str(os.getppid())
    return "hook-%s-%s-%s" % (os.environ.get("MASTER_ADDR", socket.gethostname()), os.environ.get("MASTER_PORT", "0"), started)


def _guarded(method: Callable[..., Any]) -> Callable[..., Any]:
    def call(self: "Hook", *args: Any, **kwargs: Any) -> Any:
        if self._disabled:
            return None
        try:
            return method(self, *args, **kwargs)
        except Exception as error:
            self._disable(error)
            return None

    return call


def _address_space() -> Dict[str, int]:
    """What `ulimit -v` allows this process, and what it has of it; nothing where there is no limit."""
    try:
        import resource
    except ImportError:
        return {}
    limit, _ = resource.getrlimit(resource.RLIMIT_AS)
    if limit == resource.RLIM_INFINITY:
        return {}
    with open("/proc/self/statm", "rb") as file:
        held = int(file.read().split()[0]) * resource.getpagesize()
    return {"capacityBytes": limit, "processBytes": held, "freeBytes": max(0, limit - held)}


def _held_on_device() -> Optional[int]:
    """Bytes of tensors on the device; None where there is none."""
    if torch is None or not torch.cuda.is_initialized():
        return None
    return torch.cuda.memory_allocated()


MOST_NODES = 100_000


def _keeps_no_scores(output: Any) -> Optional[bool]:
    """Whether attention is fused, by the operations that the backward pass will undo; None where none of them tells.

    A softmax of four dimensions keeps its scores. Recomputed layers and compiled ones show none of their operations.
    """
    found = next((value for value in _tensors(output) if getattr(value, "grad_fn", None) is not None), None)
    waiting, seen = ([] if found is None else [found.grad_fn]), set()
    while waiting and len(seen) < MOST_NODES:
        node = waiting.pop()
        if node in seen:
            continue
        seen.add(node)
        name = node.name()
        if "DotProduct" in name or "FlashAttn" in name:
            return True
        kept = getattr(node, "_saved_result", None) if "Softmax" in name and "Log" not in name else None
        if kept is not None and kept.dim() == 4:
            return False
        waiting.extend(other for other, _ in node.next_functions if other is not None)
    return None


def _tensors(output: Any) -> Iterator[Any]:
    """In what a model returns: a tensor, or some in tuples and mappings."""
    if isinstance(output, dict):
        output = tuple(output.values())
    if isinstance(output, (tuple, list)):
        for one in output:
            yield from _tensors(one)
    elif hasattr(output, "grad_fn"):
        yield output


def _drops(module: Any) -> bool:
    """Whether a module has a dropout that is not 0: of its own kind, or one that it hands to a function."""
    own = [module.p] if "Dropout" in type(module).__name__ and hasattr(module, "p") else []
    handed = [getattr(module, name, 0) for name in ("dropout", "attention_dropout", "dropout_p")]
    return any(isinstance(p, float) and p > 0 for p in own + handed)


class Hook:
    def __init__(self, **options: Any) -> None:
        self._disabled = False
        self._pid = os.getpid()
        self._lock = threading.Lock()
        self.rank = int(options.get("rank") or _environment_int("RANK", _environment_int("SLURM_PROCID", 0)))
        self.world_size = int(options.get("world_size") or _environment_int("WORLD_SIZE", _environment_int("SLURM_NTASKS", 1)))
        self.local_rank = _environment_int("LOCAL_RANK", _environment_int("SLURM_LOCALID", self.rank))
        self.run = _run_id()
        self._node = socket.gethostname()
        self._tokens = options.get("tokens_per_step")
        self._counted_tokens = 0
        self._total_steps = options.get("total_steps")
        self._model: Any = None
        self._optimizer: Any = None
        self._step = self._first_step = int(options.get("first_step") or 0)
        self._descriptor = -1
        self._clock: Any = _ProgramClock()
        self._ended: Deque[_Step] = deque()
        self._logged: Dict[str, float] = {}
        self._flows = _Flows()
        self._processor = _Processor()
        self._held = _Counters("/proc/self/statm", every=0.25)
        self._group_names: Dict[Any, str] = {}
        self._now = _Step(self._clock.now())
        self._depth = 0
        self._asks_precision = False
        self._snapshot_at = float("-inf")
        self.overhead_seconds = 0.0
        self._restore: List[Callable[[], None]] = []

    # -- attaching ----------------------------------------------------------------------------------------------------

    @_guarded
    def _open(self) -> None:
        folder = os.environ.get("PLUMBLINE_HOOK_DIR") or os.path.join(
            os.path.expanduser("~/.local/share/plumbline/hook"), self.run.replace("/", "_")
        )
        os.makedirs(folder, exist_ok=True)
        path = os.path.join(folder, "rank-%d.jsonl" % self.rank)
        self._snapshot = os.path.join(folder, "snapshot-rank-%d.pickle" % self.rank)
        self._descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | getattr(os, "O_CLOEXEC", 0), 0o644)
        atexit.register(self.close)
        if hasattr(os, "register_at_fork"):
            os.register_at_fork(after_in_child=self._leave_to_parent)
        previous = sys.excepthook

        def on_exception(kind: Any, value: BaseException, trace: Any) -> None:
            self._exception(kind, value)
            previous(kind, value, trace)

        sys.excepthook = on_exception

    def _leave_to_parent(self) -> None:
        self._disabled = True

    @_guarded
    def _watch_allocator(self) -> None:
        """Keeps the allocator's state when memory runs out: what held it is gone once the error has unwound.

        With `PLUMBLINE_MEMORY_HISTORY=100000` the allocator notes so many of its last actions with their stacks as well.
        """
        if torch is None or not torch.cuda.is_available():
            return
        entries = _environment_int("PLUMBLINE_MEMORY_HISTORY", 0)
        if entries > 0:
            torch.cuda.memory._record_memory_history(max_entries=entries)
        observe = getattr(torch._C, "_cuda_attach_out_of_memory_observer", None)
        if observe is not None:
            observe(lambda *_: self._keep_snapshot())

    @_guarded
    def _keep_snapshot(self) -> None:
        now = time.monotonic()
        # An error that is caught and comes again and again costs one snapshot in half a minute.
        if now - self._snapshot_at < 30.0:
            return
        self._snapshot_at = now
        with open(self._snapshot + ".new", "wb") as file:
            pickle.dump(torch.cuda.memory._snapshot(), file)
        os.replace(self._snapshot + ".new", self._snapshot)

    @_guarded
    def _announce(self, model: Any, optimizer: Any, options: Dict[str, Any]) -> None:
        cuda = torch is not None and torch.cuda.is_available()
        record = {"kind": "rank", "rank": self.rank, "localRank": self.local_rank, "worldSize": self.world_size, "pid": self._pid, "device": "cuda" if cuda else "cpu", "state": "started"}
        if cuda:
            record["gpuIndex"] = torch.cuda.current_device()
        coordinates = options.get("coordinates") or _megatron_coordinates()
        if coordinates:
            record["coordinates"] = {name: int(value) for name, value in coordinates.items()}
        if self.rank == 0 and not os.environ.get("PLUMBLINE_RUN"):
            self._write({"kind": "run", "name": os.path.basename(sys.argv[0] or "python"), "command": " ".join(map(shlex.quote, sys.argv)), "pid": os.getppid(), "state": "started"})
        self._write(record)
        if self.rank == 0:
            self._write(self._config(model, optimizer, options, cuda))

    def _config(self, model: Any, optimizer: Any, options: Dict[str, Any], cuda: bool) -> Dict[str, Any]:
        source = options.get("model_config") or getattr(getattr(model, "module", model), "config", None)
        read: Callable[[str], Any] = source.get if isinstance(source, dict) else lambda name: getattr(source, name, None)
        described: Dict[str, Any] = {}
        for name, candidates in RECOGNISED.items():
            value = next((read(c) for c in candidates if source is not None and isinstance(read(c), (int, float))), None)
            if value is not None:
                described[name] = value
        parameters = list(model.parameters()) if hasattr(model, "parameters") else []
        if parameters:
            described["parameters"] = sum(p.numel() for p in parameters)
            described["dropout"] = any(_drops(m) for m in model.modules())
        if isinstance(source, dict):
            described.update({k: source[k] for k in ("name", "tiedEmbeddings", "gatedFfn", "dropout") if k in source})
        self._described, self._asks_attention = described, True
        batch = {"micro": options.get("micro_batch"), "global": options.get("global_batch")}
        record: Dict[str, Any] = {"kind": "config", "framework": "pytorch", "model": described, "parallelism": {"worldSize": self.world_size, "data": self.world_size}}
        record["batch"] = {k: v for k, v in batch.items() if v is not None}
        precision = options.get("precision")
        if precision is None and parameters:
            precision = PRECISIONS.get(str(parameters[0].dtype))
            self._asks_precision = True
        if precision is not None:
            record["precision"] = precision
        if optimizer is not None:
            # Accelerate, Megatron and DeepSpeed wrap the one that computes.
            record["optimizer"] = type(getattr(optimizer, "optimizer", optimizer)).__name__.lower()
        if options.get("recompute") is not None:
            record["recompute"] = options["recompute"]
        record["hardware"] = self._hardware(cuda)
        return record

    def _hardware(self, cuda: bool) -> Dict[str, Any]:
        if cuda:
            return {"gpu": torch.cuda.get_device_name(), "count": self.world_size}
        if torch is None:
            return {"count": self.world_size}
        size, best = 512, float("inf")
        matrix = torch.ones(size, size)
        for _ in range(8):
            began = time.perf_counter()
            torch.mm(matrix, matrix)
            best = min(best, time.perf_counter() - began)
        source = "peak measured by a %dx%d fp32 matmul, best of 8, %d thread(s), on this CPU" % (size, size, torch.get_num_threads())
        return {"count": self.world_size, "peakFlopsPerSecond": 2.0 * size**3 / best, "peakSource": source}

    @_guarded
    def _instrument(self, model: Any, optimizer: Any) -> None:
        self._model, self._optimizer = model, optimizer
        if dist is not None and dist.is_available():
            for name, (operation, buffer) in COLLECTIVES.items():
                self._replace(dist, name, lambda original, o=operation, b=buffer: self._wrap_collective(original, o, b))
            self._replace(dist, "batch_isend_irecv", self._wrap_batch)
            # A batch tells what it sends from what it receives by the very functions.
            self._replace(dist.P2POp, "__init__", lambda original: lambda message, op, *args, **kwargs: original(message, getattr(op, "original", op), *args, **kwargs))
        if hasattr(model, "register_forward_pre_hook"):
            handles = [model.register_forward_pre_hook(lambda *_: self._forward_begins()), model.register_forward_hook(lambda _, __, output: self._forward_ends(output))]
            self._restore.extend(handle.remove for handle in handles)
            self._count_tokens_of(model)
            self._register_ddp(model)
        if optimizer is not None:
            original_step = optimizer.step

            def step(*args: Any, **kwargs: Any) -> Any:
                if not args and kwargs.get("closure") is None:
                    self._optimizer_begins()
                result = original_step(*args, **kwargs)
                self._optimizer_ends()
                return result

            optimizer.step = step
            self._restore.append(lambda: setattr(optimizer, "step", original_step))
        self._choose_clock()

    def _replace(self, owner: Any, name: str, wrap: Callable[[Callable[..., Any]], Callable[..., Any]]) -> None:
        original = getattr(owner, name, None)
        if original is not None:
            setattr(owner, name, wrap(original))
            self._restore.append(partial(setattr, owner, name, original))

    def _leave(self) -> None:
        """Gives model, optimizer and torch back as they were before `_instrument`."""
        while self._restore:
            self._restore.pop()()

    def _choose_clock(self) -> None:
        """The device's, once the model is on one: what was begun before is not counted."""
        if isinstance(self._clock, _DeviceClock) or not hasattr(self._model, "parameters"):
            return
        first = next(self._model.parameters(), None)
        if first is not None and first.is_cuda:
            self._clock = _DeviceClock(first.device)
            self._now = _Step(self._clock.now())
            self._replace(torch.cuda.Stream, "wait_event", self._wrap_stream_wait)

    def _count_tokens_of(self, model: Any) -> None:
        """Models of Hugging Face take `input_ids`: their size is the tokens of a pass, padding included."""
        if self._tokens is not None:
            return

        def count(_: Any, args: Tuple[Any, ...], kwargs: Dict[str, Any]) -> None:
            ids: Any = kwargs.get("input_ids")
            if hasattr(ids, "numel") and torch.is_grad_enabled():
                self._counted_tokens += ids.numel()

        try:
            handle = model.register_forward_pre_hook(count, with_kwargs=True)
        except TypeError:
            return  # torch 1.x does not show them.
        self._restore.append(handle.remove)

    def _register_ddp(self, model: Any) -> None:
        ddp = torch is not None and isinstance(model, torch.nn.parallel.DistributedDataParallel)
        if not ddp or getattr(model, "_comm_hooks", None):
            return
        group = dist.group.WORLD

        def reduce(_, bucket):  # type: ignore[no-untyped-def]  # DDP refuses other annotations than its own.
            tensor = bucket.buffer()
            tensor.div_(self.world_size)
            began = self._clock.now()
            future = dist.distributed_c10d._get_default_group().allreduce([tensor]).get_future()

            def done(finished: Any) -> Any:
                span = _Span(began, self._clock.now())
                with self._lock:
                    self._now.add(self._group_name(None), "all-reduce", _bytes(tensor), span)
                    self._now.buckets.append(span)
                return finished.value()[0]

            return future.then(done)

        try:
            model.register_comm_hook(group, reduce)
        except (RuntimeError, TypeError, ValueError):
            pass  # The model has one of its own: its buckets stay unseen.

    def _wrap_collective(self, original: Callable[..., Any], operation: str, buffer: int) -> Callable[..., Any]:
        isolated = original.__name__ in ("isend", "irecv")

        def collective(*args: Any, **kwargs: Any) -> Any:
            return self._observe(
                lambda: original(*args, **kwargs),
                lambda: [(operation, *self._called(operation, args, kwargs, buffer))],
                bool(isolated or kwargs.get("async_op")),
            )

        return _Replacement(original, collective)

    def _wrap_batch(self, original: Callable[..., Any]) -> Callable[..., Any]:
        """Messages of pipeline stages that are sent and received together."""

        def batch(messages: Any, *args: Any, **kwargs: Any) -> Any:
            def about() -> List[Tuple[str, str, int]]:
                told = []
                for message in messages:
                    operation = "send" if message.op.__name__ == "isend" else "recv"
                    told.append((operation, self._message_name(operation, message.peer), _bytes(message.tensor)))
                return told

            return self._observe(lambda: original(messages, *args, **kwargs), about, True)

        return _Replacement(original, batch)

    def _observe(self, call: Callable[[], Any], about: Callable[[], List[Tuple[str, str, int]]], asynchronous: bool) -> Any:
        """Makes a call and notes how long the program or its device is held up by it; `about`: operation, group, bytes."""
        if self._disabled:
            return call()
        began = self._clock.now()
        # Some collectives are made of others: only the outermost counts.
        self._depth += 1
        try:
            work = call()
        finally:
            self._depth -= 1
        if self._depth > 0:
            return work
        noted: List[Tuple[str, str, int]] = []

        def done(waited_from: Any, waited_to: Any, completed: Any) -> None:
            try:
                span = _Span(began, waited_to, completed)
                with self._lock:
                    # Of a batch, several works are waited for: its messages are told once, the waits are all counted.
                    for operation, group, size in [] if noted else about():
                        noted.append((operation, group, size))
                        self._now.add(group, operation, size, span)
                    self._now.waits.append(_Span(waited_from, waited_to))
            except Exception as error:
                self._disable(error)

        if asynchronous and isinstance(work, list):
            return [_Work(one, done, self._clock) for one in work]
        if asynchronous and work is not None:
            return _Work(work, done, self._clock)
        ended = self._clock.now()
        done(began, ended, ended)
        return work

    def _wrap_stream_wait(self, original: Callable[..., Any]) -> Callable[..., Any]:
        """Where the stream that computes waits for one that communicates: so FSDP orders what it gathers and reduces."""

        def wait_event(stream: Any, event: Any) -> None:
            if self._disabled or self._depth > 0 or not self._clock.computes_on(stream):
                return original(stream, event)
            began = self._clock.now()
            original(stream, event)
            with self._lock:
                self._now.stalls.append(_Span(began, self._clock.now()))

        return wait_event

    def _called(self, operation: str, args: Tuple[Any, ...], kwargs: Dict[str, Any], buffer: int) -> Tuple[str, int]:
        """The group's name and the bytes of its buffer."""
        sent = args[buffer] if 0 <= buffer < len(args) else next((kwargs[n] for n in ("tensor", "input_tensor", "input") if n in kwargs), None)
        peer = None
        if operation in ("send", "recv"):
            named = "dst" if operation == "send" else "src"
            peer = kwargs.get(named, args[1] if len(args) > 1 else None)
        if peer is not None:
            return self._message_name(operation, peer), _bytes(sent)
        group = kwargs.get("group")
        if group is None:
            group = next((a for a in args if torch is not None and isinstance(a, dist.ProcessGroup)), None)
        return self._group_name(group), _bytes(sent)

    def _message_name(self, operation: str, peer: int) -> str:
        return "%d>%d" % ((self.rank, peer) if operation == "send" else (peer, self.rank))

    def _group_name(self, group: Any) -> str:
        name = self._group_names.get(group)
        if name is None:
            if group is None:
                ranks = list(range(dist.get_world_size()))
            elif hasattr(dist, "get_process_group_ranks"):
                ranks = dist.get_process_group_ranks(group)
            else:  # PyTorch 1
                ranks = list(dist.distributed_c10d._pg_group_ranks[group])
            name = self._group_names[group] = group_name(sorted(ranks))
        return name

    # -- the step -----------------------------------------------------------------------------------------------------

    @_guarded
    def _forward_begins(self) -> None:
        began = time.perf_counter()
        if torch.is_grad_enabled():
            counts = self._counts()
            if counts:
                self._choose_clock()
            self._mark("forward")
            self._tell_precision()
            self._held_before = _held_on_device() if counts else None
        self._write_ended()
        self.overhead_seconds += time.perf_counter() - began

    def _mark(self, phase: str) -> None:
        self._now.marks.append((phase, self._clock.now()))

    def _tell_precision(self) -> None:
        """Weights in fp32 may be multiplied in less, which shows inside a forward pass: told once, in the first."""
        asked, self._asks_precision = self._asks_precision, False
        precision = _matmul_precision(next(self._model.parameters())) if asked else None
        if precision is not None:
            self._write({"kind": "config", "precision": precision})

    @_guarded
    def _forward_ends(self, output: Any = None) -> None:
        if not torch.is_grad_enabled():
            return
        self._mark("backward")
        if self._counts():
            held = _held_on_device()
            if held and self._held_before is not None:
                self._activations = max(self._activations, held - self._held_before)
        asked, self._asks_attention = self._asks_attention, False
        fused = _keeps_no_scores(output) if asked else None
        if fused is not None:
            self._write({"kind": "config", "model": {**self._described, "fusedAttention": fused}})

    @_guarded
    def _optimizer_begins(self) -> None:
        self._mark("optimizer")
        self._processor.worked()

    @_guarded
    def _optimizer_ends(self) -> None:
        self.end_step()

    @_guarded
    def end_step(self) -> None:
        """Ends the step. Called by itself after `optimizer.step()`; call it where there is no optimizer."""
        began = time.perf_counter()
        ended = self._clock.now()
        if ended is None:
            return
        with self._lock:
            step, self._now = self._now, _Step(ended)
        step.ended, step.wall = ended, time.time() - began
        record = step.record = {"kind": "step", "source": "hook", "rank": self.rank, "step": self._step}
        tokens, self._counted_tokens = self._tokens or self._counted_tokens, 0
        if tokens:
            record["tokens"] = tokens
        if self._total_steps is not None:
            record["totalSteps"] = self._total_steps
        record.update(self._memory())
        record.update(self._processor.take())
        step.flows = self._flows.take(self._counts())
        self._write_ended()
        self._ended.append(step)
        self._step += 1
        self.overhead_seconds += time.perf_counter() - began

    def _memory(self) -> Dict[str, Any]:
        record: Dict[str, Any] = {}
        resident = self._held.second()
        if resident is not None:
            record["residentBytes"] = resident * PAGE_BYTES
        if torch is not None and torch.cuda.is_initialized():
            # Asked for by name, each of the three would count everything anew.
            held = torch.cuda.memory_stats_as_nested_dict()
            record["memoryAllocatedBytes"] = held["allocated_bytes"]["all"]["current"]
            record["memoryReservedBytes"] = held["reserved_bytes"]["all"]["current"]
            record["memoryPeakBytes"] = held["allocated_bytes"]["all"]["peak"]
        if self._counts():
            self._categories = self._count_categories()
        if self._categories:
            record["memoryCategories"] = self._categories
        return record

    _categories: Dict[str, int] = {}
    # Most that a forward pass left on the device in the steps that are counted, and what was held before the pass.
    _activations = 0
    _held_before: Optional[int] = None
    _asks_attention = False
    _described: Dict[str, Any] = {}

    def _counts(self) -> bool:
        """Walking all tensors and sockets costs: what there is changes only in the first steps, while all is made."""
        steps = self._step - self._first_step
        return steps < 3 or steps % 50 == 0

    def _count_categories(self) -> Dict[str, int]:
        if not hasattr(self._model, "parameters"):
            return {}
        parameters = list(self._model.parameters())
        states = getattr(self._optimizer, "state", {})
        counted = {
            "parameters": _bytes(parameters),
            "gradients": _bytes([p.grad for p in parameters]),
            "optimizer": sum(_bytes(tensor) for state in states.values() for tensor in state.values()),
        }
        activations, self._activations = self._activations, 0
        return {**counted, "activations": activations} if activations > 0 else counted

    @_guarded
    def log(self, **values: Any) -> None:
        """Figures of the step that has just ended: loss, gradientNorm, learningRate, tokens."""
        names = {"loss", "gradientNorm", "learningRate", "tokens", "samples"}
        target = self._ended[-1].record if self._ended else self._logged
        for name, value in values.items():
            number = float(value)
            if name in names and number == number and abs(number) != float("inf"):
                target[name] = number

    @contextmanager
    def phase(self, name: str) -> Iterator[None]:
        """Time of a phase of one's own, taken out of `data` where it lies before the forward pass."""
        began = self._clock.now()
        try:
            yield
        finally:
            self._now.explicit.append((name, _Span(began, self._clock.now())))

    # -- writing ------------------------------------------------------------------------------------------------------

    def _write_ended(self) -> None:
        """Writes the steps to whose end the device has come; on a CPU that is each that has ended."""
        while self._ended and self._clock.passed(self._ended[0]):
            step = self._ended.popleft()
            record = {**step.record, **self._logged, **step.times(self._clock)}
            self._logged = {}
            about = {"rank": self.rank, "step": record["step"], "time": record["time"]}
            calls = [{"kind": "collective", **about, **call} for call in step.collectives(self._clock)]
            self._write(record, *calls, *({"kind": "flow", **about, **flow} for flow in step.flows))
            self._clock.settle(step.ended)

    def _write(self, *records: Dict[str, Any]) -> None:
        lines = []
        for record in records:
            record.setdefault("time", time.time())
            record["run"] = self.run
            if record["kind"] != "config":
                record["node"] = self._node
            lines.append(ENCODER.encode(record) + "\n")
        os.write(self._descriptor, "".join(lines).encode())

    @_guarded
    def _exception(self, kind: Any, value: BaseException) -> None:
        text = "%s: %s" % (getattr(kind, "__name__", kind), value)
        oom = "out of memory" in text.lower() or isinstance(value, MemoryError)
        host = isinstance(value, MemoryError) or "DefaultCPUAllocator" in text
        self._write_ended()
        if oom and torch is not None and torch.cuda.is_available():
            self._keep_snapshot()
        kind_of_end = "host-oom" if host else "oom" if oom else "crash"
        self._write({"kind": "event", "type": kind_of_end, "rank": self.rank, "message": text[:8192], **(_address_space() if host else {})})

    @_guarded
    def close(self) -> None:
        """Writes what is left. Called by itself at the end of the process."""
        until = time.monotonic() + 2.0
        while self._ended:
            self._write_ended()
            if time.monotonic() > until:  # A device that hangs or has failed: how long its steps were is not known.
                self._write(*(step.record for step in self._ended))
                break
            time.sleep(0.01 if self._ended else 0.0)
        self._write({"kind": "rank", "rank": self.rank, "pid": self._pid, "state": "ended"})
        if self.rank == 0 and not os.environ.get("PLUMBLINE_RUN"):
            self._write({"kind": "run", "state": "ended"})
        self._disabled = True
        self._leave()
        self._processor.close()
        self._held.close()
        os.close(self._descriptor)

    def _disable(self, error: Exception) -> None:
        self._disabled = True
        print("plumbline: the hook is off after %s: %s" % (type(error).__name__, error), file=sys.stderr)

    def __enter__(self) -> "Hook":
        return self

    def __exit__(self, *_: Any) -> None:
        self.close()


class _Replacement:
    """Of a function of torch, which compares what it is given with its own (`P2POp(dist.isend, …)`): equal to it."""

    def __init__(self, original: Callable[..., Any], call: Callable[..., Any]) -> None:
        update_wrapper(self, original)
        self.original, self._call = original, call

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        return self._call(*args, **kwargs)

    def __eq__(self, other: Any) -> bool:
        return other is self or other == self.original

    def __hash__(self) -> int:
        return hash(self.original)


class _Span:
    """From one moment of a clock to another, or to an earlier end that became known besides. Without both it is not known."""

    __slots__ = ("began", "ended", "completed")

    def __init__(self, began: Any, ended: Any, completed: Any = None) -> None:
        self.began, self.ended, self.completed = began, ended, completed

    def seconds(self, clock: Any) -> List[Tuple[float, float]]:
        if self.began is None or self.ended is None:
            return []
        began, ended = clock.seconds(self.began), clock.seconds(self.ended)
        if self.completed is not None:
            ended = min(ended, clock.seconds(self.completed))
        return [(began, max(began, ended))]


class _Step:
    """What happened in a step, in moments of a clock, which may tell only later when they were."""

    def __init__(self, began: Any) -> None:
        self.began, self.ended, self.wall = began, None, 0.0
        self.record: Dict[str, Any] = {}
        self.flows: List[Dict[str, Any]] = []
        self.marks: List[Tuple[str, Any]] = []
        self.explicit: List[Tuple[str, _Span]] = []
        # In `waits` the caller is held up, by `stalls` its stream; `buckets` are DDP's.
        self.waits: List[_Span] = []
        self.stalls: List[_Span] = []
        self.buckets: List[_Span] = []
        self.calls: Dict[Tuple[str, str], List[Any]] = {}

    def add(self, group: str, operation: str, size: int, span: _Span) -> None:
        call = self.calls.setdefault((group, operation), [[], 0])
        call[0].append(span)
        call[1] += size

    def moments(self) -> Iterator[Any]:
        spans = [span for _, span in self.explicit] + self.waits + self.stalls + self.buckets
        for span in spans + [span for called, _ in self.calls.values() for span in called]:
            yield from (moment for moment in (span.began, span.ended, span.completed) if moment is not None)

    def times(self, clock: Any) -> Dict[str, Any]:
        """When it ended, how long it and each of its phases was."""
        marks = [("data", self.began), *((name, moment) for name, moment in self.marks if moment is not None), ("", self.ended)]
        bounds = [(name, clock.seconds(moment)) for name, moment in marks]
        began, ended = bounds[0][1], bounds[-1][1]
        waits = _union(self._exposed(bounds, clock))
        phases: Dict[str, float] = {}
        for (name, start), (_, stop) in zip(bounds, bounds[1:]):
            phases[name] = phases.get(name, 0.0) + max(0.0, stop - start - _covered(waits, start, stop))
        phases["communication"] = _covered(waits, began, ended)
        own: Dict[str, float] = {}
        for name, span in self.explicit:
            own[name] = own.get(name, 0.0) + sum(stop - start for start, stop in span.seconds(clock))
        own.pop("data", None)
        phases["data"] = max(0.0, phases["data"] - sum(own.values()))
        phases.update(own)
        return {
            "time": self.wall + ended,
            "stepSeconds": ended - began,
            "phases": {name: {"seconds": round(value, 7)} for name, value in phases.items()},
        }

    def _exposed(self, bounds: List[Tuple[str, float]], clock: Any) -> List[Tuple[float, float]]:
        """When nothing was computed for the sake of communication."""
        exposed = [times for span in self.waits if clock.beside(span.began, self.ended) for times in span.seconds(clock)]
        # What is waited for between the passes is data on its way to the device, or the last step.
        if any(not clock.beside(span.began, self.ended) for spans, _ in self.calls.values() for span in spans):
            stalls = [times for span in self.stalls for times in span.seconds(clock)]
            exposed += [times for times in stalls if _phase_at(bounds, times[0]) != "data"]
        buckets = [times for span in self.buckets for times in span.seconds(clock)]
        if not buckets:
            return exposed
        for (name, start), (_, stop) in zip(bounds, bounds[1:]):
            # Of each backward pass: from the launch of the last bucket, when nothing is left to compute, to the end of all.
            own = [(began, ended) for began, ended in buckets if name == "backward" and start <= began < stop]
            if own:
                exposed.append((max(began for began, _ in own), max(ended for _, ended in own)))
        return exposed

    def collectives(self, clock: Any) -> Iterator[Dict[str, Any]]:
        for (group, operation), (spans, size) in self.calls.items():
            times = _union([times for span in spans for times in span.seconds(clock)])
            if times:
                yield {"group": group, "operation": operation, "seconds": round(sum(b - a for a, b in times), 7), "bytes": size}


class _ProgramClock:
    """A program that computes itself: its moments are seconds."""

    now = staticmethod(time.perf_counter)

    def passed(self, _: _Step) -> bool:
        return True

    def seconds(self, moment: float) -> float:
        return moment

    def beside(self, *_: float) -> bool:
        """Whether the two moments are of one queue."""
        return True

    def settle(self, _: float) -> None:
        pass


class _Moment:
    """In a stream of a device; `queued` is the program's own second."""

    __slots__ = ("event", "stream", "queued")

    def __init__(self, event: Any, stream: Any) -> None:
        self.event, self.stream, self.queued = event, stream, time.perf_counter()


class _DeviceClock:
    """A device that computes behind the program: its moments are events, in seconds of the program's clock once they have passed."""

    def __init__(self, device: Any) -> None:
        self._device = device
        torch.cuda.synchronize(device)
        self._last = self.now()
        torch.cuda.synchronize(device)
        self._last_seconds = time.perf_counter()

    def now(self) -> Optional[_Moment]:
        """None while a graph is captured, as an event would become part of it, and on a device that has failed."""
        try:
            if torch.cuda.is_current_stream_capturing():
                return None
            stream = torch.cuda.current_stream(self._device)
            event = torch.cuda.Event(enable_timing=True)
            event.record(stream)
        except RuntimeError:
            return None
        return _Moment(event, stream)

    def passed(self, step: _Step) -> bool:
        try:
            others = (moment for moment in step.moments() if not self.beside(moment, step.ended))
            return step.ended.event.query() and all(moment.event.query() for moment in others)
        except RuntimeError:  # The device has failed: it comes to no end.
            return False

    def seconds(self, moment: _Moment) -> float:
        return self._last_seconds + self._last.event.elapsed_time(moment.event) / 1e3

    def beside(self, one: Optional[_Moment], other: _Moment) -> bool:
        return one is not None and one.stream == other.stream

    def computes_on(self, stream: Any) -> bool:
        return stream == torch.cuda.current_stream(self._device)

    def settle(self, moment: _Moment) -> None:
        """Counts on from a moment that has passed, so that no difference is long. The two clocks drift apart; that the moment was
        after it was queued and is before now keeps them together."""
        seconds = max(self.seconds(moment), moment.queued)
        self._last, self._last_seconds = moment, min(seconds, time.perf_counter())


class _Work:
    """An asynchronous collective: its end is told by the library where it can, else noticed when it is waited for.

    To `isinstance` it is the work that it stands for: FSDP waits for nothing else.
    """

    @property
    def __class__(self) -> Any:  # type: ignore[override]
        return type(self._work)

    def __init__(self, work: Any, done: Callable[[Any, Any, Any], None], clock: Any) -> None:
        self._work, self._done, self._clock, self._seen = work, done, clock, False
        self._completed: Any = None
        try:
            work.get_future().then(self._complete)
        except Exception:  # Not every operation of every backend has a future.
            pass

    def _complete(self, _: Any) -> None:
        self._completed = self._clock.now()

    def wait(self, *args: Any, **kwargs: Any) -> Any:
        began = self._clock.now()
        result = self._work.wait(*args, **kwargs)
        if not self._seen:
            self._seen = True
            self._done(began, self._clock.now(), self._completed)
        return result

    def __getattr__(self, name: str) -> Any:
        return getattr(self._work, name)


class _Counters:
    """A file in which the kernel counts, read anew at a look, at most once in `every` seconds.

    It stays open: to open it costs several times as much. To read it costs 1 µs, and 40 between two passes, which leave nothing
    of it in a cache.
    """

    def __init__(self, path: str, every: float = 0.0) -> None:
        self._every, self._until = every, float("-inf")
        self._read: List[bytes] = []
        try:
            self._descriptor: Optional[int] = os.open(path, os.O_RDONLY | getattr(os, "O_CLOEXEC", 0))
        except OSError:
            self._descriptor = None

    def _words(self) -> List[bytes]:
        now = time.perf_counter()
        if now >= self._until:
            self._until = now + self._every
            try:
                self._read = [] if self._descriptor is None else os.pread(self._descriptor, 4096, 0).split()
            except OSError:
                self._read = []
        return self._read

    def second(self) -> Optional[int]:
        """The second number; None where the file is not there, or says none."""
        words = self._words()
        return int(words[1]) if len(words) > 1 and words[1].isdigit() else None

    def named(self, *names: bytes) -> Tuple[Optional[int], ...]:
        """The numbers behind these names; None where there is no such line."""
        words = self._words()
        found = {name: int(word) for name, word in zip(words[::2], words[1::2]) if word.isdigit()}
        return tuple(found.get(name) for name in names)

    def close(self) -> None:
        descriptor, self._descriptor = self._descriptor, None
        if descriptor is not None:
            os.close(descriptor)


class _Processor:
    """What the program’s thread got of the processors in a step. The main thread computes: on a CPU autograd runs in it.

    For as long as something held it back, it was off its processor: where it was on it all the while, the kernel is not asked.
    """

    # Of the time up to the optimizer. Who calls a rank slow looks for several times as much.
    LEAST_OFF = 0.001

    def __init__(self) -> None:
        self._schedule = _Counters("/proc/self/schedstat")
        self._quota = _quota_counters()
        self._counted = self._count()
        self._nothing = dict.fromkeys(self._counted, 0.0)
        self._began = time.perf_counter(), time.thread_time()
        self._worked: Optional[Tuple[float, float]] = None

    def _count(self) -> Dict[str, float]:
        """Since the process began; nothing of what the kernel does not count."""
        delay = self._schedule.second()
        throttled = _throttled_seconds(self._quota) if self._quota is not None else None
        counted = ("runDelaySeconds", None if delay is None else delay / 1e9), ("throttledSeconds", throttled)
        return {name: value for name, value in counted if value is not None}

    def close(self) -> None:
        self._schedule.close()
        if self._quota is not None:
            self._quota.close()

    def worked(self) -> None:
        self._worked = time.perf_counter(), time.thread_time()

    def take(self) -> Dict[str, float]:
        """Of the step that ends, up to where it had worked."""
        end = time.perf_counter(), time.thread_time()
        (began, cpu_before), (worked, cpu) = self._began, self._worked or end
        self._began, self._worked = end, None
        cpu = max(0.0, cpu - cpu_before)
        off = worked - began - cpu
        return {"cpuSeconds": round(cpu, 6), **(self._held_back(off) if off > self.LEAST_OFF * (worked - began) else self._nothing)}

    def _held_back(self, most: float) -> Dict[str, float]:
        """Since the kernel was last asked, which may be longer ago than the step, and counts others of its cgroup as well."""
        before, self._counted = self._counted, self._count()
        return {name: round(max(0.0, min(most, value - before.get(name, value))), 6) for name, value in self._counted.items()}


def _quota_counters() -> Optional[_Counters]:
    """Where the kernel counts how long this process’s cgroup had used up its quota; version 2, else 1."""
    try:
        with open("/proc/self/cgroup") as file:
            lines = [line.rstrip("\n").split(":", 2) for line in file]
    except OSError:
        return None
    for _, controllers, path in lines:
        for folder in [""] if controllers == "" else [controllers, "cpu"] if "cpu" in controllers.split(",") else []:
            found = _Counters("/sys/fs/cgroup/%s%s/cpu.stat" % (folder, path))
            if _throttled_seconds(found) is not None:
                return found
            found.close()
    return None


def _throttled_seconds(quota: _Counters) -> Optional[float]:
    microseconds, nanoseconds = quota.named(b"throttled_usec", b"throttled_time")
    if microseconds is not None:
        return microseconds / 1e6
    return None if nanoseconds is None else nanoseconds / 1e9


PAGE_BYTES = os.sysconf("SC_PAGE_SIZE") if hasattr(os, "sysconf") else 4096
LIBRARY: Any = ctypes.CDLL(None, use_errno=True) if sys.platform.startswith("linux") else None


class _Flows:
    """What this process sends to other nodes by TCP, as the kernel counts it for each connection (struct tcp_info)."""

    LEAST_BYTES = 64 * 1024
    ESTABLISHED = 1
    # In linux/tcp.h: state, rtt (microseconds), total_retrans, bytes_acked, delivery_rate (bytes per second), busy_time and
    # rwnd_limited (microseconds).
    LAYOUT = struct.Struct("=B67xI28xI16xQ32xQQQ")

    def __init__(self) -> None:
        self._remotes: Dict[int, Tuple[str, str]] = {}
        self._last: Dict[int, Tuple[int, ...]] = {}

    def _look(self) -> None:
        self._remotes = {}
        for name in os.listdir("/proc/self/fd"):
            try:
                if not os.readlink("/proc/self/fd/" + name).startswith("socket:"):
                    continue
                local, remote = _address(LIBRARY.getsockname, int(name)), _address(LIBRARY.getpeername, int(name))
                if local != remote and not remote.startswith("127.") and remote != "::1":
                    self._remotes[int(name)] = (local, remote)
            except OSError:  # Closed meanwhile, or connected to nothing.
                continue

    def take(self, looks: bool) -> List[Dict[str, Any]]:
        """Since the last call, by node that was sent to. `looks`: for connections that are new as well."""
        if LIBRARY is None:
            return []
        if looks:
            self._look()
        flows: Dict[Tuple[str, str], List[float]] = {}
        now: Dict[int, Tuple[int, ...]] = {}
        for number, (local, remote) in self._remotes.items():
            try:
                state, rtt, resent, sent, rate, busy, unready = self.LAYOUT.unpack(_tcp_info(number, self.LAYOUT.size))
            except OSError:  # Closed, or a kernel that counts less.
                continue
            if state != self.ESTABLISHED:
                continue
            counters = now[number] = (resent, sent, busy, unready)
            before = self._last.get(number)
            if before is None or any(one < other for one, other in zip(counters, before)):
                continue
            resent, sent, busy, unready = (one - other for one, other in zip(counters, before))
            flow = flows.setdefault((local, remote), [0, 0.0, 0, 0.0, 0])
            flow[0] += sent
            flow[1] += max(0, busy - unready) / 1e6
            flow[2] += resent
            flow[3] = max(flow[3], rtt / 1e6)
            flow[4] = max(flow[4], rate if sent >= self.LEAST_BYTES else 0)
        self._last = now
        names = ("bytes", "busySeconds", "retransmissions", "roundTripSeconds", "deliveryBytesPerSecond")
        return [{"local": local, "remote": remote, **dict(zip(names, flow))} for (local, remote), flow in flows.items() if flow[0] >= self.LEAST_BYTES]


def _asked(call: Callable[..., int], *args: Any) -> None:
    if call(*args) != 0:
        raise OSError(ctypes.get_errno(), "asking the kernel of a socket")


def _address(call: Callable[..., int], number: int) -> str:
    """`getsockname` or `getpeername` of a descriptor that belongs to others. A socket object would change how it blocks."""
    buffer, length = ctypes.create_string_buffer(128), ctypes.c_uint32(128)
    _asked(call, number, buffer, ctypes.byref(length))
    family = struct.unpack_from("=H", buffer.raw)[0]
    if family == socket.AF_INET:
        return socket.inet_ntop(family, buffer.raw[4:8])
    if family == socket.AF_INET6:
        return _plain(socket.inet_ntop(family, buffer.raw[8:24]))
    raise OSError("no internet address")


def _tcp_info(number: int, size: int) -> bytes:
    buffer, length = ctypes.create_string_buffer(size), ctypes.c_uint32(size)
    _asked(LIBRARY.getsockopt, number, socket.IPPROTO_TCP, socket.TCP_INFO, buffer, ctypes.byref(length))
    if length.value < size:
        raise OSError("this kernel counts less")
    return buffer.raw


def _plain(address: str) -> str:
    """`::ffff:10.0.0.1` is an address of version 4."""
    return address[7:] if address.startswith("::ffff:") else address


def _bytes(sent: Any) -> int:
    """Of a tensor, or of a list of them; 0 of what is neither."""
    if isinstance(sent, (list, tuple)):
        return sum(_bytes(one) for one in sent)
    return int(sent.numel() * sent.element_size()) if hasattr(sent, "element_size") else 0


def group_name(ranks: List[int]) -> str:
    """`0-3`, `0-12/4`, `0,16`: three or more ranks that are equally far apart are first, last and stride."""
    parts, at = [], 0
    while at < len(ranks):
        end = at + 1
        stride = ranks[end] - ranks[at] if end < len(ranks) else 0
        while end < len(ranks) and ranks[end] - ranks[end - 1] == stride:
            end += 1
        if end - at > 2:
            parts.append("%d-%d%s" % (ranks[at], ranks[end - 1], "" if stride == 1 else "/%d" % stride))
            at = end
        else:
            parts.append(str(ranks[at]))
            at += 1
    return ",".join(parts)


def _megatron_coordinates() -> Optional[Dict[str, int]]:
    """Where Megatron says that this rank stands, once it has made its groups."""
    state = sys.modules.get("megatron.core.parallel_state")
    if state is None or not state.model_parallel_is_initialized():
        return None
    return {
        "tp": state.get_tensor_model_parallel_rank(), "pp": state.get_pipeline_model_parallel_rank(),
        "dp": state.get_data_parallel_rank(), "cp": state.get_context_parallel_rank(),
    }


def _union(intervals: List[Tuple[float, float]]) -> List[Tuple[float, float]]:
    merged: List[Tuple[float, float]] = []
    for start, stop in sorted(intervals):
        if merged and start <= merged[-1][1]:
            merged[-1] = (merged[-1][0], max(merged[-1][1], stop))
        else:
            merged.append((start, stop))
    return merged


def _phase_at(bounds: List[Tuple[str, float]], moment: float) -> str:
    return next((name for (name, start), (_, stop) in zip(bounds, bounds[1:]) if start <= moment < stop), "")


def _covered(intervals: List[Tuple[float, float]], start: float, stop: float) -> float:
    return sum(max(0.0, min(stop, b) - max(start, a)) for a, b in intervals)


def attach(model: Any = None, optimizer: Any = None, **options: Any) -> Hook:
    """Attaches to a model and its optimizer and gives the hook, which is also a context manager.

    Options: tokens_per_step (of this rank), total_steps, first_step, micro_batch and global_batch (samples), precision,
    recompute (none, selective or full), coordinates (of this rank in the plan, such as {"pp": 0, "dp": 3, "tp": 1};
    Megatron's are found by themselves), rank and world_size (where no launcher says them in the environment),
    model_config (a dict or object; the `.config` of Hugging Face and nanoGPT models is found by itself).
    """
    hook = Hook(**options)
    hook._open()
    hook._watch_allocator()
    hook._announce(model, optimizer, options)
    hook._instrument(model, optimizer)
    hook._now.began = hook._clock.now()
    return hook


def trainer_callback(**options: Any) -> Any:
    """A `TrainerCallback` for Hugging Face's Trainer and what builds on it (TRL, axolotl, LLaMA-Factory).

        Trainer(..., callbacks=[plumbline_hook.trainer_callback()])

    Options as for `attach`; batch sizes, steps and precision are the Trainer's own where none are given.
    """
    from transformers import TrainerCallback

    names = {"loss": "loss", "grad_norm": "gradientNorm", "learning_rate": "learningRate"}

    class PlumblineCallback(TrainerCallback):  # type: ignore[misc]
        hook: Optional[Hook] = None

        def on_train_begin(self, args: Any, state: Any, control: Any, model: Any = None, optimizer: Any = None, **_: Any) -> None:
            known: Dict[str, Any] = {"first_step": state.global_step, "total_steps": state.max_steps}
            known["micro_batch"] = args.per_device_train_batch_size
            known["global_batch"] = args.train_batch_size * args.gradient_accumulation_steps * args.world_size
            known["precision"] = "bf16" if args.bf16 else "fp16" if args.fp16 else None
            self.hook = attach(model, optimizer, **{**known, **options})

        def on_log(self, args: Any, state: Any, control: Any, logs: Optional[Dict[str, Any]] = None, **_: Any) -> None:
            if self.hook is not None and logs is not None:
                self.hook.log(**{names[name]: value for name, value in logs.items() if name in names})

        def on_train_end(self, args: Any, state: Any, control: Any, **_: Any) -> None:
            if self.hook is not None:
                self.hook.close()

    return PlumblineCallback()


def lightning_callback(**options: Any) -> Any:
    """A `Callback` for Lightning: `Trainer(..., callbacks=[plumbline_hook.lightning_callback()])`. Options as for `attach`.

    Of several optimizers the first ends the steps. The loss is what `training_step` returns.
    """
    try:
        from lightning.pytorch import Callback
    except ImportError:
        from pytorch_lightning import Callback

    class PlumblineCallback(Callback):  # type: ignore[misc]
        hook: Optional[Hook] = None

        def on_train_start(self, trainer: Any, pl_module: Any) -> None:
            known: Dict[str, Any] = {"first_step": trainer.global_step, "total_steps": trainer.max_steps if trainer.max_steps > 0 else None}
            known["rank"], known["world_size"] = trainer.global_rank, trainer.world_size
            optimizer = trainer.optimizers[0] if trainer.optimizers else None
            self.hook = attach(trainer.strategy.model, optimizer, **{**known, **options})

        def on_train_batch_start(self, trainer: Any, pl_module: Any, batch: Any, batch_idx: int) -> None:
            if self.hook is not None:
                self.hook._forward_begins()

        def on_before_backward(self, trainer: Any, pl_module: Any, loss: Any) -> None:
            if self.hook is not None:
                self.hook._forward_ends(loss)

        def on_before_optimizer_step(self, trainer: Any, pl_module: Any, optimizer: Any) -> None:
            if self.hook is not None:
                self.hook._optimizer_begins()

        def on_train_batch_end(self, trainer: Any, pl_module: Any, outputs: Any, batch: Any, batch_idx: int) -> None:
            loss = outputs.get("loss") if isinstance(outputs, dict) else outputs
            if self.hook is not None and loss is not None:
                self.hook.log(loss=loss)

        def on_train_end(self, trainer: Any, pl_module: Any) -> None:
            if self.hook is not None:
                self.hook.close()

    return PlumblineCallback()
