"""What the two embedded servers have in common: a folder, a port, a password, and how to start, adopt and stop."""

import contextlib
import os
import secrets
import signal
import subprocess
import threading
import time
from abc import ABC, abstractmethod
from pathlib import Path
from typing import ClassVar, Self

from services.console.embedded import logs, ports, process
from services.console.embedded.account import Account
from services.console.embedded.errors import EmbeddedError, disk_errors

START_TIMEOUT = 300.0  # seconds; recovery after a crash of a busy database takes its time
ADOPT_TIMEOUT = 10.0
RETRY_TIMEOUT = 10.0
STOP_TIMEOUT = 20.0
PORT_TIMEOUT = 0.5  # a killed server's last sessions hold its port for a moment
TAIL_LINES = 12


class EmbeddedServer(ABC):
    """One server as a direct child of this process, or adopted from a predecessor that was killed.

    Everything is kept below `data_dir`: `<name>/` the data, `<name>.password`, `logs/<name>.log`,
    `run/<name>.pid` and `run/<name>.port`. Without `port`, the port of the last time is taken again,
    or a free one. `durable=False` gives up durability for speed: even a killed process loses its last
    commits (tests only). Methods block; they may be called from any thread, one at a time (`hurry` at any time).
    """

    name: ClassVar[str]
    label: ClassVar[str]
    # In turn, until one works: the signal and the longest wait in seconds; 0 means `patience` of stop().
    stop_signals: ClassVar[tuple[tuple[signal.Signals, float], ...]]
    # What a failed start logs if another try may succeed.
    passing_errors: ClassVar[tuple[str, ...]] = ()

    def __init__(self, data_dir: Path, *, port: int | None, durable: bool = True) -> None:
        self.data_dir = data_dir.resolve()
        self.folder = self.data_dir / self.name
        self.durable = durable
        self.port = port or 0
        self.adopted = False
        self._fixed = port is not None
        self._child: subprocess.Popen[bytes] | None = None
        self._pid: int | None = None
        self._log_start = 0
        self._hurry = threading.Event()

    @property
    def pid(self) -> int | None:
        """The process id, None when not running."""
        return self._pid if self.alive() else None

    @property
    def log(self) -> Path:
        """The server's log file."""
        return logs.log_path(self.data_dir, self.name)

    @property
    def password(self) -> str:
        """The administrator's password, made at the first start."""
        path = self.data_dir / f"{self.name}.password"
        with disk_errors(self.data_dir):
            if not path.exists():
                if self._has_data():
                    raise EmbeddedError(
                        f"密码文件 {path} 不见了,而 {self.label} 的数据已经存在;请从备份恢复该文件"
                    )
                self.data_dir.mkdir(parents=True, exist_ok=True)
                write_private(path, secrets.token_urlsafe(32))
            return path.read_text(encoding="utf-8").strip()

    def alive(self) -> bool:
        """Return whether the server process runs."""
        if self._child is not None:
            return self._child.poll() is None
        return self._pid is not None and self._is_ours(self._pid)

    def start(self) -> None:
        """Return once the server answers: adopted if a predecessor left it running, else started.

        EmbeddedError when it cannot run (port taken, data of another version, disk, platform).
        """
        if self.alive():
            return
        self._child, self._pid, self.adopted = None, None, False
        self._hurry.clear()
        with disk_errors(self.data_dir):
            for folder in (self.data_dir, self.data_dir / "run"):
                folder.mkdir(parents=True, exist_ok=True)
            process.write_pid(self._run_file("pid"), self._adopt() or self._start_anew())
        self._fixed = True  # clients know the port by now: a restart must come back on it

    def stop(self, patience: float = STOP_TIMEOUT) -> None:
        """Stop in order; after `patience` seconds, or on `hurry`, at once. Not running is no error."""
        pid = self.pid
        if pid is not None:
            self._end(pid, patience)
        self._child, self._pid = None, None
        with contextlib.suppress(OSError):
            self._run_file("pid").unlink(missing_ok=True)

    def hurry(self) -> None:
        """Make a `stop` that is under way stop waiting for an orderly end."""
        self._hurry.set()

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    # What differs between the two.

    @abstractmethod
    def url(self) -> str:
        """Return where and how the server is reached."""

    @abstractmethod
    def _account(self) -> Account:
        """Find the program, make the folder, decide who runs it."""

    @abstractmethod
    def _prepare(self, account: Account) -> None:
        """Make the folder ready for a start: initialise, clear what a crash left."""

    @abstractmethod
    def _argv(self, account: Account) -> list[str]:
        """Return the command that runs the server in the foreground."""

    @abstractmethod
    def _configuration(self, port: int) -> tuple[Path, str]:
        """Return the configuration file and what it has to say for `port`."""

    @abstractmethod
    def _answers(self) -> bool:
        """Return whether the server on `self.port` serves, and is ours."""

    @abstractmethod
    def _noted_pid(self) -> int | None:
        """Return the process id that the server itself wrote down."""

    @abstractmethod
    def _is_ours(self, pid: int) -> bool:
        """Return whether `pid` is, beyond doubt, a server of this folder (numbers are reused)."""

    def _has_data(self) -> bool:
        """Return whether there are data that only the old password opens."""
        return False

    # Start.

    def _adopt(self) -> int | None:
        pid = self._noted_pid()
        if pid is None or not self._is_ours(pid):
            return None
        port = process.read_pid(self._run_file("port"))
        if port is not None and (not self._fixed or self.port == port) and self._configured(port):
            previous, self.port = self.port, port
            deadline = time.monotonic() + ADOPT_TIMEOUT
            while self._is_ours(pid) and time.monotonic() < deadline:
                if self._answers():
                    self._pid, self.adopted = pid, True
                    return pid
                time.sleep(process.PAUSE)
            self.port = previous
        # It listens elsewhere, has other settings or does not answer: what is wanted is a new one.
        self._end(pid, STOP_TIMEOUT)
        return None

    def _configured(self, port: int) -> bool:
        path, text = self._configuration(port)
        try:
            return path.read_text(encoding="utf-8") == text
        except OSError:
            return False

    def _start_anew(self) -> int:
        account = self._account()
        deadline = time.monotonic() + RETRY_TIMEOUT
        while True:
            self.port = self._choose_port()
            self._prepare(account)
            path, text = self._configuration(self.port)
            write_private(path, text, account)
            process.write_pid(self._run_file("port"), self.port)
            child = self._spawn(account)
            if child.poll() is None:
                self._child, self._pid = child, child.pid
                return child.pid
            output = self._logged(child)
            lost_race = not self._fixed and not ports.is_free(self.port)
            passing = lost_race or any(text in output for text in self.passing_errors)
            if time.monotonic() > deadline or not passing:
                tail = "\n".join(output.splitlines()[-TAIL_LINES:])
                raise EmbeddedError(f"{self.label} 启动失败,详见 {self.log}:\n{tail}")
            time.sleep(0.1)

    def _choose_port(self) -> int:
        if self._fixed:
            if not ports.is_free_within(self.port, PORT_TIMEOUT):
                raise EmbeddedError(
                    f"{self.label} 的端口 {self.port} 已被其他程序占用,请停止该程序或换一个端口"
                )
            return self.port
        remembered = process.read_pid(self._run_file("port"))
        if remembered is not None and ports.is_free_within(remembered, PORT_TIMEOUT):
            return remembered
        return ports.choose()

    def _spawn(self, account: Account) -> subprocess.Popen[bytes]:
        """Start the process and return it once it answers or has died."""
        logs.trim(self.log)
        self._log_start = logs.size(self.log)
        with self.log.open("ab") as output:
            # Into a file, not through a pipe: the server outlives a supervisor that is killed.
            child = account.popen(self._argv(account), output=output, cwd=self.folder)
        self._child = child
        try:
            self._await_answer(child)
        except BaseException:
            self._end(child.pid, STOP_TIMEOUT)
            raise
        return child

    def _logged(self, child: subprocess.Popen[bytes]) -> str:
        with self.log.open("rb") as written:
            written.seek(self._log_start)
            return written.read().decode(errors="replace") or f"进程退出,代码 {child.returncode}"

    def _await_answer(self, child: subprocess.Popen[bytes]) -> None:
        deadline = time.monotonic() + START_TIMEOUT
        while child.poll() is None and not self._answers():
            if time.monotonic() > deadline or self._hurry.is_set():
                raise EmbeddedError(
                    f"{self.label} 没有就绪(已等待上限 {START_TIMEOUT:.0f} 秒或被中断),详见 {self.log}"
                )
            time.sleep(process.PAUSE)

    # Stop.

    def _end(self, pid: int, patience: float) -> None:
        for number, limit in self.stop_signals:
            process.send(pid, number)
            if self._gone(pid, limit or patience, hurried=not limit):
                return
        raise EmbeddedError(f"{self.label} 无法停止(进程 {pid})")

    def _gone(self, pid: int, timeout: float, *, hurried: bool) -> bool:
        deadline = time.monotonic() + timeout
        while time.monotonic() < deadline and not (hurried and self._hurry.is_set()):
            own = self._child if self._child is not None and self._child.pid == pid else None
            if (own.poll() is not None) if own else not process.alive(pid):
                return True
            time.sleep(process.PAUSE)
        return False

    def _run_file(self, kind: str) -> Path:
        return self.data_dir / "run" / f"{self.name}.{kind}"


def write_private(path: Path, text: str, account: Account | None = None) -> None:
    """Write `text` durably to `path` with mode 0600, all or nothing, owned by `account` if given."""
    partial = path.with_name(path.name + ".new")
    partial.unlink(missing_ok=True)
    descriptor = os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    if account is not None and account.uid is not None and account.gid is not None:
        os.chown(partial, account.uid, account.gid)
    partial.replace(path)
