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
  run and another had its processor; `throttledSeconds`: a quota of its cgroup was used up;
- one `flow` line a step for each node that it sent to by TCP: bytes, how long they were on their way (`busySeconds`, less what
  the receiver was not ready for), retransmissions, round trip.

On CUDA, kernels run behind the program: phases are then times of the program and not of the device, and collectives
with NCCL count until they are enqueued. This was not measured on a GPU.

What it costs, measured with two ranks on two CPU cores: some 0.25 ms a step, 0.9 % of a step of 51 ms (median of five
pairs of runs, which differed by -3 to +5 %); `npm run bench:hook` measures it anew.

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
from contextlib import contextmanager
from functools import partial
from typing import Any, Callable, Dict, Iterator, List, Optional, Tuple


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
        if self._disabled or os.getpid() != self._pid:
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
        self._step = int(options.get("first_step") or 0)
        self._descriptor = -1
        self._finished: Optional[Dict[str, Any]] = None
        self._finished_calls: List[Dict[str, Any]] = []
        self._logged: Dict[str, float] = {}
        self._intervals: List[Tuple[float, float]] = []
        self._buckets: List[Tuple[float, float]] = []
        self._calls: Dict[Tuple[str, str], List[Any]] = {}
        self._flows = _Flows()
        self._processor = _Processor()
        self._group_names: Dict[Any, str] = {}
        self._explicit: Dict[str, float] = {}
        self._marks: List[Tuple[str, float]] = []
        self._step_began = time.perf_counter()
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
        previous = sys.excepthook

        def on_exception(kind: Any, value: BaseException, trace: Any) -> None:
            self._exception(kind, value)
            previous(kind, value, trace)

        sys.excepthook = on_exception

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
                original = getattr(dist, name, None)
                if original is not None:
                    wrapped = self._wrap_collective(original, operation, buffer)
                    setattr(dist, name, wrapped)
                    self._restore.append(partial(setattr, dist, name, original))
        if hasattr(model, "register_forward_pre_hook"):
            handles = [model.register_forward_pre_hook(lambda *_: self._forward_begins()), model.register_forward_hook(lambda *_: self._forward_ends())]
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
            began = time.perf_counter()
            future = dist.distributed_c10d._get_default_group().allreduce([tensor]).get_future()

            def done(finished: Any) -> Any:
                ended = time.perf_counter()
                self._called_back(began, ended, self._group_name(None), "all-reduce", _bytes(tensor))
                with self._lock:
                    self._buckets.append((began, ended))
                return finished.value()[0]

            return future.then(done)

        try:
            model.register_comm_hook(group, reduce)
        except (RuntimeError, TypeError, ValueError):
            pass  # The model has one of its own: its buckets stay unseen.

    def _wrap_collective(self, original: Callable[..., Any], operation: str, buffer: int) -> Callable[..., Any]:
        isolated = original.__name__ in ("isend", "irecv")

        def collective(*args: Any, **kwargs: Any) -> Any:
            if self._disabled:
                return original(*args, **kwargs)
            began = time.perf_counter()
            # Some collectives are made of others: only the outermost counts.
            self._depth += 1
            try:
                work = original(*args, **kwargs)
            finally:
                self._depth -= 1
            if self._depth > 0:
                return work

            def done(waited_from: float, waited_to: float, ended: float) -> None:
                try:
                    name, size = self._called(operation, args, kwargs, buffer)
                except Exception as error:
                    self._disable(error)
                else:
                    self._called_back(began, ended, name, operation, size)
                    with self._lock:
                        self._intervals.append((waited_from, waited_to))

            if work is not None and (kwargs.get("async_op") or isolated):
                return _Work(work, done)
            ended = time.perf_counter()
            done(began, ended, ended)
            return work

        return collective

    def _called(self, operation: str, args: Tuple[Any, ...], kwargs: Dict[str, Any], buffer: int) -> Tuple[str, int]:
        """The group's name and the bytes of its buffer."""
        sent = args[buffer] if 0 <= buffer < len(args) else next((kwargs[n] for n in ("tensor", "input_tensor", "input") if n in kwargs), None)
        peer = None
        if operation in ("send", "recv"):
            named = "dst" if operation == "send" else "src"
            peer = kwargs.get(named, args[1] if len(args) > 1 else None)
        if peer is not None:
            return ("%d>%d" % ((self.rank, peer) if operation == "send" else (peer, self.rank)), _bytes(sent))
        group = kwargs.get("group")
        if group is None:
            group = next((a for a in args if torch is not None and isinstance(a, dist.ProcessGroup)), None)
        return self._group_name(group), _bytes(sent)

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

    def _called_back(self, began: float, ended: float, group: str, operation: str, size: int) -> None:
        with self._lock:
            call = self._calls.setdefault((group, operation), [[], 0])
            call[0].append((began, ended))
            call[1] += size

    def _exposed_buckets(self, bounds: List[Tuple[str, float]]) -> List[Tuple[float, float]]:
        """Of each backward pass: from the launch of the last bucket, when nothing is left to compute, to the end of all."""
        exposed = []
        for (name, start), (_, stop) in zip(bounds, bounds[1:]):
            own = [(began, ended) for began, ended in self._buckets if name == "backward" and start <= began < stop]
            if own:
                exposed.append((max(began for began, _ in own), max(ended for _, ended in own)))
        return exposed

    @_guarded
    def _forward_begins(self) -> None:
        began = time.perf_counter()
        self._write_finished()
        if torch.is_grad_enabled():
            self._tell_precision()
            self._marks.append(("forward", began))
        self.overhead_seconds += time.perf_counter() - began

    def _tell_precision(self) -> None:
        """Weights in fp32 may be multiplied in less, which shows inside a forward pass: told once, in the first."""
        asked, self._asks_precision = self._asks_precision, False
        precision = _matmul_precision(next(self._model.parameters())) if asked else None
        if precision is not None:
            self._write({"kind": "config", "precision": precision})

    @_guarded
    def _forward_ends(self) -> None:
        if torch.is_grad_enabled():
            self._marks.append(("backward", time.perf_counter()))

    @_guarded
    def _optimizer_begins(self) -> None:
        self._marks.append(("optimizer", time.perf_counter()))
        self._processor.worked()

    @_guarded
    def _optimizer_ends(self) -> None:
        self.end_step()

    @_guarded
    def end_step(self) -> None:
        """Ends the step. Called by itself after `optimizer.step()`; call it where there is no optimizer."""
        ended = time.perf_counter()
        self._write_finished()
        bounds = [("data", self._step_began)] + self._marks + [("", ended)]
        with self._lock:
            intervals, self._intervals = _union(self._intervals + self._exposed_buckets(bounds)), []
            calls, self._calls, self._buckets = self._calls, {}, []
        phases: Dict[str, float] = {}
        for (name, start), (_, stop) in zip(bounds, bounds[1:]):
            phases[name] = phases.get(name, 0.0) + max(0.0, stop - start - _covered(intervals, start, stop))
        phases["communication"] = sum(stop - start for start, stop in intervals)
        if self._explicit:
            phases["data"] = max(0.0, phases.get("data", 0.0) - sum(v for k, v in self._explicit.items() if k != "data"))
            phases.update({name: value for name, value in self._explicit.items() if name != "data"})
        record: Dict[str, Any] = {"kind": "step", "source": "hook", "rank": self.rank, "step": self._step, "time": time.time(), "stepSeconds": ended - self._step_began}
        record["phases"] = {name: {"seconds": round(value, 7)} for name, value in phases.items()}
        tokens, self._counted_tokens = self._tokens or self._counted_tokens, 0
        if tokens:
            record["tokens"] = tokens
        if self._total_steps is not None:
            record["totalSteps"] = self._total_steps
        record.update(self._memory())
        record.update(self._processor.take())
        self._finished = record
        about = {"rank": self.rank, "step": self._step, "time": record["time"]}
        self._finished_calls = [
            {"kind": "collective", **about, "group": group, "operation": operation, "seconds": round(sum(b - a for a, b in _union(spans)), 7), "bytes": size}
            for (group, operation), (spans, size) in calls.items()
        ]
        self._finished_calls += [{"kind": "flow", **about, **flow} for flow in self._flows.take(self._step)]
        self._marks, self._explicit = [], {}
        self._step += 1
        self._step_began = ended
        self.overhead_seconds += time.perf_counter() - ended

    def _memory(self) -> Dict[str, Any]:
        record: Dict[str, Any] = {}
        try:
            with open("/proc/self/statm", "rb") as file:
                record["residentBytes"] = int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")
        except (OSError, ValueError):
            pass
        if torch is not None and torch.cuda.is_available() and torch.cuda.is_initialized():
            record["memoryAllocatedBytes"] = torch.cuda.memory_allocated()
            record["memoryReservedBytes"] = torch.cuda.memory_reserved()
            record["memoryPeakBytes"] = torch.cuda.max_memory_allocated()
        # Walking all tensors costs: what they hold changes only while the optimizer makes its states.
        if self._step < 3 or self._step % 50 == 0:
            self._categories = self._count_categories()
        if self._categories:
            record["memoryCategories"] = self._categories
        return record

    _categories: Dict[str, int] = {}

    def _count_categories(self) -> Dict[str, int]:
        if not hasattr(self._model, "parameters"):
            return {}
        parameters = list(self._model.parameters())
        states = getattr(self._optimizer, "state", {})
        return {
            "parameters": _bytes(parameters),
            "gradients": _bytes([p.grad for p in parameters]),
            "optimizer": sum(_bytes(tensor) for state in states.values() for tensor in state.values()),
        }

    @_guarded
    def log(self, **values: Any) -> None:
        """Figures of the step that has just ended: loss, gradientNorm, learningRate, tokens."""
        names = {"loss", "gradientNorm", "learningRate", "tokens", "samples"}
        target = self._finished if self._finished is not None else self._logged
        for name, value in values.items():
            number = float(value)
            if name in names and number == number and abs(number) != float("inf"):
                target[name] = number

    @contextmanager
    def phase(self, name: str) -> Iterator[None]:
        """Time of a phase of one's own, taken out of `data` where it lies before the forward pass."""
        began = time.perf_counter()
        try:
            yield
        finally:
            self._explicit[name] = self._explicit.get(name, 0.0) + time.perf_counter() - began

    # -- writing ------------------------------------------------------------------------------------------------------

    def _write_finished(self) -> None:
        record, self._finished = self._finished, None
        if record is not None:
            record.update(self._logged)
            self._logged = {}
            self._write(record, *self._finished_calls)

    def _write(self, *records: Dict[str, Any]) -> None:
        lines = []
        for record in records:
            record.setdefault("time", time.time())
            record["run"] = self.run
            if record["kind"] != "config":
                record["node"] = self._node
            lines.append(json.dumps(record, separators=(",", ":"), allow_nan=False) + "\n")
        os.write(self._descriptor, "".join(lines).encode())

    @_guarded
    def _exception(self, kind: Any, value: BaseException) -> None:
        text = "%s: %s" % (getattr(kind, "__name__", kind), value)
        oom = "out of memory" in text.lower() or isinstance(value, MemoryError)
        host = isinstance(value, MemoryError) or "DefaultCPUAllocator" in text
        self._write_finished()
        if oom and torch is not None and torch.cuda.is_available():
            self._keep_snapshot()
        kind_of_end = "host-oom" if host else "oom" if oom else "crash"
        self._write({"kind": "event", "type": kind_of_end, "rank": self.rank, "message": text[:8192], **(_address_space() if host else {})})

    @_guarded
    def close(self) -> None:
        """Writes what is left. Called by itself at the end of the process."""
        self._write_finished()
        self._write({"kind": "rank", "rank": self.rank, "pid": self._pid, "state": "ended"})
        if self.rank == 0 and not os.environ.get("PLUMBLINE_RUN"):
            self._write({"kind": "run", "state": "ended"})
        self._disabled = True
        for restore in self._restore:
            restore()
        os.close(self._descriptor)

    def _disable(self, error: Exception) -> None:
        self._disabled = True
        print("plumbline: the hook is off after %s: %s" % (type(error).__name__, error), file=sys.stderr)

    def __enter__(self) -> "Hook":
        return self

    def __exit__(self, *_: Any) -> None:
        self.close()


