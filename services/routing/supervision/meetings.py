"""Coordination meetings: called once a week, their agenda written down, their resolutions given back to the tickets."""

from collections.abc import Sequence
from datetime import date
from typing import Any
from uuid import UUID

from sqlalchemy import Row, and_, func, insert, or_, select
from uuid_utils.compat import uuid7

from services.routing.orders import lasting
from services.routing.oversight import policy_on
from services.routing.registry import Registries, Registry
from services.routing.supervision.agenda import Matter, agenda, last_week, meeting_day, week_of
from services.routing.transitions import Door
from shared import clock
from shared.auth import Actor
from shared.db import Transaction
from shared.errors import Forbidden, NotFound, invalid
from shared.lifecycle import FINAL, OPEN
from shared.process import Process
from shared.scope import visible
from shared.tables import (
    meeting_items as items,
    meeting_resolutions as resolutions,
    meetings,
    resolution_reports as reports,
    ticket_states as s,
    tickets,
)
from shared.terms import MeetingPart, Role

USUAL_WEEKDAY = 1
_HEADS = frozenset({Role.SUPERVISOR, Role.LEADER})
_OPEN = ", ".join(f"'{state.value}'" for state in sorted(OPEN))
_CALL = """
INSERT INTO meetings (street_id, week, held_on, moved_why, called_at) VALUES ($1, $2, $3, $4, $5)
ON CONFLICT DO NOTHING RETURNING week"""
_MATTERS = f"""
SELECT ticket_id, state, coalesce(lead_unit, owner_unit) AS unit_code, received_at, due_at, supervision_level AS level,
  disputed, key_since IS NOT NULL AS key
FROM ticket_states WHERE street_id = $1 AND (ticket_id = ANY($4::uuid[]) OR state IN ({_OPEN}) AND (
  received_at >= $2 AND received_at < $3 OR supervision_level IN ('escalate', 'bulletin') OR disputed OR key_since IS NOT NULL))"""  # noqa: S608 - states come from the lifecycle
_BEFORE = """
SELECT ticket_id, part FROM meeting_items WHERE street_id = $1 AND week = (
  SELECT max(week) FROM meetings WHERE street_id = $1 AND week < $2)"""
_PENDING = """
SELECT r.ticket_id, max(r.due_on) AS due_on FROM meeting_resolutions r
JOIN ticket_states s ON s.street_id = r.street_id AND s.ticket_id = r.ticket_id
WHERE r.street_id = $1 AND NOT EXISTS (
  SELECT FROM resolution_reports d WHERE d.street_id = r.street_id AND d.resolution_id = r.id AND d.done)
GROUP BY r.ticket_id"""


async def sweep(process: Process, registries: Registries) -> int:
    """Call this week's meeting of every street that holds one and has not called it yet; return how many."""
    called = 0
    async for registry in registries.each(await process.streets.all()):
        if policy_on(registry, clock.now()).meeting_weekday is not None:
            async with process.database.transaction([registry.street_id]) as tx:
                called += await call(tx, registry)
    return called


async def call(tx: Transaction, registry: Registry) -> bool:
    """Call this week's meeting and write its agenda, unless it was called; return whether it was this time."""
    street_id, now = registry.street_id, clock.now()
    week = week_of(clock.local_day(now))
    weekday = policy_on(registry, now).meeting_weekday or USUAL_WEEKDAY
    held_on, moved = meeting_day(week, weekday, registry.calendar)
    if await tx.raw.fetchval(_CALL, street_id, week, held_on, moved, now) is None:
        return False
    before = {r["ticket_id"]: MeetingPart(r["part"]) for r in await tx.raw.fetch(_BEFORE, street_id, week)}
    pending = {r["ticket_id"]: r["due_on"] for r in await tx.raw.fetch(_PENDING, street_id)}
    known = sorted({*before, *pending})
    rows = await tx.raw.fetch(_MATTERS, street_id, *last_week(week), known)
    listed = agenda(week, (Matter(**r) for r in rows), before, pending)
    await tx.insert_many(
        items,
        [
            {
                "street_id": street_id, "week": week, "ticket_id": item.matter.ticket_id, "place": place,
                "part": item.part.value, "unit_code": item.matter.unit_code, "state": item.matter.state,
                "why": item.why,
            }
            for place, item in enumerate(listed, start=1)
        ],
    )  # fmt: skip
    return True


async def find(tx: Transaction, street_id: int, week: str) -> Row[Any]:
    """Return a week's meeting; raise NotFound."""
    row = await tx.one(select(meetings).where(meetings.c.street_id == street_id, meetings.c.week == week))
    if row is None:
        raise NotFound("这一周没有督办协调会", code="meeting_not_found")
    return row


async def listed(tx: Transaction, street_id: int, before: str | None, limit: int) -> Sequence[Row[Any]]:
    """Return meetings, the latest first; one more than `limit` if there is more."""
    query = (
        select(meetings)
        .where(meetings.c.street_id == street_id)
        .order_by(meetings.c.week.desc())
        .limit(limit + 1)
    )
    return await tx.rows(query.where(meetings.c.week < before) if before is not None else query)


async def on_agenda(
    tx: Transaction,
    street_id: int,
    week: str,
    actor: Actor,
    *,
    part: MeetingPart | None,
    unit: str | None,
    after: int,
    limit: int,
) -> Sequence[Row[Any]]:
    """Return the items of an agenda that the actor may see, in order; one more than `limit` if there is more."""
    query = (
        select(items, s.c.number, s.c.state.label("state_now"), tickets.c.content)
        .join_from(items, s, and_(s.c.street_id == items.c.street_id, s.c.ticket_id == items.c.ticket_id))
        .join(tickets, and_(tickets.c.street_id == s.c.street_id, tickets.c.id == s.c.ticket_id))
        .where(
            items.c.street_id == street_id,
            items.c.week == week,
            items.c.place > after,
            await visible(tx, actor, [street_id]),
        )
        .order_by(items.c.place)
    )
    if part is not None:
        query = query.where(items.c.part == part.value)
    if unit is not None:
        query = query.where(items.c.unit_code == unit)
    return await tx.rows(query.limit(limit + 1))


