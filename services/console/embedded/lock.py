"""One owner at a time for a data folder."""

import contextlib
import fcntl
import os
from collections.abc import Iterator
from pathlib import Path

from services.console.embedded.errors import EmbeddedError, disk_errors


@contextlib.contextmanager
def hold(data_dir: Path, name: str) -> Iterator[None]:
    """Hold `<data_dir>/run/<name>.lock` while the block runs; EmbeddedError if somebody else holds it.

    The kernel frees the lock when its holder dies, and children do not inherit it, so a killed
    supervisor never leaves the folder locked behind it.
    """
    path = data_dir.resolve() / "run" / f"{name}.lock"
    with disk_errors(data_dir):
        path.parent.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o644)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            holder = os.read(descriptor, 32).decode(errors="replace").strip() or "未知"
            raise EmbeddedError(
                f"数据目录 {data_dir} 正被另一个办结实例使用(进程 {holder})。请先停止它,或用 BANJIE_DATA_DIR 换一个目录",
            ) from None
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, f"{os.getpid()}\n".encode(), 0)
        yield
    finally:
        os.close(descriptor)
