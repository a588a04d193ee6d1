"""SQL of undertakings: plans, their tickets, works, records; which are silent, which have lasted long."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Row, Select, exists, func, or_, select, text as sql, true, update
from sqlalchemy.dialects.postgresql import insert

from services.routing.commitments.vocabulary import RecordKind, Stage
from services.routing.commitments.works import Milestone
from shared.auth import Actor
from shared.db import Transaction
from shared.errors import NotFound
from shared.lifecycle import OPEN, State
from shared.scope import visible
from shared.tables import (
    checklists,
    milestones as m,
    ticket_states as s,
    tickets,
    undertaking_records as r,
    undertaking_tickets as t,
    undertakings as u,
)
from shared.terms import STREET_WIDE, Role

# Written out anew where a ticket is linked twice: no second project, no second list.
_LINK = """
INSERT INTO undertaking_tickets (street_id, kind, ticket_id, undertaking_id, linked_at, linked_by)
VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT DO NOTHING RETURNING true"""
_SINCE = """
least((u.first_reported->>'first')::date, (s.received_at AT TIME ZONE 'Asia/Shanghai')::date)"""
_LONG = f"""
SELECT u.id, s.state = 'closed' AS solved FROM undertakings u
JOIN undertaking_tickets t ON t.street_id = u.street_id AND t.undertaking_id = u.id AND t.kind = u.kind
JOIN ticket_states s ON s.street_id = t.street_id AND s.ticket_id = t.ticket_id
WHERE u.street_id = $1 AND u.kind = 'item' AND {_SINCE}
  <= (coalesce((s.closed_at AT TIME ZONE 'Asia/Shanghai')::date, $2) - make_interval(months => $3))::date"""  # noqa: S608 - our own text


# Each end of the chain is counted where it is kept: tickets, undertakings, states.
_CHAIN = """
SELECT count(DISTINCT k.id) AS tickets, count(DISTINCT b.ticket_id) AS merged, count(DISTINCT s.ticket_id) FILTER (WHERE s.state = 'closed') AS results,
  count(DISTINCT s.ticket_id) FILTER (WHERE s.state = ANY($3::text[])) AS open,
  count(DISTINCT s.ticket_id) FILTER (WHERE s.state <> 'closed' AND s.state <> ALL($3::text[])) AS ended
