"""The monthly inspection at work: a round with its frozen list, findings, what follows a failure, the published result."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import Row, and_, func, insert, select

from services.routing.registry import Registry
from services.routing.supervision.findings import (
    NOTED,
    Finding,
    bounds,
    digest,
    figures,
    month_of,
    refuse_handlers,
    remedy,
)
from services.routing.transitions import Door
from shared import clock
from shared.auth import Actor
from shared.db import Transaction
from shared.errors import Conflict, NotFound, invalid
from shared.lifecycle import OPEN
from shared.process import Process
from shared.scope import visible
from shared.tables import (
    inspection_findings as f,
    inspection_items as items,
    inspection_reports as reports,
    inspection_rounds as rounds,
    ticket_states as s,
    tickets,
)
from shared.terms import InspectionMethod, SupervisionLevel

_OPEN = ", ".join(f"'{state.value}'" for state in sorted(OPEN))
_ROUND = """
INSERT INTO inspection_rounds (street_id, month, posted, opened_at, opened_by) VALUES ($1, $2, $3, $4, $5)
ON CONFLICT DO NOTHING RETURNING month"""
# Whatever was on the board at some time of the month: what is open, and what was closed since it began.
_POSTED = f"""
SELECT ticket_id, state, coalesce(lead_unit, owner_unit) AS unit_code FROM ticket_states
WHERE street_id = $1 AND received_at < $3 AND (state IN ({_OPEN}) OR state = 'closed' AND closed_at >= $2)
ORDER BY ticket_id"""  # noqa: S608 - states come from the lifecycle
_FOUND = """
SELECT f.ticket_id, i.unit_code, f.method, f.passed, f.finding, f.inspected_at FROM inspection_findings f
JOIN inspection_items i ON i.street_id = f.street_id AND i.month = f.month AND i.ticket_id = f.ticket_id
WHERE f.street_id = $1 AND f.month = $2"""


async def open_round(tx: Transaction, registry: Registry, actor: Actor, month: str) -> None:
    """Open a month's round and freeze its list, unless it is open; raise Invalid for a month that has not begun."""
    if month > month_of(clock.local_day(clock.now())):
        raise invalid("month", "还没到这个月")
    street_id, (first, end) = registry.street_id, bounds(month)
    posted = await tx.raw.fetch(_POSTED, street_id, first, end)
    if await tx.raw.fetchval(_ROUND, street_id, month, len(posted), clock.now(), actor.id) is None:
        return
    await tx.insert_many(
        items,
        [
            {
                "street_id": street_id, "month": month, "ticket_id": r["ticket_id"], "unit_code": r["unit_code"],
                "state": r["state"],
            }
            for r in posted
        ],
    )  # fmt: skip


async def find(tx: Transaction, street_id: int, month: str) -> Row[Any]:
    """Return a round with what was published of it; raise NotFound."""
    row = await tx.one(
        select(rounds, reports.c.figures, reports.c.digest, reports.c.published_at)
        .join_from(
            rounds, reports, and_(reports.c.street_id == rounds.c.street_id, reports.c.month == rounds.c.month), isouter=True
        )
        .where(rounds.c.street_id == street_id, rounds.c.month == month)
    )  # fmt: skip
    if row is None:
        raise NotFound("这个月没有开展督查", code="inspection_not_found")
    return row


async def listed(tx: Transaction, street_id: int, before: str | None, limit: int) -> Sequence[Row[Any]]:
    """Return rounds, the latest first, each with when it was published; one more than `limit` if there is more."""
    query = (
        select(rounds, reports.c.published_at)
        .join_from(
            rounds, reports, and_(reports.c.street_id == rounds.c.street_id, reports.c.month == rounds.c.month), isouter=True
        )
        .where(rounds.c.street_id == street_id)
        .order_by(rounds.c.month.desc())
        .limit(limit + 1)
    )  # fmt: skip
    return await tx.rows(query.where(rounds.c.month < before) if before is not None else query)


async def found(tx: Transaction, street_id: int, month: str) -> list[Finding]:
    """Return all findings of a round."""
    return [Finding(**row) for row in await tx.raw.fetch(_FOUND, street_id, month)]


async def counted(tx: Transaction, head: Row[Any]) -> dict[str, Any]:
    """Return a round's figures: as published, or as they stand."""
    if head.figures is not None:
        published: dict[str, Any] = head.figures
        return published
    return figures(head.posted, await found(tx, head.street_id, head.month))


