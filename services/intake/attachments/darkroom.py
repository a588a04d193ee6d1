"""A few processes that develop photos, started when the first one comes, ended and replaced when they misbehave."""

import asyncio
import contextlib
import json
import sys
from pathlib import Path

from services.intake.attachments.findings import Developed, Fault, Refused
from shared.errors import Unavailable

SECONDS = 30.0
_MODULE = "services.intake.attachments.develop"


class Darkroom:
    """Develops photos off the event loop, so many at once; a few more may wait, the rest is told to come back."""

    def __init__(self, processes: int, *, waiting: int = 12, seconds: float = SECONDS) -> None:
        self._places = asyncio.Semaphore(processes)
        self._most = processes + waiting
        self._seconds = seconds
        self._here = 0
        self._idle: list[asyncio.subprocess.Process] = []

    async def develop(self, source: Path, picture: Path, thumbnail: Path) -> Developed:
        """Make `picture` and `thumbnail` of `source`; raise Refused, or Unavailable when too many wait or it takes too long."""
        if self._here >= self._most:
            raise Unavailable("同时上传的照片太多,请稍后再试", code="photos_busy", retry_after=3)
        self._here += 1
        try:
            async with self._places:
                return await self._ask(source, picture, thumbnail)
        finally:
            self._here -= 1

    async def _ask(self, source: Path, picture: Path, thumbnail: Path) -> Developed:
        process = self._idle.pop() if self._idle else await _start()
        asked = {"source": str(source), "picture": str(picture), "thumbnail": str(thumbnail)}
        try:
            line = await asyncio.wait_for(_exchange(process, json.dumps(asked)), self._seconds)
        except BaseException as error:
            # Whatever it is still doing belongs to nobody.
            await _end(process)
            if isinstance(error, TimeoutError):
                # Size and pixels are bounded: more likely the machine is overrun than the photo endless.
                raise Unavailable("照片处理超时,请稍后再试", code="photos_busy", retry_after=5) from None
            if isinstance(error, OSError):
                raise Refused(Fault.DAMAGED) from None
            raise
        if not line:
            await _end(process)
            raise Refused(Fault.DAMAGED)
        self._idle.append(process)
        told = json.loads(line)
        if "full" in told:
            raise Unavailable("照片存储暂时不可用,请稍后重试", code="files_unavailable")
        if "fault" in told:
            raise Refused(Fault(told["fault"]))
        place = told["place"]
        return Developed(told["width"], told["height"], told["size"], tuple(place) if place else None)

    async def close(self) -> None:
        """End the processes; whoever still waits for one is told that the photo cannot be opened."""
        while self._idle:
            await _end(self._idle.pop())


async def _start() -> asyncio.subprocess.Process:
    return await asyncio.create_subprocess_exec(
        sys.executable, "-m", _MODULE, stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE
    )


async def _exchange(process: asyncio.subprocess.Process, line: str) -> bytes:
    """Return the process's answer to a line; nothing when it has died."""
    if process.stdin is None or process.stdout is None:
        raise OSError
    process.stdin.write(line.encode() + b"\n")
    await process.stdin.drain()
    return await process.stdout.readline()


async def _end(process: asyncio.subprocess.Process) -> None:
    with contextlib.suppress(ProcessLookupError):
        process.kill()
    await process.wait()
