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
    Text,
    Uuid,
    and_,
    any_,
    exists,
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
from shared.tables import crews, parts, staff, staff_posts, ticket_states as s, tickets, units
from shared.terms import STREET_WIDE, TICKET_NUMBER, AreaKind, Role

Condition = ColumnElement[bool]
_Street = ColumnElement[int] | int
# Roles that work in a place: they see it, and what they entered themselves.
LOCAL = frozenset({Role.COMMUNITY, Role.GRID_WORKER})


def sees_all(actor: Actor) -> bool:
    """Return whether an actor sees every ticket of their streets."""
    return actor.role in STREET_WIDE or actor.role is Role.SCRIPT


def visible(actor: Actor) -> Condition:
    """Return the condition over `tickets` left-joined with `ticket_states`."""
    if sees_all(actor):
        return true()
    street: _Street = next(iter(actor.streets)) if len(actor.streets) == 1 else s.c.street_id
    return and_(unbiased(actor), or_(*_written(actor), *_standing(actor, street)))


def unbiased(actor: Actor) -> Condition:
    """Return the condition that keeps complaints about a unit from its own people."""
    if actor.unit is None or sees_all(actor):
        return true()
    return s.c.about_unit.is_distinct_from(actor.unit)


@dataclass(frozen=True, slots=True)
class Bounds:
    """The grids somebody is bound to in a street, and whether their unit's other tickets are theirs to see as well."""

    grids: tuple[str, ...] = ()
    roams: bool = True


async def bounds_of(tx: Transaction, actor: Actor, street_ids: Iterable[int]) -> dict[int, Bounds]:
    """Return where an actor works today, street by street."""
    found = {street_id: Bounds() for street_id in street_ids}
    if sees_all(actor) or actor.role is Role.RESIDENT:
        return found
    for street_id in found:
        beyond, bound = (_posts(actor, street_id, on_grids=on_grids) for on_grids in (False, True))
        row = await tx.one(
            select(
                func.array(bound.union(_crews(actor, street_id)).scalar_subquery(), type_=ARRAY(Text)).label(
                    "grids"
                ),
                exists(beyond).label("beyond"),
            )
        )
        if row is not None:
            found[street_id] = Bounds(tuple(sorted(row.grids)), row.beyond or not row.grids)
    return found


def ways(actor: Actor, street_id: int, bounds: Bounds) -> list[Condition]:
    """Return the ways in which a street's tickets come into an actor's sight, over `ticket_states` alone.

    Together with `unbiased` any of them is `visible` for tickets that have been placed. Apart they are quick: each is
    served by an index of its own, where a list over all of them with OR would have to look at every open ticket.
    """
    if sees_all(actor):
        return [true()]
    found = [
        _among(select(tickets.c.id).where(tickets.c.street_id == street_id, own)) for own in _written(actor)
    ]
    if actor.role is Role.RESIDENT:
        return found
    found += [s.c.grid_code == grid for grid in bounds.grids]
    if actor.unit is not None:
        found.append(s.c.assignee_id == actor.id)
        found += _of_the_unit(actor, actor.unit, street_id) if bounds.roams else ()
    return found or [false()]


def _written(actor: Actor) -> Iterator[Condition]:
    """Yield what makes a ticket somebody's own from the start."""
    if actor.role is Role.RESIDENT:
        yield tickets.c.reporter_id == actor.id
    elif actor.role in LOCAL and actor.unit is not None:
        # the roles are those of the index
        yield and_(tickets.c.entered_by == actor.id, tickets.c.entered_role.in_(sorted(LOCAL)))


def _standing(actor: Actor, street: _Street) -> Iterator[Condition]:
    """Yield what brings a ticket into sight by where it stands; `street` is one, or the column."""
    if actor.role is Role.RESIDENT:
        return
    if actor.unit is not None:
        yield and_(or_(*_of_the_unit(actor, actor.unit, street)), _roams(actor, street))
        yield s.c.assignee_id == actor.id
    for grids in (_posts(actor, street, on_grids=True), _crews(actor, street)):
        yield s.c.grid_code == any_(func.array(grids.scalar_subquery(), type_=ARRAY(Text)))


def _of_the_unit(actor: Actor, unit: str, street: _Street) -> Iterator[Condition]:
    """Yield what makes a ticket a matter of somebody's unit."""
    yield s.c.lead_unit == unit
    yield s.c.owner_unit == unit
    yield _among(select(parts.c.ticket_id).where(parts.c.street_id == street, parts.c.unit_code == unit))
    if actor.role in LOCAL:
        home = select(units.c.community_code).where(units.c.street_id == street, units.c.code == unit)
        yield s.c.community_code == home.correlate(s).scalar_subquery()


def _among(ids: Select[tuple[object]]) -> Condition:
    # An array is worked out once; a join might be begun at the other end, with every open ticket.
    return s.c.ticket_id == any_(func.array(ids.correlate(s).scalar_subquery(), type_=ARRAY(Uuid)))


def _posts(actor: Actor, street: _Street, *, on_grids: bool) -> Select[tuple[str]]:
    """Return the areas, grids or others, of the posts that the actor holds today in the role they come in."""
    today = clock.local_day(clock.now())
    return (
        select(staff_posts.c.area_code)
        .join_from(
            staff_posts,
            staff,
            and_(staff.c.street_id == staff_posts.c.street_id, staff.c.code == staff_posts.c.staff_code),
        )
        .where(
            staff.c.street_id == street,
            staff.c.id == actor.id,
            staff_posts.c.role == actor.role.value,
            (staff_posts.c.area_kind == AreaKind.GRID.value) == on_grids,
            staff_posts.c.valid_from <= today,
            or_(staff_posts.c.valid_until.is_(None), staff_posts.c.valid_until >= today),
        )
        .correlate(s)
    )


def _crews(actor: Actor, street: _Street) -> Select[tuple[str]]:
    """Return the grids whose crew the actor is one of today."""
    today = clock.local_day(clock.now())
    return (
        select(crews.c.grid_code)
        .join_from(
            crews, staff, and_(staff.c.street_id == crews.c.street_id, staff.c.code == crews.c.staff_code)
        )
        .where(
            staff.c.street_id == street,
            staff.c.id == actor.id,
            crews.c.valid_from <= today,
            or_(crews.c.valid_until.is_(None), crews.c.valid_until >= today),
        )
        .correlate(s)
    )


def _roams(actor: Actor, street: _Street) -> Condition:
    """Return whether the actor is bound to no grid, or has a post that reaches beyond grids as well."""
    beyond, bound = (_posts(actor, street, on_grids=on_grids) for on_grids in (False, True))
    return or_(exists(beyond), ~or_(exists(bound), exists(_crews(actor, street))))


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
