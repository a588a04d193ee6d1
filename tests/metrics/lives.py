"""Lives told by hand, for figures that are worked out by hand: raw rows, as intake and routing would have left them.

life(street.id, 7, noon, ("accept", noon), ("close_directly", noon + DAY, {"outcome": "resolved"}), unit="u02")
"""

from datetime import timedelta
from uuid import UUID

from shared.lifecycle import ACTIONS, State

NOBODY = UUID(int=0)
HOUR, DAY = timedelta(hours=1), timedelta(days=1)
MINUTE = timedelta(minutes=1)
# What a move may change of where the ticket stands; whatever else is given with it is its data.
COLUMNS = (
    "due_at", "sign_due_at", "contact_due_at", "lead_unit", "category_code", "community_code", "grid_code", "kind", "mode",
    "level", "outcome",
)  # fmt: skip


def life(street_id, number, received, *moves, channel="hotline", recorded_at=None, said=None, **stands):
    """One ticket and its history, due in ten days at unit u02 unless told otherwise.

    A move is (action, when) or (action, when, what it brings along); with `recorded_at` it was entered only then.
    `said`: what the registration brings along.
    """
    noted = recorded_at or received
    ticket = {
        "street_id": street_id, "id": UUID(int=street_id << 64 | number + 1), "number": f"TST20260301-{number:06d}", "channel": channel,
        "kind": stands.get("kind", "help"), "category_code": "0101", "content": "路灯不亮", "community_code": "c1",
        "grid_code": "g11", "anonymous": True, "confidential": False, "reporter_id": None, "phone_index": None,
        "entered_by": NOBODY, "entered_role": "clerk", "occurred_at": received, "recorded_at": noted,
        "late": noted - received > MINUTE,
    }  # fmt: skip
    now = {
        "due_at": received + 10 * DAY, "sign_due_at": None, "contact_due_at": None, "lead_unit": "u02",
        "category_code": "0101", "community_code": "c1", "grid_code": "g11", "kind": "help", "mode": "normal",
        "level": "street", "outcome": None,
    } | stands  # fmt: skip
    history = [_row(ticket, 1, ("register", received, said or {}), State.SUBMITTED, State.SUBMITTED, now)]
    return ticket, go_on(ticket, history, *moves)


def go_on(ticket, history, *moves):
    """The history with moves added to it."""
    found = list(history)
    for move in moves:
        state = State(found[-1]["to_state"])
        edge = ACTIONS[move[0]]
        now = {name: found[-1][name] for name in COLUMNS}
        found.append(_row(ticket, len(found) + 1, move, state, edge.target or state, now))
    return found


def _row(ticket, seq, move, before, after, now):
    action, at, given = (*move, {})[:3]
    given = dict(given)
    noted = given.pop("recorded_at", max(at, ticket["recorded_at"]))
    actor_unit = given.pop("actor_unit", None)
    changes = {name: given.pop(name) for name in COLUMNS if name in given}
    return {
        "street_id": ticket["street_id"], "ticket_id": ticket["id"], "seq": seq, "action": action,
        "from_state": None if seq == 1 else before.value, "to_state": after.value, "actor_id": NOBODY, "actor_role": "dispatcher",
        "actor_unit": actor_unit, "reason": "说明", "data": given, **now, **changes, "occurred_at": at,
        "recorded_at": noted, "late": noted - at > MINUTE,
    }  # fmt: skip


def done(at, **closing):
    """The moves of a ticket with which all goes well, in the half hour before it is closed at `at`."""
    steps = ("accept", "dispatch", "sign", "contact", "handle", "review_pass")
    return *((step, at - (30 - n) * MINUTE) for n, step in enumerate(steps)), (
        "close",
        at,
        {"outcome": "resolved"} | closing,
    )


def handed_over(at):
    """The moves of a ticket that a unit has and has not begun with."""
    return ("accept", at), ("dispatch", at)
