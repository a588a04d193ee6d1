"""Reading tickets: what was reported joined with where it stands, always through `shared.scope.visible`."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any
from uuid import UUID

from sqlalchemy import Row, Select, and_, func, select

from shared.auth import Actor
from shared.clock import day_end, day_start
from shared.db import Transaction
from shared.errors import NotFound
from shared.lifecycle import State
from shared.scope import visible
from shared.streets import Street
from shared.tables import (
    categories,
    petitions,
    ratings,
    supplements,
    ticket_states,
    tickets,
    transitions,
    units,
)

# A ticket that routing has not looked at yet has no row there: it is `submitted`.
_STATE = func.coalesce(ticket_states.c.state, State.SUBMITTED.value)
_CATEGORY = func.coalesce(ticket_states.c.category_code, tickets.c.category_code)
_COMMUNITY = func.coalesce(ticket_states.c.community_code, tickets.c.community_code)
_ITEM = (
    tickets.c.id,
    tickets.c.number,
    tickets.c.content,
    tickets.c.channel,
    tickets.c.occurred_at,
    tickets.c.reporter_id,
    tickets.c.street_id,
    tickets.c.confidential,
    _STATE.label("state"),
    func.coalesce(ticket_states.c.kind, tickets.c.kind).label("kind"),
    _CATEGORY.label("category"),
    categories.c.name.label("category_text"),
    _COMMUNITY.label("community_code"),
    ticket_states.c.due_at,
    func.coalesce(ticket_states.c.moved_at, tickets.c.recorded_at).label("updated_at"),
)
_DETAIL = (
    *_ITEM,
    ticket_states.c.due_why,
    tickets.c.longitude,
    tickets.c.latitude,
    tickets.c.crs,
    tickets.c.address,
    func.coalesce(ticket_states.c.grid_code, tickets.c.grid_code).label("grid_code"),
    tickets.c.anonymous,
    tickets.c.private,
    tickets.c.recorded_at,
    tickets.c.late,
    tickets.c.entered_role,
    func.coalesce(ticket_states.c.version, 0).label("version"),
    ticket_states.c.lead_unit,
    ticket_states.c.moved_at,
    ticket_states.c.closed_at,
    ticket_states.c.outcome,
    ticket_states.c.merged_into,
    ticket_states.c.callback_mode,
    ticket_states.c.confirm_until,
)
_JOINED = tickets.outerjoin(
    ticket_states,
    and_(ticket_states.c.street_id == tickets.c.street_id, ticket_states.c.ticket_id == tickets.c.id),
).outerjoin(
    categories,
    and_(categories.c.street_id == tickets.c.street_id, categories.c.code == _CATEGORY),
)


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a list is narrowed to; days are Shanghai's, both inclusive, by `occurred_at`."""

    state: str | None = None
    channel: str | None = None
    category: str | None = None
    community: str | None = None
    first: date | None = None
    last: date | None = None
    before: UUID | None = None


async def listed(tx: Transaction, actor: Actor, wanted: Wanted, limit: int) -> Sequence[Row[Any]]:
    """Return one more than `limit` of the newest tickets in the actor's scope."""
    query = select(*_ITEM).select_from(_JOINED).where(await visible(tx, actor, sorted(actor.streets)))
    if len(actor.streets) == 1:  # equality lets the key's order serve the ORDER BY
        query = query.where(tickets.c.street_id == next(iter(actor.streets)))
    query = _narrowed(query, wanted).order_by(tickets.c.id.desc()).limit(limit + 1)
    return await tx.rows(query)


def _narrowed(query: Select[Any], wanted: Wanted) -> Select[Any]:
    for column, value in (
        (_STATE, wanted.state),
        (tickets.c.channel, wanted.channel),
        (_CATEGORY, wanted.category),
        (_COMMUNITY, wanted.community),
    ):
        if value is not None:
            query = query.where(column == value)
    if wanted.first is not None:
        query = query.where(tickets.c.occurred_at >= day_start(wanted.first))
    if wanted.last is not None:
        query = query.where(tickets.c.occurred_at < day_end(wanted.last))
    if wanted.before is not None:
        query = query.where(tickets.c.id < wanted.before)
    return query


