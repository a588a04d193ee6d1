"""The names that people know: of tickets, of what the registry holds; and what was last said, and is still to be booked."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from services.metrics.splits import PART_UNIT
from shared.db import Transaction
from shared.lifecycle import QUIET


async def numbers(tx: Transaction, street_ids: Sequence[int], ticket_ids: Sequence[UUID]) -> dict[UUID, str]:
    """Return the numbers of tickets."""
    rows = await tx.raw.fetch(
        "SELECT id, number FROM tickets WHERE street_id = ANY($1::bigint[]) AND id = ANY($2::uuid[])",
        list(street_ids), list(ticket_ids),
    )  # fmt: skip
    return {row["id"]: row["number"] for row in rows}


async def last_words(
    tx: Transaction, street_ids: Sequence[int], ticket_ids: Sequence[UUID], as_of: datetime
) -> dict[UUID, Any]:
    """Return each ticket's last move with a reason as of an instant (action, reason)."""
    rows = await tx.raw.fetch(
        "SELECT DISTINCT ON (ticket_id) ticket_id, action, to_state, reason FROM transitions "
        "WHERE street_id = ANY($1::bigint[]) AND ticket_id = ANY($2::uuid[]) AND occurred_at <= $3 "
        "AND action <> ALL($4::text[]) ORDER BY ticket_id, seq DESC",
        list(street_ids), list(ticket_ids), as_of, sorted(QUIET),
    )  # fmt: skip
    return {row["ticket_id"]: row for row in rows}


async def not_booked(tx: Transaction, street_ids: Sequence[int]) -> int:
    """Return how many deliveries these streets' figures still wait for: to be placed, or to be booked."""
    return int(
        await tx.raw.fetchval(
            "SELECT count(*) FROM deliveries WHERE street_id = ANY($1::bigint[]) AND consumer IN ('routing', 'metrics')",
            list(street_ids),
        )
    )


_NAMES = {
    "category": "SELECT street_id, code, name FROM categories WHERE street_id = ANY($1::bigint[])",
    "community": "SELECT street_id, code, name FROM communities WHERE street_id = ANY($1::bigint[])",
    "grid": "SELECT street_id, code, name FROM grids WHERE street_id = ANY($1::bigint[])",
    "unit": "SELECT street_id, code, name FROM units WHERE street_id = ANY($1::bigint[])",
}
_NAMES[PART_UNIT] = _NAMES["unit"]


async def names(tx: Transaction, street_ids: Sequence[int], split: str) -> list[tuple[int, str, str]]:
    """Return (street, code, name) of everything in the registry that this split's keys can name."""
    rows = await tx.raw.fetch(_NAMES[split], list(street_ids)) if split in _NAMES else ()
    return [(row["street_id"], row["code"], row["name"]) for row in rows]


async def groups(tx: Transaction, street_ids: Sequence[int]) -> dict[str, str]:
    """Return the group of each category."""
    rows = await tx.raw.fetch(
        "SELECT code, min(group_name) AS name FROM categories WHERE street_id = ANY($1::bigint[]) GROUP BY code",
        list(street_ids),
    )
    return {row["code"]: row["name"] for row in rows}
