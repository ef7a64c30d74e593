"""A job of one rank that trains two equal models by turns, one with the hook and one without, in blocks: + - - + + - - +.

The agent runs in blocks with the hook and is stopped (SIGSTOP) in the others, so that what it put off is done in its own blocks.
Prints a JSON line a block: {"with": bool, "wall": seconds, "cpu": seconds, "steps": n}.
"""

import json
import os
import signal
import sys
import time

import torch

import plumbline_hook

agent, blocks, seconds, log = int(sys.argv[1]), int(sys.argv[2]), float(sys.argv[3]), open(sys.argv[4], "a", buffering=1)
torch.set_num_threads(1)


def make():
    torch.manual_seed(0)
    layer = lambda: torch.nn.TransformerEncoderLayer(128, 4, 512, dropout=0.0, batch_first=True)
    model = torch.nn.Sequential(*(layer() for _ in range(4)), torch.nn.Linear(128, 64))
    return model, torch.optim.AdamW(model.parameters(), lr=1e-4)


hooked, plain = make(), make()
hook = plumbline_hook.attach(*hooked, tokens_per_step=512)
x, y = torch.randn(4, 128, 128), torch.randint(64, (4 * 128,))
step = 0


def train(model, optimizer, watched):
    global step
    loss = torch.nn.functional.cross_entropy(model(x).flatten(0, 1), y)
    loss.backward()
    optimizer.step()
    optimizer.zero_grad()
    step += 1
    value = loss.item()
    log.write("iter %d: loss %.4f, time %.2fms, mfu 1.00%%\n" % (step, value, 0.0))
    if watched:
        hook.log(loss=value)


for _ in range(20):
    train(*hooked, True)
    train(*plain, False)
# As many steps in each block, so that blocks are alike.
began = time.perf_counter()
for _ in range(10):
    train(*plain, False)
steps = max(1, round(seconds / (time.perf_counter() - began) * 10))
for block in range(blocks):
    watched = block % 4 in (0, 3)
    os.kill(agent, signal.SIGCONT if watched else signal.SIGSTOP)
    model = hooked if watched else plain
    wall, cpu = time.perf_counter(), time.process_time()
    for _ in range(steps):
        train(*model, watched)
    print(json.dumps({"with": watched, "wall": time.perf_counter() - wall, "cpu": time.process_time() - cpu, "steps": steps}), flush=True)
os.kill(agent, signal.SIGCONT)
