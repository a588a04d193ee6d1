"""What was posted into a group of residents by hand, written down: no robot may speak there (rows S3-17, S4-05)."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import Row, and_, select
from uuid_utils.compat import uuid7

from services.intake.notices.schemas import GroupPostIn, GroupUse
from shared import clock
from shared.auth import Actor
from shared.db import Transaction
from shared.tables import group_posts, tickets
from shared.terms import Role

LATE = timedelta(seconds=60)


async def write(
    tx: Transaction, actor: Actor, street_id: int, body: GroupPostIn, ticket_id: UUID | None
) -> dict[str, Any]:
    """Write a post down and return it."""
    now = clock.now()
    row = {
        "street_id": street_id, "id": uuid7(), "ticket_id": ticket_id, "group_name": body.group,
        "purpose": body.purpose.value, "content": body.content, "author_id": actor.id,
        "author_role": actor.role.value, "author_unit": actor.unit, "occurred_at": body.occurred_at or now,
        "recorded_at": now,
    }  # fmt: skip
    await tx.insert_many(group_posts, [row])
    return item(row, body.number)


async def listed(
    tx: Transaction, actor: Actor, *, number: str | None, purpose: str | None, before: UUID | None, limit: int
) -> Sequence[Row[Any]]:
    """Return one more than `limit` of the newest posts; those who do not see the whole street see their unit's."""
    at = and_(tickets.c.street_id == group_posts.c.street_id, tickets.c.id == group_posts.c.ticket_id)
    query = select(group_posts, tickets.c.number).select_from(group_posts.outerjoin(tickets, at))
    query = query.where(group_posts.c.street_id.in_(actor.streets))
    if actor.unit is not None:
        query = query.where(group_posts.c.author_unit == actor.unit)
    if number is not None:
        query = query.where(tickets.c.number == number)
    if purpose is not None:
        query = query.where(group_posts.c.purpose == purpose)
    if before is not None:
        query = query.where(group_posts.c.id < before)
    return await tx.rows(query.order_by(group_posts.c.id.desc()).limit(limit + 1))


def item(row: Any, number: str | None) -> dict[str, Any]:
    """Return a post as it is shown."""
    role = Role(row["author_role"])
    return {
        "id": str(row["id"]),
        "group": row["group_name"],
        "purpose": row["purpose"],
        "purpose_text": GroupUse(row["purpose"]).text,
        "content": row["content"],
        "number": number,
        "role": role.value,
        "role_text": role.text,
        "unit": row["author_unit"],
        "occurred_at": row["occurred_at"],
        "recorded_at": row["recorded_at"],
        "late": row["recorded_at"] - row["occurred_at"] > LATE,
    }
