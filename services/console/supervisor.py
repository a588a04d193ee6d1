"""Keeps the embedded servers and the programs of one data folder running, in the foreground.

Standard library only: this process lives as long as the instance and should cost next to nothing.
"""

import asyncio
import contextlib
import signal
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from pathlib import Path
from typing import TextIO, TypeVar
from urllib.parse import urlsplit

from services.console.embedded import EmbeddedError, EmbeddedPostgres, EmbeddedValkey, logs
from services.console.embedded.lock import hold
from services.console.embedded.programs import Backoff, Program, Run, stop_orphans
from services.console.embedded.server import EmbeddedServer

__all__ = ["Plan", "Program", "Supervisor", "is_ready", "wait_ready"]

T = TypeVar("T")

WATCH = 0.2
PROBE = 2.0
COLOURS = (36, 33, 35, 32, 34, 91, 92, 93, 94, 95)


Plan = Callable[[], Awaitable[Sequence[Program]]]


class Stopped(Exception):  # noqa: N818  not an error: the wish to stop came while something was being waited for
    """A stop was asked for before the step was done."""


async def is_ready(url: str) -> bool:
    """Return whether GET `url` (http) answers 200 within two seconds."""
    parts = urlsplit(url)
    request = f"GET {parts.path or '/'} HTTP/1.1\r\nHost: {parts.netloc}\r\nConnection: close\r\n\r\n"
    try:
        async with asyncio.timeout(PROBE):
            reader, writer = await asyncio.open_connection(parts.hostname, parts.port or 80)
            try:
                writer.write(request.encode())
                status = await reader.readline()
            finally:
                writer.close()
    except (OSError, TimeoutError, ValueError):
        return False
    return status.split()[1:2] == [b"200"]


async def wait_ready(programs: Sequence[Program], timeout: float) -> list[str]:  # noqa: ASYNC109  returns, not raises
    """Wait until every program with a `ready` URL serves; return the names of those that do not after `timeout` s."""
    deadline = asyncio.get_running_loop().time() + timeout
    waiting = {program.name: program.ready for program in programs if program.ready}
    while waiting:
        answers = await asyncio.gather(*(is_ready(url) for url in waiting.values()))
        waiting = {name: url for (name, url), up in zip(waiting.items(), answers, strict=True) if not up}
        if asyncio.get_running_loop().time() > deadline:
            break
        if waiting:
            await asyncio.sleep(0.1)
    return list(waiting)


