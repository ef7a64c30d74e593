"""Doors from network namespaces to a port of this machine: `doors.py PORT NAMESPACE…`. A socket belongs to the namespace in
which it was made, wherever its process is now: each namespace gets one that listens at its loopback."""

import asyncio
import ctypes
import os
import socket
import sys

LIBRARY = ctypes.CDLL(None, use_errno=True)


def enter(path: str) -> None:
    with open(path) as file:
        if LIBRARY.setns(file.fileno(), 0) != 0:
            raise OSError(ctypes.get_errno(), "setns " + path)


async def pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    try:
        while chunk := await reader.read(1 << 16):
            writer.write(chunk)
            await writer.drain()
    except ConnectionError:
        pass
    finally:
        writer.close()


async def main(port: int, names: list) -> None:
    async def connect(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            hub_reader, hub_writer = await asyncio.open_connection("127.0.0.1", port)
        except OSError:
            return writer.close()
        await asyncio.gather(pump(reader, hub_writer), pump(hub_reader, writer))

    listening = []
    for name in names:
        enter("/run/netns/" + name)
        door = socket.create_server(("127.0.0.1", port))
        enter("/proc/%d/ns/net" % os.getppid())
        listening.append(await asyncio.start_server(connect, sock=door))
    print("open", flush=True)
    await asyncio.gather(*(server.serve_forever() for server in listening))


asyncio.run(main(int(sys.argv[1]), sys.argv[2:]))
