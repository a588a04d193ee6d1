"""How many messages a resident still allows, by template: WeChat never tells, so it is counted.

`accept` in the mini-program's dialogue is one message more; a send uses one when it is first taken in hand, in the
transaction that takes it. WeChat's 43101 says that nothing is left, whatever we counted.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any
from uuid import UUID

from shared import clock
from shared.db import Transaction

_ANSWER = """
INSERT INTO subscription_grants (street_id, resident_id, template, granted, used, last_result, answered_at)
VALUES ($1, $2, $3, $4, 0, $5, $6)
ON CONFLICT (street_id, resident_id, template) DO UPDATE SET granted = subscription_grants.granted + excluded.granted,
  last_result = excluded.last_result, answered_at = excluded.answered_at
RETURNING granted, used"""
_MINE = """
SELECT template, granted, used, last_result FROM subscription_grants WHERE street_id = $1 AND resident_id = $2"""
_LOCK = """
SELECT resident_id, template, granted - used AS left FROM subscription_grants
WHERE street_id = $1 AND resident_id = ANY($2::uuid[]) ORDER BY resident_id, template FOR UPDATE"""
_USE = """
UPDATE subscription_grants SET used = used + $4 WHERE street_id = $1 AND resident_id = $2 AND template = $3"""
_EXHAUST = """
UPDATE subscription_grants SET used = granted WHERE street_id = $1 AND resident_id = $2 AND template = $3"""

Grant = tuple[UUID, str]  # resident, template


async def answered(
    tx: Transaction, street_id: int, resident_id: UUID, template: str, result: str
) -> Mapping[str, Any]:
    """Note what a resident answered; return `granted` and `used` of the template."""
    more = 1 if result == "accept" else 0
    row: Mapping[str, Any] = await tx.raw.fetchrow(
        _ANSWER, street_id, resident_id, template, more, result, clock.now()
    )
    return row


async def of_resident(tx: Transaction, street_id: int, resident_id: UUID) -> dict[str, Mapping[str, Any]]:
    """Return what a resident has allowed, by template."""
    return {row["template"]: row for row in await tx.raw.fetch(_MINE, street_id, resident_id)}


async def use(tx: Transaction, street_id: int, wanted: Sequence[Grant]) -> list[bool]:
    """Use a grant for each of `wanted` in their order; return for which there was one."""
    rows = await tx.raw.fetch(_LOCK, street_id, sorted({resident for resident, _ in wanted}))
    left = {(row["resident_id"], row["template"]): row["left"] for row in rows}
    used: dict[Grant, int] = {}
    got = []
    for grant in wanted:
        there = left.get(grant, 0) > used.get(grant, 0)
        if there:
            used[grant] = used.get(grant, 0) + 1
        got.append(there)
    await tx.raw.executemany(_USE, [(street_id, *grant, n) for grant, n in used.items()])
    return got


async def give_back(tx: Transaction, street_id: int, unspent: Iterable[Grant]) -> None:
    """Give grants back that were used for messages WeChat never took."""
    await tx.raw.executemany(_USE, [(street_id, *grant, -1) for grant in unspent])


async def exhaust(tx: Transaction, street_id: int, refused: Iterable[Grant]) -> None:
    """Note that nothing is left of these, as WeChat says."""
    await tx.raw.executemany(_EXHAUST, [(street_id, *grant) for grant in refused])
