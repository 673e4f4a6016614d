"""A proxy that simulates a slow connection to a server. All connections share its bandwidth, separately for each direction.

    python -m benchmarks.slow_line PORT MEGABITS MILLISECONDS    # prints its own port, then serves until it is killed

Each request is delayed on its way to the server. On SIGUSR1 it prints the number of forwarded requests, by method.
"""

from __future__ import annotations

import asyncio
import json
import re
import signal
import sys
import time
from collections import Counter

_BLOCK = 1 << 16
_REQUEST = re.compile(rb"(GET|PUT|HEAD|POST|DELETE) (\S+)")


class Line:
    """One direction of the connection. Senders wait for their turn."""

    def __init__(self, bytes_per_second: float) -> None:
        self._rate = bytes_per_second
        self._free_at = 0.0

    async def carry(self, count: int) -> None:
        """Wait for as long as the transfer of these bytes takes."""
        now = time.perf_counter()
        self._free_at = max(self._free_at, now) + count / self._rate
        await asyncio.sleep(self._free_at - now)


async def serve(upstream: int, megabits: float, delay: float) -> None:
    """Forward connections until cancelled."""
    there, back, seen = Line(megabits * 125_000), Line(megabits * 125_000), Counter[str]()
    asyncio.get_running_loop().add_signal_handler(signal.SIGUSR1, lambda: print(json.dumps(seen), flush=True))

    async def pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, line: Line, wait: float) -> None:
        try:
            while data := await reader.read(_BLOCK):
                if wait and (request := _REQUEST.match(data)):
                    seen[request[1].decode() + (" listing" if b"list-type" in request[2] else "")] += 1
                    await asyncio.sleep(wait)
                await line.carry(len(data))
                writer.write(data)
                await writer.drain()
        except ConnectionError:
            pass
        finally:
            writer.close()

    async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        far_reader, far_writer = await asyncio.open_connection("127.0.0.1", upstream)
        await asyncio.gather(pump(reader, far_writer, there, delay), pump(far_reader, writer, back, 0.0))

    server = await asyncio.start_server(connected, "127.0.0.1", 0)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(serve(int(sys.argv[1]), float(sys.argv[2]), float(sys.argv[3]) / 1000))
