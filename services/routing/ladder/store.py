"""The SQL of the ladder: a street's policies, the orders of supervision and what was answered to them."""

import re
from collections.abc import Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import select

from services.routing.ladder.policy import SupervisionPolicies, SupervisionPolicy, read_supervision
from services.routing.turn import take_turn
from shared import clock
from shared.db import Transaction
from shared.errors import Conflict, invalid
from shared.tables import supervision_orders, supervision_policies, supervision_replies

_NUMBER = re.compile(r"DB(\d{4})-(\d{1,9})", re.ASCII)
_NEXT_POLICY = "SELECT coalesce(max(version), 0) + 1 FROM supervision_policies WHERE street_id = $1"
_NEXT_SERIAL = (
    "SELECT coalesce(max(serial), 0) + 1 FROM supervision_orders WHERE street_id = $1 AND year = $2"
)
_NEXT_REPLY = """
SELECT count(*) + 1 FROM supervision_replies WHERE street_id = $1 AND year = $2 AND serial = $3"""
_ORDER = """
SELECT unit_code FROM supervision_orders WHERE street_id = $1 AND year = $2 AND serial = $3 AND ticket_id = $4"""


def number_of(year: int, serial: int) -> str:
    """Return an order's number as people write it: DB2026-0012."""
    return f"DB{year}-{serial:04d}"


def parse_number(number: str) -> tuple[int, int] | None:
    """Return (year, serial) of an order's number, or None if it is none."""
    found = _NUMBER.fullmatch(number.strip())
    return (int(found[1]), int(found[2])) if found and int(found[2]) < 2**31 else None


async def read(tx: Transaction, street_id: int) -> SupervisionPolicies:
    """Return all versions of a street's policy."""
    rows = await tx.rows(select(supervision_policies).where(supervision_policies.c.street_id == street_id))
    return SupervisionPolicies((r.valid_from, read_supervision(r.version, r.document)) for r in rows)


async def write_policy(
    tx: Transaction, street_id: int, document: dict[str, Any], valid_from: Any, by: UUID
) -> SupervisionPolicy:
    """Add a version; raise Invalid where the document cannot be read."""
    await take_turn(tx, street_id)
    version: int = await tx.raw.fetchval(_NEXT_POLICY, street_id)
    try:
        policy = read_supervision(version, document)
    except ValueError as error:
        raise invalid("document", str(error), code="bad_policy") from error
    row = {
        "street_id": street_id, "version": version, "valid_from": valid_from, "document": document,
        "recorded_at": clock.now(), "recorded_by": by,
    }  # fmt: skip
    await tx.insert_many(supervision_policies, [row])
    return policy


async def write_orders(tx: Transaction, street_id: int, orders: Sequence[dict[str, Any]]) -> None:
    """Write orders, each with its number, which counts on within the year of their issue."""
    if not orders:
        return
    await take_turn(tx, street_id)
    serials: dict[int, int] = {}
    rows = []
    for order in orders:
        year = clock.to_local(order["issued_at"]).year
        if year not in serials:
            serials[year] = await tx.raw.fetchval(_NEXT_SERIAL, street_id, year)
        rows.append({"street_id": street_id, "year": year, "serial": serials[year], **order})
        serials[year] += 1
    await tx.insert_many(supervision_orders, rows)


async def write_replies(tx: Transaction, street_id: int, replies: Sequence[dict[str, Any]]) -> None:
    """Write what was answered to orders; their tickets are locked, so each is counted alone."""
    for reply in replies:
        place = await tx.raw.fetchval(_NEXT_REPLY, street_id, reply["year"], reply["serial"])
        await tx.insert_many(supervision_replies, [{"street_id": street_id, "reply": place, **reply}])


async def answerable(
    tx: Transaction, street_id: int, ticket_id: UUID, number: str, unit: str
) -> dict[str, Any]:
    """Return what a reply to this order carries, for someone of `unit`; raise Invalid or Conflict.

    An order is answered by the unit it was given to, as often as there is something to say.
    """
    named = parse_number(number)
    row = await tx.raw.fetchrow(_ORDER, street_id, *named, ticket_id) if named else None
    if named is None or row is None:
        raise invalid("order", "这张工单没有这份督办单", code="unknown_order")
    if row["unit_code"] != unit:
        raise Conflict("这份督办单不是发给本单位的", code="not_your_order")
    return {"order": number_of(*named)}
