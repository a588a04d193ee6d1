"""A reporter rates a closure, once; a ticket reopened and closed again can be rated again.

Whose ticket was merged into another rates that one's closing under their own number: every reporter has a voice.
"""

from typing import Any

from sqlalchemy import Row
from sqlalchemy.dialects.postgresql import insert

from services.intake import store
from services.intake.schemas import RatingIn
from shared import clock
from shared.auth import Actor
from shared.db import Transaction
from shared.errors import Conflict
from shared.events import RatingGivenV1
from shared.lifecycle import State
from shared.outbox import Outbox
from shared.tables import ratings


async def rate(
    tx: Transaction, outbox: Outbox, actor: Actor, ticket: Row[Any], body: RatingIn
) -> dict[str, Any]:
    """Write the rating and its event; raise Conflict unless the ticket is closed and this closure unrated."""
    lead = await store.leading(tx, ticket)
    state = State(ticket.state if lead is None else lead.state)
    closure = await store.last_closure(tx, ticket.street_id, ticket.id if lead is None else lead.ticket_id)
    if state is not State.CLOSED or closure is None:
        raise Conflict(
            f"工单当前为“{state.text}”,办结后才能评价",
            code="not_allowed_now", state=state.value, state_text=state.text,
        )  # fmt: skip
    now = clock.now()
    row = {
        "closure": closure,
        "satisfaction": body.satisfaction.value,
        "resolved": body.resolved.value if body.resolved else None,
        "contacted": body.contacted,
        "comment": body.comment,
        "occurred_at": now,
        "recorded_at": now,
    }
    written = await tx.execute(
        insert(ratings)
        .values(street_id=ticket.street_id, ticket_id=ticket.id, author_id=actor.id, **row)
        .on_conflict_do_nothing()
    )
    if written.rowcount == 0:
        raise Conflict("这次办结已经评价过了", code="already_rated")
    event = RatingGivenV1(
        street_id=ticket.street_id, ticket_id=ticket.id, closure=closure, satisfaction=body.satisfaction.value
    )
    await outbox.record(tx, [event])
    return {
        "number": ticket.number,
        **row,
        "satisfaction_text": body.satisfaction.text,
        "resolved_text": body.resolved.text if body.resolved else None,
    }
