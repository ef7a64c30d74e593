"""What `plumbline probe` asks of torch on a node. One file, no dependency but torch; prints one line of JSON.

    plumbline_probe.py matmul                          the best matrix product of each device
    plumbline_probe.py group RANK WORLD HOST PORT      one all-reduce of all nodes, a device each; NCCL on GPUs, else gloo
"""

import datetime
import json
import os
import sys
import time

import torch
import torch.distributed as dist

REPEATS = 8
GROUP_BYTES = 16 * 2**20
TIMEOUT = datetime.timedelta(seconds=120)


def best_product(device: str, size: int, dtype: "torch.dtype") -> float:
    """Seconds of the fastest of some products of two square matrices."""
    a, b = (torch.randn(size, size, device=device).to(dtype) for _ in range(2))
    best = float("inf")
    for _ in range(REPEATS):
        if device != "cpu":
            torch.cuda.synchronize(device)
        began = time.perf_counter()
        a @ b
        if device != "cpu":
            torch.cuda.synchronize(device)
        best = min(best, time.perf_counter() - began)
    return best


def matmul() -> list:
    if torch.cuda.is_available():
        devices = [("cuda:%d" % index, torch.cuda.get_device_name(index), 8192, torch.bfloat16) for index in range(torch.cuda.device_count())]
    else:
        devices = [("cpu", "%d threads" % torch.get_num_threads(), 1024, torch.float32)]
    return [
        {"device": device, "name": name, "dtype": str(dtype).replace("torch.", ""), "flopsPerSecond": 2 * size**3 / best_product(device, size, dtype)}
        for device, name, size, dtype in devices
    ]


def group(rank: int, world: int, host: str, port: int) -> dict:
    is_cuda = torch.cuda.is_available()
    backend = "nccl" if is_cuda and dist.is_nccl_available() else "gloo"
    if is_cuda:
        torch.cuda.set_device(0)
    store = dist.TCPStore(host, port, world, rank == 0, TIMEOUT)
    dist.init_process_group(backend, store=store, rank=rank, world_size=world, timeout=TIMEOUT)
    buffer = torch.zeros(GROUP_BYTES // 4, device="cuda:0" if backend == "nccl" else "cpu")
    times = []
    for _ in range(REPEATS):
        dist.barrier()
        began = time.perf_counter()
        dist.all_reduce(buffer)
        if is_cuda:
            torch.cuda.synchronize()
        times.append(time.perf_counter() - began)
    seconds = sorted(times[1:])[len(times[1:]) // 2]
    # By NCCL's convention: what each link carries, whatever the number of ranks.
    bus = 2 * (world - 1) / world * GROUP_BYTES / seconds
    return {"backend": backend, "bytes": GROUP_BYTES, "seconds": seconds, "busBytesPerSecond": bus}


if __name__ == "__main__":
    what, *rest = sys.argv[1:]
    answer = matmul() if what == "matmul" else group(int(rest[0]), int(rest[1]), rest[2], int(rest[3]))
    print(json.dumps(answer), flush=True)
    # Threads of gloo now and then abort an interpreter that ends in good order (PyTorch 1.13).
    os._exit(0)
