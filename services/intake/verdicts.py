"""Verdicts on what residents write and send: kept, read, and made into what may be shown in public.

Nothing is ever refused for a verdict. What is not known to be harmless stays out of public view.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final, NamedTuple
from uuid import UUID

from sqlalchemy import ColumnElement, Row, and_, exists, or_, select

from shared.db import Transaction
from shared.tables import content_checks, tickets
from shared.terms import ContentVerdict

TICKET: Final = "ticket"
IMAGE: Final = "image"
PUBLISHABLE: Final = frozenset({ContentVerdict.PASS})
# Why there is no verdict, for people.
REASONS: Final = {
    "away": "微信暂时没有应答,稍后再试", "no_account": "诉求人不是通过微信登录的", "not_seen_lately": "诉求人近两小时没有打开小程序",
    "too_late": "超过两小时,微信不再受理检测", "staff": "工作人员认定",
}  # fmt: skip
_KEEP = """
INSERT INTO content_checks
  (street_id, kind, subject_id, verdict, label, reason, trace_id, attempts, asked_at, decided_at, next_at)
VALUES ($1, $2, $3, $4, $5, $6, $7, 1, $8, $9, $10)
ON CONFLICT (street_id, kind, subject_id) DO UPDATE
SET verdict = excluded.verdict, label = excluded.label, reason = excluded.reason, trace_id = excluded.trace_id,
  attempts = content_checks.attempts + 1, decided_at = excluded.decided_at, next_at = excluded.next_at
WHERE content_checks.verdict = 'pending'"""
_OVERRULE = """
INSERT INTO content_checks (street_id, kind, subject_id, verdict, reason, attempts, asked_at, decided_at)
VALUES ($1, $2, $3, $4, 'staff', 0, $5, $5)
ON CONFLICT (street_id, kind, subject_id) DO UPDATE
SET verdict = excluded.verdict, reason = excluded.reason, decided_at = excluded.decided_at, next_at = NULL"""
_DECIDE = """
UPDATE content_checks SET verdict = $3, label = $4, reason = NULL, decided_at = $5, next_at = NULL
WHERE street_id = ANY($1::bigint[]) AND trace_id = $2 AND verdict = 'pending' RETURNING true"""


class Checked(NamedTuple):
    """What is now known of a text or a picture; `trace_id` and `next_at` while it is pending."""

    street_id: int
    kind: str
    subject_id: UUID
    verdict: ContentVerdict
    asked_at: datetime
    label: int | None = None
    reason: str | None = None
    trace_id: str | None = None
    next_at: datetime | None = None


async def keep(tx: Transaction, checked: Sequence[Checked]) -> None:
    """Write verdicts; one that was given before stands."""
    rows = [
        (
            c.street_id, c.kind, c.subject_id, c.verdict.value, c.label, c.reason, c.trace_id, c.asked_at,
            None if c.verdict is ContentVerdict.PENDING else c.asked_at, c.next_at,
        )
        for c in checked
    ]  # fmt: skip
    await tx.raw.executemany(_KEEP, rows)


async def decide(
    tx: Transaction,
    streets: Sequence[int],
    trace_id: str,
    verdict: ContentVerdict,
    label: int | None,
    now: datetime,
) -> bool:
    """Write the verdict that came for a trace_id; return False where nothing waits for it (any more)."""
    return bool(await tx.raw.fetch(_DECIDE, list(streets), trace_id, verdict.value, label, now))


async def overrule(
    tx: Transaction, street_id: int, ticket_id: UUID, verdict: ContentVerdict, now: datetime
) -> None:
    """Write what staff say of a ticket's text, whatever was said before; WeChat's word does not come after it."""
    await tx.raw.execute(_OVERRULE, street_id, TICKET, ticket_id, verdict.value, now)


async def of_ticket(tx: Transaction, street_id: int, ticket_id: UUID) -> Row[Any] | None:
    """Return the verdict on a ticket's text, if there is one."""
    return await tx.one(
        select(content_checks).where(
            content_checks.c.street_id == street_id,
            content_checks.c.kind == TICKET,
            content_checks.c.subject_id == ticket_id,
        )
    )


def text_is_publishable(*, checking: bool) -> ColumnElement[bool]:
    """Return the condition over `tickets` under which a text may be shown in public.

    `checking`: whether texts are checked at all (WeChat is set up). What staff entered is theirs to answer for.
    """
    here = and_(
        content_checks.c.street_id == tickets.c.street_id,
        content_checks.c.kind == TICKET,
        content_checks.c.subject_id == tickets.c.id,
    )
    good = content_checks.c.verdict.in_(sorted(PUBLISHABLE))
    if checking:
        return or_(tickets.c.reporter_id.is_(None), exists().where(here, good))
    return ~exists().where(here, ~good)


def image_is_publishable(
    street_id: ColumnElement[int], attachment_id: ColumnElement[UUID], *, checking: bool
) -> ColumnElement[bool]:
    """Return the condition under which a picture may be shown in public; `checking` as above."""
    here = and_(
        content_checks.c.street_id == street_id,
        content_checks.c.kind == IMAGE,
        content_checks.c.subject_id == attachment_id,
    )
    good = content_checks.c.verdict.in_(sorted(PUBLISHABLE))
    return exists().where(here, good) if checking else ~exists().where(here, ~good)
