"""The action of taking a ledger's file in: sealed and durable before anybody is told so; it is read later."""

import hashlib
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from typing import Any, Protocol
from uuid import UUID

from uuid_utils.compat import uuid7

from services.intake.imports import status
from services.intake.ledger.cells import words
from shared import clock
from shared.auth import Actor
from shared.db import Transaction
from shared.keyring import Keyring
from shared.streets import Street
from shared.tables import import_files, imports

PIECE = 1 << 20
_LONGEST_NAME = 200
_PARTS = "SELECT part, sealed FROM import_files WHERE street_id = $1 AND import_id = $2 ORDER BY part"


class Upload(Protocol):
    """A file as the web framework hands it over."""

    filename: str | None

    async def read(self, size: int = -1) -> bytes: ...
    async def seek(self, offset: int) -> None: ...


@dataclass(frozen=True, slots=True)
class Measured:
    """What is known of a file before it is kept."""

    size: int
    digest: bytes


async def measured(file: Upload) -> Measured:
    """Read a file through once; return its size and SHA-256."""
    size, digest = 0, hashlib.sha256()
    async for piece in _pieces(file):
        size += len(piece)
        digest.update(piece)
    return Measured(size, digest.digest())


async def keep(
    tx: Transaction, keys: Keyring, actor: Actor, street: Street, file: Upload, known: Measured
) -> dict[str, Any]:
    """Write the upload and its file, sealed; return what its sender is told."""
    import_id = uuid7()
    row: dict[str, Any] = {
        "street_id": street.id, "id": import_id, "file_name": " ".join(words(file.filename).split())[:_LONGEST_NAME], "size": known.size,
        "digest": known.digest, "state": "running", "message": None, "warnings": [], "entered_by": actor.id,
        "entered_role": actor.role.value, "created_at": clock.now(), "read_at": None, "finished_at": None, "lines": 0,
        "position": 0, "created": 0, "updated": 0, "unchanged": 0, "rejected": 0, "faults": 0, "claim": None,
        "claimed_until": None, "attempts": 0, "last_event": None, "last_moved": None,
    }  # fmt: skip
    await tx.insert_many(imports, [row])
    part = 0
    async for piece in _pieces(file):
        sealed = keys.seal_bytes(piece, _context(import_id, part))
        await tx.insert_many(
            import_files,
            [{"street_id": street.id, "import_id": import_id, "part": part, "sealed": sealed}],
        )
        part += 1
    return status.shown(row, street, [])


async def opened(tx: Transaction, keys: Keyring, street_id: int, import_id: UUID) -> bytes:
    """Return a file that was kept."""
    rows = await tx.raw.fetch(_PARTS, street_id, import_id)
    return b"".join(_unsealed(keys, import_id, rows))


def _unsealed(keys: Keyring, import_id: UUID, rows: Any) -> Iterator[bytes]:
    for row in rows:
        yield keys.open_bytes(row["sealed"], _context(import_id, row["part"]))


def _context(import_id: UUID, part: int) -> bytes:
    """Return what a piece is bound to: it opens in its own place only."""
    return import_id.bytes + part.to_bytes(4)


async def _pieces(file: Upload) -> AsyncIterator[bytes]:
    await file.seek(0)
    while piece := await file.read(PIECE):
        yield piece
