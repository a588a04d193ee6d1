"""Random but legal lives of tickets, as raw rows: what intake and routing would have left in their tables."""

from datetime import timedelta
from uuid import UUID

from shared.lifecycle import ACTIONS
from tests.metrics.course import (
    A_MONTH,
    CATEGORIES,
    CHANNELS,
    EARLIEST,
    EXCLUSIONS,
    GRIDS,
    GROUPS,
    KINDS,
    LATEST,
    LEVELS,
    LIST_LEVELS,
    LISTS,
    LOGINS,
    MODES,
    NOBODY,
    NOW,
    OUTCOMES,
    PARTNERS,
    PHONES,
    SATISFACTIONS,
    STRAIGHT,
    TICK,
    UNITS,
    begin,
    go_on,
    go_straight,
    later,
    recorded,
)
from tests.metrics.standing import MINUTE

__all__ = [
    "CATEGORIES", "CHANNELS", "EARLIEST", "EXCLUSIONS", "GRIDS", "GROUPS", "KINDS", "LATEST", "LEVELS", "LISTS",
    "LIST_LEVELS", "MODES", "NOBODY", "NOW", "OUTCOMES", "PARTNERS", "SATISFACTIONS", "TICK", "UNITS", "instants",
    "later", "ledger", "life", "ratings", "recordings",
]  # fmt: skip


def life(rng, street_id, number, near=()):
    """One ticket and its history; sometimes received just at, or a month after, one of the instants `near`."""
    received = later(rng, EARLIEST + timedelta(days=rng.uniform(0, 120)))
    if near and rng.random() < 0.3:
        received = rng.choice(near) + rng.choice(
            (timedelta(0), TICK, A_MONTH - TICK, A_MONTH, A_MONTH + TICK)
        )
    ticket = _ticket(rng, street_id, number, min(received, LATEST))
    if rng.random() < 0.06:
        return ticket, []
    course = begin(rng, ticket)
    if rng.random() < 0.4:
        go_straight(course, rng.randint(1, len(STRAIGHT)))
    go_on(course, rng.choice((0, 1, 2, 4, 8, 12, 16, 24, 32)))
    return ticket, course.rows


def _ticket(rng, street_id, number, received):
    community, grid = rng.choice(GRIDS)
    login, phone = rng.choice((*LOGINS, None)), rng.choice((*PHONES, None))
    noted = recorded(rng, received)
    return {
        "street_id": street_id, "id": UUID(int=rng.getrandbits(128)), "number": f"TST20260101-{number:06d}",
        "channel": rng.choice(CHANNELS), "kind": rng.choice((*KINDS, None)),
        "category_code": rng.choice((*CATEGORIES, None)), "content": "路灯不亮", "community_code": community,
        "grid_code": grid, "anonymous": login is None and phone is None, "confidential": False, "reporter_id": login,
        "phone_index": phone, "entered_by": NOBODY, "entered_role": "clerk", "occurred_at": received,
        "recorded_at": noted, "late": noted - received > MINUTE,
    }  # fmt: skip


def _closed_together(rng, street_id, number, unit, minute):
    """A ticket that a unit has straight from receipt to a closing within this minute; seldom it goes on."""
    received = minute - timedelta(days=rng.uniform(0.1, 20))
    ticket = _ticket(rng, street_id, number, received)
    ticket |= {"recorded_at": received, "late": False}
    course = begin(rng, ticket, received)
    for action in STRAIGHT:
        given = {"unit": unit} if action == "dispatch" else {}
        course.move(ACTIONS[action], course.at + (minute - course.at) * rng.uniform(0, 0.5), **given)
    within = rng.choice((timedelta(0), MINUTE - TICK, timedelta(seconds=rng.uniform(0, 59))))
    course.move(ACTIONS["close"], minute + within)
    if rng.random() < 0.04:
        go_on(course, 3)
    return ticket, course.rows


def ledger(rng, street_id, size):
    """Several tickets of a street, each with its history; in larger ones a unit may have closed many at once."""
    together = rng.choice((9, 10, 11, 12)) if size >= 12 and rng.random() < 0.75 else 0
    unit = rng.choice(UNITS)
    minute = (EARLIEST + timedelta(days=rng.uniform(25, 115))).replace(second=0, microsecond=0)
    found = [_closed_together(rng, street_id, number, unit, minute) for number in range(together)]
    while len(found) < size:
        found.append(life(rng, street_id, len(found), _where_others_turn(found)))
    return found


def _where_others_turn(ledger):
    """When other tickets were received and closed: what comes again comes near these."""
    received = [ticket["occurred_at"] for ticket, _ in ledger]
    closed = [m["occurred_at"] for _, history in ledger for m in history if m["to_state"] == "closed"]
    return [moment for moment in received + closed if moment < LATEST]


def ratings(rng, ledger):
    """What some reporters said of some closings, as rows of `ratings`; under closure 0 if it came with a ledger."""
    found = []
    for ticket, history in ledger:
        imported = bool(history) and history[0]["data"].get("imported", False)
        said_at = ticket["occurred_at"]
        closings = [m for m in history if m["to_state"] == "closed" and m["from_state"] != "closed"]
        for place, closing in enumerate(closings):
            at = max(later(rng, closing["occurred_at"]), said_at + TICK)
            if rng.random() < 0.5 or at > NOW:
                continue
            said_at = at
            found.append({
                "street_id": ticket["street_id"], "ticket_id": ticket["id"],
                "closure": 0 if imported and place == 0 else closing["seq"],
                "satisfaction": rng.choice(SATISFACTIONS), "resolved": None, "contacted": None, "comment": None,
                "author_id": NOBODY, "occurred_at": at, "recorded_at": recorded(rng, at, closing["recorded_at"]),
            })  # fmt: skip
    return found


def instants(ledger, ratings=()):
    """Every instant at which something turns in these histories."""
    found = {rating["occurred_at"] for rating in ratings}
    for ticket, history in ledger:
        found.add(ticket["occurred_at"])
        for move in history:
            found.update((move["occurred_at"], move["due_at"]))
    return sorted(found)


def recordings(ledger, ratings=()):
    """Every instant at which something of these histories was recorded: where `known_at` turns."""
    found = {rating["recorded_at"] for rating in ratings}
    for ticket, history in ledger:
        found.add(ticket["recorded_at"])
        found.update(move["recorded_at"] for move in history)
    return sorted(found)
