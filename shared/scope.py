"""Which tickets an actor may see: one condition, used by every list and every look at a single ticket.

Row-level security already fences the streets; this narrows the view inside them. What is out of scope is
not there (404), never "forbidden".
"""

from sqlalchemy import ColumnElement, exists, false, or_, select, true

from shared.auth import Actor
from shared.tables import parts, ticket_states, tickets, units
from shared.terms import STREET_WIDE, Role


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