FROM undertaking_tickets t
JOIN tickets k ON k.street_id = t.street_id AND k.id = t.ticket_id
JOIN ticket_states s ON s.street_id = t.street_id AND s.ticket_id = t.ticket_id
LEFT JOIN ticket_states b ON b.street_id = t.street_id AND b.merged_into = t.ticket_id
WHERE t.street_id = $1 AND t.kind = 'item' AND t.undertaking_id = ANY($2::uuid[])"""


async def seen_by(tx: Transaction, actor: Actor, street_id: int) -> ColumnElement[bool]:
    """Return the condition over `undertakings`: all of the street, or those one has a hand or a ticket in."""
    if actor.role in STREET_WIDE or actor.role is Role.SCRIPT:
        return true()
    sight = await visible(tx, actor, [street_id])
    one = (
        exists()
        .where(
            t.c.street_id == u.c.street_id, t.c.undertaking_id == u.c.id,
            tickets.c.street_id == t.c.street_id, tickets.c.id == t.c.ticket_id,
            s.c.street_id == t.c.street_id, s.c.ticket_id == t.c.ticket_id, sight,
        )
        .correlate(u)
    )  # fmt: skip
    own = [u.c[name] == actor.unit for name in ("responsible_unit", "task_force", "partner")]
    return or_(*own, one) if actor.unit is not None else one


async def _in_sight(tx: Transaction, street_id: int, actor: Actor) -> Select[Any]:
    return select(u).where(u.c.street_id == street_id, await seen_by(tx, actor, street_id))


async def undertaking(
    tx: Transaction, street_id: int, actor: Actor, key: UUID | str, *, held: bool = False
) -> Row[Any]:
    """Return an undertaking in sight by its id, or a project by its code; raise NotFound."""
    query = await _in_sight(tx, street_id, actor)
    if isinstance(key, UUID):
        query = query.where(u.c.id == key)
    else:
        query = query.where(u.c.kind == "project", u.c.code == key)
    row = await tx.one(query.with_for_update(of=u) if held else query)
    if row is None:
        raise NotFound("没有这个事项或项目", code="undertaking_not_found")
    return row


async def page_of(
    tx: Transaction,
    street_id: int,
    actor: Actor,
    *where: ColumnElement[bool],
    after: Sequence[Any] | None,
    limit: int,
) -> Sequence[Row[Any]]:
    """Return undertakings in sight in the order of their entry, one more than `limit` if there is more."""
    query = (await _in_sight(tx, street_id, actor)).where(*where).order_by(u.c.id).limit(limit + 1)
    return await tx.rows(query.where(u.c.id > after[0]) if after is not None else query)


def of_list(code: str) -> ColumnElement[bool]:
    """Return the condition of standing on a list."""
    return (u.c.checklist_code == code) & (u.c.kind == "item")


def of_lists(wanted: Mapping[str, Any], year: int | None) -> ColumnElement[bool]:
    """Return the condition of standing on one of these lists."""
    c = checklists.c
    lists = exists().where(c.street_id == u.c.street_id, c.code == u.c.checklist_code, u.c.kind == "item")
    lists = lists.where(*[c[name] == value for name, value in wanted.items() if value is not None])
    return (lists.where(c.year <= year, c.last_year >= year) if year is not None else lists).correlate(u)


def closed_only() -> ColumnElement[bool]:
    """Return the condition of an item whose ticket is closed."""
    return (
        exists()
        .where(
            t.c.street_id == u.c.street_id, t.c.undertaking_id == u.c.id, s.c.street_id == t.c.street_id,
            s.c.ticket_id == t.c.ticket_id, s.c.state == "closed",
        )
        .correlate(u)
    )  # fmt: skip


async def chain(tx: Transaction, street_id: int, actor: Actor, of: ColumnElement[bool]) -> dict[str, int]:
    """Return how many demands, tasks and results there are among the items in sight."""
    rows = await tx.rows(
        select(u.c.id).where(u.c.street_id == street_id, await seen_by(tx, actor, street_id), of)
    )
    found = dict(await tx.raw.fetchrow(_CHAIN, street_id, [row.id for row in rows], sorted(OPEN)))
    return found | {"tasks": len(rows), "demands": found.pop("tickets") + found["merged"]}


def among(ids: Iterable[UUID]) -> ColumnElement[bool]:
    """Return the condition of being one of these."""
    return u.c.id.in_(list(ids))


def silent(since: date) -> ColumnElement[bool]:
    """Return the condition of an undertaking that goes on and has had no note since that day."""
    noted = exists().where(
        r.c.street_id == u.c.street_id, r.c.undertaking_id == u.c.id, r.c.kind == RecordKind.NOTE.value, r.c.first_on >= since,
    ).correlate(u)  # fmt: skip
    going = exists().where(
        t.c.street_id == u.c.street_id, t.c.undertaking_id == u.c.id, s.c.street_id == t.c.street_id,
        s.c.ticket_id == t.c.ticket_id, s.c.state.in_(sorted(OPEN)),
    ).correlate(u)  # fmt: skip
    begun = func.date(func.timezone("Asia/Shanghai", u.c.recorded_at)) < since
    return u.c.completed.is_(None) & begun & ~noted & going


async def add(tx: Transaction, row: Mapping[str, Any], works: Mapping[Stage, Milestone]) -> bool:
    """Write an undertaking and the plan of its works; return whether its code was free."""
    made = await tx.execute(insert(u).values(**row).on_conflict_do_nothing())
    if not made.rowcount:
        return False
    await tx.insert_many(
        m,
        [
            {"street_id": row["street_id"], "undertaking_id": row["id"], "stage": stage.value,
             "planned_on": one.planned_on, "done_on": one.done_on}
            for stage, one in works.items()
        ],
    )  # fmt: skip
    return True


async def link(tx: Transaction, undertaking: Mapping[str, Any], ticket_id: UUID, at: Any, by: UUID) -> bool:
    """Let a ticket belong to an undertaking; return False if it belongs to another of its kind."""
    values = (undertaking["street_id"], undertaking["kind"], ticket_id, undertaking["id"], at, by)
    return await tx.raw.fetchval(_LINK, *values) is not None


async def tickets_of(
    tx: Transaction, street_id: int, actor: Actor, ids: Iterable[UUID]
) -> dict[UUID, list[dict[str, Any]]]:
    """Return the tickets of each undertaking with what was merged into them; `in_sight`: the actor may see it."""
    b = s.alias()
    merged = (
        select(func.coalesce(func.array_agg(b.c.number), sql("'{}'::text[]")))
        .where(b.c.street_id == t.c.street_id, b.c.merged_into == t.c.ticket_id)
        .scalar_subquery()
    )
    # A ticket of a project may be so new that the worker has not placed it yet.
    state = func.coalesce(s.c.state, State.SUBMITTED.value).label("state")
    at = (s.c.street_id == t.c.street_id) & (s.c.ticket_id == t.c.ticket_id)
    query = (
        select(
            t.c.undertaking_id, tickets.c.number, tickets.c.content, state, s.c.owner_unit,
            tickets.c.occurred_at.label("received_at"), s.c.due_at, s.c.closed_at, s.c.outcome, s.c.suspended_at,
            merged.label("merged"), (await visible(tx, actor, [street_id])).label("in_sight"),
        )
        .select_from(
            t.join(tickets, (tickets.c.street_id == t.c.street_id) & (tickets.c.id == t.c.ticket_id)).outerjoin(s, at)
        )
        .where(t.c.street_id == street_id, t.c.undertaking_id.in_(list(ids)))
        .order_by(tickets.c.id)
    )  # fmt: skip
    found: dict[UUID, list[dict[str, Any]]] = {}
    for row in await tx.rows(query):
        told = dict(row._mapping)  # noqa: SLF001 - SQLAlchemy's public name for a row as a mapping
        found.setdefault(row.undertaking_id, []).append(told | {"merged": sorted(row.merged)})
    return found


async def works_of(tx: Transaction, street_id: int, undertaking_id: UUID) -> dict[Stage, Milestone]:
    """Return the stages of an undertaking's works, in their order."""
    rows = await tx.rows(select(m).where(m.c.street_id == street_id, m.c.undertaking_id == undertaking_id))
    known = {Stage(row.stage): Milestone(row.planned_on, row.done_on) for row in rows}
    return {stage: known[stage] for stage in Stage if stage in known}


