"""The SQL of photos: who has which, what refers to them, which are nobody's."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import Row, select

from services.intake.attachments.words import Origin
from shared.db import Transaction
from shared.errors import FieldError, Invalid
from shared.tables import attachments, ticket_attachments

# Who uploads a photo has a day to refer to it.
GRACE = timedelta(hours=24)

_AGAIN = """
UPDATE attachments SET touched_at = $4 WHERE street_id = $1 AND owner_id = $2 AND digest = $3 RETURNING *"""
_ADD = """
INSERT INTO attachments (street_id, id, owner_id, owner_role, purpose, digest, width, height, size, place, created_at,
  touched_at)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $11)
ON CONFLICT (street_id, owner_id, digest) DO UPDATE SET touched_at = excluded.touched_at RETURNING *"""
_HOLD = """
UPDATE attachments SET touched_at = $4 WHERE street_id = $1 AND owner_id = $2 AND id = ANY($3::uuid[]) RETURNING id"""
_UNSETTLED = """
SELECT id, created_at FROM attachments
WHERE street_id = $1 AND NOT settled AND touched_at < $2 ORDER BY touched_at LIMIT $3"""
_REFERRED = """
SELECT DISTINCT attachment_id FROM ticket_attachments WHERE street_id = $1 AND attachment_id = ANY($2::uuid[])"""
_PROVEN = """
SELECT ticket_id, data -> 'proof' AS proof FROM transitions
WHERE street_id = $1 AND recorded_at >= $2 AND data ? 'proof'"""
_SETTLE = "UPDATE attachments SET settled = true WHERE street_id = $1 AND id = ANY($2::uuid[])"
_DROP = """
DELETE FROM attachments a WHERE street_id = $1 AND id = ANY($2::uuid[]) AND NOT settled AND touched_at < $3
  AND NOT EXISTS (SELECT FROM ticket_attachments t WHERE t.street_id = $1 AND t.attachment_id = a.id)
RETURNING id"""
_THERE = "SELECT id FROM attachments WHERE street_id = $1 AND id = ANY($2::uuid[])"


async def again(tx: Transaction, street_id: int, owner_id: UUID, digest: bytes, now: datetime) -> Any:
    """Return the attachment this person made of this very file, kept for another day; None if there is none."""
    return await tx.raw.fetchrow(_AGAIN, street_id, owner_id, digest, now)


async def add(tx: Transaction, row: dict[str, Any]) -> Any:
    """Write an attachment; return it, or the one that was made of the same file a moment before."""
    names = (
        "street_id", "id", "owner_id", "owner_role", "purpose", "digest", "width", "height", "size", "place", "created_at",
    )  # fmt: skip
    return await tx.raw.fetchrow(_ADD, *(row[name] for name in names))


async def hold(tx: Transaction, street_id: int, owner_id: UUID, ids: Sequence[UUID], now: datetime) -> None:
    """See that these are this person's own, and out of the sweep's reach for a day; raise Invalid naming the others."""
    rows = await tx.raw.fetch(_HOLD, street_id, owner_id, list(ids), now)
    held = {row["id"] for row in rows}
    wrong = [n for n, one in enumerate(ids) if one not in held]
    if wrong:
        message = "没有这个附件,或者不是您上传的"
        raise Invalid(
            f"第 {'、'.join(str(n + 1) for n in wrong)} 个附件不能使用:{message}",
            code="unknown_attachment", errors=[FieldError(f"attachment_ids.{n}", message) for n in wrong],
        )  # fmt: skip


def references(
    street_id: int, ticket_id: UUID, origin: Origin, origin_id: UUID, ids: Sequence[UUID], now: datetime
) -> list[dict[str, Any]]:
    """Return the rows by which a ticket refers to photos, in the order they were named."""
    return [
        {
            "street_id": street_id, "ticket_id": ticket_id, "origin_id": origin_id, "attachment_id": one,
            "origin": origin.value, "position": position, "recorded_at": now,
        }
        for position, one in enumerate(dict.fromkeys(ids))
    ]  # fmt: skip


async def one(tx: Transaction, street_id: int, attachment_id: UUID) -> Row[Any] | None:
    """Return an attachment, if it is there."""
    return await tx.one(
        select(attachments).where(attachments.c.street_id == street_id, attachments.c.id == attachment_id)
    )


async def of_ticket(tx: Transaction, street_id: int, ticket_id: UUID) -> Sequence[Row[Any]]:
    """Return the photos that came with a ticket and its supplements, in order."""
    t = ticket_attachments.c
    return await tx.rows(
        select(attachments, t.origin, t.origin_id)
        .join_from(
            ticket_attachments,
            attachments,
            (attachments.c.street_id == t.street_id) & (attachments.c.id == t.attachment_id),
        )
        .where(t.street_id == street_id, t.ticket_id == ticket_id, t.origin != Origin.PROOF.value)
        .order_by(t.recorded_at, t.position)
    )


async def named(tx: Transaction, street_id: int, ids: Sequence[UUID]) -> dict[UUID, Row[Any]]:
    """Return those of these attachments that are there."""
    if not ids:
        return {}
    rows = await tx.rows(
        select(attachments).where(attachments.c.street_id == street_id, attachments.c.id.in_(ids))
    )
    return {row.id: row for row in rows}


async def first_of(tx: Transaction, ticket_ids: Sequence[UUID], streets: Sequence[int]) -> dict[UUID, UUID]:
    """Return of each ticket that came with photos the first."""
    if not ticket_ids:
        return {}
    t = ticket_attachments.c
    rows = await tx.rows(
        select(t.ticket_id, t.attachment_id).where(
            t.street_id.in_(streets), t.ticket_id.in_(ticket_ids), t.origin_id == t.ticket_id,
            t.origin == Origin.REPORT.value, t.position == 0,
        )
    )  # fmt: skip
    return {row.ticket_id: row.attachment_id for row in rows}


async def unsettled(tx: Transaction, street_id: int, before: datetime, limit: int) -> Sequence[Any]:
    """Return photos (id, created_at) whose day is over and of which it is not known whether anybody needs them."""
    rows: Sequence[Any] = await tx.raw.fetch(_UNSETTLED, street_id, before, limit)
    return rows


async def referred(tx: Transaction, street_id: int, ids: Sequence[UUID]) -> set[UUID]:
    """Return those of these photos that a ticket refers to."""
    return {row["attachment_id"] for row in await tx.raw.fetch(_REFERRED, street_id, list(ids))}


async def proven(tx: Transaction, street_id: int, since: datetime) -> list[tuple[UUID, Any]]:
    """Return (ticket, proof) of the moves recorded since then that brought one."""
    rows = await tx.raw.fetch(_PROVEN, street_id, since)
    return [(row["ticket_id"], row["proof"]) for row in rows]


async def settle(tx: Transaction, street_id: int, ids: Sequence[UUID]) -> None:
    """Note that these photos are needed for good."""
    await tx.raw.execute(_SETTLE, street_id, list(ids))


async def drop(tx: Transaction, street_id: int, ids: Sequence[UUID], before: datetime) -> list[UUID]:
    """Forget those of these photos that were not touched meanwhile; return which."""
    return [row["id"] for row in await tx.raw.fetch(_DROP, street_id, list(ids), before)]


async def there(tx: Transaction, street_id: int, ids: Sequence[UUID]) -> set[UUID]:
    """Return those of these ids that have a row."""
    return {row["id"] for row in await tx.raw.fetch(_THERE, street_id, list(ids))}