class Supervisor:
    """Runs the servers (where given) and the programs of `data_dir` until it is told to stop.

    `programs` may be a function, asked once the servers answer: it is the place to migrate and to learn URLs.
    """

    def __init__(
        self,
        data_dir: Path,
        programs: Sequence[Program] | Plan,
        *,
        postgres: EmbeddedPostgres | None = None,
        valkey: EmbeddedValkey | None = None,
        out: TextIO | None = None,
    ) -> None:
        self.data_dir = data_dir.resolve()
        self._programs = programs
        self._servers: list[EmbeddedServer] = [server for server in (postgres, valkey) if server is not None]
        self._out: TextIO | None = out or sys.stdout
        self._colours: dict[str, int] = {}
        self._stopping = asyncio.Event()
        self._impatient = asyncio.Event()

    async def run(
        self, on_ready: Callable[[], Awaitable[None]] | None = None, *, ready_timeout: float = 60.0
    ) -> None:
        """Start everything in order, call `on_ready` when all serve, return after SIGINT, SIGTERM or `stop`.

        EmbeddedError when the folder is in use or a server cannot start at all.
        """
        with contextlib.ExitStack() as stack:
            stack.enter_context(hold(self.data_dir, "supervisor"))
            if self._servers:
                stack.enter_context(hold(self.data_dir, "servers"))
            async with self._signals():
                try:
                    with contextlib.suppress(Stopped):
                        await self._run(on_ready, ready_timeout)
                finally:
                    self._stopping.set()
                    await self._stop_servers()

    def stop(self) -> None:
        """Ask for an orderly stop; asked again, for a quick one."""
        if self._stopping.is_set():
            self._impatient.set()
            for server in self._servers:
                server.hurry()
        else:
            self._stopping.set()
            self.say("banjie", "正在停止…(再按一次 Ctrl-C 立即停止)")

    def say(self, name: str, line: str) -> None:
        """Print a line of `name`."""
        if self._out is None:
            return
        prefix = f"{name:<14}|"
        if self._out.isatty():
            colour = COLOURS[self._colours.setdefault(name, len(self._colours)) % len(COLOURS)]
            prefix = f"\x1b[{colour}m{prefix}\x1b[0m"
        try:
            print(prefix, line, file=self._out, flush=True)
        except (OSError, ValueError):
            self._out = None  # the terminal went away; the logs remain

    @contextlib.asynccontextmanager
    async def _signals(self) -> AsyncIterator[None]:
        loop = asyncio.get_running_loop()
        numbers = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
        for number in numbers:
            loop.add_signal_handler(number, self.stop)
        try:
            yield
        finally:
            for number in numbers:
                loop.remove_signal_handler(number)

    async def _run(self, on_ready: Callable[[], Awaitable[None]] | None, ready_timeout: float) -> None:
        if orphans := await asyncio.to_thread(stop_orphans, self.data_dir):
            self.say("banjie", f"已停止上次遗留的进程:{'、'.join(orphans)}")
        for server in self._servers:
            await asyncio.to_thread(server.start)
            self.say(
                server.name,
                f"{'已接管' if server.adopted else '已启动'},端口 {server.port},进程 {server.pid}",
            )
            self._go_on()
        # The servers are watched while the programs are planned: migrations take their time.
        tasks = [asyncio.create_task(self._watch(server)) for server in self._servers]
        try:
            plan = self._programs
            programs = await self._unless_stopped(plan()) if callable(plan) else plan
            tasks += [asyncio.create_task(self._keep(program)) for program in programs]
            await self._announce(programs, on_ready, ready_timeout)
            stop = asyncio.create_task(self._stopping.wait())
            await asyncio.wait((*tasks, stop), return_when=asyncio.FIRST_COMPLETED)
            stop.cancel()
        finally:
            # All of them end by themselves now. One that ended before did so by an error.
            self._stopping.set()
            await asyncio.wait(tasks or [asyncio.create_task(asyncio.sleep(0))])
        for task in tasks:
            task.result()

    async def _announce(
        self,
        programs: Sequence[Program],
        on_ready: Callable[[], Awaitable[None]] | None,
        ready_timeout: float,
    ) -> None:
        if late := await self._unless_stopped(wait_ready(programs, ready_timeout)):
            self.say(
                "banjie",
                f"{'、'.join(late)} 在 {ready_timeout:.0f} 秒内没有就绪,详见 {self.data_dir / 'logs'}",
            )
        elif on_ready is not None:
            await self._unless_stopped(on_ready())

    def _go_on(self) -> None:
        if self._stopping.is_set():
            raise Stopped

    async def _unless_stopped(self, work: Awaitable[T]) -> T:
        """Return what `work` returns; cancel it and raise Stopped when a stop is asked for."""
        task = asyncio.ensure_future(work)
        stop = asyncio.ensure_future(self._stopping.wait())
        try:
            await asyncio.wait((task, stop), return_when=asyncio.FIRST_COMPLETED)
            if not task.done():
                raise Stopped
            return task.result()
        finally:
            stop.cancel()
            if task.cancel():
                await asyncio.wait((task,))

    async def _pause(self, seconds: float) -> None:
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._stopping.wait(), seconds)

    # Servers.

    async def _watch(self, server: EmbeddedServer) -> None:
        """Start `server` again whenever it dies."""
        backoff, since = Backoff(), asyncio.get_running_loop().time()
        while not self._stopping.is_set():
            if server.alive():
                logs.trim(server.log)
                await self._pause(WATCH)
                continue
            pause = backoff.after(asyncio.get_running_loop().time() - since)
            self.say(server.name, f"意外退出,{pause:g} 秒后重新启动")
            await self._pause(pause)
            if self._stopping.is_set():
                return
            since = asyncio.get_running_loop().time()
            try:
                await asyncio.to_thread(server.start)
            except EmbeddedError as error:
                self.say(server.name, str(error))
            else:
                self.say(server.name, f"已重新启动,进程 {server.pid}")

    async def _stop_servers(self) -> None:
        for server in reversed(self._servers):
            if server.alive():
                try:
                    await asyncio.to_thread(server.stop)
                except EmbeddedError as error:
                    self.say(server.name, str(error))
                else:
                    self.say(server.name, "已停止")

    # Programs.

    async def _keep(self, program: Program) -> None:
        """Run `program` again and again until a stop is asked for."""
        loop, backoff = asyncio.get_running_loop(), Backoff()
        log = logs.RotatingLog(logs.log_path(self.data_dir, program.name))
        try:
            while not self._stopping.is_set():
                since = loop.time()
                try:
                    end = f"代码 {await Run(program, self.data_dir, log, self.say).until(self._stopping, self._impatient)}"
                except OSError as error:
                    end = f"无法启动:{error}"
                if self._stopping.is_set():
                    self.say(program.name, f"已停止({end})")
                    return
                pause = backoff.after(loop.time() - since)
                self.say(program.name, f"意外退出({end}),{pause:g} 秒后重新启动")
                await self._pause(pause)
        finally:
            log.close()
