"""A small character GPT trained with data parallelism on CPUs (gloo): a real job to watch.

    plumbline run -- /usr/bin/python3 examples/train.py --launch 4 --steps 200

`--truth DIR` writes what the job itself measured, rank by rank, to compare the dashboard with.
"""

import argparse
import json
import math
import os
import signal
import socket
import subprocess
import sys
import time

LAYERS, HEADS, SEQUENCE = 4, 4, 128


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    parser.add_argument("--launch", type=int, default=0, help="start this many ranks on this machine")
    parser.add_argument("--steps", type=int, default=100)
    parser.add_argument("--batch", type=int, default=4, help="sequences of a rank")
    parser.add_argument("--width", type=int, default=128, help="hidden size, a multiple of 4")
    parser.add_argument("--sync", choices=["flat", "ddp"], default="flat")
    parser.add_argument("--device-ms", type=float, default=0, help="sleep so long in each pass, as a program that waits for its device")
    parser.add_argument("--truth", default="")
    parser.add_argument("--no-hook", action="store_true")
    parser.add_argument("--slow-rank", type=int, default=-1)
    parser.add_argument("--slow-ms", type=float, default=0)
    parser.add_argument("--slow-from", type=int, default=0)
    parser.add_argument("--slow-to", type=int, default=1 << 30)
    parser.add_argument("--fail-at", type=int, default=-1, help="rank 0 raises at this step")
    return parser.parse_args()