async def found(tx: Transaction, actor: Actor, street: Street, number: str) -> Row[Any]:
    """Return a ticket in the actor's scope; raise NotFound, whether it is not there or not theirs."""
    row = await tx.one(
        select(*_DETAIL)
        .select_from(_JOINED)
        .where(
            tickets.c.street_id == street.id,
            tickets.c.number == number,
            await visible(tx, actor, [street.id]),
        )
    )
    if row is None:
        raise NotFound("没有这张工单", code="ticket_not_found")
    return row


async def among(tx: Transaction, actor: Actor, street_id: int, ticket_ids: Sequence[UUID]) -> set[UUID]:
    """Return which of these tickets are in the actor's scope."""
    query = select(tickets.c.id).select_from(_JOINED)
    rows = await tx.rows(
        query.where(
            tickets.c.street_id == street_id,
            tickets.c.id.in_(ticket_ids),
            await visible(tx, actor, [street_id]),
        )
    )
    return {row.id for row in rows}


async def leading(tx: Transaction, row: Row[Any]) -> Row[Any] | None:
    """Return the ticket that a merged one went into, and how many reporters stand behind it; None otherwise."""
    if row.merged_into is None:
        return None
    members = (
        select(func.count())
        .where(ticket_states.c.street_id == row.street_id, ticket_states.c.merged_into == row.merged_into)
        .scalar_subquery()
    )
    return await tx.one(
        select(
            ticket_states.c.ticket_id,
            ticket_states.c.number,
            ticket_states.c.state,
            ticket_states.c.due_at,
            ticket_states.c.closed_at,
            ticket_states.c.outcome,
            (members + 1).label("people"),
        ).where(ticket_states.c.street_id == row.street_id, ticket_states.c.ticket_id == row.merged_into)
    )


async def course(tx: Transaction, street_id: int, ticket_id: UUID) -> Sequence[Row[Any]]:
    """Return a ticket's transitions in order."""
    return await tx.rows(
        select(transitions)
        .where(transitions.c.street_id == street_id, transitions.c.ticket_id == ticket_id)
        .order_by(transitions.c.seq)
    )


async def unit_names(tx: Transaction, street_id: int, codes: set[str]) -> dict[str, str]:
    """Return the names of these units."""
    if not codes:
        return {}
    rows = await tx.rows(
        select(units.c.code, units.c.name).where(units.c.street_id == street_id, units.c.code.in_(codes))
    )
    return {row.code: row.name for row in rows}


async def added(tx: Transaction, street_id: int, ticket_id: UUID) -> Sequence[Row[Any]]:
    """Return a ticket's supplements in order."""
    return await tx.rows(
        select(supplements)
        .where(supplements.c.street_id == street_id, supplements.c.ticket_id == ticket_id)
        .order_by(supplements.c.id)
    )


async def rated(tx: Transaction, street_id: int, ticket_id: UUID) -> Sequence[Row[Any]]:
    """Return a ticket's ratings in order."""
    return await tx.rows(
        select(ratings)
        .where(ratings.c.street_id == street_id, ratings.c.ticket_id == ticket_id)
        .order_by(ratings.c.closure)
    )


async def last_urged(tx: Transaction, street_id: int, ticket_id: UUID) -> Any:
    """Return when the reporter last urged (a datetime), or None."""
    row = await tx.one(
        select(func.max(petitions.c.occurred_at).label("at")).where(
            petitions.c.street_id == street_id,
            petitions.c.ticket_id == ticket_id,
            petitions.c.action == "urge",
        )
    )
    return row.at if row is not None else None


async def last_closure(tx: Transaction, street_id: int, ticket_id: UUID) -> int | None:
    """Return the seq of the move that last closed a ticket; a comment on a closed one does not count."""
    closed = State.CLOSED.value
    row = await tx.one(
        select(func.max(transitions.c.seq).label("seq")).where(
            transitions.c.street_id == street_id,
            transitions.c.ticket_id == ticket_id,
            transitions.c.to_state == closed,
            transitions.c.from_state.is_distinct_from(closed),
        )
    )
    return row.seq if row is not None else None