async def set_work(
    tx: Transaction, street_id: int, undertaking_id: UUID, stage: Stage, one: Milestone
) -> None:
    """Write when a stage is planned and when it was done."""
    days = {"planned_on": one.planned_on, "done_on": one.done_on}
    row = {"street_id": street_id, "undertaking_id": undertaking_id, "stage": stage.value, **days}
    await tx.execute(
        insert(m).values(**row).on_conflict_do_update(
            index_elements=["street_id", "undertaking_id", "stage"], set_=days
        )
    )  # fmt: skip


async def complete(
    tx: Transaction, street_id: int, undertaking_id: UUID, completed: Mapping[str, str]
) -> None:
    """Write when a project was done."""
    await tx.execute(
        update(u)
        .where(u.c.street_id == street_id, u.c.id == undertaking_id)
        .values(completed=dict(completed))
    )


async def record(tx: Transaction, row: Mapping[str, Any]) -> None:
    """Write a record."""
    await tx.execute(insert(r).values(**row))


async def records(
    tx: Transaction,
    street_id: int,
    undertaking_id: UUID,
    kind: RecordKind | None,
    after: UUID | None,
    limit: int,
) -> Sequence[Row[Any]]:
    """Return records, the newest entry first, one more than `limit` if there is more."""
    query = select(r).where(r.c.street_id == street_id, r.c.undertaking_id == undertaking_id)
    query = query.order_by(r.c.id.desc()).limit(limit + 1)
    if kind is not None:
        query = query.where(r.c.kind == kind.value)
    return await tx.rows(query.where(r.c.id < after) if after is not None else query)


async def latest_note(tx: Transaction, street_id: int, undertaking_id: UUID) -> Row[Any] | None:
    """Return the note of the latest day, or None."""
    query = select(r).where(
        r.c.street_id == street_id, r.c.undertaking_id == undertaking_id, r.c.kind == RecordKind.NOTE.value
    )
    return await tx.one(query.order_by(r.c.first_on.desc(), r.c.id.desc()).limit(1))


async def longstanding(tx: Transaction, street_id: int, today: date, months: int) -> dict[UUID, bool]:
    """Return the items that were older than so many months when they were closed, or are now: solved or not."""
    return {row["id"]: row["solved"] for row in await tx.raw.fetch(_LONG, street_id, today, months)}