class _Work:
    """An asynchronous collective: its end is told by the library where it can, else noticed when it is waited for."""

    def __init__(self, work: Any, done: Callable[[float, float, float], None]) -> None:
        self._work, self._done, self._seen = work, done, False
        self._completed: Optional[float] = None
        try:
            work.get_future().then(self._complete)
        except Exception:  # Not every operation of every backend has a future.
            pass

    def _complete(self, _: Any) -> None:
        self._completed = time.perf_counter()

    def wait(self, *args: Any, **kwargs: Any) -> Any:
        began = time.perf_counter()
        result = self._work.wait(*args, **kwargs)
        if not self._seen:
            self._seen = True
            ended = time.perf_counter()
            self._done(began, ended, min(ended, self._completed or ended))
        return result

    def __getattr__(self, name: str) -> Any:
        return getattr(self._work, name)


class _Processor:
    """What the program’s thread got of the processors in a step. The main thread computes: on a CPU autograd runs in it."""

    def __init__(self) -> None:
        self._stat = _throttle_file()
        self._began = self._now()
        self._worked: Optional[Tuple[float, Optional[float], Optional[float]]] = None

    def _now(self) -> Tuple[float, Optional[float], Optional[float]]:
        delay = throttled = None
        try:
            with open("/proc/self/schedstat", "rb") as file:
                delay = int(file.read().split()[1]) / 1e9
        except (OSError, IndexError, ValueError):
            pass
        if self._stat is not None:
            throttled = _throttled_seconds(self._stat)
        return time.thread_time(), delay, throttled

    def worked(self) -> None:
        self._worked = self._now()

    def take(self) -> Dict[str, float]:
        end, began = self._worked or self._now(), self._began
        self._began, self._worked = self._now(), None
        names = ("cpuSeconds", "runDelaySeconds", "throttledSeconds")
        return {n: round(max(0.0, b - a), 6) for n, a, b in zip(names, began, end) if a is not None and b is not None}


