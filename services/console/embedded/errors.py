"""The one error of the embedded servers."""

import contextlib
import errno
from collections.abc import Iterator
from pathlib import Path

REASONS = {
    errno.EACCES: "没有权限",
    errno.EPERM: "不允许的操作",
    errno.EROFS: "文件系统只读",
    errno.ENOSPC: "磁盘已满",
    errno.EDQUOT: "磁盘配额已用完",
    errno.ENOTDIR: "路径中有一段不是目录",
    errno.EEXIST: "同名文件已存在",
}


class EmbeddedError(RuntimeError):
    """An embedded server cannot run; the message (Chinese) says why and what to do about it."""


@contextlib.contextmanager
def disk_errors(folder: Path) -> Iterator[None]:
    """Turn what the file system refuses under `folder` into an EmbeddedError."""
    try:
        yield
    except OSError as error:
        reason = REASONS.get(error.errno or 0, error.strerror or str(error))
        raise EmbeddedError(
            f"无法使用 {error.filename or folder}:{reason}。请检查目录权限与磁盘空间,或用 BANJIE_DATA_DIR 换一个目录",
        ) from error
