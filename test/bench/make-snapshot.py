"""Writes a memory snapshot in the shape of torch.cuda.memory._dump_snapshot(): a training loop over a simple caching allocator.

    python3 make-snapshot.py FILE MEGABYTES

Frames are shared between stacks, and each allocation has a list of frames of its own, as PyTorch makes them.
"""
import pickle
import random
import sys

MIB = 1 << 20
BYTES_PER_ENTRY = 99
random.seed(7)


def frame(file, line, name):
    return {"name": name, "filename": file, "line": line}


RUN = [frame("/opt/job/train.py", 212, "<module>"), frame("/opt/job/train.py", 180, "main")]
CPP = [frame("??", 0, "torch::unwind::unwind()"), frame("CUDACachingAllocator.cpp", 0, "c10::cuda::CUDACachingAllocator::Native::DeviceCachingAllocator::malloc(signed char, unsigned long, CUstream_st*)")]
TORCH = "/usr/lib/python3/site-packages/torch/"


def nested(layer, what, line):
    wrap = [frame(TORCH + "nn/modules/module.py", n, "_call_impl") for n in (1501, 1520)]
    return CPP + [frame("/opt/job/model.py", line, "forward_" + what)] + wrap + [frame("/opt/job/model.py", 300 + layer, "forward")] + wrap * 3 + [frame("/opt/job/train.py", 150, "step")] + RUN


def parameters(layer, what):
    return CPP + [frame(TORCH + "nn/modules/module.py", 820, "_apply"), frame(TORCH + "nn/modules/module.py", 1145, "to"), frame("/opt/job/model.py", 60 + layer, "build_" + what)] + RUN


def backward(layer, what):
    return CPP + [frame("AccumulateGrad.cpp", 0, "torch::autograd::AccumulateGrad::apply"), frame("engine.cpp", 0, "torch::autograd::Engine::thread_main"), frame("??", 0, "layer%d_%s" % (layer, what))]


def optimizer(layer, what):
    return CPP + [frame(TORCH + "optim/adamw.py", 127, "_init_group"), frame(TORCH + "optim/adamw.py", 171, "step"), frame(TORCH + "optim/optimizer.py", 373, "wrapper"), frame("/opt/job/train.py", 158, "step"), frame("??", 0, "layer%d_%s" % (layer, what))] + RUN


class Device:
    def __init__(self):
        self.clock, self.trace, self.live, self.segments, self.free, self.top = 1.7e15, [], {}, {}, [], 0x7F0000000000

    def note(self, action, addr, size, frames):
        self.clock += random.randint(3, 40)
        self.trace.append({"action": action, "addr": addr, "size": size, "stream": 0, "time_us": int(self.clock), "compile_context": "N/A", "user_metadata": "", "frames": frames})

    def alloc(self, size, template):
        frames = list(template)
        size = (size + 511) // 512 * 512
        place = next((i for i, (_, room) in enumerate(self.free) if room >= size and room < 4 * size + MIB), None)
        if place is None:
            whole = (size + 2 * MIB - 1) // (2 * MIB) * 2 * MIB
            addr, self.top = self.top, self.top + whole + 2 * MIB
            self.segments[addr] = whole
            self.note("segment_alloc", addr, whole, frames)
            self.free.append((addr, whole))
            place = len(self.free) - 1
        addr, room = self.free.pop(place)
        if room > size:
            self.free.insert(place, (addr + size, room - size))
        self.live[addr] = (size, frames)
        self.note("alloc", addr, size, frames)
        return addr

    def release(self, addr):
        size, frames = self.live.pop(addr)
        self.note("free_requested", addr, size, frames)
        self.note("free_completed", addr, size, frames)
        self.free.append((addr, size))
        if len(self.free) > 2000:
            self.merge()

    def merge(self):
        self.free.sort()
        merged = []
        for addr, size in self.free:
            if merged and sum(merged[-1]) == addr:
                merged[-1] = (merged[-1][0], merged[-1][1] + size)
            else:
                merged.append((addr, size))
        self.free = merged

    def dump(self):
        self.merge()
        whole, segments = sorted(self.segments.items()), []
        blocks = sorted([(a, s, "active_allocated", f) for a, (s, f) in self.live.items()] + [(a, s, "inactive", []) for a, s in self.free])
        at = 0
        for addr, size in whole:
            own = []
            while at < len(blocks) and blocks[at][0] < addr + size:
                a, s, state, frames = blocks[at]
                own.append({"address": a, "size": s, "requested_size": s - (100 if state != "inactive" else 0), "state": state, "frames": frames})
                at += 1
            segments.append({"device": 0, "address": addr, "total_size": size, "allocated_size": sum(b["size"] for b in own if b["state"] != "inactive"), "active_size": 0, "requested_size": 0, "stream": 0, "segment_type": "large" if size > 2 * MIB else "small", "segment_pool_id": (0, 0), "is_expandable": False, "frames": [], "blocks": own})
        return segments


def main(path, megabytes):
    device, layers = Device(), 32
    entries = megabytes * 1_000_000 // BYTES_PER_ENTRY
    parts = ("attention", "mlp", "norm")
    shapes = {"attention": 40 * MIB, "mlp": 96 * MIB, "norm": 16384}
    stacks = {(make.__name__, layer, what): make(layer, what) for make in (parameters, backward, optimizer) for layer in range(layers) for what in parts}
    forward = {(layer, what, i): nested(layer, what, 100 + i) for layer in range(layers) for what in parts for i in range(24)}
    for layer in range(layers):
        for what in parts:
            device.alloc(shapes[what], stacks["parameters", layer, what])
    step, states = 0, False
    while len(device.trace) < entries:
        length = random.choice([512, 1024, 2048, 4096])
        held, gradients = [], []
        for layer in range(layers):
            for what in parts:
                for i in range(24):
                    block = device.alloc(length * (256 + 64 * i), forward[layer, what, i])
                    if i % 3 == 0:
                        device.release(block)
                    else:
                        held.append(block)
        for layer in reversed(range(layers)):
            for what in parts:
                for _ in range(16):
                    device.release(held.pop())
                gradients.append(device.alloc(shapes[what], stacks["backward", layer, what]))
        if not states:
            for layer in range(layers):
                for what in parts:
                    device.alloc(2 * shapes[what], stacks["optimizer", layer, what])
            states = True
        for block in gradients:
            device.release(block)
        step += 1
    # In the middle of a forward pass it is over.
    for layer in range(20):
        for what in parts:
            for i in range(24):
                device.alloc(4096 * (256 + 64 * i), forward[layer, what, i])
    device.note("oom", 0, 2048 * MIB, list(forward[20, "attention", 3]))
    device.trace[-1]["device_free"] = 700 * MIB
    snapshot = {"segments": device.dump(), "device_traces": [device.trace], "allocator_settings": {"expandable_segments": False}, "external_annotations": []}
    with open(path, "wb") as file:
        pickle.dump(snapshot, file)


main(sys.argv[1], int(sys.argv[2]))
