"""The action of writing a deliberation down: what was agreed stands with the meeting and in every ticket it was about."""

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Row, and_, exists, or_, select

from services.routing import orders
from services.routing.joint_schemas import DeliberationIn
from services.routing.registry import Registry
from services.routing.transitions import SYSTEM, Door
from services.routing.turn import take_turn
from shared import clock
from shared.auth import Actor
from shared.db import Transaction
from shared.errors import Conflict, invalid
from shared.outbox import Outbox
from shared.scope import visible
from shared.tables import (
    deliberation_tickets as dt,
    deliberations as d,
    resolutions,
    ticket_states as s,
    tickets as t,
    units,
)
from shared.terms import STREET_WIDE, Role

_NEXT = "SELECT coalesce(max(number), 0) + 1 FROM deliberations WHERE street_id = $1"


async def record(
    tx: Transaction,
    outbox: Outbox,
    registry: Registry,
    actor: Actor,
    body: DeliberationIn,
    found: Mapping[str, UUID],
) -> int:
    """Write a deliberation and return its number; `found`: the tickets named, by number.

    Raises Invalid for a community, a unit or a day that cannot be, Conflict for a ticket that is not placed yet.
    """
    now, street_id = clock.now(), registry.street_id
    if body.community is not None and body.community not in registry.communities:
        raise invalid("community", f"没有代码为 {body.community} 的社区", code="unknown_community")
    if body.held_on > clock.local_day(now):
        raise invalid("held_on", "议事的日期不能晚于今天", code="in_the_future")
    agreed = [_agreed(n, one, registry) for n, one in enumerate(body.resolutions, start=1)]
    door = Door(tx, outbox, registry)
    standings = await door.lock(found.values())
    if len(standings) < len(found):
        raise Conflict("有工单正在登记,请稍候", code="not_placed_yet")
    await take_turn(tx, street_id)
    number: int = await tx.raw.fetchval(_NEXT, street_id)
    of = {"street_id": street_id, "number": number}
    meeting = {
        **of, "held_on": body.held_on, "body": body.body, "topic": body.topic, "community_code": body.community,
        "participants": body.participants, "recorded_unit": actor.unit, "recorded_by": actor.id, "recorded_at": now,
    }  # fmt: skip
    await tx.insert_many(d, [meeting])
    await tx.insert_many(dt, [{**of, "ticket_id": ticket_id} for ticket_id in standings])
    await tx.insert_many(resolutions, [of | one for one in agreed])
    for standing in standings.values():
        for one in agreed:
            told = {
                "reason": one["agreed"], "unit": one["unit_code"], "due_at": one["due_at"], "deliberation": number,
                "body": body.body, "held_on": body.held_on.isoformat(),
            }  # fmt: skip
            door.move(standing, "note_resolution", SYSTEM, max(now, standing.row["moved_at"]), told)
    await door.write()
    return number


def _agreed(position: int, one: Any, registry: Registry) -> dict[str, Any]:
    unit = orders.lasting(registry, one.unit, "resolutions").code if one.unit is not None else None
    return {"position": position, "agreed": one.text, "unit_code": unit, "due_at": one.due_at}


async def deliberations(
    tx: Transaction, street_id: int, actor: Actor, *, community: str | None = None, ticket: str | None = None,
    number: int | None = None, after: Sequence[Any] | None = None, limit: int,
) -> Sequence[Row[Any]]:  # fmt: skip
    """Return deliberations the actor may see, the latest first; one row more than `limit` if there is more."""
    query = select(d).where(d.c.street_id == street_id, _in_sight(actor)).order_by(d.c.number.desc())
    if community is not None:
        query = query.where(d.c.community_code == community)
    if number is not None:
        query = query.where(d.c.number == number)
    if ticket is not None:
        at = and_(t.c.street_id == dt.c.street_id, t.c.id == dt.c.ticket_id)
        same = and_(dt.c.street_id == d.c.street_id, dt.c.number == d.c.number, t.c.number == ticket)
        query = query.where(exists(select(1).select_from(dt.join(t, at)).where(same).correlate(d)))
    if after is not None:
        query = query.where(d.c.number < after[0])
    return await tx.rows(query.limit(limit + 1))


def _in_sight(actor: Actor) -> ColumnElement[bool]:
    """Return the condition that a deliberation concerns the actor: recorded by the unit, of its community, or for it to do."""
    if actor.role in STREET_WIDE or actor.role is Role.SCRIPT:
        return d.c.street_id.is_not(None)
    home = (
        select(units.c.community_code)
        .where(units.c.street_id == d.c.street_id, units.c.code == actor.unit)
        .scalar_subquery()
    )
    to_do = exists().where(
        resolutions.c.street_id == d.c.street_id, resolutions.c.number == d.c.number,
        resolutions.c.unit_code == actor.unit,
    )  # fmt: skip
    return or_(
        d.c.recorded_by == actor.id, d.c.recorded_unit == actor.unit, d.c.community_code == home, to_do
    )


async def told(
    tx: Transaction, street_id: int, actor: Actor, rows: Sequence[Row[Any]]
) -> tuple[Mapping[int, list[str]], Mapping[int, list[Any]]]:
    """Return, by deliberation, the numbers of its tickets that the actor may see, and what was agreed."""
    wanted = [row.number for row in rows]
    about: dict[int, list[str]] = {}
    agreed: dict[int, list[Any]] = {}
    query = (
        select(dt.c.number, t.c.number.label("ticket"))
        .join(t, and_(t.c.street_id == dt.c.street_id, t.c.id == dt.c.ticket_id))
        .join(s, and_(s.c.street_id == dt.c.street_id, s.c.ticket_id == dt.c.ticket_id))
        .where(dt.c.street_id == street_id, dt.c.number.in_(wanted), await visible(tx, actor, [street_id]))
        .order_by(t.c.number)
    )
    for row in await tx.rows(query):
        about.setdefault(row.number, []).append(row.ticket)
    own = (resolutions.c.street_id == street_id, resolutions.c.number.in_(wanted))
    for row in await tx.rows(select(resolutions).where(*own).order_by(resolutions.c.position)):
        agreed.setdefault(row.number, []).append(row)
    return about, agreed
