"""Random but legal lives of tickets, as raw rows: what intake and routing would have left in their tables."""

from datetime import UTC, datetime, timedelta
from uuid import UUID

from shared.lifecycle import EDGES, FINAL, State
from tests.metrics.oracle import EIGHT_HOURS, REMARKS

EARLIEST = datetime(2025, 11, 28, tzinfo=UTC)
LATEST = datetime(2026, 4, 2, tzinfo=UTC)  # what happens, happens before
NOW = datetime(2026, 4, 2, 3, 7, 11, 123456, tzinfo=UTC)
TICK = timedelta(microseconds=1)
NOBODY = UUID(int=0)
UNITS = ("u02", "u03", "u04")
CATEGORIES = ("0101", "0102", "0201")
GRIDS = ((None, None), ("c1", "g11"), ("c1", "g12"), ("c2", "g21"))
KINDS = ("help", "complaint", "suggestion")
CHANNELS = ("mini_program", "hotline", "group_topic", "patrol")
# Moves that lead somewhere are tried more often than remarks.
WEIGHTS = {
    "comment": 0.2, "urge": 0.2, "supervise": 0.1, "mark_overdue": 0.2, "whistle": 0.1, "report_in": 0.1,
    "assist": 0.1, "finish_part": 0.1, "recalculate": 0.1, "extend": 0.3, "reject": 0.3, "merge": 0.3, "redirect": 0.3,
    "withdraw": 0.3, "return": 0.7, "recall": 0.5, "escalate": 0.4, "accept": 4.0, "dispatch": 4.0, "sign": 4.0,
    "contact": 4.0, "handle": 2.5, "review_pass": 3.0, "close": 2.0, "close_directly": 0.7,
}  # fmt: skip


def _edge_of(moment, unit):
    """The next Shanghai hour, day or month that begins after `moment`."""
    local = moment + EIGHT_HOURS
    if unit == "hour":
        begins = local.replace(minute=0, second=0, microsecond=0) + timedelta(hours=1)
    elif unit == "day":
        begins = local.replace(hour=0, minute=0, second=0, microsecond=0) + timedelta(days=1)
    else:
        begins = (local.replace(day=28) + timedelta(days=4)).replace(
            day=1, hour=0, minute=0, second=0, microsecond=0
        )
    return begins - EIGHT_HOURS


def later(rng, since, due=None):
    """An instant not before `since`, with a taste for those where figures turn."""
    roll = rng.random()
    if roll < 0.12:
        return since
    if roll < 0.30 and due is not None and due >= since:
        return max(since, due + rng.choice((-TICK, timedelta(0), TICK)))
    if roll < 0.50:
        return _edge_of(since, rng.choice(("hour", "day", "month"))) + rng.choice((-TICK, timedelta(0), TICK))
    if roll < 0.55:
        return since + TICK
    if roll < 0.90:
        return since + timedelta(seconds=rng.uniform(1, 86_400))
    return since + timedelta(days=rng.uniform(0, 25))


def life(rng, street_id, number):
    """One ticket and its history."""
    received = later(rng, EARLIEST + timedelta(days=rng.uniform(0, 120)))
    received = min(received, LATEST)
    community, grid = rng.choice(GRIDS)
    ticket = {
        "street_id": street_id, "id": UUID(int=rng.getrandbits(128)), "number": f"TST20260101-{number:06d}",
        "channel": rng.choice(CHANNELS), "kind": rng.choice((*KINDS, None)),
        "category_code": rng.choice((*CATEGORIES, None)), "content": "路灯不亮", "community_code": community,
        "grid_code": grid, "anonymous": False, "confidential": False, "entered_by": NOBODY,
        "entered_role": "clerk", "occurred_at": received, "recorded_at": min(later(rng, received), NOW),
        "late": rng.random() < 0.2,
    }  # fmt: skip
    return ticket, [] if rng.random() < 0.06 else _moves(rng, ticket)


def _moves(rng, ticket):
    """A history from registration on, by the edges of the lifecycle."""
    at = ticket["occurred_at"] if ticket["late"] else later(rng, ticket["occurred_at"])
    community, grid = rng.choice(GRIDS)
    now = {
        "due_at": max(later(rng, at), ticket["occurred_at"]), "lead_unit": None,
        "category_code": ticket["category_code"] or rng.choice(CATEGORIES),
        "community_code": ticket["community_code"] or community, "grid_code": ticket["grid_code"] or grid,
        "kind": ticket["kind"] or rng.choice(KINDS), "outcome": None,
    }  # fmt: skip
    found = [_row(ticket, 1, "register", None, "submitted", now, at, "")]
    state, asked = State.SUBMITTED, False
    for _ in range(rng.choice((0, 1, 2, 4, 8, 12, 16, 24))):
        legal = [e for e in EDGES if state in e.sources and (e.action != "decide_extension" or asked)]
        if not legal or (state in FINAL and rng.random() < 0.6):
            break
        edge = rng.choices(legal, [WEIGHTS.get(e.action, 1.0) for e in legal])[0]
        moment = later(rng, at, now["due_at"])
        if moment > LATEST:
            break
        if edge.action not in REMARKS:
            at = moment
        _take_effect(rng, edge.action, now, ticket, at)
        asked = edge.action == "extend" or (
            asked and edge.target is None and edge.action != "decide_extension"
        )
        after = edge.target or state
        found.append(
            _row(ticket, len(found) + 1, edge.action, state.value, after.value, now, moment, edge.text)
        )
        state = after
    return found


def _take_effect(rng, action, now, ticket, at):
    """Let a move change what routing writes beside the state: the deadline, the unit, the category."""
    if action in {"accept", "unmerge"}:
        # counted from receipt: a late accept may find it long gone
        now["due_at"] = later(rng, ticket["occurred_at"] + timedelta(days=rng.choice((0, 1, 5, 15))))
        if rng.random() < 0.3:
            now["category_code"], now["kind"] = rng.choice(CATEGORIES), rng.choice(KINDS)
    elif action in {"dispatch", "escalate"}:
        now["lead_unit"] = rng.choice(UNITS)
    elif action in {"return", "recall"}:
        now["lead_unit"] = None
    elif action in {"resume", "recalculate"} or (action == "decide_extension" and rng.random() < 0.7):
        now["due_at"] = later(rng, max(at, now["due_at"]))
    elif action == "reopen":
        now["due_at"], now["lead_unit"] = later(rng, at), now["lead_unit"] or rng.choice(UNITS)


def _row(ticket, seq, action, before, after, now, at, text):
    return {
        "street_id": ticket["street_id"], "ticket_id": ticket["id"], "seq": seq, "action": action,
        "from_state": before, "to_state": after, "actor_id": NOBODY, "actor_role": "system",
        "reason": f"{text}的原因" if text else None, "data": {}, **now, "mode": "normal", "level": "street",
        "occurred_at": at, "recorded_at": NOW, "late": False,
    }  # fmt: skip


def ledger(rng, street_id, size):
    """Several tickets of a street, each with its history."""
    return [life(rng, street_id, number) for number in range(size)]


def instants(ledger):
    """Every instant at which something turns in these histories."""
    found = set()
    for ticket, history in ledger:
        found.add(ticket["occurred_at"])
        for move in history:
            found.update((move["occurred_at"], move["due_at"]))
    return sorted(found)
