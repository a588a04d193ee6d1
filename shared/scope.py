"""Which tickets an actor may see: one condition, used by every list and every look at a single ticket.

Row-level security already fences the streets; this narrows the view inside them. What is out of scope is
not there (404), never "forbidden".
"""

from sqlalchemy import ColumnElement, exists, false, or_, select, true

from shared.auth import Actor
from shared.db import Database
from shared.errors import Conflict, NotFound
from shared.streets import Street, Streets
from shared.tables import parts, ticket_states, tickets, units
from shared.terms import STREET_WIDE, TICKET_NUMBER, Role


def visible(actor: Actor) -> ColumnElement[bool]:
    """Return the condition over `tickets` left-joined with `ticket_states`."""
    if actor.role is Role.RESIDENT:
        return tickets.c.reporter_id == actor.id
    if actor.role in STREET_WIDE or actor.role is Role.SCRIPT:
        return true()
    if actor.unit is None:
        return false()
    has_part = exists().where(
        parts.c.street_id == ticket_states.c.street_id,
        parts.c.ticket_id == ticket_states.c.ticket_id,
        parts.c.unit_code == actor.unit,
    )
    mine = or_(ticket_states.c.lead_unit == actor.unit, ticket_states.c.owner_unit == actor.unit, has_part)
    if actor.role is Role.UNIT:
        return mine
    home = (
        select(units.c.community_code)
        .where(units.c.street_id == ticket_states.c.street_id, units.c.code == actor.unit)
        .scalar_subquery()
    )
    return or_(mine, ticket_states.c.community_code == home, tickets.c.entered_by == actor.id)


async def street_of(database: Database, streets: Streets, actor: Actor, number: str) -> Street:
    """Return the actor's street that has a ticket of this number; raise NotFound.

    Numbers of our own tell their street; those that came with a ledger need not, and two streets may have given
    the same one: then the street cannot be told, and Conflict says so.
    """
    if not TICKET_NUMBER.fullmatch(number):
        raise NotFound("没有这张工单", code="ticket_not_found")
    if len(actor.streets) == 1:
        return await streets.by_id(next(iter(actor.streets)))
    async with database.transaction(actor.streets, read_only=True) as tx:
        rows = await tx.rows(
            select(tickets.c.street_id).where(
                tickets.c.street_id.in_(actor.streets), tickets.c.number == number
            )
        )
    there = {row.street_id for row in rows}
    if len(there) > 1:
        own = await streets.of_prefix(number)
        there = {own.id} if own is not None and own.id in there else there
    if not there:
        raise NotFound("没有这张工单", code="ticket_not_found")
    if len(there) > 1:
        raise Conflict("您所在的几个街道都有这个编号的工单", code="number_in_several_streets")
    return await streets.by_id(there.pop())
