"""The SQL of joint work: what an action goes back to, and the lists of whistles, slips, forwards and contacts."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Row, Select, and_, exists, or_, select, tuple_

from services.routing.held import Earlier, Waiting
from shared.auth import Actor
from shared.db import Transaction
from shared.scope import visible
from shared.tables import (
    forward_answers as fa,
    forwards as f,
    handover_slips as h,
    parts as p,
    slip_answers as sa,
    ticket_states as s,
    tickets as t,
    transitions,
    whistle_steps as ws,
    whistles as w,
)

_OF = "WHERE street_id = $1 AND ticket_id = $2"
_WHISTLES = f"SELECT seq, origin, caller_unit FROM whistles {_OF} ORDER BY seq"  # noqa: S608 - our own words
_STEPS = f"SELECT whistle, step FROM whistle_steps {_OF} AND step <> 'minutes'"  # noqa: S608
_SLIPS = """
SELECT h.slip, h.to_unit FROM handover_slips h
LEFT JOIN slip_answers a ON a.street_id = h.street_id AND a.slip = h.slip
WHERE h.street_id = $1 AND h.ticket_id = $2 AND a.slip IS NULL ORDER BY h.slip"""
_FORWARDS = """
SELECT f.seq, f.body FROM forwards f
LEFT JOIN forward_answers a ON a.street_id = f.street_id AND a.ticket_id = f.ticket_id AND a.forward = f.seq
WHERE f.street_id = $1 AND f.ticket_id = $2 AND a.forward IS NULL ORDER BY f.seq"""
_ABOUT_WHISTLES = frozenset({"respond_whistle", "minute_whistle", "release_whistle"})
CONTACTS = ("contact", "visit_site", "log_contact", "call_back")
After = Sequence[Any] | None


async def earlier(tx: Transaction, street_id: int, ticket_id: UUID, action: str) -> Earlier:
    """Return what an action may go back to; nothing for all others. The ticket is locked."""
    if action in _ABOUT_WHISTLES:
        return Earlier(whistles=await _whistles(tx, street_id, ticket_id))
    if action == "answer_slip":
        rows = await tx.raw.fetch(_SLIPS, street_id, ticket_id)
        return Earlier(slips=tuple(Waiting(r["slip"], "slip", r["to_unit"]) for r in rows))
    if action == "forward_answer":
        rows = await tx.raw.fetch(_FORWARDS, street_id, ticket_id)
        return Earlier(forwards=tuple(Waiting(r["seq"], r["body"]) for r in rows))
    return Earlier()


async def _whistles(tx: Transaction, street_id: int, ticket_id: UUID) -> tuple[Waiting, ...]:
    taken: dict[int, set[str]] = {}
    for row in await tx.raw.fetch(_STEPS, street_id, ticket_id):
        taken.setdefault(row["whistle"], set()).add(row["step"])
    return tuple(
        Waiting(r["seq"], r["origin"], r["caller_unit"], frozenset(taken.get(r["seq"], ())))
        for r in await tx.raw.fetch(_WHISTLES, street_id, ticket_id)
    )


async def _seen(
    tx: Transaction, table: Any, actor: Actor, streets: Iterable[int], *columns: Any
) -> Select[Any]:
    """Return the rows of a table whose tickets the actor may see, each with its ticket's number."""
    return (
        select(table, t.c.number.label("ticket"), *columns)
        .join_from(table, t, and_(t.c.street_id == table.c.street_id, t.c.id == table.c.ticket_id))
        .join(s, and_(s.c.street_id == table.c.street_id, s.c.ticket_id == table.c.ticket_id))
        .where(await visible(tx, actor, streets))
    )


def _awaited(moment: datetime | None) -> ColumnElement[bool]:
    """Return the condition that a whistle waits for somebody; with a moment, that this is past its deadline."""
    here = (p.c.street_id == w.c.street_id, p.c.ticket_id == w.c.ticket_id, p.c.whistle == w.c.seq)
    came = exists().where(*here, p.c.reported_at.is_(None), p.c.finished_at.is_(None))
    unanswered = and_(w.c.response_due_at.is_not(None), ~_stepped("response"))
    if moment is not None:
        came = exists().where(
            *here, p.c.reported_at.is_(None), p.c.finished_at.is_(None), p.c.report_due_at < moment
        )
        unanswered = and_(unanswered, w.c.response_due_at < moment)
    return and_(or_(came, unanswered), ~_stepped("release"))


def _stepped(step: str) -> ColumnElement[bool]:
    return exists().where(
        ws.c.street_id == w.c.street_id,
        ws.c.ticket_id == w.c.ticket_id,
        ws.c.whistle == w.c.seq,
        ws.c.step == step,
    )


