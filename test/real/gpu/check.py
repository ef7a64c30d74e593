"""The hook on a GPU, held against kernels of known length: `python3 check.py CASE` fails where it tells something else.

Cases: ahead, item, overlap, gather, ddp, sharded, compiled, captured, trainer, assertion, memory. Work is `torch.cuda._sleep`,
which keeps a stream busy for so many cycles; one GPU is enough. `all` runs every case in a process of its own.
With `--simulated` the device is one of streams and events alone: ahead, overlap and gather need no more.
"""

import json
import os
import subprocess
import sys
import tempfile
import time
import warnings

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "../../../hook"))
folder = os.environ.setdefault("PLUMBLINE_HOOK_DIR", tempfile.mkdtemp(prefix="plumbline-gpu-"))
os.environ.setdefault("PLUMBLINE_RUN", "check")
os.environ.update(RANK="0", WORLD_SIZE="1", LOCAL_RANK="0", MASTER_ADDR="127.0.0.1")
os.environ.setdefault("MASTER_PORT", str(29000 + os.getpid() % 2000))

import torch
import torch.distributed as dist

SIMULATED = "--simulated" in sys.argv
if SIMULATED:
    import simulated

    simulated.install()

import plumbline_hook

DEVICE, BACKEND = ("cpu", "gloo") if SIMULATED else ("cuda", "nccl")
warnings.filterwarnings("ignore")
CYCLES_A_MS = 0.0


def busy(ms: float) -> None:
    torch.cuda._sleep(int(ms * CYCLES_A_MS))


def calibrate() -> None:
    global CYCLES_A_MS
    a, b = torch.cuda.Event(enable_timing=True), torch.cuda.Event(enable_timing=True)
    for _ in range(3):  # The clock rises with the first work.
        a.record()
        torch.cuda._sleep(200_000_000)
        b.record()
        torch.cuda.synchronize()
        time.sleep(0.001)
    CYCLES_A_MS = 200_000_000 / a.elapsed_time(b)


class Busy(torch.autograd.Function):
    @staticmethod
    def forward(context, x, ahead, back):
        context.back = back
        busy(ahead)
        return x.clone()

    @staticmethod
    def backward(context, gradient):
        busy(context.back)
        return gradient, None, None


class Model(torch.nn.Module):
    def __init__(self, ahead: float = 20, back: float = 30) -> None:
        super().__init__()
        self.layer, self.ahead, self.back = torch.nn.Linear(256, 256), ahead, back

    def forward(self, x):
        return Busy.apply(self.layer(x), self.ahead, self.back)


class Slow(torch.optim.SGD):
    def step(self, closure=None):
        busy(10)
        return super().step(closure)


def records(kind: str):
    with open(os.path.join(folder, "rank-0.jsonl")) as file:
        return [record for record in map(json.loads, file) if record["kind"] == kind]


def phases(step):
    return {name: 1e3 * value["seconds"] for name, value in step["phases"].items()}


def near(what: str, found: float, expected: float, allowed: float = 1.5) -> None:
    print("%s: %.2f ms, %.2f expected" % (what, found, expected))
    # A simulated device waits for a program that has no processor of its own.
    assert abs(found - expected) <= allowed + 8 * SIMULATED, (what, found, expected)


def train(steps: int, model=None, optimizer=None, item: bool = False, between: float = 0.0, before_wait=None):
    model = model or Model().cuda()
    optimizer = optimizer or Slow(model.parameters(), lr=1e-3)
    x = torch.randn(64, 256, device=DEVICE)
    torch.cuda.synchronize()
    with plumbline_hook.attach(model, optimizer, tokens_per_step=64) as hook:
        began = time.perf_counter()
        for _ in range(steps):
            time.sleep(between)
            loss = model(x).square().mean()
            loss.backward()
            optimizer.step()
            optimizer.zero_grad(set_to_none=True)
            if item:
                hook.log(loss=loss.item())
        queued = time.perf_counter() - began
        torch.cuda.synchronize()
        took = time.perf_counter() - began
        overhead = hook.overhead_seconds / steps
    found = records("step")
    assert [step["step"] for step in found] == list(range(steps)), [step["step"] for step in found]
    print("%d steps, queued in %.1f ms, took %.1f ms; the hook %.3f ms a step" % (steps, 1e3 * queued, 1e3 * took, 1e3 * overhead))
    return found, queued, took


