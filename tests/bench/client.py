"""A load client that costs little: requests are bytes made beforehand, answers are cut by their length.

The client shares the machine with what it measures; a full HTTP library would cost as much as the server.
"""

import asyncio
import time
from dataclasses import dataclass, field


@dataclass
class Measured:
    """What came back: seconds for each answer, by status; and how long it all took."""

    seconds: float = 0.0
    latencies: list[float] = field(default_factory=list)
    statuses: dict[int, int] = field(default_factory=dict)
    bodies: list[bytes] = field(default_factory=list)

    @property
    def per_second(self):
        return len(self.latencies) / self.seconds

    def percentile(self, share):
        ordered = sorted(self.latencies)
        return ordered[min(len(ordered) - 1, int(len(ordered) * share))] * 1000


class Connection(asyncio.Protocol):
    """One keep-alive connection; `ask(request)` returns (status, body)."""

    def __init__(self):
        self._buffer = bytearray()
        self._answer = None
        self._head = 0
        self._length = 0

    def connection_made(self, transport):
        self.transport = transport

    def connection_lost(self, error):
        if self._answer is not None and not self._answer.done():
            self._answer.set_exception(error or ConnectionError("closed"))

    def ask(self, request):
        self._answer = asyncio.get_running_loop().create_future()
        self.transport.write(request)
        return self._answer

    def data_received(self, data):
        buffer = self._buffer
        buffer += data
        if not self._head:
            end = buffer.find(b"\r\n\r\n")
            if end < 0:
                return
            self._head = end + 4
            mark = bytes(buffer[:end]).lower().find(b"content-length:")
            self._length = int(bytes(buffer[mark + 15 : end]).split(b"\r\n", 1)[0])
        whole = self._head + self._length
        if len(buffer) >= whole:
            status, body = int(buffer[9:12]), bytes(buffer[self._head : whole])
            del buffer[:whole]
            self._head = 0
            self._answer.set_result((status, body))


async def connect(port):
    _, connection = await asyncio.get_running_loop().create_connection(Connection, "127.0.0.1", port)
    return connection


def post(path, body, headers):
    """Return the bytes of a POST."""
    lines = [
        f"POST {path} HTTP/1.1",
        "Host: bench",
        "Content-Type: application/json",
        f"Content-Length: {len(body)}",
    ]
    lines += [f"{name}: {value}" for name, value in headers.items()]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


def get(path, headers):
    lines = [f"GET {path} HTTP/1.1", "Host: bench", *(f"{name}: {value}" for name, value in headers.items())]
    return "\r\n".join(lines).encode() + b"\r\n\r\n"


async def closed_loop(port, requests, connections, *, keep=False):
    """Send `requests` over so many connections, each sending its next as soon as it has an answer."""
    measured, waiting = Measured(), iter(requests)
    opened = [await connect(port) for _ in range(connections)]

    async def one(connection):
        for request in waiting:
            await _ask(connection, request, measured, keep=keep)

    started = time.perf_counter()
    await asyncio.gather(*(one(connection) for connection in opened))
    measured.seconds = time.perf_counter() - started
    for connection in opened:
        connection.transport.close()
    return measured


async def open_loop(port, requests, rate, connections, on_answer):
    """Send `requests` at a fixed rate whatever the answers do; `on_answer(body, at)` for each 201."""
    measured = Measured()
    free = asyncio.Queue()
    for _ in range(connections):
        free.put_nowait(await connect(port))

    async def one(request):
        connection = await free.get()
        body = await _ask(connection, request, measured)
        on_answer(body, time.perf_counter())
        free.put_nowait(connection)

    started = time.perf_counter()
    tasks = []
    for number, request in enumerate(requests):
        delay = started + number / rate - time.perf_counter()
        if delay > 0:
            await asyncio.sleep(delay)
        tasks.append(asyncio.create_task(one(request)))
    await asyncio.gather(*tasks)
    measured.seconds = time.perf_counter() - started
    return measured


async def _ask(connection, request, measured, *, keep=False):
    begun = time.perf_counter()
    status, body = await connection.ask(request)
    measured.latencies.append(time.perf_counter() - begun)
    measured.statuses[status] = measured.statuses.get(status, 0) + 1
    if keep:
        measured.bodies.append(body)
    return body
