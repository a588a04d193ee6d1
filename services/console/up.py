"""`banjie up`: the whole house on one machine, in the foreground until Ctrl-C."""

import asyncio
import json
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from secrets import token_urlsafe
from typing import Any

from services.console import endpoints
from services.console.banner import banner
from services.console.demo_run import DemoRun
from services.console.embedded import EmbeddedPostgres, EmbeddedValkey, ports
from services.console.supervisor import Program, Supervisor
from shared.settings import SERVICES, Service, Settings

TASKS = ("app", "worker")
READY_SECONDS = 60.0
# Taken out of what the programs inherit: each is handed its own, and no other.
OWNERS = ("BANJIE_DATABASE_URL", *(f"BANJIE_{service.upper()}_DATABASE_URL" for service in SERVICES))


def up(*, demo: bool) -> None:
    """Start everything and stay until SIGINT or SIGTERM; EmbeddedError or RuntimeError when it cannot run."""
    # The environment alone: what an earlier instance wrote down does not hold for this one.
    settings = Settings()
    settings = settings.model_copy(update={"data_dir": settings.data_dir.resolve()})
    settings.data_dir.mkdir(parents=True, exist_ok=True)
    asyncio.run(Instance(settings, demo=demo).run())


class Instance:
    """One run of `banjie up`."""

    def __init__(self, settings: Settings, *, demo: bool) -> None:
        self._settings = settings
        self._demo = demo
        self._postgres = (
            EmbeddedPostgres(settings.data_dir, port=None) if settings.database_url is None else None
        )
        self._valkey = EmbeddedValkey(settings.data_dir, port=None) if settings.redis_url is None else None
        self._supervisor = Supervisor(
            settings.data_dir, self._plan, postgres=self._postgres, valkey=self._valkey
        )
        self._demo_run = DemoRun(settings.data_dir, self._supervisor.say)
        self._prepared: dict[str, Any] = {}
        self._preparer: asyncio.subprocess.Process | None = None

    async def run(self) -> None:
        """Run until a stop is asked for; what listened where is forgotten at the end."""
        self._preparer = await self._start_preparer()
        try:
            await self._supervisor.run(self._welcome, ready_timeout=READY_SECONDS)
        finally:
            if self._preparer.returncode is None:
                self._preparer.kill()
                await self._preparer.wait()
            await self._demo_run.stop()
            if self._prepared:  # else another instance may have written it
                endpoints.remove(self._settings.data_dir)

    async def _plan(self) -> Sequence[Program]:
        """Return the six programs; by now the servers answer and what a predecessor left is gone."""
        settings = self._settings
        check_ports(settings)
        owner_url = await self._owner_url()
        redis_url = self._valkey.url() if self._valkey else settings.redis()
        self._prepared = await self._prepare(owner_url)
        for warning in self._prepared["warnings"]:
            self._supervisor.say("banjie", f"! {warning}")
        listening: dict[str, str | int] = {f"{s}_port": settings.port(s) for s in SERVICES}
        endpoints.write(settings.data_dir, {"database_url": owner_url, "redis_url": redis_url, **listening})
        for name in OWNERS:
            os.environ.pop(name, None)
        return [self._program(service, task, redis_url) for service in SERVICES for task in TASKS]

    async def _owner_url(self) -> str:
        if self._postgres is None:
            return self._settings.owner_url()
        return await asyncio.to_thread(self._postgres.ensure_database, token_urlsafe(32))

    async def _start_preparer(self) -> asyncio.subprocess.Process:
        return await asyncio.create_subprocess_exec(
            sys.executable, "-m", "services.console.prepare", *(["--demo"] if self._demo else []),
            env={**os.environ, "BANJIE_DATA_DIR": str(self._settings.data_dir)},
            stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
            start_new_session=True,  # Ctrl-C at the terminal is ours to pass on
        )  # fmt: skip

    async def _prepare(self, owner_url: str) -> dict[str, Any]:
        assert self._preparer is not None  # noqa: S101 - `run` has started it
        output, errors = await self._preparer.communicate(f"{owner_url}\n".encode())
        if self._preparer.returncode:
            raise RuntimeError(errors.decode(errors="replace").strip() or "数据库准备失败")
        answer: dict[str, Any] = json.loads(output)
        return answer

    def _program(self, service: Service, task: str, redis_url: str) -> Program:
        """Return one process with what it may know: its own role's login, and the services' copy of the secrets."""
        settings = self._settings
        secrets_file = Path(self._prepared["secrets"])
        env = {
            # A folder of their own: `endpoints.json` with the owner's login lies one above.
            "BANJIE_DATA_DIR": str(secrets_file.parent),
            "BANJIE_SECRETS_FILE": str(secrets_file),
            f"BANJIE_{service.upper()}_DATABASE_URL": self._prepared["urls"][service],
            "BANJIE_REDIS_URL": redis_url,
            **{f"BANJIE_{s.upper()}_PORT": str(settings.port(s)) for s in SERVICES},
        }
        ready = f"{settings.base_url(service)}/readyz" if task == "app" else None
        argv = [sys.executable, "-m", f"services.{service}.{task}"]
        return Program(f"{service}-{task}", argv, env, ready)

    async def _welcome(self) -> None:
        print(banner(self._settings, self._prepared), flush=True)
        await self._demo_run.start(new=self._prepared["seeded"], street=self._prepared["street"])


def check_ports(settings: Settings) -> None:
    """Raise RuntimeError for a port that somebody else listens on, with the variable that moves it."""
    for service in SERVICES:
        port = settings.port(service)
        if not ports.is_free_within(port, 0.5):
            raise RuntimeError(
                f"端口 {port} 已被其他程序占用。请停止那个程序,或换一个端口:BANJIE_{service.upper()}_PORT={port + 100}"
            )
