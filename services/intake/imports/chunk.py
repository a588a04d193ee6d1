"""The action of storing some rows of a ledger, all in one transaction with how far it has come.

What went in before is known again: the same row changes nothing, a row that tells more of its ticket adds the
moves it tells, a row that tells otherwise is refused.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

from uuid_utils.compat import uuid7

from services.intake.imports import store
from services.intake.imports.reading import Entry, Misfit
from services.intake.imports.status import MOST_ERRORS
from services.intake.imports.store import Before
from services.intake.ledger.faults import Fault
from services.intake.ledger.growth import grown
from services.intake.numbers import Numbers
from services.intake.phone import digits_of
from shared import clock
from shared.db import Transaction
from shared.events import Event, LedgerRowsReceivedV1, RatingGivenV1
from shared.keyring import Keyring
from shared.outbox import Outbox
from shared.streets import Street
from shared.tables import import_errors, import_rows, ratings, tickets

LATE_AFTER: Final = timedelta(seconds=60)
_DIFFERS = "编号已经存在,这一行与之前的记载不同"
_MOVED = "编号已经存在,导入之后又有新的办理,请在系统中继续办理"
_ONLINE = "编号已经存在,不是由台账导入的"


@dataclass(frozen=True, slots=True)
class Upload:
    """The import whose rows these are."""

    street: Street
    id: UUID
    entered_by: UUID
    entered_role: str


@dataclass(slots=True)
class Batch:
    """What some rows come to: rows of tables, events, counts."""

    upload: Upload
    now: datetime
    tickets: list[dict[str, Any]] = field(default_factory=list)
    ratings: list[dict[str, Any]] = field(default_factory=list)
    rows: list[dict[str, Any]] = field(default_factory=list)
    errors: list[dict[str, Any]] = field(default_factory=list)
    events: list[Event] = field(default_factory=list)
    updated: int = 0
    unchanged: int = 0
    rejected: int = 0

    def refuse(self, line: int, faults: Sequence[Fault]) -> None:
        """Note a row that cannot go in."""
        self.rejected += 1
        self.errors += [
            {
                "street_id": self.upload.street.id, "import_id": self.upload.id, "line": line, "place": place,
                "column_name": fault.column, "message": fault.message,
            }
            for place, fault in enumerate(faults)
        ]  # fmt: skip

    def row(self, entry: Entry, ticket_id: UUID, course: dict[str, Any]) -> None:
        """Note what routing has to know of a row."""
        self.rows.append(
            {
                "street_id": self.upload.street.id, "import_id": self.upload.id, "line": entry.line,
                "ticket_id": ticket_id, "identity": entry.identity, "digest": entry.digest, "fixed": entry.fixed(),
                "course": course,
            }
        )  # fmt: skip

    def rate(self, entry: Entry, ticket_id: UUID) -> None:
        """Note the reporter's own rating, if the ledger tells of one."""
        if entry.course.rated is not None:
            self.ratings.append(
                {
                    "street_id": self.upload.street.id, "ticket_id": ticket_id, "closure": 0,
                    "satisfaction": entry.row.rating, "resolved": None, "contacted": None, "comment": None,
                    "author_id": self.upload.entered_by, "occurred_at": entry.course.rated,
                    "recorded_at": max(entry.course.recorded, entry.course.rated),
                }
            )  # fmt: skip