async def shares(tx: Transaction, street_id: int, week: str, actor: Actor) -> Sequence[Row[Any]]:
    """Return how many items of each part lie with each unit, and how many of them are closed by now."""
    closed = func.count().filter(s.c.state.in_([state.value for state in FINAL]))
    query = (
        select(items.c.part, items.c.unit_code, func.count().label("items"), closed.label("closed"))
        .join_from(items, s, and_(s.c.street_id == items.c.street_id, s.c.ticket_id == items.c.ticket_id))
        .join(tickets, and_(tickets.c.street_id == s.c.street_id, tickets.c.id == s.c.ticket_id))
        .where(items.c.street_id == street_id, items.c.week == week, await visible(tx, actor, [street_id]))
        .group_by(items.c.part, items.c.unit_code)
    )
    return await tx.rows(query)


async def resolve(
    tx: Transaction, process: Process, registry: Registry, actor: Actor, week: str, number: str, unit: str,
    measure: str, due_on: date,
) -> UUID:  # fmt: skip
    """Write down what a meeting resolved about one of its items, on the ticket too; return the resolution's id.

    Raises NotFound (no such meeting), Invalid (not on the agenda, no such unit, a day gone by) and what the
    lifecycle refuses.
    """
    street_id, now = registry.street_id, clock.now()
    await find(tx, street_id, week)
    wanted = (
        select(items.c.ticket_id)
        .join_from(items, s, and_(s.c.street_id == items.c.street_id, s.c.ticket_id == items.c.ticket_id))
        .where(items.c.street_id == street_id, items.c.week == week, s.c.number == number)
    )
    item = await tx.one(wanted)
    if item is None:
        raise invalid("number", "这张工单不在这次会议的议程上", code="not_on_agenda")
    if due_on < clock.local_day(now):
        raise invalid("due_on", "完成时限不能早于今天")
    owner = lasting(registry, unit, "unit")
    door = Door(tx, process.outbox, registry)
    [standing] = (await door.lock([item.ticket_id])).values()
    data = {"reason": measure, "meeting": week, "unit": owner.code, "due_on": due_on}
    door.move(standing, "resolve_meeting", actor, max(now, standing.row["moved_at"]), data)
    await door.write()
    made = uuid7()
    await tx.execute(
        insert(resolutions).values(
            street_id=street_id, id=made, week=week, ticket_id=item.ticket_id, unit_code=owner.code,
            measure=measure, due_on=due_on, decided_at=now, decided_by=actor.id,
        )
    )  # fmt: skip
    return made


async def resolved(
    tx: Transaction, street_id: int, week: str, actor: Actor, *, after: UUID | None, limit: int
) -> Sequence[Row[Any]]:
    """Return a meeting's resolutions in order; one more than `limit` if there is more."""
    r = resolutions
    query = (
        select(r, s.c.number, s.c.state)
        .join_from(r, s, and_(s.c.street_id == r.c.street_id, s.c.ticket_id == r.c.ticket_id))
        .join(tickets, and_(tickets.c.street_id == s.c.street_id, tickets.c.id == s.c.ticket_id))
        .where(
            r.c.street_id == street_id,
            r.c.week == week,
            or_(await visible(tx, actor, [street_id]), r.c.unit_code == actor.unit),
        )
        .order_by(r.c.id)
        .limit(limit + 1)
    )
    return await tx.rows(query.where(r.c.id > after) if after is not None else query)


async def resolution(tx: Transaction, street_id: int, week: str, wanted: UUID) -> Row[Any]:
    """Return one resolution of a meeting with its ticket's number and state; raise NotFound."""
    r = resolutions
    row = await tx.one(
        select(r, s.c.number, s.c.state)
        .join_from(r, s, and_(s.c.street_id == r.c.street_id, s.c.ticket_id == r.c.ticket_id))
        .where(r.c.street_id == street_id, r.c.week == week, r.c.id == wanted)
    )
    if row is None:
        raise NotFound("没有这项决议", code="resolution_not_found")
    return row


async def reports_on(tx: Transaction, street_id: int, ids: Sequence[UUID]) -> dict[UUID, list[Row[Any]]]:
    """Return what was reported on each of these resolutions, in order."""
    found: dict[UUID, list[Row[Any]]] = {one: [] for one in ids}
    query = select(reports).where(reports.c.street_id == street_id, reports.c.resolution_id.in_(ids))
    for row in await tx.rows(query.order_by(reports.c.id)) if ids else []:
        found[row.resolution_id].append(row)
    return found


async def report(
    tx: Transaction, street_id: int, actor: Actor, week: str, wanted: UUID, *, done: bool, note: str
) -> None:
    """Write down what became of a resolution, by its unit or whoever supervises; raise NotFound or Forbidden."""
    row = await resolution(tx, street_id, week, wanted)
    if actor.role not in _HEADS and actor.unit != row.unit_code:
        raise Forbidden("只有责任单位和督办员可以报告决议的落实情况", code="not_your_resolution")
    await tx.execute(
        insert(reports).values(
            street_id=street_id, id=uuid7(), resolution_id=wanted, done=done, note=note,
            reported_at=clock.now(), reported_by=actor.id,
        )
    )  # fmt: skip
