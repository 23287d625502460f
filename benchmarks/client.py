"""``python -m benchmarks.client``: keep-alive clients in a process of their own, and how long each of their requests took.

Reads one JSON object (``port``, ``headers``, ``paths``, ``clients``, ``seconds``) and prints one. Bare sockets and
prepared requests, so that little of the machine is spent on asking; ``client_cpu`` says how much of one processor was.
"""

from __future__ import annotations

import asyncio
import itertools
import json
import resource
import sys
from collections.abc import Iterable
from time import perf_counter
from typing import Any


class Answered(Exception):
    """Something else than 200."""


async def _ask(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, request: bytes) -> int:
    """Send a request and read its answer to the end; how many bytes the body had."""
    writer.write(request)
    head = await reader.readuntil(b"\r\n\r\n")
    status, *lines = head.decode("latin-1").split("\r\n")
    headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
    if status.split()[1] != "200":
        raise Answered(f"{request.split()[1].decode()} answered {status}")
    if "content-length" in headers:
        return len(await reader.readexactly(int(headers["content-length"])))
    return await _chunks(reader)


async def _chunks(reader: asyncio.StreamReader) -> int:
    total = 0
    while size := int((await reader.readline()).split(b";")[0], 16):
        total += len(await reader.readexactly(size + 2)) - 2
    await reader.readline()
    return total


async def _client(port: int, requests: Iterable[bytes], until: float, times: list[float]) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", port, limit=2**20)
    try:
        for request in requests:
            begun = perf_counter()
            if begun >= until:
                break
            await _ask(reader, writer, request)
            times.append((perf_counter() - begun) * 1000)
    finally:
        writer.close()
        await writer.wait_closed()


async def _all(given: dict[str, Any], seconds: float) -> list[float]:
    lines = "".join(f"{name}: {value}\r\n" for name, value in given["headers"].items())
    requests = [f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1:{given['port']}\r\n{lines}\r\n".encode() for path in given["paths"]]
    times: list[float] = []
    until = perf_counter() + seconds
    await asyncio.gather(*(_client(given["port"], itertools.islice(itertools.cycle(requests), place, None), until, times)
                           for place in range(given["clients"])))
    return times


def main() -> None:
    given = json.load(sys.stdin)
    asyncio.run(_all(given, min(1.0, given["seconds"])))
    before, begun = resource.getrusage(resource.RUSAGE_SELF), perf_counter()
    times = asyncio.run(_all(given, given["seconds"]))
    took, after = perf_counter() - begun, resource.getrusage(resource.RUSAGE_SELF)
    spent = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    print(json.dumps({"times": times, "seconds": took, "client_cpu": spent / took}))


if __name__ == "__main__":
    main()
