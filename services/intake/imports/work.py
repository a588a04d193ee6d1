"""The worker's side of imports: step by step, each step one transaction with how far it has come.

Whoever falls, at whatever point, loses nothing and doubles nothing: another takes the import up where its last
transaction left it, by reading the file again and passing over what is stored. An import is done when all its
rows are in the figures, not when they are read.
"""

import asyncio
from collections.abc import Coroutine
from dataclasses import dataclass
from typing import Any, Final, TypeVar

import structlog
from uuid_utils.compat import uuid7

from services.intake.imports import chunk, store, upload
from services.intake.imports.chunk import Upload
from services.intake.imports.reading import Keyed, Reader
from services.intake.imports.store import LEASE, Lost
from services.intake.numbers import Numbers
from shared import clock, keyring
from shared.keyring import Keyring
from shared.process import Process
from shared.sheets.faults import NotATable

# Batches on their way at once: enough to keep routing and metrics busy, few enough to leave others their turn.
MOST_IN_FLIGHT: Final = 8
MOST_ATTEMPTS: Final = 20
_GAVE_UP: Final = "多次中断,没有能读完;请把文件分小后再导入,或联系管理员"
_EMPTY: Final = "表头下面没有数据"
log = structlog.get_logger()
T = TypeVar("T")


@dataclass(slots=True)
class _Job:
    """An import in hand."""

    upload: Upload
    row: dict[str, Any]
    reader: Reader | None = None


def _keyed(keys: Keyring) -> Keyed:
    return lambda content: keys.blind_index("ledger_row", content.decode())


