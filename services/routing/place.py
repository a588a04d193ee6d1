"""The action of taking a submitted ticket over: decided by the rules, moved through the door."""

from datetime import datetime
from typing import Any

from services.routing.assign import Matter, plan
from services.routing.registry import WAITS_FOR_A_PERSON, Registry
from services.routing.standing import Standing
from services.routing.transitions import SYSTEM, Door
from shared import clock


def place(
    door: Door, registry: Registry, ticket: Any, reported_before: frozenset[str] = frozenset()
) -> Standing:
    """Take a submitted ticket over and carry it as far as its channel's policy lets it go by itself.

    `reported_before`: the categories of what the same reporter has reported lately.
    """
    decided = plan(
        Matter(
            content=ticket["content"], received_at=ticket["occurred_at"], kind=ticket["kind"],
            category_code=ticket["category_code"], longitude=ticket["longitude"], latitude=ticket["latitude"],
            crs=ticket["crs"], address=ticket["address"], community_code=ticket["community_code"],
            grid_code=ticket["grid_code"], channel=ticket["channel"], reported_before=reported_before,
        ),
        registry,
    )  # fmt: skip
    # A late entry is placed when it happened: what staff enter after it must be able to follow it.
    moment: datetime = ticket["occurred_at"] if ticket["late"] else max(clock.now(), ticket["occurred_at"])
    standing = door.register(ticket, decided, moment)
    policy = registry.policies.get(ticket["channel"], WAITS_FOR_A_PERSON)
    if policy.auto_accept:
        door.move(standing, "accept", SYSTEM, moment)
        hands = decided.hands
        # A category that a ledger brought along has nobody yet but the desk: a person says who is to handle it.
        if policy.auto_dispatch and decided.certain and not hands.waits and not hands.lead.is_desk:
            unit, helpers = hands.lead.code, [helper.code for helper in hands.co_units]
            door.move(standing, "dispatch", SYSTEM, moment, {"unit": unit, "co_units": helpers})
    return standing
