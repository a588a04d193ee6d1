"""A reporter asks to withdraw, to urge, to reopen, confirms a closing or disputes it: judged now, decided by routing.

Judged here so that a plain "no" is heard at once; routing judges again, under the ticket's lock.
"""

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import Row, insert
from uuid_utils.compat import uuid7

from services.intake import store
from shared import clock
from shared.auth import Actor
from shared.db import Transaction
from shared.errors import Conflict, Problem
from shared.events import PetitionFiledV1
from shared.lifecycle import PETITIONS, Relation, Situation, State, decide
from shared.outbox import Outbox
from shared.tables import petitions
from shared.terms import CallbackMode

URGE_EVERY = timedelta(hours=1)
# One petitioner of a ticket at a time, else two urges within a millisecond would both be the first.
_ONE_AT_A_TIME = "SELECT pg_advisory_xact_lock($1)"


async def file(
    tx: Transaction,
    outbox: Outbox,
    actor: Actor,
    ticket: Row[Any],
    action: str,
    reason: str | None,
    *,
    window: int,
    answers: dict[str, Any] | None = None,
) -> dict[str, Any]:
    """Write the petition and its event; raise Conflict where the ticket is elsewhere or it is too soon.

    `window`: days after closing in which a reporter may reopen; `answers`: what comes with a confirmation.
    """
    now = clock.now()
    judge(ticket, actor, action, now, window=window, data={"reason": reason})
    if action == "urge":
        await tx.raw.execute(_ONE_AT_A_TIME, _lock_of(ticket.id))
        too_soon(await store.last_urged(tx, ticket.street_id, ticket.id), now)
    petition = uuid7()
    await tx.execute(
        insert(petitions).values(
            street_id=ticket.street_id, id=petition, ticket_id=ticket.id, action=action, reason=reason, answers=answers,
            author_id=actor.id, author_role=actor.role.value, occurred_at=now, recorded_at=now,
        )
    )  # fmt: skip
    event = PetitionFiledV1(
        street_id=ticket.street_id, ticket_id=ticket.id, petition_id=str(petition), action=action
    )
    await outbox.record(tx, [event])
    return {
        "id": str(petition),
        "number": ticket.number,
        "action": action,
        "action_text": PETITIONS[action][1],
        "state": ticket.state,
        "state_text": State(ticket.state).text,
    }


def judge(
    ticket: Row[Any], actor: Actor, action: str, now: datetime, *, window: int, data: dict[str, object]
) -> None:
    """Raise what the lifecycle has against the move the reporter asks for, and what only a person's call can end."""
    situation = Situation(
        state=State(ticket.state),
        moved_at=ticket.moved_at,
        closed_at=ticket.closed_at,
        reopen_window_days=window,
    )
    # Routing's clock may be a hair ahead of ours; that is no reason to say "before the previous move".
    at = max(now, ticket.moved_at or now)
    move, _ = PETITIONS[action]
    decide(situation, move, role=actor.role, relations=[Relation.REPORTER], occurred_at=at, data=data)
    if action == "confirm" and ticket.callback_mode == CallbackMode.PERSON:
        raise Conflict("这件诉求由工作人员回访后结案,请等候联系", code="callback_by_person")


def too_soon(last: datetime | None, now: datetime) -> None:
    """Raise Conflict if the reporter urged within the hour."""
    if last is not None and now - last < URGE_EVERY:
        raise Conflict("一小时内已经催办过,请稍后再催", code="urged_recently")


def open_to(
    ticket: Row[Any], actor: Actor, now: datetime, *, window: int, last_urge: datetime | None
) -> list[str]:
    """Return the petitions the reporter may file now."""
    able = []
    for action in PETITIONS:
        try:
            judge(ticket, actor, action, now, window=window, data={"reason": "-"})
            if action == "urge":
                too_soon(last_urge, now)
        except Problem:
            continue
        able.append(action)
    return able


def _lock_of(ticket_id: UUID) -> int:
    return int.from_bytes(ticket_id.bytes[8:], signed=True)
