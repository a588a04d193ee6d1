"""Something is added to a ticket while it is open, by its reporter or by staff who can see it."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import Row, insert
from uuid_utils.compat import uuid7

from services.intake.attachments import store
from services.intake.attachments.words import Origin
from shared import clock
from shared.auth import Actor
from shared.db import Transaction
from shared.errors import Conflict
from shared.events import SupplementAddedV1
from shared.lifecycle import OPEN, State
from shared.outbox import Outbox
from shared.tables import supplements, ticket_attachments


async def add(
    tx: Transaction, outbox: Outbox, actor: Actor, ticket: Row[Any], content: str, photos: Sequence[UUID]
) -> dict[str, Any]:
    """Write the supplement, its photos and its event; raise Conflict once the ticket has come to its end.

    Invalid names the photos that are not there or not the actor's.
    """
    state = State(ticket.state)
    if state not in OPEN:
        raise Conflict(
            f"工单当前为“{state.text}”,不能再补充",
            code="not_allowed_now", state=state.value, state_text=state.text,
        )  # fmt: skip
    supplement, now = uuid7(), clock.now()
    await tx.execute(
        insert(supplements).values(
            street_id=ticket.street_id, id=supplement, ticket_id=ticket.id, content=content,
            author_id=actor.id, author_role=actor.role.value, recorded_at=now,
        )
    )  # fmt: skip
    if photos:
        await store.hold(tx, ticket.street_id, actor.id, photos, now)
        refer = store.references(ticket.street_id, ticket.id, Origin.SUPPLEMENT, supplement, photos, now)
        await tx.insert_many(ticket_attachments, refer)
    event = SupplementAddedV1(street_id=ticket.street_id, ticket_id=ticket.id, supplement_id=str(supplement))
    await outbox.record(tx, [event])
    return {
        "id": str(supplement),
        "content": content,
        "role": actor.role.value,
        "role_text": actor.role.text,
        "recorded_at": now,
    }
