"""The action of freezing: a bulletin keeps its figures as they were published; what is found later stands beside them.

A figure is stored with its question, its whole answer and its definition's version. A correction asks the same
questions again, in the same windows, by what is recorded now, and keeps what differs from the figures as they
were last published; the bulletin itself is never written again.
"""

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import Any
from uuid import UUID

import orjson
from sqlalchemy import Row, insert, select
from uuid_utils.compat import uuid7

from services.metrics.periods import Window
from services.metrics.schemas.figures import RateOut
from shared import clock
from shared.auth import Actor
from shared.db import Transaction
from shared.errors import NotFound
from shared.tables import bulletin_corrections, bulletin_figures, bulletins

Answer = Mapping[str, Any]  # to a question about a rate, as it went over the wire
# What makes a published figure: these may not differ from one another without a correction.
_PUBLISHED = ("numerator", "denominator", "value", "display", "excluded")


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


def window_of(answer: Answer) -> Window:
    """Return the window of a published figure; another day or another calendar does not move it."""
    told = answer["window"]
    exact = None
    if told["starts_at"] is not None:
        exact = datetime.fromisoformat(told["starts_at"]), datetime.fromisoformat(told["ends_at"])
    first, last = date.fromisoformat(told["from"]), date.fromisoformat(told["to"])
    return Window("days", told["period"], first, last, exact=exact)


def standing(figures: Sequence[Row[Any]], corrections: Sequence[Row[Any]]) -> dict[int, Answer]:
    """Return each figure's answer by its place as it was last published: corrected, where it has been."""
    found: dict[int, Answer] = {figure.place: figure.answer for figure in figures}
    for correction in corrections:
        found |= {difference["place"]: difference["now"] for difference in correction.differences}
    return found


def differences(then: Mapping[int, Answer], now: Mapping[int, Answer]) -> list[dict[str, Any]]:
    """Return what differs between the figures as published and the answers to the same questions now."""
    return [
        {"place": place, "then": answer, "now": now[place], "changed": changed}
        for place, answer in then.items()
        if (changed := _changed(answer, now[place]))
    ]


def _changed(then: Answer, now: Answer) -> list[str]:
    """Return the lines of which a published part differs, and "definition" where that does."""
    found = ["definition"] if then["definition"]["version"] != now["definition"]["version"] else []
    before, after = _lines(then), _lines(now)
    for key in {**before, **after}:
        a, b = before.get(key), after.get(key)
        if a is None or b is None or any(a.get(name) != b.get(name) for name in _PUBLISHED):
            found.append(key)
    return found


def _lines(answer: Answer) -> dict[str, Answer]:
    """Return every figure of an answer by its name: rows, total, the other population, and what stands beside."""
    found = {row["key"]: row for row in (*answer["rows"], answer["total"])}
    other = "assessed" if answer["population"] == "all" else "all"
    if answer["populations"] is not None:
        found[f"population:{other}"] = answer["populations"][other]
    return found | {f"{line['rate']}.{line['variant']}": line for line in answer["beside"]}


async def correct(
    tx: Transaction, head: Row[Any], actor: Actor, reason: str, found: Sequence[Mapping[str, Any]], known_at: datetime
) -> dict[str, Any]:  # fmt: skip
    """Write a correction, by what was recorded at an instant, beside a bulletin and return it."""
    row = {
        "street_id": head.street_id, "bulletin_id": head.id, "id": uuid7(), "reason": reason, "known_at": known_at,
        "differences": list(found), "made_by": actor.id, "made_role": actor.role.value, "made_at": clock.now(),
    }  # fmt: skip
    await tx.execute(insert(bulletin_corrections).values(**row))
    return row
