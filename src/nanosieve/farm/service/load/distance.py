"""A relay that makes a server on this machine as far away as one on another continent."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace

from nanosieve.errors import SettingsError
from nanosieve.farm.service.client import Target

__all__ = ["at_distance"]

CHUNK = 1 << 18
"""Bytes that are passed on at a time."""


@contextmanager
def at_distance(target: Target, round_trip: float) -> Iterator[Target]:
    """`target` through a relay that holds everything for half of `round_trip` on its way, in both directions.

    It delays, and neither loses nor limits: bandwidth and lost packets of a real network are not in it.

    Args:
        target: on this machine.
        round_trip: s; 0 for the relay alone.

    Raises:
        SettingsError: a negative time, or TLS, whose certificate would be of another address.
    """
    if not round_trip >= 0 or target.tls:
        message = (
            f"round_trip = {round_trip!r} of {target.url!r}: give zero or more, and a server without TLS"
        )
        raise SettingsError(message)
    host, _, port = target.address.rpartition(":")
    loop = asyncio.new_event_loop()
    started: list[asyncio.Server] = []

    async def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(OSError, asyncio.CancelledError):
            far_reader, far_writer = await asyncio.open_connection(host, int(port))
            await asyncio.gather(
                _pass(reader, far_writer, round_trip / 2), _pass(far_reader, writer, round_trip / 2)
            )

    async def begin() -> None:
        started.append(await asyncio.start_server(accept, "127.0.0.1", 0))

    loop.run_until_complete(begin())
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()
    try:
        near = started[0].sockets[0].getsockname()[1]
        scheme = target.url.partition(":")[0]
        yield replace(target, url=f"{scheme}://127.0.0.1:{near}")
    finally:
        asyncio.run_coroutine_threadsafe(_end(started[0]), loop).result(10)
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()


async def _end(server: asyncio.Server) -> None:
    server.close()
    others = [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]
    for task in others:
        task.cancel()
    await asyncio.gather(*others, return_exceptions=True)


async def _pass(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, delay: float) -> None:
    """Everything from one side to the other, each part `delay` after it came."""
    loop = asyncio.get_running_loop()
    line: asyncio.Queue[tuple[float, bytes]] = asyncio.Queue()

    async def read() -> None:
        data = b" "
        while data:
            data = await reader.read(CHUNK)
            line.put_nowait((loop.time() + delay, data))

    reading = asyncio.create_task(read())
    try:
        while True:
            due, data = await line.get()
            if (wait := due - loop.time()) > 0:
                await asyncio.sleep(wait)
            if not data:
                break
            writer.write(data)
            await writer.drain()
    finally:
        reading.cancel()
        writer.close()