def ahead() -> None:
    """The program queues all steps long before the device comes to them."""
    found, queued, took = train(20)
    assert queued < took / (1 if SIMULATED else 2)
    for step in found[2:]:
        times = phases(step)
        near("forward", times["forward"], 20)
        near("backward", times["backward"], 30)
        near("optimizer", times["optimizer"], 10)
        near("data", times["data"], 0)
    near("all steps", 1e3 * sum(step["stepSeconds"] for step in found), 1e3 * took, 5)
    near("from the first end to the last", 1e3 * (found[-1]["time"] - found[0]["time"]), 1e3 * sum(step["stepSeconds"] for step in found[1:]), 5)
    assert abs(found[-1]["time"] - time.time()) < 5


def item() -> None:
    """The program waits for each step's loss, then for its data, while the device has nothing to do."""
    found, _, took = train(10, item=True, between=0.04)
    for step in found[2:]:
        near("forward", phases(step)["forward"], 20)
        near("data", phases(step)["data"], 40, 3)
        assert step["loss"] > 0
    near("all steps", 1e3 * sum(step["stepSeconds"] for step in found), 1e3 * took, 5)


class Sent:
    """A collective that takes 50 ms on a stream of its own, as NCCL’s work."""

    stream = None

    def __init__(self) -> None:
        Sent.stream = Sent.stream or torch.cuda.Stream()
        Sent.stream.wait_stream(torch.cuda.current_stream())
        with torch.cuda.stream(Sent.stream):
            busy(50)
        self.event = Sent.stream.record_event()

    def wait(self):
        self.event.wait(torch.cuda.current_stream())


def overlap() -> None:
    """50 ms of communication begin with a backward pass of 30 ms: 20 of them hold the device up."""
    dist.init_process_group(BACKEND)

    def all_reduce(tensor, op=None, group=None, async_op=False):
        return Sent()

    dist.all_reduce = all_reduce
    model = Model().cuda()
    optimizer = Slow(model.parameters(), lr=1e-3)
    x = torch.randn(64, 256, device=DEVICE)
    with plumbline_hook.attach(model, optimizer):
        for _ in range(8):
            loss = model(x).square().mean()
            work = dist.all_reduce(x, async_op=True)
            loss.backward()
            work.wait()
            optimizer.step()
            optimizer.zero_grad(set_to_none=True)
    for step in records("step")[2:]:
        near("communication", phases(step)["communication"], 20)
        near("backward", phases(step)["backward"], 30)
        near("optimizer", phases(step)["optimizer"], 10)
    for call in records("collective")[2:]:
        near("from launch to completion", 1e3 * call["seconds"], 50)
        assert call["operation"] == "all-reduce" and call["group"] == "0" and call["bytes"] == 64 * 256 * 4, call


class Gathered(torch.nn.Module):
    """A layer whose weights come by a collective of 15 ms on a stream of its own, ordered as FSDP orders its gathers."""

    def __init__(self, side) -> None:
        super().__init__()
        self.inner, self.side, self.whole = Model(20, 30), side, torch.empty(256, device=DEVICE)

    def forward(self, x):
        self.side.wait_stream(torch.cuda.current_stream())
        with torch.cuda.stream(self.side):
            busy(15)
            dist.all_reduce(self.whole)
        torch.cuda.current_stream().wait_event(self.side.record_event())
        return self.inner(x)