async def whistles(
    tx: Transaction, streets: Iterable[int], actor: Actor, *, ticket_id: UUID | None = None, kind: str | None = None,
    unit: str | None = None, open_: bool = False, overdue_at: datetime | None = None, after: After = None,
    limit: int | None = None,
) -> Sequence[Row[Any]]:  # fmt: skip
    """Return whistles, the latest first; one row more than `limit` if there is more."""
    query = (await _seen(tx, w, actor, streets)).where(w.c.street_id.in_(list(streets)))
    if ticket_id is not None:
        query = query.where(w.c.ticket_id == ticket_id)
    if kind is not None:
        query = query.where(w.c.kind == kind)
    if unit is not None:
        called = exists().where(
            p.c.street_id == w.c.street_id,
            p.c.ticket_id == w.c.ticket_id,
            p.c.whistle == w.c.seq,
            p.c.unit_code == unit,
        )
        query = query.where(or_(w.c.caller_unit == unit, called))
    if open_:
        query = query.where(_awaited(None))
    if overdue_at is not None:
        query = query.where(_awaited(overdue_at))
    key = (w.c.blown_at, w.c.ticket_id, w.c.seq)
    return await tx.rows(_page(query, key, after, limit))


def _page(query: Select[Any], key: tuple[Any, ...], after: After, limit: int | None) -> Select[Any]:
    if after is not None:
        query = query.where(tuple_(*key) < tuple(after))
    query = query.order_by(*(column.desc() for column in key))
    return query if limit is None else query.limit(limit + 1)


async def whistled(
    tx: Transaction, rows: Sequence[Row[Any]]
) -> tuple[Mapping[tuple[UUID, int], list[Any]], Mapping[tuple[UUID, int], list[Any]]]:
    """Return the parts and the steps of whistles, each by ticket and whistle."""
    streets, ids = sorted({r.street_id for r in rows}), sorted({r.ticket_id for r in rows})
    called: dict[tuple[UUID, int], list[Any]] = {}
    steps: dict[tuple[UUID, int], list[Any]] = {}
    for table, found, order in ((p, called, p.c.part), (ws, steps, ws.c.seq)):
        here = (table.c.street_id.in_(streets), table.c.ticket_id.in_(ids), table.c.whistle.is_not(None))
        for row in await tx.rows(select(table).where(*here).order_by(order)):
            found.setdefault((row.ticket_id, row.whistle), []).append(row)
    return called, steps


async def slips(
    tx: Transaction, streets: Iterable[int], actor: Actor, *, number: str | None, unit: str | None,
    unanswered: bool, after: After, limit: int,
) -> Sequence[Row[Any]]:  # fmt: skip
    """Return hand-over slips, the latest first."""
    query = (
        (
            await _seen(
                tx, h, actor, streets, sa.c.answered_at, sa.c.answer, sa.c.unit_code.label("answered_by")
            )
        )
        .outerjoin(sa, and_(sa.c.street_id == h.c.street_id, sa.c.slip == h.c.slip))
        .where(h.c.street_id.in_(list(streets)))
    )
    if number is not None:
        query = query.where(t.c.number == number)
    if unit is not None:
        query = query.where(or_(h.c.from_unit == unit, h.c.to_unit == unit))
    if unanswered:
        query = query.where(sa.c.slip.is_(None))
    return await tx.rows(_page(query, (h.c.occurred_at, h.c.street_id, h.c.slip), after, limit))


async def forwards(
    tx: Transaction, streets: Iterable[int], actor: Actor, *, number: str | None, unanswered: bool,
    overdue_at: datetime | None, after: After, limit: int,
) -> Sequence[Row[Any]]:  # fmt: skip
    """Return what was passed on to outside bodies, the latest first."""
    answers = and_(fa.c.street_id == f.c.street_id, fa.c.ticket_id == f.c.ticket_id, fa.c.forward == f.c.seq)
    query = (
        (await _seen(tx, f, actor, streets, fa.c.answered_at, fa.c.answer))
        .outerjoin(fa, answers)
        .where(f.c.street_id.in_(list(streets)))
    )
    if number is not None:
        query = query.where(t.c.number == number)
    if unanswered or overdue_at is not None:
        query = query.where(fa.c.forward.is_(None))
    if overdue_at is not None:
        query = query.where(f.c.due_at < overdue_at)
    return await tx.rows(_page(query, (f.c.forwarded_at, f.c.ticket_id, f.c.seq), after, limit))


async def contacts(
    tx: Transaction, street_id: int, ticket_id: UUID, *, after: After, limit: int
) -> Sequence[Row[Any]]:
    """Return who was spoken to and who was on site, in the order of the history."""
    m = transitions
    query = (
        select(m, s.c.received_at)
        .join(s, and_(s.c.street_id == m.c.street_id, s.c.ticket_id == m.c.ticket_id))
        .where(m.c.street_id == street_id, m.c.ticket_id == ticket_id, m.c.action.in_(CONTACTS))
        .order_by(m.c.seq)
        .limit(limit + 1)
    )
    if after is not None:
        query = query.where(m.c.seq > after[0])
    return await tx.rows(query)
