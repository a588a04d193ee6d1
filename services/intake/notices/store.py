"""Notices in the tables: written once each, listed to whom they are for, marked as read by each reader."""

from collections.abc import Mapping, Sequence
from itertools import chain
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Row, exists, func, select
from sqlalchemy.dialects.postgresql import insert
from uuid_utils.compat import uuid7

from services.intake.notices.told import office, person, resident, unit
from shared import clock
from shared.auth import Actor
from shared.db import TOGETHER, Transaction, insert_sql, values
from shared.errors import NotFound
from shared.tables import notice_reads, notices
from shared.terms import Role

# What a badge shows at most; counting on would only make the busiest readers wait.
MOST_UNREAD = 99
_AT_ONCE = 500

_MOVES = """
SELECT m.*, t.number, t.reporter_id, c.name AS category,
  lag(m.lead_unit) OVER (PARTITION BY m.ticket_id ORDER BY m.seq) AS lead_before
FROM transitions m JOIN tickets t ON t.street_id = m.street_id AND t.id = m.ticket_id
LEFT JOIN categories c ON c.street_id = m.street_id AND c.code = m.category_code
WHERE m.street_id = $1 AND m.ticket_id = ANY($2::uuid[]) ORDER BY m.ticket_id, m.seq"""
_STANDING = """
SELECT t.id AS ticket_id, t.number, t.reporter_id, c.name AS category, s.lead_unit, s.state
FROM tickets t JOIN ticket_states s ON s.street_id = t.street_id AND s.ticket_id = t.id
LEFT JOIN categories c ON c.street_id = t.street_id AND c.code = s.category_code
WHERE t.street_id = $1 AND t.id = ANY($2::uuid[])"""
_SUPPLEMENTS = """
SELECT id, ticket_id, author_role, recorded_at FROM supplements WHERE street_id = $1 AND id = ANY($2::uuid[])"""
_RATINGS = """
SELECT ticket_id, closure, satisfaction, occurred_at FROM ratings WHERE street_id = $1 AND ticket_id = ANY($2::uuid[])"""


async def moves(tx: Transaction, street_id: int, ticket_ids: Sequence[UUID]) -> Sequence[Mapping[str, Any]]:
    """Return the histories of these tickets in order, with who led before each move."""
    rows: Sequence[Mapping[str, Any]] = await tx.raw.fetch(_MOVES, street_id, ticket_ids)
    return rows


async def standings(
    tx: Transaction, street_id: int, ticket_ids: Sequence[UUID]
) -> dict[UUID, Mapping[str, Any]]:
    """Return who has these tickets now."""
    return {row["ticket_id"]: row for row in await tx.raw.fetch(_STANDING, street_id, ticket_ids)}


async def supplements_of(tx: Transaction, street_id: int, ids: Sequence[UUID]) -> Sequence[Mapping[str, Any]]:
    """Return these supplements, without what they say."""
    rows: Sequence[Mapping[str, Any]] = await tx.raw.fetch(_SUPPLEMENTS, street_id, ids)
    return rows


async def ratings_of(
    tx: Transaction, street_id: int, ticket_ids: Sequence[UUID]
) -> Sequence[Mapping[str, Any]]:
    """Return the ratings of these tickets."""
    rows: Sequence[Mapping[str, Any]] = await tx.raw.fetch(_RATINGS, street_id, ticket_ids)
    return rows


async def write(tx: Transaction, rows: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """Write notices (columns but `id` and `recorded_at`) that are not there yet.

    Returns `id`, `recipient` and `kind` of those that were not.
    """
    now = clock.now()
    ready = [{"id": uuid7(), "recorded_at": now, **row} for row in rows]
    written: list[Mapping[str, Any]] = []
    for start in range(0, len(ready), TOGETHER):
        some = ready[start : start + TOGETHER]
        columns = tuple(some[0])
        query = (
            f"{insert_sql(notices, columns, len(some))} ON CONFLICT DO NOTHING RETURNING id, recipient, kind"
        )
        written += await tx.raw.fetch(query, *chain.from_iterable(values(notices, columns, some)))
    return written


def mine(actor: Actor) -> list[str]:
    """Return the recipients that an actor reads for: themselves, their unit, their office."""
    if actor.role is Role.RESIDENT:
        return [resident(actor.id)]
    found = [person(actor.id), office(actor.role.value)]
    return [*found, unit(actor.unit)] if actor.unit is not None else found


def _for(actor: Actor) -> tuple[ColumnElement[bool], ...]:
    return notices.c.street_id.in_(actor.streets), notices.c.recipient.in_(mine(actor))


def _read(actor: Actor) -> ColumnElement[bool]:
    return exists().where(
        notice_reads.c.street_id == notices.c.street_id,
        notice_reads.c.reader_id == actor.id,
        notice_reads.c.notice_id == notices.c.id,
    )


async def listed(
    tx: Transaction, actor: Actor, *, unread: bool, before: UUID | None, limit: int
) -> Sequence[Row[Any]]:
    """Return one more than `limit` of the actor's newest notices, each with whether it was read."""
    query = select(notices, _read(actor).label("read")).where(*_for(actor))
    if unread:
        query = query.where(~_read(actor))
    if before is not None:
        query = query.where(notices.c.id < before)
    return await tx.rows(query.order_by(notices.c.id.desc()).limit(limit + 1))


async def unread(tx: Transaction, actor: Actor) -> int:
    """Return how many notices the actor has not read, counted up to one more than is shown."""
    some = select(notices.c.id).where(*_for(actor), ~_read(actor)).limit(MOST_UNREAD + 1).subquery()
    row = await tx.one(select(func.count().label("n")).select_from(some))
    return int(row.n) if row is not None else 0


async def mark(tx: Transaction, actor: Actor, notice_id: UUID) -> None:
    """Note that the actor has read a notice; raise NotFound for one that is not theirs."""
    row = await tx.one(select(notices.c.street_id).where(*_for(actor), notices.c.id == notice_id))
    if row is None:
        raise NotFound("没有这条通知", code="notice_not_found")
    await _note_read(tx, actor, [(row.street_id, notice_id)])


async def mark_all(tx: Transaction, actor: Actor) -> int:
    """Note that the actor has read the newest of their unread notices, some hundreds at most; return how many."""
    query = select(notices.c.street_id, notices.c.id).where(*_for(actor), ~_read(actor))
    rows = await tx.rows(query.order_by(notices.c.id.desc()).limit(_AT_ONCE))
    await _note_read(tx, actor, [(row.street_id, row.id) for row in rows])
    return len(rows)


async def _note_read(tx: Transaction, actor: Actor, which: Sequence[tuple[int, UUID]]) -> None:
    if not which:
        return
    now = clock.now()
    rows = [{"street_id": s, "reader_id": actor.id, "notice_id": n, "read_at": now} for s, n in which]
    await tx.execute(insert(notice_reads).values(rows).on_conflict_do_nothing())
