"""The action of freezing: a bulletin keeps its figures as they were published; what is found later stands beside them.

A figure is stored with its question, its whole answer and its definition's version. A correction asks the same
questions again, by what is recorded now, and keeps the differences; the bulletin itself is never written again.
"""

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

import orjson
from sqlalchemy import Row, insert, select
from uuid_utils.compat import uuid7

from services.metrics.schemas.figures import RateOut
from shared import clock
from shared.auth import Actor
from shared.db import Transaction
from shared.errors import NotFound
from shared.tables import bulletin_corrections, bulletin_figures, bulletins

# What makes a published figure: these may not differ from one another without a correction.
_PUBLISHED = ("numerator", "denominator", "display", "excluded")


def frozen(body: Mapping[str, Any]) -> dict[str, Any]:
    """Return an answer as it went over the wire."""
    answer: dict[str, Any] = orjson.loads(RateOut.model_validate(body).model_dump_json(by_alias=True))
    return answer


async def issue(
    tx: Transaction, street_id: int, actor: Actor, title: str, head: Mapping[str, Any],
    figures: Sequence[tuple[dict[str, Any], dict[str, Any]]],
) -> UUID:  # fmt: skip
    """Write a bulletin with its figures (question, answer); `head`: as_of and known_at. Return its id."""
    bulletin = uuid7()
    await tx.execute(
        insert(bulletins).values(
            street_id=street_id, id=bulletin, title=title, **head, issued_by=actor.id, issued_role=actor.role.value,
            issued_at=clock.now(),
        )
    )  # fmt: skip
    await tx.insert_many(
        bulletin_figures,
        [
            {
                "street_id": street_id,
                "bulletin_id": bulletin,
                "place": n,
                "question": question,
                "answer": answer,
            }
            for n, (question, answer) in enumerate(figures)
        ],
    )
    return bulletin


async def find(tx: Transaction, street_ids: Sequence[int], bulletin: UUID) -> Row[Any]:
    """Return a bulletin's head; raise NotFound."""
    row = await tx.one(
        select(bulletins).where(bulletins.c.street_id.in_(street_ids), bulletins.c.id == bulletin)
    )
    if row is None:
        raise NotFound("没有这份通报", code="bulletin_not_found")
    return row


async def listed(
    tx: Transaction, street_ids: Sequence[int], before: UUID | None, limit: int
) -> Sequence[Row[Any]]:
    """Return the newest bulletins; one more than `limit` if there is more."""
    query = select(bulletins).where(bulletins.c.street_id.in_(street_ids))
    if before is not None:
        query = query.where(bulletins.c.id < before)
    return await tx.rows(query.order_by(bulletins.c.id.desc()).limit(limit + 1))


async def figures_of(tx: Transaction, head: Row[Any]) -> Sequence[Row[Any]]:
    """Return a bulletin's figures in their order."""
    of = bulletin_figures.c
    return await tx.rows(
        select(bulletin_figures)
        .where(of.street_id == head.street_id, of.bulletin_id == head.id)
        .order_by(of.place)
    )


async def corrections_of(tx: Transaction, head: Row[Any]) -> Sequence[Row[Any]]:
    """Return the corrections to a bulletin, oldest first."""
    of = bulletin_corrections.c
    return await tx.rows(
        select(bulletin_corrections)
        .where(of.street_id == head.street_id, of.bulletin_id == head.id)
        .order_by(of.id)
    )


def differences(then: Sequence[Row[Any]], now: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Return what differs between the figures as published and the answers to the same questions now."""
    return [
        {"place": figure.place, "then": figure.answer, "now": answer, "changed": changed}
        for figure, answer in zip(then, now, strict=True)
        if (changed := _changed(figure.answer, answer))
    ]


def _changed(then: Mapping[str, Any], now: Mapping[str, Any]) -> list[str]:
    """Return the keys of the rows (and "total") whose published parts differ, and "definition" where that does."""
    found = ["definition"] if then["definition"]["version"] != now["definition"]["version"] else []
    before = {row["key"]: row for row in (*then["rows"], then["total"])}
    after = {row["key"]: row for row in (*now["rows"], now["total"])}
    for key in {**before, **after}:
        a, b = before.get(key), after.get(key)
        if a is None or b is None or any(a[name] != b[name] for name in _PUBLISHED):
            found.append(key)
    return found


async def correct(
    tx: Transaction, head: Row[Any], actor: Actor, reason: str, found: Sequence[Mapping[str, Any]]
) -> dict[str, Any]:
    """Write a correction beside a bulletin and return it."""
    now = clock.now()
    row = {
        "street_id": head.street_id, "bulletin_id": head.id, "id": uuid7(), "reason": reason, "known_at": now,
        "differences": list(found), "made_by": actor.id, "made_role": actor.role.value, "made_at": now,
    }  # fmt: skip
    await tx.execute(insert(bulletin_corrections).values(**row))
    return row
