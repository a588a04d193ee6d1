"""Staff say whether a text may be shown in public: where the check is in doubt, could not be had, or is wrong."""

from typing import Any

from sqlalchemy import Row, insert
from uuid_utils.compat import uuid7

from services.intake import verdicts, view
from services.intake.schemas import ContentDecisionIn
from shared import clock
from shared.auth import Actor
from shared.db import Transaction
from shared.tables import audit_log
from shared.terms import ContentVerdict


async def decide(tx: Transaction, actor: Actor, ticket: Row[Any], body: ContentDecisionIn) -> dict[str, Any]:
    """Write the decision, and who made it and why into the audit log; return what is known of the text now."""
    now = clock.now()
    await verdicts.overrule(tx, ticket.street_id, ticket.id, ContentVerdict(body.verdict), now)
    detail = {
        "ticket": ticket.number, "verdict": body.verdict, "reason": body.reason, "role": actor.role.value,
    }  # fmt: skip
    await tx.execute(
        insert(audit_log).values(
            street_id=ticket.street_id, id=uuid7(), actor=str(actor.id), action="content_decided", detail=detail,
            recorded_at=now,
        )
    )  # fmt: skip
    row = await verdicts.of_ticket(tx, ticket.street_id, ticket.id)
    assert row is not None  # noqa: S101 - it was just written
    return view.content_check(row)
