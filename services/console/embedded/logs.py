"""Log files that do not grow without end: one file and its predecessor, `<name>.log` and `<name>.log.1`."""

import shutil
from pathlib import Path

LIMIT = 10 * 1024 * 1024


def log_path(data_dir: Path, name: str) -> Path:
    """Return where `name` logs; the folder is made, for our eyes only: lines may quote what people wrote."""
    folder = data_dir / "logs"
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    return folder / f"{name}.log"


def size(path: Path) -> int:
    """Return the size of `path` in bytes, 0 if it does not exist."""
    try:
        return path.stat().st_size
    except FileNotFoundError:
        return 0


def trim(path: Path, limit: int = LIMIT) -> None:
    """Empty a log that another process writes (in append mode), once it is over `limit` bytes, keeping a copy.

    It is emptied, not renamed: its writer keeps the file open. Lines written during the copy are lost.
    """
    if size(path) > limit:
        shutil.copyfile(path, path.with_name(path.name + ".1"))
        with path.open("r+b") as log:
            log.truncate(0)


class RotatingLog:
    """The log of one program, written by the supervisor."""

    def __init__(self, path: Path, limit: int = LIMIT) -> None:
        self._path = path
        self._limit = limit
        self._size = size(path)
        self._file = path.open("ab")

    def write(self, line: bytes) -> None:
        """Append one line (without its end) and flush it; start a new file when this one is full."""
        if self._size > self._limit:
            self._file.close()
            self._path.replace(self._path.with_name(self._path.name + ".1"))
            self._file = self._path.open("ab")
            self._size = 0
        self._file.write(line + b"\n")
        self._file.flush()
        self._size += len(line) + 1

    def close(self) -> None:
        """Close the file."""
        self._file.close()
