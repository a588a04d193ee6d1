"""The actions of the points ledger: what histories earn is booked, and people add and take back with a reason.

Whoever writes holds the street's row in `books`, as bookings do: one follows the other, and caps are never counted twice.
"""

from collections.abc import Collection, Iterable
from datetime import date
from uuid import UUID

from services.metrics.points import store
from services.metrics.points.rules import Rulebook, merits
from services.metrics.points.settle import Entry, Group, group_of, of_caps, of_ticket, reversal
from shared import clock
from shared.auth import Actor
from shared.db import Transaction
from shared.errors import Conflict, Forbidden, NotFound

_TAKEN_BACK = frozenset({"rule", "manual"})


async def award(tx: Transaction, street_id: int, ticket_ids: Collection[UUID]) -> int:
    """Bring the ledger up to what these tickets' histories earn; return how many entries that took.

    The histories are read anew, so that it does not matter how often, how late and in which order this is asked.
    """
    rulebook = await store.rulebook_of(tx, street_id)
    if not rulebook:
        return 0
    await store.hold(tx, street_id)
    wanted = sorted(ticket_ids)
    booked = await store.about(tx, street_id, wanted)
    due: list[Entry] = []
    for ticket_id, (moves, ratings) in (await store.histories(tx, street_id, wanted)).items():
        due += of_ticket(ticket_id, merits(moves, ratings), booked.get(ticket_id, ()), rulebook)
    await store.write(tx, street_id, due)
    return len(due) + await _cap(tx, street_id, due, rulebook)


async def _cap(tx: Transaction, street_id: int, changed: Iterable[Entry], rulebook: Rulebook) -> int:
    """Bring the groups that changed to their caps; return how many entries that took."""
    groups: set[Group] = {group for entry in changed if (group := group_of(entry)) is not None}
    count = 0
    for group in sorted(groups):
        rule = rulebook.version(group.rule_code, group.rule_version)
        if rule.daily_cap is None and rule.monthly_cap is None:
            continue
        corrections = of_caps(await store.of_group(tx, street_id, group), rule)
        await store.write(tx, street_id, corrections)
        count += len(corrections)
    return count


async def grant(
    tx: Transaction,
    street_id: int,
    actor: Actor,
    staff_id: UUID,
    points: int,
    reason: str,
    *,
    day: date,
    ticket_id: UUID | None,
) -> UUID:
    """Write down what a supervisor grants or deducts; Forbidden for oneself. Return the entry's id."""
    if staff_id == actor.id:
        raise Forbidden("不能给自己加减积分", code="own_points")
    entry = Entry(
        None, staff_id, "manual", points, day, store.moment_of(day, clock.now()), ticket_id=ticket_id, reason=reason
    )  # fmt: skip
    return (await store.write(tx, street_id, [entry], actor))[0]


async def take_back(tx: Transaction, street_id: int, actor: Actor, entry_id: UUID, reason: str) -> UUID:
    """Reverse an entry by a supervisor's word, once; return the reversal's id."""
    await store.hold(tx, street_id)
    entry = await store.find(tx, street_id, entry_id)
    if entry is None:
        raise NotFound("没有这条积分记录", code="entry_not_found")
    if entry.staff_id == actor.id:
        raise Forbidden("不能冲销自己的积分", code="own_points")
    if entry.kind not in _TAKEN_BACK:
        raise Conflict("冲销和上限调整的记录不能再冲销", code="not_reversible")
    if await store.is_reversed(tx, street_id, entry_id):
        raise Conflict("这条记录已经冲销", code="already_reversed")
    back = reversal(entry, reason)
    (written,) = await store.write(tx, street_id, [back], actor)
    await _cap(tx, street_id, [back], await store.rulebook_of(tx, street_id))
    return written
