"""A GPT that is trained and runs out of memory, or would have if not for what was changed.

    python3 job.py --device cuda --micro-batch 32                 # too large
    python3 job.py --device cuda --micro-batch 8 --fault leak     # keeps each step's logits; `--fixed` keeps their loss

Faults: `leak`; `longer` (one sequence of `--longest` tokens after steps of `--sequence`); `pieces` (a cache pins what long
requests leave over, then a large request comes); none. `--recompute` and `--accumulate` are what a post-mortem suggests.
"""

import argparse
import math
import os

import torch
from torch.utils.checkpoint import checkpoint

import plumbline_hook

GIB = 1 << 30


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--layers", type=int, default=4)
    parser.add_argument("--width", type=int, default=256)
    parser.add_argument("--heads", type=int, default=4)
    parser.add_argument("--vocabulary", type=int, default=8192)
    parser.add_argument("--sequence", type=int, default=256)
    parser.add_argument("--micro-batch", type=int, default=4)
    parser.add_argument("--accumulate", type=int, default=1)
    parser.add_argument("--recompute", choices=["none", "selective", "full"], default="none")
    parser.add_argument("--steps", type=int, default=40)
    parser.add_argument("--fault", choices=["none", "leak", "longer", "pieces"], default="none")
    parser.add_argument("--fault-at", type=int, default=30)
    parser.add_argument("--longest", type=int, default=0, help="tokens of the one long sequence")
    parser.add_argument("--entries", type=int, default=53, help="of the cache that pins; each 1.1 GiB, and 0.9 GiB of gap")
    parser.add_argument("--fixed", action="store_true", help="the leak is mended")
    return parser.parse_args()


class Block(torch.nn.Module):
    def __init__(self, width: int, heads: int, recompute: str) -> None:
        super().__init__()
        self.heads, self.recompute = heads, recompute
        self.first, self.second = torch.nn.LayerNorm(width), torch.nn.LayerNorm(width)
        self.attention, self.projection = torch.nn.Linear(width, 3 * width), torch.nn.Linear(width, width)
        self.mlp = torch.nn.Sequential(torch.nn.Linear(width, 4 * width), torch.nn.GELU(), torch.nn.Linear(4 * width, width))

    def scores(self, q, k, v):
        s = q.shape[-2]
        mask = torch.full((s, s), float("-inf"), device=q.device).triu(1)
        return ((q @ k.transpose(-2, -1)) / math.sqrt(q.shape[-1]) + mask).softmax(-1) @ v

    def forward(self, x):
        b, s, width = x.shape
        q, k, v = self.attention(self.first(x)).view(b, s, 3, self.heads, width // self.heads).permute(2, 0, 3, 1, 4)
        held = checkpoint(self.scores, q, k, v, use_reentrant=False) if self.recompute == "selective" else self.scores(q, k, v)
        x = x + self.projection(held.transpose(1, 2).reshape(b, s, width))
        return x + self.mlp(self.second(x))


class Gpt(torch.nn.Module):
    def __init__(self, options: argparse.Namespace) -> None:
        super().__init__()
        self.recompute = options.recompute
        self.tokens = torch.nn.Embedding(options.vocabulary, options.width)
        self.blocks = torch.nn.ModuleList(Block(options.width, options.heads, options.recompute) for _ in range(options.layers))
        self.norm, self.head = torch.nn.LayerNorm(options.width), torch.nn.Linear(options.width, options.vocabulary, bias=False)

    def forward(self, x):
        h = self.tokens(x)
        for block in self.blocks:
            h = checkpoint(block, h, use_reentrant=False) if self.recompute == "full" else block(h)
        return self.head(self.norm(h))


def pin(device: str, entries: int) -> list:
    """Long requests come and go, and what is kept is cut out of what they leave: a gap beside each that is too short for the next."""
    kept = []
    for _ in range(entries):
        torch.empty(2 * GIB, dtype=torch.uint8, device=device)
        kept.append(torch.empty(int(1.1 * GIB), dtype=torch.uint8, device=device))
    return kept


def train(options: argparse.Namespace) -> None:
    device = options.device
    torch.manual_seed(0)
    if device == "cpu":
        torch.set_num_threads(1)
    else:
        torch.backends.cuda.matmul.allow_tf32 = True
    model = Gpt(options).to(device)
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-4)
    # What is made by the first step stays; before it the job tells its plan.
    hook = plumbline_hook.attach(
        model, optimizer, tokens_per_step=options.micro_batch * options.accumulate * options.sequence, total_steps=options.steps,
        micro_batch=options.micro_batch, global_batch=options.micro_batch * options.accumulate, recompute=options.recompute,
        model_config=dict(layers=options.layers, hiddenSize=options.width, attentionHeads=options.heads, ffnHiddenSize=4 * options.width, vocabularySize=options.vocabulary, sequenceLength=options.sequence, tiedEmbeddings=False, gatedFfn=False),
    )
    kept: list = []
    for step in range(options.steps):
        length = options.longest if options.fault == "longer" and step == options.fault_at else options.sequence
        total = 0.0
        for _ in range(options.accumulate):
            x = torch.randint(options.vocabulary, (options.micro_batch, length), device=device)
            logits = model(x)
            loss = torch.nn.functional.cross_entropy(logits.flatten(0, 1), x.flatten())
            if options.fault == "pieces" and step == options.fault_at:
                torch.empty(14 * GIB, dtype=torch.uint8, device=device)
            if options.fault == "leak":
                kept.append(loss.item() if options.fixed else logits)
            (loss / options.accumulate).backward()
            total += loss.item() / options.accumulate
        optimizer.step()
        optimizer.zero_grad(set_to_none=False)
        del logits, loss
        if options.fault == "pieces" and step == 2:
            kept = pin(device, options.entries)
        hook.log(loss=total)
        print("iter %d: loss %.4f" % (step, total), flush=True)
    hook.close()
    if device != "cpu":
        print("peak allocated %.2f GiB, reserved %.2f GiB, pid %d" % (torch.cuda.max_memory_allocated() / GIB, torch.cuda.max_memory_reserved() / GIB, os.getpid()))


if __name__ == "__main__":
    train(arguments())