async def on_list(
    tx: Transaction,
    street_id: int,
    month: str,
    actor: Actor,
    *,
    pending: bool,
    after: UUID | None,
    limit: int,
) -> Sequence[Row[Any]]:
    """Return the items of a round with their findings, by ticket; one more than `limit` if there is more."""
    query = (
        select(items, s.c.number, tickets.c.content, f.c.method, f.c.passed, f.c.finding, f.c.remedy, f.c.inspected_at)
        .join_from(items, s, and_(s.c.street_id == items.c.street_id, s.c.ticket_id == items.c.ticket_id))
        .join(tickets, and_(tickets.c.street_id == s.c.street_id, tickets.c.id == s.c.ticket_id))
        .outerjoin(
            f,
            and_(f.c.street_id == items.c.street_id, f.c.month == items.c.month, f.c.ticket_id == items.c.ticket_id),
        )
        .where(items.c.street_id == street_id, items.c.month == month, await visible(tx, actor, [street_id]))
        .order_by(items.c.ticket_id)
        .limit(limit + 1)
    )  # fmt: skip
    if pending:
        query = query.where(f.c.ticket_id.is_(None))
    return await tx.rows(query.where(items.c.ticket_id > after) if after is not None else query)


@dataclass(frozen=True, slots=True)
class Inspected:
    """What an inspector hands in."""

    number: str
    method: InspectionMethod
    passed: bool
    finding: str


async def inspect(
    tx: Transaction, process: Process, registry: Registry, actor: Actor, month: str, told: Inspected
) -> dict[str, Any]:
    """Write down what was found of an item, once; what failed goes back to work. Return number and remedy.

    Raises NotFound (no such round), Invalid (not on its list), Forbidden (a handler), Conflict (already inspected)
    and what the lifecycle refuses.
    """
    street_id, now = registry.street_id, clock.now()
    await find(tx, street_id, month)
    item = await tx.one(
        select(items.c.ticket_id)
        .join_from(items, s, and_(s.c.street_id == items.c.street_id, s.c.ticket_id == items.c.ticket_id))
        .where(items.c.street_id == street_id, items.c.month == month, s.c.number == told.number)
    )
    if item is None:
        raise invalid("number", "这张工单不在本月督查清单上", code="not_on_inspection_list")
    door = Door(tx, process.outbox, registry)
    [standing] = (await door.lock([item.ticket_id])).values()
    refuse_handlers(standing.relations(actor, registry))
    here = (f.c.street_id == street_id, f.c.month == month, f.c.ticket_id == item.ticket_id)
    if await tx.one(select(f.c.ticket_id).where(*here)) is not None:
        raise Conflict("这张工单本月已经督查过", code="already_inspected")
    at = max(now, standing.row["moved_at"])
    data = {
        "reason": told.finding, "inspection": month, "method": told.method.value, "passed": told.passed,
    }  # fmt: skip
    door.move(standing, "inspect", actor, at, data)
    follows = None if told.passed else remedy(standing.state)
    if follows not in {None, NOTED}:
        what = {"reason": f"督查不合格:{told.finding}", "inspection": month}
        more = {"supervision": SupervisionLevel.NOTICE.value} if follows == "supervise" else {}
        door.move(standing, str(follows), actor, at, what | more)
    await door.write()
    await tx.execute(
        insert(f).values(
            street_id=street_id, month=month, ticket_id=item.ticket_id, method=told.method.value, passed=told.passed,
            finding=told.finding, remedy=follows, inspected_at=now, inspected_by=actor.id, inspector_unit=actor.unit,
        )
    )  # fmt: skip
    return {"number": told.number, "passed": told.passed, "remedy": follows}


async def publish(tx: Transaction, street_id: int, actor: Actor, month: str) -> None:
    """Freeze a round's result, unless it is; raise Conflict while an item has not been inspected."""
    head = await find(tx, street_id, month)
    if head.published_at is not None:
        return
    known = await found(tx, street_id, month)
    if len(known) < head.posted:
        left = head.posted - len(known)
        raise Conflict(
            f"还有 {left} 件没有督查,全部督查后才能通报", code="items_not_inspected", remaining=left
        )
    result = figures(head.posted, known)
    row = {
        "street_id": street_id, "month": month, "figures": result, "digest": digest(result, known),
        "published_at": clock.now(), "published_by": actor.id,
    }  # fmt: skip
    await tx.insert_many(reports, [row])


async def inspected_count(tx: Transaction, street_id: int, months: Sequence[str]) -> dict[str, int]:
    """Return how many items of each of these rounds have been inspected."""
    query = (
        select(f.c.month, func.count().label("known"))
        .where(f.c.street_id == street_id, f.c.month.in_(months))
        .group_by(f.c.month)
    )
    known = {row.month: row.known for row in await tx.rows(query)}
    return {month: known.get(month, 0) for month in months}
