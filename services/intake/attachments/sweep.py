"""Photos nobody referred to within a day go, rows first, then files; so do files that no row knows of.

Each photo is judged once: referred to, and settled for good, or gone. A worker that dies between the two halves leaves
files without rows, and these are found by their names alone.
"""

import asyncio
import shutil
from collections.abc import Sequence
from datetime import datetime, timedelta
from pathlib import Path
from uuid import UUID

from services.intake.attachments import store
from services.intake.attachments.files import day_of, id_of, incoming, names_of, open_files
from services.intake.attachments.proof import photos_of
from services.intake.attachments.words import Origin
from shared import clock
from shared.db import Transaction
from shared.process import Process
from shared.tables import ticket_attachments

BATCH = 200
# Work on an upload takes seconds; what lies there longer belonged to a process that died.
ABANDONED = timedelta(hours=1)


class Sweep:
    """Looks after all streets; one instance a worker."""

    def __init__(self, process: Process) -> None:
        self._process = process
        self._files = open_files(process.settings)
        self._incoming = incoming(process.settings)
        # street → the last day whose files were all looked at
        self._looked_at: dict[int, str] = {}

    async def run(self) -> None:
        """Sweep every street once."""
        for street in await self._process.streets.all():
            while await self._judge(street.id) == BATCH:
                pass
            await self._look_for_strays(street.id)
        await asyncio.to_thread(_clear, self._incoming, clock.now() - ABANDONED)

    async def _judge(self, street_id: int) -> int:
        before = clock.now() - store.GRACE
        async with self._process.database.transaction([street_id]) as tx:
            # Workers commit without waiting for the disk; here files are removed on the strength of the commit.
            await tx.raw.execute("SET LOCAL synchronous_commit = on")
            rows = await store.unsettled(tx, street_id, before, BATCH)
            ids = [row["id"] for row in rows]
            needed = await store.referred(tx, street_id, ids)
            rest = [row for row in rows if row["id"] not in needed]
            if rest:
                oldest = min(row["created_at"] for row in rest)
                needed |= await _adopt(tx, street_id, {row["id"] for row in rest}, oldest)
            await store.settle(tx, street_id, sorted(needed))
            gone = await store.drop(tx, street_id, [one for one in ids if one not in needed], before)
        await self._files.remove(names_of(street_id, gone))
        return len(rows)

    async def _look_for_strays(self, street_id: int) -> None:
        """Remove files older than a day that have no row; days once looked at get no new ones."""
        through = clock.now() - store.GRACE - timedelta(days=1)
        last, known = f"{through:%Y%m%d}", self._looked_at.get(street_id, "")
        for day in sorted(await self._files.inside(str(street_id))):
            if known < day <= last:
                await self._look_at(street_id, day)
        self._looked_at[street_id] = max(known, last)

    async def _look_at(self, street_id: int, day: str) -> None:
        found = {id_of(last) for last in await self._files.inside(f"{street_id}/{day}")} - {None}
        ids = sorted(one for one in found if one is not None and day_of(one) == day)
        for first in range(0, len(ids), BATCH):
            some = ids[first : first + BATCH]
            async with self._process.database.transaction([street_id], read_only=True) as tx:
                there = await store.there(tx, street_id, some)
            strays = [one for one in some if one not in there]
            if strays:
                await self._files.remove(names_of(street_id, strays))


async def _adopt(tx: Transaction, street_id: int, ids: set[UUID], since: datetime) -> set[UUID]:
    """Note by which tickets these photos are used as proof; return those that are."""
    found = {
        one: ticket_id
        for ticket_id, proof in await store.proven(tx, street_id, since)
        for _, one in photos_of(proof)
        if one in ids
    }
    now = clock.now()
    for one, ticket_id in found.items():
        rows = store.references(street_id, ticket_id, Origin.PROOF, ticket_id, [one], now)
        await tx.insert_many(ticket_attachments, rows)
    return set(found)


def _clear(folder: Path, before: datetime) -> None:
    for desk in _inside(folder):
        if desk.stat().st_mtime < before.timestamp():
            shutil.rmtree(desk, ignore_errors=True)


def _inside(folder: Path) -> Sequence[Path]:
    return list(folder.iterdir()) if folder.is_dir() else []
