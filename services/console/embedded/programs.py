"""One program under the supervisor: how it is started, heard, and ended; and what a killed supervisor left."""

import asyncio
import contextlib
import ctypes
import os
import signal
import sys
from collections.abc import Callable, Coroutine, Mapping, Sequence
from dataclasses import dataclass, field
from io import RawIOBase
from pathlib import Path
from typing import Any

from services.console.embedded import logs, process

MARK = "BANJIE_SUPERVISED"  # environment of every program: the data folder whose supervisor started it
GRACE = 10.0  # seconds from SIGTERM to SIGKILL
FIRST_PAUSE, LONGEST_PAUSE, HEALTHY = 0.2, 10.0, 30.0
LONGEST_LINE = 65_536
PR_SET_PDEATHSIG = 1


@dataclass(frozen=True)
class Program:
    """A process to keep running: `env` comes on top of the supervisor's own; `ready` answers 200 when it serves."""

    name: str
    argv: Sequence[str]
    env: Mapping[str, str] = field(default_factory=dict)
    ready: str | None = None


class Backoff:
    """How long to wait before the next start: 0.2 s, doubling up to 10 s, from the beginning after 30 healthy seconds."""

    def __init__(self) -> None:
        self._pause = FIRST_PAUSE

    def after(self, lived: float) -> float:
        """Return the seconds to wait after a life of `lived` seconds."""
        pause = FIRST_PAUSE if lived >= HEALTHY else self._pause
        self._pause = min(pause * 2, LONGEST_PAUSE)
        return pause


class Run:
    """One life of `program`, from start to end; its lines go to `log` and to `say`."""

    def __init__(
        self, program: Program, data_dir: Path, log: logs.RotatingLog, say: Callable[[str, str], None]
    ) -> None:
        self._program = program
        self._data_dir = data_dir
        self._log = log
        self._say = say

    async def until(self, stopping: asyncio.Event, impatient: asyncio.Event) -> int:
        """Run it until it ends or `stopping` is set; then end it, at once if `impatient`. Return its exit code.

        OSError when it cannot be started.
        """
        program = self._program
        # A pipe of our own: with asyncio's, wait() returns only once every child of the program has let
        # go of it as well (Python 3.11).
        reader, writer = os.pipe()
        output = os.fdopen(reader, "rb", buffering=0)
        try:
            running = await asyncio.create_subprocess_exec(
                *program.argv,
                env={**os.environ, **program.env, MARK: str(self._data_dir)},
                stdin=asyncio.subprocess.DEVNULL,
                stdout=writer,
                stderr=asyncio.subprocess.STDOUT,
                start_new_session=True,
                preexec_fn=_die_with(os.getpid()),
            )
        except BaseException:
            output.close()
            raise
        finally:
            os.close(writer)
        pid_file = self._data_dir / "run" / f"{program.name}.pid"
        pump = asyncio.ensure_future(self._pump(output))
        try:
            process.write_pid(pid_file, running.pid)
            await _either(running.wait(), stopping)
        finally:
            await self._end(running, impatient)
            # Whatever it started itself would hold its ports.
            process.send(running.pid, signal.SIGKILL, group=True)
            await asyncio.wait((pump,), timeout=1.0)
            pump.cancel()
            pid_file.unlink(missing_ok=True)
        return running.returncode or 0

    async def _end(self, running: asyncio.subprocess.Process, impatient: asyncio.Event) -> None:
        if running.returncode is None:
            process.send(running.pid, signal.SIGTERM)
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(GRACE):
                    await _either(running.wait(), impatient)
        if running.returncode is None:
            process.send(running.pid, signal.SIGKILL, group=True)
            await running.wait()

    async def _pump(self, output: RawIOBase) -> None:
        stream, rest = asyncio.StreamReader(), b""
        loop = asyncio.get_running_loop()
        pipe, _ = await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(stream), output)
        try:
            while chunk := await stream.read(LONGEST_LINE):
                *lines, rest = (rest + chunk).split(b"\n")
                if len(rest) > LONGEST_LINE:
                    lines, rest = [*lines, rest], b""
                for line in lines:
                    self._put(line)
        finally:
            pipe.close()
            if rest:
                self._put(rest)

    def _put(self, line: bytes) -> None:
        # A full disk must not stop the reading: the program would hang on its full pipe.
        with contextlib.suppress(OSError):
            self._log.write(line)
        self._say(self._program.name, line.decode(errors="replace"))


async def _either(work: Coroutine[Any, Any, object], event: asyncio.Event) -> None:
    """Return when `work` is done or `event` is set, whichever comes first."""
    tasks = (asyncio.ensure_future(work), asyncio.ensure_future(event.wait()))
    try:
        await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in tasks:
            task.cancel()


def stop_orphans(data_dir: Path) -> list[str]:
    """Stop the programs that a killed supervisor of `data_dir` left running; return their names. Blocks.

    A pid file alone proves nothing, numbers are reused: the process must carry our mark.
    """
    found: dict[str, int] = {}
    for path in sorted((data_dir.resolve() / "run").glob("*.pid")):
        pid = process.read_pid(path)
        if (
            pid is not None
            and process.alive(pid)
            and process.has_variable(pid, MARK, str(data_dir.resolve()))
        ):
            process.send(pid, signal.SIGTERM)
            found[path.stem] = pid
    for pid in found.values():
        process.wait_gone(pid, GRACE / 2)
        process.send(pid, signal.SIGKILL, group=True)
        process.wait_gone(pid, GRACE / 2)
    return list(found)


def _die_with(parent: int) -> Callable[[], None] | None:
    """Return what makes a new child get SIGTERM when the supervisor dies, where the system can do it (Linux)."""
    if not sys.platform.startswith("linux"):
        return None
    library = ctypes.CDLL(None)

    def ask() -> None:
        library.prctl(PR_SET_PDEATHSIG, int(signal.SIGTERM))
        if os.getppid() != parent:  # it died in between
            os._exit(1)

    return ask