def launch(ranks: int) -> int:
    """Starts the ranks, waits for all, and ends the rest when one fails. Gives the first failing exit code."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    words = [word for index, word in enumerate(sys.argv) if word != "--launch" and sys.argv[index - 1] != "--launch"]
    children = []
    for rank in range(ranks):
        environment = dict(os.environ, RANK=str(rank), LOCAL_RANK=str(rank), WORLD_SIZE=str(ranks), MASTER_ADDR="127.0.0.1", MASTER_PORT=str(port), OMP_NUM_THREADS="1")
        children.append(subprocess.Popen([sys.executable, *words], env=environment))

    def end(number: int, _: object) -> None:
        for child in children:
            child.terminate()
        sys.exit(128 + number)

    signal.signal(signal.SIGTERM, end)
    signal.signal(signal.SIGINT, end)
    failed = 0
    while any(child.poll() is None for child in children) and failed == 0:
        failed = next((child.returncode for child in children if child.returncode), 0)
        time.sleep(0.02)
    for child in children:
        if failed:
            child.terminate()
        child.wait()
    return failed or next((child.returncode for child in children if child.returncode), 0)


def train(options: argparse.Namespace) -> None:
    import torch
    import torch.distributed as dist

    class Block(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.first, self.second = torch.nn.LayerNorm(width), torch.nn.LayerNorm(width)
            self.attention, self.projection = torch.nn.Linear(width, 3 * width), torch.nn.Linear(width, width)
            self.mlp = torch.nn.Sequential(torch.nn.Linear(width, 4 * width), torch.nn.GELU(), torch.nn.Linear(4 * width, width))
            self.register_buffer("mask", torch.full((SEQUENCE, SEQUENCE), float("-inf")).triu(1))

        def forward(self, x):
            b, s, _ = x.shape
            q, k, v = self.attention(self.first(x)).view(b, s, 3, HEADS, width // HEADS).permute(2, 0, 3, 1, 4)
            scores = (q @ k.transpose(-2, -1)) / math.sqrt(width // HEADS)
            scores = (scores + self.mask[:s, :s]).softmax(-1)
            x = x + self.projection((scores @ v).transpose(1, 2).reshape(b, s, width))
            return x + self.mlp(self.second(x))

    class Gpt(torch.nn.Module):
        def __init__(self, vocabulary: int) -> None:
            super().__init__()
            self.tokens, self.positions = torch.nn.Embedding(vocabulary, width), torch.nn.Embedding(SEQUENCE, width)
            self.blocks = torch.nn.ModuleList(Block() for _ in range(LAYERS))
            self.norm, self.head = torch.nn.LayerNorm(width), torch.nn.Linear(width, vocabulary)

        def forward(self, x, y):
            h = self.tokens(x) + self.positions(torch.arange(x.shape[1]))
            for block in self.blocks:
                h = block(h)
            time.sleep(options.device_ms / 1000)
            logits = self.head(self.norm(h))
            return torch.nn.functional.cross_entropy(logits.flatten(0, 1), y.flatten())

    batch, width = options.batch, options.width
    rank, world = int(os.environ.get("RANK", 0)), int(os.environ.get("WORLD_SIZE", 1))
    if world > 1:
        dist.init_process_group("gloo")
    torch.manual_seed(0)
    data = torch.tensor(list(open(__file__, "rb").read()))
    model = Gpt(256)
    wrapped = torch.nn.parallel.DistributedDataParallel(model, broadcast_buffers=False) if world > 1 and options.sync == "ddp" else model
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-3)
    generator = torch.Generator().manual_seed(1 + rank)
    if not options.no_hook:
        import plumbline_hook

        hook = plumbline_hook.attach(
            wrapped, optimizer, tokens_per_step=batch * SEQUENCE, total_steps=options.steps, micro_batch=batch, global_batch=batch * world,
            model_config=dict(layers=LAYERS, hiddenSize=width, attentionHeads=HEADS, ffnHiddenSize=4 * width, vocabularySize=256, sequenceLength=SEQUENCE, tiedEmbeddings=False, gatedFfn=False),
        )
    truth = []
    began = time.perf_counter()
    for step in range(options.steps):
        starts = torch.randint(len(data) - SEQUENCE - 1, (batch,), generator=generator)
        x = torch.stack([data[i : i + SEQUENCE] for i in starts])
        y = torch.stack([data[i + 1 : i + SEQUENCE + 1] for i in starts])
        loss = wrapped(x, y)
        if rank == options.slow_rank and options.slow_from <= step < options.slow_to:
            time.sleep(options.slow_ms / 1000)
        if rank == 0 and step == options.fail_at:
            raise RuntimeError("asked to fail at step %d" % step)
        time.sleep(options.device_ms / 1000)
        loss.backward()
        communication = 0.0
        if world > 1 and options.sync == "flat":
            flat = torch.cat([p.grad.flatten() for p in model.parameters()])
            entered = time.perf_counter()
            dist.all_reduce(flat)
            communication = time.perf_counter() - entered
            flat /= world
            offset = 0
            for p in model.parameters():
                p.grad.copy_(flat[offset : offset + p.numel()].view_as(p))
                offset += p.numel()
        optimizer.step()
        optimizer.zero_grad(set_to_none=False)
        value = loss.item()
        if not options.no_hook:
            hook.log(loss=value)
        now = time.perf_counter()
        truth.append({"step": step, "seconds": now - began, "loss": value, "communicationSeconds": communication})
        if rank == 0:
            print("iter %d: loss %.4f, time %.2fms, mfu 0.00%%" % (step, value, (now - began) * 1000), flush=True)
        began = now
    if options.truth:
        os.makedirs(options.truth, exist_ok=True)
        overhead = 0.0 if options.no_hook else hook.overhead_seconds / options.steps
        with open(os.path.join(options.truth, "rank-%d.json" % rank), "w") as file:
            json.dump({"rank": rank, "steps": truth, "hookSecondsPerStep": overhead}, file)
    if not options.no_hook:
        hook.close()
    if world > 1:
        dist.destroy_process_group()
        # Everything is written. Threads of gloo now and then abort an interpreter that ends in good order (PyTorch 1.13).
        sys.stdout.flush()
        os._exit(0)


if __name__ == "__main__":
    given = arguments()
    if given.launch > 0:
        sys.exit(launch(given.launch))
    train(given)