def gather() -> None:
    """The stream that computes waits for what two layers gather, while the program runs ahead of both."""
    dist.init_process_group(BACKEND)
    side = torch.cuda.Stream()
    model = torch.nn.Sequential(Gathered(side), Gathered(side)).cuda()
    found, _, took = train(8, model, torch.optim.SGD(model.parameters(), lr=1e-3))
    near("all steps", 1e3 * sum(step["stepSeconds"] for step in found), 1e3 * took, 20)
    for step in found[2:]:
        times = phases(step)
        near("communication", times["communication"], 30)
        near("forward", times["forward"], 40)
        near("backward", times["backward"], 60)
        near("the step", 1e3 * step["stepSeconds"], sum(times.values()), 0.1)
    assert {call["operation"] for call in records("collective")} == {"all-reduce"}, records("collective")[:3]


def sharded() -> None:
    from torch.distributed.fsdp import fully_shard

    dist.init_process_group(BACKEND)
    model = torch.nn.Sequential(Model(), Model()).cuda()
    for layer in model:
        fully_shard(layer)
    fully_shard(model)
    found, _, _ = train(8, model, torch.optim.SGD(model.parameters(), lr=1e-3))
    for step in found[2:]:
        near("forward", phases(step)["forward"], 40, 3)
        near("backward", phases(step)["backward"], 60, 5)


def ddp() -> None:
    dist.init_process_group(BACKEND)
    model = torch.nn.parallel.DistributedDataParallel(Model().cuda())
    found, _, _ = train(8, model, Slow(model.parameters(), lr=1e-3))
    for step in found[2:]:
        near("backward", phases(step)["backward"], 30)
        assert 0 <= phases(step)["communication"] < 2, phases(step)
    assert {call["operation"] for call in records("collective")} == {"all-reduce"}
    # Several bytes a parameter, once a step.
    assert records("collective")[-1]["bytes"] == 4 * (256 * 256 + 256), records("collective")[-1]


def compiled() -> None:
    """A model that is compiled before or after the hook, with CUDA graphs too, trains as without the hook."""
    x = torch.randn(64, 256, device=DEVICE)

    def losses(order: str, mode) -> list:
        torch.manual_seed(0)
        torch._dynamo.reset()
        model = torch.nn.Sequential(torch.nn.Linear(256, 256), torch.nn.GELU(), torch.nn.Linear(256, 256)).cuda()
        optimizer = torch.optim.SGD(model.parameters(), lr=1e-1)
        hook = plumbline_hook.attach(model, optimizer, first_step=1000) if order == "after" else None
        fast = torch.compile(model, mode=mode)
        hook = plumbline_hook.attach(fast, optimizer, first_step=2000) if order == "before" else hook
        told = []
        for _ in range(6):
            loss = fast(x).square().mean()
            loss.backward()
            optimizer.step()
            optimizer.zero_grad()
            told.append(loss.item())
        if hook is not None:
            hook.close()
        return told

    for mode in (None, "reduce-overhead"):
        plain = losses("none", mode)
        for order in ("after", "before"):
            assert losses(order, mode) == plain, (mode, order)
    steps = records("step")
    assert len(steps) == 24, len(steps)
    for step in steps:
        assert phases(step)["forward"] > 0 and phases(step)["backward"] > 0, step
    print("24 steps of compiled models, the losses as without the hook")


def captured() -> None:
    """A step that was captured into a graph once is replayed without the hook’s knowledge; nothing breaks."""
    model = torch.nn.Linear(256, 256).cuda()
    optimizer = torch.optim.SGD(model.parameters(), lr=1e-3)
    x = torch.randn(64, 256, device=DEVICE)
    hook = plumbline_hook.attach(model, optimizer)

    def once():
        optimizer.zero_grad(set_to_none=False)
        model(x).square().mean().backward()

    side = torch.cuda.Stream()
    side.wait_stream(torch.cuda.current_stream())
    with torch.cuda.stream(side):
        for _ in range(3):
            once()
    torch.cuda.current_stream().wait_stream(side)
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph):
        once()
    for _ in range(5):
        graph.replay()
        optimizer.step()
    hook.close()
    assert len(records("step")) == 5, len(records("step"))
    print("5 steps of a captured pass")