async def take_in(
    tx: Transaction, upload: Upload, entries: Sequence[Entry | Misfit], keys: Keyring, numbers: Numbers
) -> Batch:
    """Return what these rows come to; nothing is written yet but the numbers that are used up."""
    batch = Batch(upload, clock.now())
    fit: list[Entry] = []
    for entry in entries:
        if isinstance(entry, Misfit):
            batch.refuse(entry.line, entry.faults)
        else:
            fit.append(entry)
    street = upload.street
    known = await store.before(tx, street.id, [e.identity for e in fit])
    given = [e.row.number for e in fit if e.row.number is not None and e.identity not in known]
    online = await store.taken(tx, street.id, given)
    new = [e for e in fit if e.identity not in known and e.row.number not in online]
    nameless = sum(e.row.number is None for e in new)
    made = iter(
        await numbers.take(street.id, street.prefix, clock.local_day(batch.now), nameless) if nameless else ()
    )
    for entry in fit:
        if entry.identity not in known and entry.row.number in online:
            batch.refuse(entry.line, [Fault("number", _ONLINE)])
    for entry in new:
        _create(batch, entry, entry.row.number or next(made), keys)
    await _grow(tx, batch, [(e, known[e.identity]) for e in fit if e.identity in known])
    if batch.rows:
        first, last = min(r["line"] for r in batch.rows), max(r["line"] for r in batch.rows)
        batch.events.append(
            LedgerRowsReceivedV1(street_id=street.id, import_id=str(upload.id), first=first, last=last)
        )
    return batch


def _create(batch: Batch, entry: Entry, number: str, keys: Keyring) -> None:
    row, upload, ticket_id = entry.row, batch.upload, uuid7()
    received, recorded = entry.course.moves[0].at, entry.course.recorded
    private = {"name": row.reporter_name, "phone": row.reporter_phone}
    known = {name: value for name, value in private.items() if value is not None}
    phone = digits_of(row.reporter_phone) if row.reporter_phone is not None else None
    batch.tickets.append(
        {
            "street_id": upload.street.id, "id": ticket_id, "number": number, "channel": row.channel, "kind": row.kind,
            "category_code": row.category_code, "content": row.text, "community_code": row.community,
            "grid_code": row.grid_code, "anonymous": False, "confidential": bool(row.confidential),
            "private": keys.seal(known, ticket_id.bytes) if known else None,
            "phone_index": keys.blind_index("phone", phone) if phone else None, "entered_by": upload.entered_by,
            "entered_role": upload.entered_role, "occurred_at": received, "recorded_at": recorded,
            "late": recorded - received > LATE_AFTER,
        }
    )  # fmt: skip
    batch.rate(entry, ticket_id)
    batch.row(entry, ticket_id, entry.stored())


async def _grow(tx: Transaction, batch: Batch, again: Sequence[tuple[Entry, Before]]) -> None:
    """Compare rows with what was told before of the same tickets."""
    street_id = batch.upload.street.id
    other = []
    for entry, before in again:
        if entry.digest == before.digest:
            batch.unchanged += 1
        else:
            other.append((entry, before))
    made = await store.moves_made(tx, street_id, [before.ticket_id for _, before in other])
    for entry, before in other:
        now = entry.stored()
        more = grown(before.moves, now["moves"], batch.now)
        rated = entry.row.rating != before.rating
        if more is None or entry.fixed() != before.fixed or (rated and before.rating is not None):
            batch.refuse(entry.line, [Fault("number", _DIFFERS)])
        elif not more and not rated:
            batch.unchanged += 1
        elif made.get(before.ticket_id) != len(before.moves):
            batch.refuse(entry.line, [Fault("number", _MOVED)])
        else:
            batch.updated += 1
            _add(
                batch,
                entry,
                before,
                now | {"moves": more, "recorded_at": batch.now.isoformat(), "more": True},
            )


def _add(batch: Batch, entry: Entry, before: Before, course: dict[str, Any]) -> None:
    batch.row(entry, before.ticket_id, course)
    if entry.row.rating != before.rating:
        batch.rate(entry, before.ticket_id)
        batch.ratings[-1]["recorded_at"] = batch.now
        batch.events.append(
            RatingGivenV1(
                street_id=batch.upload.street.id, ticket_id=before.ticket_id, closure=0,
                satisfaction=str(entry.row.rating),
            )
        )  # fmt: skip


async def write(tx: Transaction, outbox: Outbox, batch: Batch, *, faults_before: int) -> None:
    """Write a batch; of the faults only as many as are kept of one import."""
    await tx.insert_many(tickets, batch.tickets)
    await tx.insert_many(ratings, batch.ratings)
    await tx.insert_many(import_rows, batch.rows)
    await tx.insert_many(import_errors, batch.errors[: max(0, MOST_ERRORS - faults_before)])
    await outbox.record(tx, batch.events)