def _throttle_file() -> Optional[str]:
    """The file in which the kernel counts how long this process’s cgroup had used up its quota; version 2, else 1."""
    try:
        with open("/proc/self/cgroup") as file:
            lines = [line.rstrip("\n").split(":", 2) for line in file]
    except OSError:
        return None
    for _, controllers, path in lines:
        for folder in [""] if controllers == "" else [controllers, "cpu"] if "cpu" in controllers.split(",") else []:
            found = "/sys/fs/cgroup/%s%s/cpu.stat" % (folder, path)
            if _throttled_seconds(found) is not None:
                return found
    return None


def _throttled_seconds(path: str) -> Optional[float]:
    try:
        with open(path) as file:
            for line in file:
                name, _, value = line.partition(" ")
                if name in ("throttled_usec", "throttled_time"):
                    return int(value) / (1e6 if name == "throttled_usec" else 1e9)
    except (OSError, ValueError):
        pass
    return None


LIBRARY: Any = ctypes.CDLL(None, use_errno=True) if sys.platform.startswith("linux") else None


class _Flows:
    """What this process sends to other nodes by TCP, as the kernel counts it for each connection (struct tcp_info)."""

    LEAST_BYTES = 64 * 1024
    LOOK_EVERY = 50
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

    def take(self, step: int) -> List[Dict[str, Any]]:
        """Since the last call, by node that was sent to."""
        if LIBRARY is None:
            return []
        if step < 3 or step % self.LOOK_EVERY == 0:
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
    hook._step_began = time.perf_counter()
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
                self.hook._forward_ends()

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