def trainer() -> None:
    from transformers import LlamaConfig, LlamaForCausalLM, Trainer, TrainingArguments

    config = LlamaConfig(hidden_size=512, intermediate_size=1024, num_hidden_layers=4, num_attention_heads=8, vocab_size=1024)
    ids = torch.randint(0, 1024, (512, 512))
    data = [{"input_ids": row, "labels": row} for row in ids]
    args = TrainingArguments(tempfile.mkdtemp(), max_steps=12, per_device_train_batch_size=16, bf16=True, logging_steps=1, report_to=[], save_strategy="no", disable_tqdm=True)
    Trainer(model=LlamaForCausalLM(config), args=args, train_dataset=data, callbacks=[plumbline_hook.trainer_callback()]).train()
    steps = records("step")
    assert len(steps) == 12 and all(step["loss"] > 0 and step["tokens"] == 16 * 512 for step in steps), steps[-1]
    print({name: round(value, 2) for name, value in phases(steps[-1]).items()})


def assertion() -> None:
    """A device that has failed answers nothing any more: the crash is told all the same, and the process ends."""
    code = "import check, torch; model = check.Model().cuda(); o = torch.optim.SGD(model.parameters(), lr=.1); h = check.plumbline_hook.attach(model, o)\ncheck.calibrate()\nfor step in range(6):\n    x = torch.randn(4, 256, device='cuda')\n    if step == 4: torch.zeros(4, device='cuda')[torch.tensor([9], device='cuda')]\n    model(x).sum().backward(); o.step(); o.zero_grad()\nh.log(loss=model(x).sum().item())"
    began = time.perf_counter()
    ended = subprocess.run([sys.executable, "-c", code], cwd=HERE, capture_output=True, text=True, timeout=90)
    assert ended.returncode != 0, ended
    events = records("event")
    assert events and events[-1]["type"] == "crash" and "assert" in events[-1]["message"], (events, ended.stderr[-600:])
    print("told: %s; ended after %.1f s; %d steps" % (events[-1]["message"].splitlines()[0], time.perf_counter() - began, len(records("step"))))


def memory() -> None:
    code = "import check, torch; model = check.Model().cuda(); o = torch.optim.SGD(model.parameters(), lr=.1); h = check.plumbline_hook.attach(model, o)\nheld = []\nwhile True:\n    model(torch.randn(4, 256, device='cuda')).sum().backward(); o.step(); held.append(torch.empty(8 << 30, device='cuda', dtype=torch.uint8))"
    subprocess.run([sys.executable, "-c", code], cwd=HERE, capture_output=True, text=True, timeout=90)
    assert records("event")[-1]["type"] == "oom", records("event")
    peak = [step["memoryPeakBytes"] for step in records("step")]
    print("oom told; peaks of %d steps up to %.1f GiB; snapshot %d bytes" % (len(peak), max(peak) / 2**30, os.path.getsize(os.path.join(folder, "snapshot-rank-0.pickle"))))


CASES = {name: case for name, case in list(globals().items()) if name in __doc__.split("Cases: ")[1].split(".")[0].split(", ")}

if __name__ == "__main__":
    if sys.argv[1] == "all":
        running = {}
        failed = 0
        for name in CASES:
            environment = {**os.environ, "PLUMBLINE_HOOK_DIR": tempfile.mkdtemp(prefix="plumbline-gpu-")}
            environment.pop("MASTER_PORT")
            began = time.time()
            try:
                done = subprocess.run([sys.executable, os.path.abspath(__file__), name], env=environment, capture_output=True, text=True, timeout=120)
                code, said = done.returncode, done.stdout[-500:] if done.returncode == 0 else done.stdout[-900:] + done.stderr[-1800:]
            except subprocess.TimeoutExpired as error:
                code, said = 124, str(error.stdout)[-900:]
            failed += code != 0
            print("== %s: %s in %.1f s\n%s" % (name, "ok" if code == 0 else "FAILED (%d)" % code, time.time() - began, said), flush=True)
        sys.exit(failed)
    calibrate()
    CASES[sys.argv[1]]()
    # On some machines the end of a process group waits for its watchdog.
    os._exit(0) if dist.is_initialized() else None
