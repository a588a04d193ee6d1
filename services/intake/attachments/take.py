"""The action of taking a photo in: from a stranger's file to a picture of ours, durable, once.

Order: received on the disk within its limit, known already?, developed, files put, row written. Whatever is cut off
in between leaves a file that nobody knows, which the sweep removes, and never a row without its file.
"""

import asyncio
import hashlib
import shutil
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO
from uuid import UUID

from uuid_utils.compat import uuid7

from services.intake.attachments import show, store
from services.intake.attachments.darkroom import Darkroom
from services.intake.attachments.files import (
    PICTURE,
    THUMBNAIL,
    Files,
    incoming,
    make_private,
    name_of,
    names_of,
    open_files,
)
from services.intake.attachments.findings import Developed, Fault, Refused
from services.intake.attachments.words import Purpose
from shared import clock
from shared.auth import Actor
from shared.db import Transaction
from shared.errors import Conflict, Unavailable, invalid
from shared.process import Process
from shared.streets import Street
from shared.web.idempotency import fingerprint, once

PIECE = 1 << 18
RECEIVING = 64


@dataclass(frozen=True, slots=True)
class Wish:
    """What is said beside the file. Of a file that is known already, the first time counts."""

    purpose: Purpose
    share_location: bool


@dataclass(frozen=True, slots=True)
class Handed:
    """A file handed in: by whom, where, under which key and fingerprint."""

    actor: Actor
    street: Street
    wish: Wish
    digest: bytes
    key: str | None
    wanted: bytes


class Photos:
    """Takes photos in; one instance a process."""

    def __init__(self, process: Process) -> None:
        self._process = process
        self._incoming = incoming(process.settings)
        self._darkroom = Darkroom(process.settings.photo_processes)
        self._receiving = 0
        self.files: Files = open_files(process.settings)

    async def close(self) -> None:
        await self._darkroom.close()

    @asynccontextmanager
    async def receiving(self) -> AsyncIterator[None]:
        """Hold one of the places at the counter; raise Unavailable when all are taken."""
        if self._receiving >= RECEIVING:
            raise Unavailable("同时上传的照片太多,请稍后再试", code="photos_busy", retry_after=3)
        self._receiving += 1
        try:
            yield
        finally:
            self._receiving -= 1

    async def take(
        self, actor: Actor, street: Street, file: BinaryIO, wish: Wish, path: str, key: str | None
    ) -> dict[str, Any]:
        """Return what its sender is told; raise Invalid for what is no photo, Conflict for a key used otherwise."""
        async with self._desk() as desk:
            try:
                digest = await asyncio.to_thread(
                    receive, file, desk / "upload", self._process.settings.max_photo_bytes
                )
                said = f"{street.code} {wish.purpose} {wish.share_location} ".encode()
                handed = Handed(actor, street, wish, digest, key, fingerprint(path, said + digest))
                answer = await self._known(handed) or await self._fresh(handed, desk)
            except Refused as refused:
                raise invalid("file", refused.fault.text, code=refused.fault.value) from None
        return answer | show.addresses(self._process.keys, street.id, UUID(answer["id"]))

    @asynccontextmanager
    async def _desk(self) -> AsyncIterator[Path]:
        """Give a folder to work in, and clear it away."""
        desk = self._incoming / uuid7().hex
        try:
            await asyncio.to_thread(make_private, desk)
            yield desk
        except OSError as error:
            raise Unavailable("照片存储暂时不可用,请稍后重试", code="files_unavailable") from error
        finally:
            await asyncio.to_thread(shutil.rmtree, desk, ignore_errors=True)

    async def _known(self, handed: Handed) -> dict[str, Any] | None:
        """Return the answer where this person's file is here already, or this key was answered; else None."""

        async def work(tx: Transaction) -> dict[str, Any]:
            row = await store.again(tx, handed.street.id, handed.actor.id, handed.digest, clock.now())
            if row is None:
                raise _Unknown
            return show.receipt(row)

        try:
            return await self._once(handed, work)
        except _Unknown:
            return None

    async def _fresh(self, handed: Handed, desk: Path) -> dict[str, Any]:
        developed = await self._darkroom.develop(desk / "upload", desk / PICTURE, desk / THUMBNAIL)
        attachment_id, street_id = uuid7(), handed.street.id
        await self.files.put({name_of(street_id, attachment_id, v): desk / v for v in (PICTURE, THUMBNAIL)})
        row = self._row(handed, attachment_id, developed)

        async def work(tx: Transaction) -> dict[str, Any]:
            return show.receipt(await store.add(tx, row))

        # Whether a commit that was cut off came through is not known: then the files stay, and the sweep knows better.
        try:
            answer = await self._once(handed, work)
        except Conflict:
            await self.files.remove(names_of(street_id, [attachment_id]))
            raise
        if answer["id"] != str(attachment_id):  # another request was quicker
            await self.files.remove(names_of(street_id, [attachment_id]))
        return answer

    async def _once(
        self, handed: Handed, work: Callable[[Transaction], Awaitable[dict[str, Any]]]
    ) -> dict[str, Any]:
        street_id = handed.street.id
        async with self._process.database.transaction([street_id]) as tx:
            return await once(
                tx, street_id, handed.actor.id, handed.key, handed.wanted, 201, lambda: work(tx)
            )

    def _row(self, handed: Handed, attachment_id: UUID, developed: Developed) -> dict[str, Any]:
        place = None
        if developed.place is not None and handed.wish.share_location:
            longitude, latitude = developed.place
            told = {"longitude": longitude, "latitude": latitude}
            place = self._process.keys.seal(told, attachment_id.bytes)
        return {
            "street_id": handed.street.id, "id": attachment_id, "owner_id": handed.actor.id,
            "owner_role": handed.actor.role.value, "purpose": handed.wish.purpose.value, "digest": handed.digest,
            "width": developed.width, "height": developed.height, "size": developed.size, "place": place,
            "created_at": clock.now(),
        }  # fmt: skip


class _Unknown(Exception):  # noqa: N818 - a finding, and the way out of a transaction that is to leave nothing
    """Nothing is known of the file yet."""


def receive(file: BinaryIO, target: Path, most: int) -> bytes:
    """Copy an upload to `target`, piece by piece; return its SHA-256. Raise Refused beyond `most` bytes, and for none."""
    digest, size = hashlib.sha256(), 0
    file.seek(0)
    with target.open("wb") as copy:
        while piece := file.read(PIECE):
            size += len(piece)
            if size > most:
                raise Refused(Fault.TOO_LARGE)
            digest.update(piece)
            copy.write(piece)
    if size == 0:
        raise Refused(Fault.EMPTY)
    return digest.digest()
