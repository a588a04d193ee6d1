"""The action of taking a submitted ticket over: decided by the rules, moved through the door."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from services.routing.assign import Matter, plan
from services.routing.held import Standing
from services.routing.registry import WAITS_FOR_A_PERSON, Registry
from services.routing.transitions import SYSTEM, Door
from services.routing.workload import Crew, crew_of
from shared import clock
from shared.db import Transaction

_REPORTED = """
SELECT t.reporter_id, array_agg(DISTINCT s.category_code) AS categories FROM tickets t
JOIN ticket_states s ON s.street_id = t.street_id AND s.ticket_id = t.id
WHERE t.street_id = $1 AND t.reporter_id = ANY($2::uuid[]) AND t.occurred_at > $3 GROUP BY t.reporter_id"""
LATELY = timedelta(days=30)  # the same reporter and the same category again within: a repeated request


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What rules may ask of a street beside its registry: who has reported what lately, who has how much in hand."""

    reported: Mapping[UUID, frozenset[str]] = field(default_factory=dict)
    crew: Crew = field(default_factory=Crew)


async def look_around(tx: Transaction, registry: Registry, new: Sequence[Any]) -> Surroundings:
    """Return what the street's rules may ask of these submitted tickets; nobody looks where no rule asks."""
    book, street_id = registry.rulebook, registry.street_id
    reported: dict[UUID, frozenset[str]] = {}
    if new and book.asks_for_repeats:
        reporters = [ticket["reporter_id"] for ticket in new if ticket["reporter_id"] is not None]
        since = min(ticket["occurred_at"] for ticket in new) - LATELY
        rows = await tx.raw.fetch(_REPORTED, street_id, reporters, since)
        reported = {row["reporter_id"]: frozenset(row["categories"]) for row in rows}
    crew = await crew_of(tx, street_id) if new and book.asks_for_people else Crew()
    return Surroundings(reported, crew)


def place(door: Door, registry: Registry, ticket: Any, around: Surroundings) -> Standing:
    """Take a submitted ticket over and carry it as far as its channel's policy lets it go by itself."""
    decided = plan(
        Matter(
            content=ticket["content"], received_at=ticket["occurred_at"], kind=ticket["kind"],
            category_code=ticket["category_code"], longitude=ticket["longitude"], latitude=ticket["latitude"],
            crs=ticket["crs"], address=ticket["address"], community_code=ticket["community_code"],
            grid_code=ticket["grid_code"], channel=ticket["channel"], reported_before=around.reported.get(ticket["reporter_id"], frozenset()),
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
            chosen = (
                around.crew.choose(unit, decided.grid_code, hands.person, hands.mode)
                if hands.person
                else None
            )
            if chosen is not None:
                door.move(standing, "assign", SYSTEM, moment, {"assignee": chosen.id, "reason": chosen.why})
    return standing
