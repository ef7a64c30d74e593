"""A device of streams and events in real time, for machines without a GPU: `torch.cuda` as far as the hook and `check.py` use it.

Work is queued with its length, as a kernel is, and nobody waits for it but who asks.
"""

import time

import torch

CYCLES_A_MS = 1e6


class Event:
    def __init__(self, enable_timing: bool = False) -> None:
        self.at = 0.0

    def record(self, stream=None) -> None:
        self.at = (stream or Stream.current).reached()

    def query(self) -> bool:
        return self.at <= time.perf_counter()

    def wait(self, stream=None) -> None:
        (stream or Stream.current).wait_event(self)

    def elapsed_time(self, other) -> float:
        if not (self.query() and other.query()):
            raise RuntimeError("device not ready")
        return 1e3 * (other.at - self.at)


class Stream:
    current: "Stream"
    all: list = []

    def __init__(self) -> None:
        self.until = 0.0
        Stream.all.append(self)

    def reached(self) -> float:
        """When all that was queued is done."""
        self.until = max(self.until, time.perf_counter())
        return self.until

    def wait_event(self, event: Event) -> None:
        self.until = max(self.reached(), event.at)

    def wait_stream(self, other: "Stream") -> None:
        self.wait_event(other.record_event())

    def record_event(self) -> Event:
        event = Event()
        event.record(self)
        return event


class Using:
    def __init__(self, stream: Stream) -> None:
        self.stream = stream

    def __enter__(self) -> None:
        self.before, Stream.current = Stream.current, self.stream

    def __exit__(self, *_) -> None:
        Stream.current = self.before


def sleep(cycles: int) -> None:
    Stream.current.until = Stream.current.reached() + cycles / CYCLES_A_MS / 1e3


def synchronize(device=None) -> None:
    time.sleep(max(0.0, max(stream.until for stream in Stream.all) - time.perf_counter()))


def install() -> None:
    Stream.current = Stream()
    ours = dict(
        Event=Event, Stream=Stream, stream=Using, _sleep=sleep, synchronize=synchronize,
        current_stream=lambda device=None: Stream.current, is_current_stream_capturing=lambda: False,
    )
    for name, value in ours.items():
        setattr(torch.cuda, name, value)
    torch.nn.Module.cuda = lambda module: module
    torch.nn.Parameter.is_cuda = True
    # What a program asks of a tensor waits for the device.
    item = torch.Tensor.item
    torch.Tensor.item = lambda tensor: (synchronize(), item(tensor))[1]
