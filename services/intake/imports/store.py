"""The SQL of imports: claiming one, storing its rows, seeing that they are taken in."""

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import orjson
from uuid_utils.compat import uuid7

from shared import clock
from shared.db import Transaction
from shared.events import LedgerRowsReceivedV1, TicketsMovedV1
from shared.lifecycle import QUIET

LEASE = timedelta(seconds=10)
_RUNNING = """
SELECT DISTINCT ON (street_id) street_id, id FROM imports
WHERE street_id = ANY($1::bigint[]) AND state = 'running' ORDER BY street_id, id"""
_CLAIM = """
UPDATE imports SET claim = $3, claimed_until = $4, attempts = attempts + 1
WHERE street_id = $1 AND id = $2 AND state = 'running' AND (claim = $3 OR claimed_until IS NULL OR claimed_until < $5)
RETURNING *"""
_HELD = "SELECT 1 FROM imports WHERE street_id = $1 AND id = $2 AND claim = $3 AND position = $4 FOR UPDATE"
_FORGET = "DELETE FROM import_files WHERE street_id = $1 AND import_id = $2"
_BEFORE = """
SELECT ticket_id, identity, digest, fixed, course FROM import_rows
WHERE street_id = $1 AND identity = ANY($2::text[]) ORDER BY import_id, line"""
_TAKEN = "SELECT number FROM tickets WHERE street_id = $1 AND number = ANY($2::text[])"
_MOVES = """
SELECT ticket_id, count(*) AS moves FROM transitions
WHERE street_id = $1 AND ticket_id = ANY($2::uuid[]) AND action <> ALL($3::text[]) GROUP BY ticket_id"""
_IN_FLIGHT = """
SELECT count(*) FROM deliveries d JOIN events e ON e.street_id = d.street_id AND e.id = d.event_id
WHERE d.street_id = $1 AND d.parked_at IS NULL AND e.type = ANY($2::text[])"""
_WAITING = """
SELECT count(*) FILTER (WHERE d.parked_at IS NULL) AS waiting,
  count(*) FILTER (WHERE d.parked_at IS NOT NULL AND e.type = ANY($4::text[]) AND e.recorded_at >= $5) AS parked
FROM deliveries d JOIN events e ON e.street_id = d.street_id AND e.id = d.event_id
WHERE d.street_id = $1 AND d.consumer = $2 AND d.event_id <= $3"""
_BATCHES = [LedgerRowsReceivedV1.TYPE, TicketsMovedV1.TYPE]
# Moves that may come upon a ticket by themselves; they change nothing of what a ledger can go on from.
_BY_THEMSELVES = sorted(QUIET | {"recalculate"})


class Lost(Exception):  # noqa: N818 - not an error: somebody else has it now
    """The claim on an import has run out and another worker has taken it up."""


@dataclass(frozen=True, slots=True)
class Before:
    """What earlier imports told of a ticket."""

    ticket_id: UUID
    digest: bytes
    fixed: bytes
    moves: list[list[Any]]
    rating: str | None


async def candidates(tx: Transaction, street_ids: Sequence[int]) -> list[tuple[int, UUID]]:
    """Return each street's oldest running import: they are done one after the other."""
    return [(row["street_id"], row["id"]) for row in await tx.raw.fetch(_RUNNING, list(street_ids))]


async def claim(tx: Transaction, street_id: int, import_id: UUID, token: UUID) -> Mapping[str, Any] | None:
    """Take an import up under `token`; return it, or None while another holds it."""
    now = clock.now()
    row: Mapping[str, Any] | None = await tx.raw.fetchrow(
        _CLAIM, street_id, import_id, token, now + LEASE, now
    )
    return row


async def hold(tx: Transaction, street_id: int, import_id: UUID, token: UUID, position: int) -> None:
    """Lock an import for this transaction; raise Lost if it is not ours, or not where we left it."""
    if await tx.raw.fetchval(_HELD, street_id, import_id, token, position) is None:
        raise Lost


async def note(tx: Transaction, street_id: int, import_id: UUID, **changes: Any) -> None:
    """Set columns of an import that is held; the names are ours."""
    values = [orjson.dumps(v).decode() if isinstance(v, list) else v for v in changes.values()]
    names = ", ".join(f"{name} = ${place}" for place, name in enumerate(changes, start=3))
    await tx.raw.execute(
        f"UPDATE imports SET {names} WHERE street_id = $1 AND id = $2",  # noqa: S608 - our own names
        street_id, import_id, *values,
    )  # fmt: skip


async def forget_file(tx: Transaction, street_id: int, import_id: UUID) -> None:
    """Throw an import's file away."""
    await tx.raw.execute(_FORGET, street_id, import_id)


async def before(tx: Transaction, street_id: int, identities: Collection[str]) -> dict[str, Before]:
    """Return what is known of these rows, all that was told so far of each together."""
    rows: dict[str, list[Any]] = defaultdict(list)
    for row in await tx.raw.fetch(_BEFORE, street_id, list(identities)):
        rows[row["identity"]].append(row)
    return {identity: _together(told) for identity, told in rows.items()}


def _together(told: Sequence[Any]) -> Before:
    last = told[-1]
    moves = [move for row in told for move in row["course"]["moves"]]
    return Before(
        last["ticket_id"], bytes(last["digest"]), bytes(last["fixed"]), moves, last["course"].get("rating")
    )


async def taken(tx: Transaction, street_id: int, numbers: Collection[str]) -> set[str]:
    """Return those of `numbers` that tickets of the street have."""
    return {row["number"] for row in await tx.raw.fetch(_TAKEN, street_id, list(numbers))}


async def moves_made(tx: Transaction, street_id: int, ticket_ids: Collection[UUID]) -> dict[UUID, int]:
    """Return how many moves these tickets have made, those left out that come by themselves."""
    rows = await tx.raw.fetch(_MOVES, street_id, list(ticket_ids), _BY_THEMSELVES) if ticket_ids else ()
    return {row["ticket_id"]: row["moves"] for row in rows}


async def in_flight(tx: Transaction, street_id: int) -> int:
    """Return how many batches of this street's ledgers are on their way to routing or to the figures."""
    return int(await tx.raw.fetchval(_IN_FLIGHT, street_id, _BATCHES))


async def waiting(
    tx: Transaction, street_id: int, consumer: str, until: UUID, since: datetime
) -> tuple[int, int]:
    """Return how many deliveries up to an event a consumer has not done, and how many batches since were given up."""
    row = await tx.raw.fetchrow(_WAITING, street_id, consumer, until, _BATCHES, since)
    return row["waiting"], row["parked"]


def latest() -> UUID:
    """Return an event id beyond which none has been made yet (ids begin with the milliseconds since 1970)."""
    return UUID(int=uuid7().int | ((1 << 80) - 1))
