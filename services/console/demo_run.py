"""The demo's tickets, filed once in the background of the first start; begun again where it was interrupted."""

import asyncio
import contextlib
import json
import os
import sys
from collections.abc import Callable
from pathlib import Path

from services.console.embedded.logs import log_path

MARK = "demo-tickets.json"


class DemoRun:
    """Runs `banjie seed tickets` beside the services; its log is `logs/seed-tickets.log`."""

    def __init__(self, data_dir: Path, say: Callable[[str, str], None]) -> None:
        self._data_dir = data_dir
        self._say = say
        self._child: asyncio.subprocess.Process | None = None
        self._watch: asyncio.Task[None] | None = None

    async def start(self, *, new: bool, street: dict[str, str] | None) -> None:
        """Begin if the street was just installed, or if an earlier run was cut short."""
        mark = self._data_dir / MARK
        if street is None or not (new or (mark.exists() and not json.loads(mark.read_text())["done"])):
            return
        log = log_path(self._data_dir, "seed-tickets")
        self._say("banjie", f"正在登记三个月的演示工单(约一分钟),进度见 {log}")
        with log.open("ab") as output:
            self._child = await asyncio.create_subprocess_exec(
                sys.executable, "-m", "services.console.app", "seed", "tickets", "--street", street["code"],
                env={**os.environ, "BANJIE_DATA_DIR": str(self._data_dir)},
                stdin=asyncio.subprocess.DEVNULL, stdout=output, stderr=output, start_new_session=True,
            )  # fmt: skip
        self._watch = asyncio.create_task(self._report(self._child, log))

    async def _report(self, child: asyncio.subprocess.Process, log: Path) -> None:
        code = await child.wait()
        self._say("banjie", "演示工单已就绪" if code == 0 else f"演示工单没有做完,下次启动接着做,详见 {log}")

    async def stop(self) -> None:
        """End it if it still runs; the next start goes on with it."""
        if self._watch is not None:
            self._watch.cancel()
        if self._child is not None and self._child.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                self._child.terminate()
            await self._child.wait()
