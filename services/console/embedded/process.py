"""What can be said about a process by its number: whether it lives, what it was started as, how to end it."""

import contextlib
import os
import signal
import subprocess
import time
from pathlib import Path

PROC = Path("/proc")
PAUSE = 0.02


def alive(pid: int) -> bool:
    """Return whether `pid` runs. A zombie does not: it is dead and only waits to be reaped.

    Unless it still has threads: then it is dying, and holds its port and its files until they are gone.
    """
    if PROC.joinpath("self").exists():
        try:
            # The name stands in parentheses and may hold spaces; what follows it is fixed (proc_pid_stat(5)).
            after = PROC.joinpath(str(pid), "stat").read_bytes().rpartition(b")")[2].split()
            state, threads = after[0], int(after[17])
        except (OSError, IndexError):
            return False
        return state not in {b"Z", b"X"} or threads > 1
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def command_line(pid: int) -> str:
    """Return the arguments of `pid`, separated by NUL (by blanks without /proc); "" if there is none.

    Unlike cwd, exe and environ, this may be read of another user's process even by a root without
    CAP_SYS_PTRACE, which is what root is in a container.
    """
    if PROC.joinpath("self").exists():
        try:
            return PROC.joinpath(str(pid), "cmdline").read_bytes().decode(errors="replace")
        except OSError:
            return ""
    ask = ["ps", "-o", "command=", "-p", str(pid)]
    shown = subprocess.run(ask, capture_output=True, check=False, text=True)
    return shown.stdout.strip()


def has_variable(pid: int, name: str, value: str) -> bool:
    """Return whether `pid` was started with the environment variable `name` = `value`; False if unknown."""
    try:
        variables = PROC.joinpath(str(pid), "environ").read_bytes().split(b"\0")
    except OSError:
        return False
    return f"{name}={value}".encode() in variables


def titled(prefix: str) -> list[int]:
    """Return the living processes whose command line starts with `prefix` (none without /proc)."""
    numbers = [int(entry.name) for entry in PROC.glob("[0-9]*")]
    return [pid for pid in numbers if command_line(pid).startswith(prefix) and alive(pid)]


def read_pid(path: Path) -> int | None:
    """Return the number in the first line of `path`, or None."""
    try:
        pid = int(path.read_text(encoding="utf-8").split("\n", 1)[0])
    except (OSError, ValueError):
        return None
    return pid if pid > 1 else None


def write_pid(path: Path, pid: int) -> None:
    """Write `pid` so that a reader sees the old number or the new one, never half of it."""
    partial = path.with_name(path.name + ".new")
    partial.write_text(f"{pid}\n", encoding="utf-8")
    partial.replace(path)


def send(pid: int, number: signal.Signals, *, group: bool = False) -> None:
    """Send a signal to `pid` or to the group it leads; a process already gone is not an error."""
    with contextlib.suppress(ProcessLookupError):
        if group:
            os.killpg(pid, number)
        else:
            os.kill(pid, number)


def wait_gone(pid: int, timeout: float) -> bool:
    """Wait up to `timeout` seconds until `pid` no longer runs; return whether it is gone."""
    deadline = time.monotonic() + timeout
    while alive(pid):
        if time.monotonic() > deadline:
            return False
        time.sleep(PAUSE)
    return True