class Importing:
    """Works on one import at a time; `run` does one step and returns whether another should follow at once."""

    def __init__(self, process: Process) -> None:
        self._process = process
        self._numbers = Numbers(process.database)
        self._token = uuid7()
        self._job: _Job | None = None

    async def run(self) -> bool:
        """Do one step of the import in hand, or take one up."""
        job, self._job = self._job, None  # a step that fails leaves nothing in hand: it is taken up anew
        try:
            if job is None:
                self._job = await self._take_up()
                return self._job is not None
            more, finished = await (self._read(job) if job.reader is not None else self._settle(job))
        except Lost:
            log.warning("import_lost")
            return True
        self._job = None if finished else job
        return more

    async def _take_up(self) -> _Job | None:
        streets = {street.id: street for street in await self._process.streets.all()}
        async with self._process.database.transaction(streets, read_only=True) as tx:
            found = await store.candidates(tx, list(streets))
        for street_id, import_id in found:
            async with self._process.database.transaction([street_id]) as tx:
                row = await store.claim(tx, street_id, import_id, self._token)
            if row is not None:
                mine = Upload(streets[street_id], import_id, row["entered_by"], row["entered_role"])
                job = _Job(mine, dict(row))
                if await self._open(job):
                    return job
        return None

    async def _open(self, job: _Job) -> bool:
        """Open the file where it still has to be read; return False if that ended the import."""
        if job.row["read_at"] is not None:
            return True
        if job.row["attempts"] > MOST_ATTEMPTS:
            await self._end(job, "failed", message=_GAVE_UP)
            return False
        street = job.upload.street
        # The file may have been sealed with a key that is newer than this process.
        keys = keyring.load(self._process.settings.secrets_path)
        async with self._process.database.transaction([street.id], read_only=True) as tx:
            content = await upload.opened(tx, keys, street.id, job.upload.id)
        try:
            job.reader = await self._meanwhile(
                job,
                asyncio.to_thread(
                    Reader, content, prefix=street.prefix, keyed=_keyed(keys), position=job.row["position"]
                ),
            )
        except NotATable as fault:
            await self._end(job, "failed", message=str(fault))
            return False
        ignored = "、".join(job.reader.ignored)
        warnings = [f"没有用到的列:{ignored}"] if ignored else []
        await self._note(job, lines=job.reader.lines, warnings=warnings)
        return True

    async def _read(self, job: _Job) -> tuple[bool, bool]:
        """Store the next rows; return (more at once, finished)."""
        street_id = job.upload.street.id
        async with self._process.database.transaction([street_id], read_only=True) as tx:
            busy = await store.in_flight(tx, street_id) >= MOST_IN_FLIGHT
        if busy:
            await self._note(job)
            return False, False
        assert job.reader is not None  # noqa: S101 - what told `run` to come here
        # After an interruption the first batch is far into the file.
        entries = await self._meanwhile(job, asyncio.to_thread(job.reader.next, clock.now()))
        if not entries:
            return await self._all_read(job)
        async with self._process.database.transaction([street_id]) as tx:
            await store.hold(tx, street_id, job.upload.id, self._token, job.row["position"])
            batch = await chunk.take_in(tx, job.upload, entries, self._process.keys, self._numbers)
            await chunk.write(tx, self._process.outbox, batch, faults_before=job.row["faults"])
            row = job.row
            changes: dict[str, Any] = {
                "position": entries[-1].line, "created": row["created"] + len(batch.tickets),
                "updated": row["updated"] + batch.updated, "unchanged": row["unchanged"] + batch.unchanged,
                "rejected": row["rejected"] + batch.rejected, "faults": row["faults"] + len(batch.errors),
                "attempts": 0, "claimed_until": clock.now() + LEASE,
                "last_event": batch.events[-1].id if batch.events else row["last_event"],
            }  # fmt: skip
            await store.note(tx, street_id, job.upload.id, **changes)
        row.update(changes)
        return True, False

    async def _all_read(self, job: _Job) -> tuple[bool, bool]:
        job.reader = None
        warnings = [*job.row["warnings"], *([] if job.row["position"] else [_EMPTY])]
        await self._note(job, forget_file=True, read_at=clock.now(), warnings=warnings)
        return True, False

    async def _settle(self, job: _Job) -> tuple[bool, bool]:
        """See whether routing, then metrics, has done all that came of the rows."""
        street_id, row = job.upload.street.id, job.row
        async with self._process.database.transaction([street_id], read_only=True) as tx:
            left = parked = 0
            since = row["created_at"]
            if row["last_event"] is not None:
                left, parked = await store.waiting(tx, street_id, "routing", row["last_event"], since)
            if not left and row["last_moved"] is not None:
                left, more = await store.waiting(tx, street_id, "metrics", row["last_moved"], since)
                parked += more
        if left:
            await self._note(job)
            return False, False
        if row["last_moved"] is None:
            # Routing is through: what it has told metrics by now is all there is to wait for.
            await self._note(job, last_moved=store.latest())
            return True, False
        warnings = list(row["warnings"])
        if parked:
            warnings.append(f"有 {parked} 批未能入账,请管理员查看 banjie events --parked")
        await self._end(job, "done", warnings=warnings)
        return True, True

    async def _meanwhile(self, job: _Job, work: Coroutine[Any, Any, T]) -> T:
        """Do what takes its time, and keep the claim meanwhile."""
        task = asyncio.create_task(work)
        while not task.done():
            await asyncio.wait({task}, timeout=LEASE.total_seconds() / 3)
            if not task.done():
                await self._note(job)
        return task.result()

    async def _end(self, job: _Job, state: str, **changes: Any) -> None:
        await self._note(job, forget_file=True, state=state, finished_at=clock.now(), **changes)
        log.info("import_ended", import_id=str(job.upload.id), state=state)

    async def _note(self, job: _Job, *, forget_file: bool = False, **changes: Any) -> None:
        """Note changes of an import that is ours, and that it is still worked on."""
        street_id, import_id = job.upload.street.id, job.upload.id
        changes["claimed_until"] = clock.now() + LEASE
        async with self._process.database.transaction([street_id]) as tx:
            await store.hold(tx, street_id, import_id, self._token, job.row["position"])
            if forget_file:
                await store.forget_file(tx, street_id, import_id)
            await store.note(tx, street_id, import_id, **changes)
        job.row.update(changes)
