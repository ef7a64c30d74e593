"""Records real jobs that run out of a GPU's memory: what they print, what the hook tells, and the allocator's snapshot.

    python3 record-gpu.py FOLDER NAME…        # the names in CASES

Each case leaves NAME/log.txt, NAME/rank-0.jsonl, NAME/snapshot-rank-0.pickle and, over all of them, nvidia-smi.csv.
"""

import os
import subprocess
import sys
import time

HERE = os.path.dirname(os.path.abspath(__file__))
HOOK = os.path.join(HERE, "../../../hook")
LARGE = "--device cuda --layers 12 --width 2048 --heads 16 --vocabulary 32000 --sequence 1024".split()

FILL = """
import torch
a = torch.ones(8, 8, device='cuda')
held, size = [], 1 << 30
while size >= 2 << 20:
    try:
        held.append(torch.empty(size, dtype=torch.uint8, device='cuda'))
    except torch.OutOfMemoryError:
        size //= 2
"""
HOLD = "import time, torch; held = torch.empty(int(0.6 * torch.cuda.mem_get_info()[1]), dtype=torch.uint8, device='cuda'); print('held', flush=True); time.sleep(600)"
TRAINER = """
import torch
from transformers import GPT2Config, GPT2LMHeadModel, Trainer, TrainingArguments
model = GPT2LMHeadModel(GPT2Config(n_layer=36, n_embd=1280, n_head=20))
tokens = torch.randint(50257, (64, 1024))
data = [{"input_ids": row, "labels": row} for row in tokens]
settings = TrainingArguments("/tmp/out", per_device_train_batch_size=64, bf16=True, max_steps=20, logging_steps=1, report_to=[])
Trainer(model, settings, train_dataset=data).train()
"""
JAX_PROGRAM = """
import jax, jax.numpy as jnp
@jax.jit
def grow(x):
    y = jnp.sin(x[:, None] * x[None, :])
    z = jnp.cos(y.T + 1.0)
    return (y @ z).sum() + jax.lax.sort(y, dimension=0).sum()
print(grow(jnp.arange(200_000, dtype=jnp.float32)))
"""


def job(*words):
    return [sys.executable, os.path.join(HERE, "job.py"), *LARGE, *words]


def python(text):
    return [sys.executable, "-c", text]


# What ends in `-again` is the same job with what its post-mortem put first (`too-large-selective`: second), within the same device.
CASES = {
    "too-large": job("--micro-batch", "56", "--steps", "4"),
    "too-large-again": job("--micro-batch", "28", "--accumulate", "2", "--steps", "4"),
    "too-large-selective": job("--micro-batch", "56", "--recompute", "selective", "--steps", "4"),
    "leak": job("--micro-batch", "8", "--steps", "120", "--fault", "leak"),
    "leak-again": job("--micro-batch", "8", "--steps", "120", "--fault", "leak", "--fixed"),
    "longer": job("--micro-batch", "8", "--steps", "34", "--fault", "longer", "--longest", "6144", "--sequence", "512"),
    "longer-again": job("--micro-batch", "8", "--steps", "34", "--fault", "longer", "--longest", "2764", "--sequence", "512"),
    "pieces": job("--micro-batch", "4", "--steps", "34", "--fault", "pieces"),
    "pieces-again": job("--micro-batch", "4", "--steps", "34", "--fault", "pieces"),
    "neighbour": job("--micro-batch", "30", "--steps", "8"),
    "neighbour-again": job("--micro-batch", "30", "--steps", "8"),
    "torchrun": [sys.executable, "-m", "torch.distributed.run", "--nproc-per-node", "1", *job("--micro-batch", "56", "--steps", "4")[1:]],
    "fraction": python("import torch; torch.cuda.set_per_process_memory_fraction(0.1); torch.empty(20 << 30, dtype=torch.uint8, device='cuda')"),
    "cublas": python(FILL + "print(a @ a)"),
    "nccl": python(FILL + "import torch.distributed as dist; dist.init_process_group('nccl', init_method='tcp://127.0.0.1:29555', rank=0, world_size=1); dist.all_reduce(a); torch.cuda.synchronize()"),
    "trainer": python(TRAINER),
    "jax-allocation": python("import jax.numpy as jnp; x = jnp.ones((1 << 36,), dtype=jnp.float32); x.block_until_ready()"),
    "jax-program": python(JAX_PROGRAM),
}
ENVIRONMENT = {
    "pieces-again": {"PYTORCH_CUDA_ALLOC_CONF": "expandable_segments:True"},
    "leak": {"PLUMBLINE_MEMORY_HISTORY": "200000"},
    "nccl": {"NCCL_DEBUG": "INFO"},
}
SECONDS = 100


def record(folder, name, command):
    own = os.path.join(folder, name)
    os.makedirs(own, exist_ok=True)
    environment = dict(os.environ, PYTHONPATH=HOOK, PLUMBLINE_HOOK_DIR=own, PLUMBLINE_MEMORY_HISTORY="4000", PYTHONUNBUFFERED="1")
    environment.update(ENVIRONMENT.get(name, {}))
    neighbour = None
    if name == "neighbour":
        neighbour = subprocess.Popen([sys.executable, "-c", HOLD], stdout=subprocess.PIPE)
        neighbour.stdout.readline()
    began = time.time()
    with open(os.path.join(own, "log.txt"), "wb") as log:
        try:
            code = subprocess.run(command, env=environment, stdout=log, stderr=subprocess.STDOUT, timeout=SECONDS).returncode
        except subprocess.TimeoutExpired:
            code = "too slow"
    if neighbour is not None:
        neighbour.kill()
        neighbour.wait()
    with open(os.path.join(own, "log.txt"), "rb") as log:
        last = log.read().decode(errors="replace").strip().splitlines()[-1:]
    print("%s: exit code %s after %.0f s: %s" % (name, code, time.time() - began, (last or [""])[0][:300]), flush=True)


def main(folder, *names):
    os.makedirs(folder, exist_ok=True)
    query = "timestamp,uuid,index,name,memory.used,memory.total,utilization.gpu,power.draw"
    with open(os.path.join(folder, "nvidia-smi.csv"), "w") as samples:
        smi = subprocess.Popen(["nvidia-smi", "--query-gpu=" + query, "--format=csv", "-lms", "1000"], stdout=samples)
        try:
            for name in names or CASES:
                words = name.split()
                record(folder, words[0], CASES[words[0]] + words[1:])
        finally:
            smi.kill()


main(*sys.argv[1:])
