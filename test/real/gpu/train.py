"""A GPT that is trained on one GPU in bf16 for a while, and what may hold it back: a real job to watch.

    plumbline run -- python3 test/real/gpu/train.py --seconds 60 --fault loader:20-30 --fault neighbour:40-50

Faults, by seconds since the first step: `loader` (each batch comes 150 ms late), `neighbour` (another process multiplies on the same
device), `host` (the launches of each layer are late, as where the program has no processor).
"""

import argparse
import subprocess
import sys
import time

import torch
from torch.nn.functional import cross_entropy, scaled_dot_product_attention

import plumbline_hook

NEIGHBOUR = "import torch\na = torch.randn(8192, 8192, device='cuda', dtype=torch.bfloat16)\nwhile True:\n    for _ in range(20): a @ a\n    torch.cuda.synchronize()"


class Block(torch.nn.Module):
    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.first, self.second = torch.nn.LayerNorm(width), torch.nn.LayerNorm(width)
        self.attention, self.projection = torch.nn.Linear(width, 3 * width), torch.nn.Linear(width, width)
        self.mlp = torch.nn.Sequential(torch.nn.Linear(width, 4 * width), torch.nn.GELU(), torch.nn.Linear(4 * width, width))

    def forward(self, x):
        b, s, width = x.shape
        q, k, v = self.attention(self.first(x)).view(b, s, 3, self.heads, width // self.heads).permute(2, 0, 3, 1, 4)
        held = scaled_dot_product_attention(q, k, v, is_causal=True)
        x = x + self.projection(held.transpose(1, 2).reshape(b, s, width))
        return x + self.mlp(self.second(x))


class Gpt(torch.nn.Module):
    late = 0.0

    def __init__(self, options: argparse.Namespace) -> None:
        super().__init__()
        self.tokens = torch.nn.Embedding(options.vocabulary, options.width)
        self.blocks = torch.nn.ModuleList(Block(options.width, options.heads) for _ in range(options.layers))
        self.norm, self.head = torch.nn.LayerNorm(options.width), torch.nn.Linear(options.width, options.vocabulary, bias=False)

    def forward(self, x):
        h = self.tokens(x)
        for block in self.blocks:
            time.sleep(self.late)
            h = block(h)
        return self.head(self.norm(h))


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    parser.add_argument("--layers", type=int, default=24)
    parser.add_argument("--width", type=int, default=2048)
    parser.add_argument("--heads", type=int, default=16)
    parser.add_argument("--vocabulary", type=int, default=50304)
    parser.add_argument("--sequence", type=int, default=1024)
    parser.add_argument("--micro-batch", type=int, default=8)
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--compile", action="store_true")
    parser.add_argument("--fault", action="append", default=[], help="KIND:FROM-TO")
    return parser.parse_args()


def active(faults, kind: str, second: float) -> bool:
    for fault in faults:
        name, _, span = fault.partition(":")
        since, until = map(float, span.split("-"))
        if name == kind and since <= second < until:
            return True
    return False


def main() -> None:
    options = arguments()
    torch.manual_seed(0)
    model = Gpt(options).cuda()
    optimizer = torch.optim.AdamW(model.parameters(), lr=3e-4, fused=True)
    tokens = options.micro_batch * options.sequence
    hook = plumbline_hook.attach(
        model, optimizer, tokens_per_step=tokens, micro_batch=options.micro_batch, global_batch=options.micro_batch,
        model_config=dict(name="GPT", layers=options.layers, hiddenSize=options.width, attentionHeads=options.heads, ffnHiddenSize=4 * options.width, vocabularySize=options.vocabulary, sequenceLength=options.sequence, tiedEmbeddings=False, gatedFfn=False),
    )
    fast = torch.compile(model) if options.compile else model
    data = torch.randint(options.vocabulary, (64, options.micro_batch, options.sequence + 1))
    began, step, neighbour, last = time.perf_counter(), 0, None, time.perf_counter()
    while last - began < options.seconds:
        second = last - began
        time.sleep(0.15 if active(options.fault, "loader", second) else 0)
        model.late = 0.02 if active(options.fault, "host", second) else 0.0
        if active(options.fault, "neighbour", second) != (neighbour is not None):
            if neighbour is None:
                neighbour = subprocess.Popen([sys.executable, "-c", NEIGHBOUR])
            else:
                neighbour.kill()
                neighbour.wait()
                neighbour = None
        batch = data[step % 64].pin_memory().cuda(non_blocking=True)
        with torch.autocast("cuda", torch.bfloat16):
            loss = cross_entropy(fast(batch[:, :-1]).flatten(0, 1), batch[:, 1:].flatten())
        loss.backward()
        optimizer.step()
        optimizer.zero_grad(set_to_none=True)
        value = loss.item()
        hook.log(loss=value)
        now = time.perf_counter()
        print("step %d loss %.4f time_ms %.2f tokens_per_second %.0f" % (step, value, 1e3 * (now - last), tokens / (now - last)), flush=True)
        step, last = step + 1, now
    if neighbour is not None:
        neighbour.kill()
    print("max memory allocated: %.3f GB" % (torch.cuda.max_memory_allocated() / 1e9))


if __name__ == "__main__":
    main()
