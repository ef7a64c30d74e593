"""A job of one rank, on a CPU or a GPU, that trains a model with the hook and without it by turns: + - - + + - - +. It is one model: two
that are equal lie otherwise in memory, which makes one of them up to a percent slower for as long as the process lives.

A block is a step or two, as what a machine does beside changes from second to second: of blocks of ten steps the difference scatters
two and a half times as much, for as many steps. The agent and the tools that it reads run in blocks with the hook and are stopped
(SIGSTOP) in the others, so that what they put off is done in their own blocks: these bear the agent's work of both.
Prints a JSON line a block: {"with": bool, "wall": seconds, "cpu": seconds}.
"""

import json
import os
import signal
import sys
import time

import torch

import plumbline_hook

agent, blocks, steps, log = int(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]), open(sys.argv[4], "a", buffering=1)
device, batch = sys.argv[5], int(sys.argv[6])
# With 64 sequences a step takes half a second on a core.
width, layers, length = (128, 4, 128) if device == "cpu" else (2048, 8, 1024)
torch.set_num_threads(1)
torch.manual_seed(0)
layer = lambda: torch.nn.TransformerEncoderLayer(width, width // 32 if device == "cpu" else 16, 4 * width, dropout=0.0, batch_first=True)
model = torch.nn.Sequential(*(layer() for _ in range(layers)), torch.nn.Linear(width, 64)).to(device)
optimizer = torch.optim.AdamW(model.parameters(), lr=1e-4)
x, y = torch.randn(batch, length, width, device=device), torch.randint(64, (batch * length,), device=device)
step = 0


def train(steps, hook=None):
    global step
    for _ in range(steps):
        with torch.autocast(device, torch.bfloat16, enabled=device != "cpu"):
            loss = torch.nn.functional.cross_entropy(model(x).flatten(0, 1), y)
        loss.backward()
        optimizer.step()
        optimizer.zero_grad()
        step += 1
        value = loss.item()
        log.write("iter %d: loss %.4f, time %.2fms, mfu 1.00%%\n" % (step, value, 0.0))
        if hook is not None:
            hook.log(loss=value)


def send(number):
    """To the agent and to the tools that it started, which have sessions of their own."""
    parents = {}
    for name in filter(str.isdigit, os.listdir("/proc")):
        try:
            with open("/proc/%s/stat" % name, "rb") as file:
                parents.setdefault(int(file.read().rsplit(b")", 1)[1].split()[1]), []).append(int(name))
        except OSError:
            continue
    waiting = [agent]
    while waiting:
        one = waiting.pop()
        waiting += parents.get(one, [])
        try:
            os.kill(one, number)
        except ProcessLookupError:
            pass


hook = plumbline_hook.attach(model, optimizer, tokens_per_step=batch * length)
# In its first steps the hook looks at what a rank has, which it does seldom later.
train(20, hook)
for block in range(blocks):
    watched = block % 4 in (0, 3)
    hook._leave()
    if watched:
        hook._instrument(model, optimizer)
    send(signal.SIGCONT if watched else signal.SIGSTOP)
    wall, cpu = time.perf_counter(), time.process_time()
    train(steps, hook if watched else None)
    print(json.dumps({"with": watched, "wall": time.perf_counter() - wall, "cpu": time.process_time() - cpu}), flush=True)
send(signal.SIGCONT)
