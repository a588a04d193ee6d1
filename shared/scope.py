"""Which tickets an actor may see: one condition, used by every list and every look at a single ticket.

Row-level security already fences the streets; this narrows the view inside them. What is out of scope is
not there (404), never "forbidden".

Who works for a unit sees what it leads, owns or has a part in; who works for a community also sees what lies there and
what they entered. Whose posts lie on grids alone (a grid worker, somebody sent down by a department: S2-31, S2-34)
sees these grids instead, and what is in their own hands. Nobody sees a complaint about their own unit.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from sqlalchemy import (
    ARRAY,
    ColumnElement,
    Select,
    Uuid,
    and_,
    any_,
    false,
    func,
    or_,
    select,
    true,
)

from shared import clock
from shared.auth import Actor
from shared.db import Database, Transaction
from shared.errors import Conflict, NotFound
from shared.streets import Street, Streets
from shared.tables import handover_slips as h, parts, ticket_states as s, tickets
from shared.terms import STREET_WIDE, TICKET_NUMBER, Role

Condition = ColumnElement[bool]
# Roles that work in a place: they see it, and what they entered themselves.
LOCAL = frozenset({Role.COMMUNITY, Role.GRID_WORKER})
# Where somebody works today: grids by posts and crews, whether a post reaches beyond grids, the community of their unit.
_BOUNDS = """
WITH posts AS (
  SELECT q.area_kind, q.area_code FROM staff p JOIN staff_posts q ON q.street_id = p.street_id AND q.staff_code = p.code
  WHERE p.street_id = $1 AND p.id = $2 AND q.role = $3 AND q.valid_from <= $5 AND coalesce(q.valid_until >= $5, true)
)
SELECT ARRAY(
  SELECT area_code FROM posts WHERE area_kind = 'grid' UNION
  SELECT c.grid_code FROM staff p JOIN crews c ON c.street_id = p.street_id AND c.staff_code = p.code
  WHERE p.street_id = $1 AND p.id = $2 AND c.valid_from <= $5 AND coalesce(c.valid_until >= $5, true)
) AS grids, EXISTS (SELECT FROM posts WHERE area_kind <> 'grid') AS beyond,
(SELECT community_code FROM units WHERE street_id = $1 AND code = $4) AS home"""


def sees_all(actor: Actor) -> bool:
    """Return whether an actor sees every ticket of their streets."""
    return actor.role in STREET_WIDE or actor.role is Role.SCRIPT


@dataclass(frozen=True, slots=True)
class Bounds:
    """The grids somebody is bound to in a street, whether their unit's other tickets are theirs as well, its community."""

    grids: tuple[str, ...] = ()
    roams: bool = True
    home: str | None = None


async def bounds_of(tx: Transaction, actor: Actor, street_ids: Iterable[int]) -> dict[int, Bounds]:
    """Return where an actor works today, street by street."""
    found = {street_id: Bounds() for street_id in street_ids}
    if sees_all(actor) or actor.role is Role.RESIDENT:
        return found
    today = clock.local_day(clock.now())
    for street_id in found:
        row = await tx.raw.fetchrow(_BOUNDS, street_id, actor.id, actor.role.value, actor.unit, today)
        grids = tuple(sorted(row["grids"]))
        found[street_id] = Bounds(grids, row["beyond"] or not grids, row["home"])
    return found


async def visible(tx: Transaction, actor: Actor, street_ids: Iterable[int]) -> Condition:
    """Return the condition over `tickets` left-joined with `ticket_states` for what an actor sees of these streets."""
    if sees_all(actor):
        return true()
    where = await bounds_of(tx, actor, street_ids)
    return or_(false(), *(_visible(actor, street_id, bounds) for street_id, bounds in where.items()))


def _visible(actor: Actor, street_id: int, bounds: Bounds) -> Condition:
    found = or_(false(), *_written(actor), *_standing(actor, street_id, bounds))
    return and_(tickets.c.street_id == street_id, unbiased(actor), found)


def unbiased(actor: Actor) -> Condition:
    """Return the condition that keeps complaints about a unit from its own people."""
    if actor.unit is None or sees_all(actor):
        return true()
    return s.c.about_unit.is_distinct_from(actor.unit)


def ways(actor: Actor, street_id: int, bounds: Bounds) -> list[Condition]:
    """Return the ways in which a street's tickets come into an actor's sight, over `ticket_states` alone.

    Together with `unbiased` any of them is `visible` for tickets that have been placed. Apart they are quick: each is
    served by an index of its own, where a list over all of them with OR would have to look at every open ticket.
    """
    if sees_all(actor):
        return [true()]
    mine = (
        _among(select(tickets.c.id).where(tickets.c.street_id == street_id, own)) for own in _written(actor)
    )
    return [*mine, *_standing(actor, street_id, bounds)] or [false()]


def _written(actor: Actor) -> Iterator[Condition]:
    """Yield what makes a ticket somebody's own from the start."""
    if actor.role is Role.RESIDENT:
        for person in (actor.id, *sorted(actor.also)):
            yield tickets.c.reporter_id == person
    elif actor.role in LOCAL and actor.unit is not None:
        # the roles are those of the index
        yield and_(tickets.c.entered_by == actor.id, tickets.c.entered_role.in_(sorted(LOCAL)))


def _standing(actor: Actor, street_id: int, bounds: Bounds) -> Iterator[Condition]:
    """Yield what brings a ticket into sight by where it stands."""
    if actor.role is Role.RESIDENT:
        return
    for grid in bounds.grids:
        yield s.c.grid_code == grid
    if actor.unit is None:
        return
    yield s.c.assignee_id == actor.id
    if not bounds.roams:
        return
    yield s.c.lead_unit == actor.unit
    yield s.c.owner_unit == actor.unit
    yield _among(
        select(parts.c.ticket_id).where(parts.c.street_id == street_id, parts.c.unit_code == actor.unit)
    )
    # Who handed it up, and to whom it came on its way, hear of the answer.
    yield _among(
        select(h.c.ticket_id).where(
            h.c.street_id == street_id, or_(h.c.from_unit == actor.unit, h.c.to_unit == actor.unit)
        )
    )
    if actor.role in LOCAL and bounds.home is not None:
        yield s.c.community_code == bounds.home


def _among(ids: Select[tuple[object]]) -> Condition:
    # An array is worked out once; a join might be begun at the other end, with every open ticket.
    return s.c.ticket_id == any_(func.array(ids.correlate(None).scalar_subquery(), type_=ARRAY(Uuid)))


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
