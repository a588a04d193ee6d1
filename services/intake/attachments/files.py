"""Where pictures stand: on the disk, or in an object store. Names are made of ids alone, never of what a client says.

A picture is put before its row is written, and removed after its row is gone: a row always has its files, and a file
without a row is what the sweep looks for. The day in a name is the id's own (UUIDv7), so old days need no second look.
"""

import asyncio
import contextlib
import os
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Protocol
from uuid import UUID

from shared.errors import Unavailable
from shared.settings import Settings

PICTURE, THUMBNAIL = "picture", "thumbnail"
VARIANTS = (PICTURE, THUMBNAIL)
_PRIVATE = 0o700


class Files(Protocol):
    """What a place for files can do; each raises Unavailable when it cannot be reached, or has no room."""

    async def put(self, sources: Mapping[str, Path]) -> None:
        """Keep these files durably under their names, all in one folder; the sources may be gone afterwards."""

    async def read(self, name: str) -> bytes | None:
        """Return what is kept under a name, if anything is."""

    async def remove(self, names: Sequence[str]) -> None:
        """Remove files; those that are not there are no error."""

    async def inside(self, folder: str) -> list[str]:
        """Return the last parts of the names one level below a folder; none if there is no such folder."""


def day_of(attachment_id: UUID) -> str:
    """Return the day (UTC) in an id, as folders are named."""
    return f"{datetime.fromtimestamp((attachment_id.int >> 80) / 1000, UTC):%Y%m%d}"


def name_of(street_id: int, attachment_id: UUID, variant: str) -> str:
    """Return the name of a picture or its thumbnail."""
    return f"{street_id}/{day_of(attachment_id)}/{attachment_id.hex}.{variant}.jpg"


def id_of(last: str) -> UUID | None:
    """Return the id in the last part of a name; None for anything we did not name."""
    identity, _, rest = last.partition(".")
    try:
        return UUID(hex=identity) if rest in {f"{variant}.jpg" for variant in VARIANTS} else None
    except ValueError:
        return None


def names_of(street_id: int, attachment_ids: Sequence[UUID]) -> list[str]:
    """Return the names of all files of these attachments."""
    return [name_of(street_id, one, variant) for one in attachment_ids for variant in VARIANTS]


def incoming(settings: Settings) -> Path:
    """Return the folder of uploads that are being worked on; on the same disk as the local files."""
    return settings.data_dir / "files" / "incoming"


def open_files(settings: Settings) -> Files:
    """Return the place the settings name."""
    if settings.files_url is None:
        return LocalFiles(settings.data_dir / "files" / "kept")
    return ObjectFiles(settings)


class LocalFiles:
    """A folder: a file is whole under its name or not there, and once put survives a loss of power."""

    def __init__(self, root: Path) -> None:
        self._root = root

    async def put(self, sources: Mapping[str, Path]) -> None:
        with _reachable():
            await asyncio.to_thread(
                self._put, {self._root / name: source for name, source in sources.items()}
            )

    async def read(self, name: str) -> bytes | None:
        with _reachable():
            try:
                return await asyncio.to_thread((self._root / name).read_bytes)
            except FileNotFoundError:
                return None

    async def remove(self, names: Sequence[str]) -> None:
        with _reachable():
            await asyncio.to_thread(self._remove, names)

    async def inside(self, folder: str) -> list[str]:
        with _reachable():
            try:
                return await asyncio.to_thread(os.listdir, self._root / folder)
            except FileNotFoundError:
                return []

    def _put(self, sources: Mapping[Path, Path]) -> None:
        folder = next(iter(sources)).parent
        missing = [p for p in (folder, *folder.parents) if not p.exists()]
        make_private(folder)
        for target, source in sources.items():
            _flush(source)
            source.replace(target)
        for changed in dict.fromkeys((folder, *(p.parent for p in missing))):
            _flush(changed)

    def _remove(self, names: Sequence[str]) -> None:
        for name in names:
            (self._root / name).unlink(missing_ok=True)


def make_private(folder: Path) -> None:
    """Make a folder and those above it that are missing, for this user alone: `Path.mkdir` minds the last one only."""
    for missing in reversed([p for p in (folder, *folder.parents) if not p.exists()]):
        missing.mkdir(mode=_PRIVATE, exist_ok=True)


def _flush(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


class ObjectFiles:
    """A bucket of anything that speaks S3, by obstore (the extra `s3`)."""

    def __init__(self, settings: Settings) -> None:
        """Open nothing yet; raise RuntimeError if obstore is not installed."""
        try:
            import obstore  # noqa: PLC0415 - optional
        except ImportError:
            raise RuntimeError("照片放在对象存储中需要 obstore:pip install 'banjie[s3]'") from None
        self._obstore = obstore
        url = settings.files_url or ""
        bucket = _login(settings) | _patience(settings) if url.startswith("s3:") else {}
        self._store = obstore.store.from_url(url, **bucket)

    async def put(self, sources: Mapping[str, Path]) -> None:
        with _reachable():
            for name, source in sources.items():
                await self._obstore.put_async(self._store, name, source)

    async def read(self, name: str) -> bytes | None:
        with _reachable():
            try:
                found = await self._obstore.get_async(self._store, name)
                return bytes(await found.bytes_async())
            except FileNotFoundError:
                return None

    async def remove(self, names: Sequence[str]) -> None:
        with _reachable(), contextlib.suppress(FileNotFoundError):
            await self._obstore.delete_async(self._store, names)

    async def inside(self, folder: str) -> list[str]:
        with _reachable():
            found = await self._obstore.list_with_delimiter_async(self._store, f"{folder}/")
        paths = [*found["common_prefixes"], *(entry["path"] for entry in found["objects"])]
        return [path.rstrip("/").rpartition("/")[2] for path in paths]


def _login(settings: Settings) -> dict[str, Any]:
    """Return what of a bucket's address and login is set; what is not, obstore takes from the environment."""
    secrets = {"access_key_id": settings.files_access_key, "secret_access_key": settings.files_secret_key}
    login: dict[str, Any] = {k: v.get_secret_value() for k, v in secrets.items() if v is not None}
    plain = {"region": settings.files_region, "endpoint": settings.files_endpoint}
    return login | {k: v for k, v in plain.items() if v is not None}


def _patience(settings: Settings) -> dict[str, Any]:
    """Return how long a bucket may take: somebody waits for the answer, and the client tries again anyway."""
    http = (settings.files_endpoint or "").startswith("http://")
    return {
        "client_options": {"timeout": "10s", "connect_timeout": "2s", "allow_http": http},
        "retry_config": {"max_retries": 2, "retry_timeout": timedelta(seconds=10)},
    }


@contextlib.contextmanager
def _reachable() -> Iterator[None]:
    """Turn whatever a disk or a store says into "try again"."""
    try:
        yield
    except Exception as error:
        raise Unavailable("照片存储暂时不可用,请稍后重试", code="files_unavailable") from error
