"""One ticket whole, as the caller may see it, with what they may do next."""

from datetime import datetime
from typing import Any

from sqlalchemy import Row

from services.intake import petition, store, verdicts, view
from services.intake.attachments import show
from services.intake.attachments.words import Origin
from shared import clock
from shared.auth import Actor
from shared.db import Transaction
from shared.lifecycle import OPEN, State
from shared.process import Process
from shared.terms import Role


async def detail(tx: Transaction, process: Process, actor: Actor, row: Row[Any]) -> dict[str, Any]:
    """Return everything the caller may see of the ticket in `row`."""
    now, resident = clock.now(), actor.role is Role.RESIDENT
    moves = await store.course(tx, row.street_id, row.id)
    names = await store.unit_names(tx, row.street_id, view.units_named(row, moves))
    ratings = await store.rated(tx, row.street_id, row.id)
    lead = await store.leading(tx, row)
    photos = await show.of_ticket(tx, process.keys, actor, row, moves)
    first = next((p["thumbnail_url"] for p in photos if p["origin"] == Origin.REPORT), None)
    check = None if resident else await verdicts.of_ticket(tx, row.street_id, row.id)
    return {
        **view.item(row, now, first),
        **view.own_words(row, process.keys, mine=resident),
        "unit": names.get(row.lead_unit),
        "timeline": view.timeline(row, moves, names, public=resident),
        "supplements": [view.supplement(s) for s in await store.added(tx, row.street_id, row.id)],
        "ratings": [view.rating(r) for r in ratings],
        "group": view.group(lead, now, public=resident) if lead is not None else None,
        "actions": await _actions(tx, process, actor, row, lead, {r.closure for r in ratings}, now),
        "attachments": photos,
        "content_check": view.content_check(check) if check is not None else None,
    }


async def _actions(
    tx: Transaction,
    process: Process,
    actor: Actor,
    row: Row[Any],
    lead: Row[Any] | None,
    rated: set[int],
    now: datetime,
) -> list[str]:
    if actor.role is Role.SCRIPT:
        return []
    able = ["supplement"] if State(row.state) in OPEN else []
    if actor.role is not Role.RESIDENT:
        return able
    last_urge = await store.last_urged(tx, row.street_id, row.id)
    window = process.settings.reopen_window_days
    able += petition.open_to(row, actor, now, window=window, last_urge=last_urge)
    # Whose ticket went into another rates that one's closing, under their own number.
    judged = row if lead is None else lead
    if State(judged.state) is State.CLOSED:
        closure = await store.last_closure(tx, row.street_id, row.id if lead is None else lead.ticket_id)
        if closure is not None and closure not in rated:
            able.append("rate")
    return able
