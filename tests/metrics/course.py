"""One history as it is told, move by move: what each move brings along, what it changes, the row it leaves.

The moves are chosen by the edges of the lifecycle, their instants with a taste for those where figures turn.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from shared.lifecycle import ACTIONS, EDGES, FINAL, FIXED_OUTCOME, State
from shared.terms import Level, Mode, Outcome, PauseReason, Resolved, Satisfaction
from tests.metrics.standing import EIGHT_HOURS, HALF_HOUR, HOUR, MINUTE, REMARKS

EARLIEST = datetime(2025, 11, 28, tzinfo=UTC)
LATEST = datetime(2026, 4, 2, tzinfo=UTC)  # what happens, happens before
NOW = datetime(2026, 4, 2, 3, 7, 11, 123456, tzinfo=UTC)
TICK = timedelta(microseconds=1)
NOBODY = UUID(int=0)
UNITS = ("u02", "u03", "u04")
PARTNERS = (*UNITS, "u05", "u06")  # may be asked to help or whistled for
CATEGORIES = ("0101", "0102", "0201")
GRIDS = ((None, None), ("c1", "g11"), ("c1", "g12"), ("c2", "g21"))
KINDS = ("help", "complaint", "suggestion")
CHANNELS = ("mini_program", "hotline", "group_topic", "patrol")
LEVELS, MODES = tuple(t.value for t in Level), tuple(t.value for t in Mode)
OUTCOMES, SATISFACTIONS = tuple(t.value for t in Outcome), tuple(t.value for t in Satisfaction)
LISTS, LIST_LEVELS = ("目标清单", "承诺清单"), ("street", "community", "party")
EXCLUSIONS = ("不属实", "诉求不合理", "历史遗留")
GROUPS = {"0101": "市政", "0102": "市政", "0201": "物业"}
# Few people, so that some come again; one in three leaves no trace.
LOGINS, PHONES = tuple(UUID(int=n) for n in range(1, 4)), (b"phone-1", b"phone-2")
A_MONTH = timedelta(days=30)
# Moves that lead somewhere are tried more often than remarks; each life has a few of its own taste besides.
WEIGHTS = {
    "comment": 0.2, "urge": 0.2, "supervise": 0.1, "mark_overdue": 0.2, "whistle": 0.3, "report_in": 0.6, "assign": 0.1, "relist": 0.1, "designate": 0.3,
    "assist": 0.2, "finish_part": 0.3, "recalculate": 0.1, "extend": 0.6, "exclude": 0.15, "readmit": 0.1,
    "call_back": 0.8, "reject": 0.3, "merge": 0.3, "redirect": 0.3, "withdraw": 0.3, "return": 0.7, "recall": 0.5,
    "escalate": 0.4, "accept": 4.0, "dispatch": 4.0, "sign": 4.0, "contact": 4.0, "handle": 2.5, "review_pass": 3.0,
    "close": 2.0, "close_after_review": 0.5, "close_deferred": 0.4, "close_transferred": 0.4, "close_directly": 0.7,
    "reopen": 2.0, "reply_supervision": 0.1, "list_key": 0.1, "unlist_key": 0.1, "resolve_meeting": 0.1, "inspect": 0.1,
    **dict.fromkeys(
        ("plan_measures", "release_part", "rate_part", "group_whistle", "respond_whistle", "minute_whistle", "release_whistle",
         "answer_slip", "forward", "forward_answer", "visit_site", "log_contact", "note_resolution"), 0.02,
    ),
}  # fmt: skip
# One half of the lives are of a kind: what goes wrong with them goes wrong again.
TASTES = (
    (), (), (), (), (), (), ("return", "dispatch", "accept"), ("rework", "handle", "call_back"), ("whistle", "report_in"),
    ("extend", "decide_extension", "handle"), ("reopen", "close"), ("exclude", "readmit", "suspend", "resume"),
)  # fmt: skip


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


def recorded(rng, happened, since=None):
    """When what happened was recorded: mostly at once, never before `since`, sometimes days after."""
    roll = rng.random()
    if roll < 0.6:
        delay = timedelta(0)
    elif roll < 0.75:
        delay = MINUTE + rng.choice((-TICK, timedelta(0), TICK))
    else:
        delay = timedelta(days=rng.uniform(0, 12))
    return max(min(happened + delay, NOW), since or happened)


@dataclass
class Course:
    """A history that is being told: how the ticket stands, and the rows so far."""

    rng: Any
    ticket: dict[str, Any]
    at: datetime  # of the last move that was no remark
    now: dict[str, Any]  # what every row says of how it stood after the move
    favourites: frozenset[str]
    rows: list[dict[str, Any]] = field(default_factory=list)
    state: State = State.SUBMITTED
    asked_until: datetime | None = None
    whistled: dict[str, datetime] = field(default_factory=dict)
    helpers: set[str] = field(default_factory=set)

    def write(self, action, before, at, data, text=""):
        since = self.rows[-1]["recorded_at"] if self.rows else self.ticket["recorded_at"]
        noted = max(recorded(self.rng, at), since)
        actor_unit = data.pop("actor_unit", None)
        self.rows.append({
            "street_id": self.ticket["street_id"], "ticket_id": self.ticket["id"], "seq": len(self.rows) + 1,
            "action": action, "from_state": before, "to_state": self.state.value, "actor_id": NOBODY,
            "actor_role": "unit" if actor_unit else "system", "actor_unit": actor_unit,
            "reason": f"{text}的原因" if text else None, "data": data, **self.now, "occurred_at": at,
            "recorded_at": noted, "late": noted - at > MINUTE,
        })  # fmt: skip

    def make(self, edge):
        """Make a move some time after the last one; → whether there was time for it."""
        aim = _aim(self, edge.action)
        moment = later(self.rng, self.at, aim)
        if aim is not None and self.at <= aim <= moment and self.rng.random() < 0.6:
            moment = max(self.at, aim + self.rng.choice((-TICK, timedelta(0), TICK)))
        if moment <= LATEST:
            self.move(edge, moment)
        return moment <= LATEST

    def move(self, edge, moment, **given):
        """Make a move: what it brings along, what it changes, its row."""
        if edge.action not in REMARKS:
            self.at = moment
        data = {**_brought(self, edge.action), **given}
        _EFFECTS.get(edge.action, _nothing)(self, data)
        before, self.state = self.state, edge.target or self.state
        self.write(edge.action, before.value, moment, data, edge.text)


def begin(rng, ticket, at=None):
    """A history with its first line, written at a given or at a likely instant."""
    if at is None:
        # A late entry is placed when it happened, any other when routing takes it over.
        at = ticket["occurred_at"] if ticket["late"] else min(later(rng, ticket["recorded_at"]), NOW)
    community, grid = rng.choice(GRIDS)
    now = {
        "due_at": max(later(rng, at), ticket["occurred_at"]), "sign_due_at": None, "contact_due_at": None,
        "lead_unit": None, "category_code": ticket["category_code"] or rng.choice(CATEGORIES),
        "community_code": ticket["community_code"] or community, "grid_code": ticket["grid_code"] or grid,
        "kind": ticket["kind"] or rng.choice(KINDS), "mode": rng.choice(MODES), "level": rng.choice(LEVELS),
        "outcome": None,
    }  # fmt: skip
    course = Course(rng, ticket, at, now, frozenset(rng.choice(TASTES)))
    course.write("register", None, at, _registered(rng))
    return course


def _registered(rng):
    """What a registration may bring along: a ledger's lists and exclusions, or how sure routing was."""
    if rng.random() < 0.6:
        return {"certain": rng.random() < 0.5}
    data = {"imported": True}
    if rng.random() < 0.6:
        data["checklist"] = rng.choice(LISTS)
        if rng.random() < 0.8:
            data["list_level"] = rng.choice(LIST_LEVELS)
    if rng.random() < 0.3:
        data["exclusion"] = rng.choice(EXCLUSIONS)
    return data


# How a ticket goes if all goes well, up to where people are asked.
STRAIGHT = ("accept", "dispatch", "sign", "contact", "handle", "review_pass")


def go_straight(course, steps):
    """The first moves of a ticket with which all goes well."""
    for action in STRAIGHT[:steps]:
        if not course.make(ACTIONS[action]):
            break


def go_on(course, steps):
    """Up to so many moves more, by the edges of the lifecycle."""
    rng = course.rng
    for _ in range(steps):
        legal = [e for e in EDGES if course.state in e.sources and _possible(course, e.action)]
        if course.state in FINAL and rng.random() < 0.5:
            break
        weights = [_weight(course, e.action) for e in legal]
        if not course.make(rng.choices(legal, weights)[0]):
            break


def _weight(course, action):
    """How readily a move is made: more if it is to this life's taste, or if somebody is waited for."""
    waited_for = (action == "report_in" and course.whistled) or action == "decide_extension"
    return WEIGHTS.get(action, 1.0) * (6 if action in course.favourites or waited_for else 1)


def _possible(course, action):
    if action == "decide_extension":
        return course.asked_until is not None
    if action == "extend":
        return course.asked_until is None
    return bool(course.helpers) if action in {"report_in", "finish_part"} else True


def _aim(course, action):
    """The instant at which a move's figure turns."""
    now = course.now
    if action == "sign":
        return now["sign_due_at"]
    if action == "contact":
        return now["contact_due_at"]
    if action == "report_in" and course.whistled:
        return min(course.whistled.values()) + HALF_HOUR
    return now["due_at"] - course.rng.choice((timedelta(0), timedelta(0), HOUR))


Data = dict[str, Any]


def findings(rng):
    """What a callback found, often only in part."""
    every = {
        "valid": rng.random() < 0.7, "contacted": rng.random() < 0.7,
        "resolved": rng.choice(tuple(Resolved)).value, "satisfaction": rng.choice(SATISFACTIONS),
    }  # fmt: skip
    return {name: found for name, found in every.items() if rng.random() < 0.6}


def _outcome(course):
    return {"outcome": course.rng.choice(OUTCOMES)} if course.rng.random() < 0.7 else {}


def _findings(course):
    return findings(course.rng) if course.rng.random() < 0.4 else {}


def _assumed(course):
    """A ledger that does not say when: the move is only assumed."""
    return {"assumed": True} if course.rng.random() < 0.15 else {}


def _signed(course):
    """Or by the system, for who did not answer."""
    return {"deemed": True} if course.rng.random() < 0.15 else _assumed(course)


def _upwards(course):
    below = course.now["lead_unit"]
    return {"from_unit": below, "to_unit": course.rng.choice([u for u in UNITS if u != below])}


def _until(course):
    return {"until": later(course.rng, max(course.at, course.now["due_at"])).isoformat()}


def _by_a_helper(course):
    """Mostly of those that were whistled for and have not come yet."""
    waiting = sorted(course.whistled) if course.rng.random() < 0.8 else []
    return {"actor_unit": course.rng.choice(waiting or sorted(course.helpers))}


# What a move brings along, as the product writes it.
_BRINGS: dict[str, Callable[["Course"], Data]] = {
    "handle": _outcome,
    "close_directly": _outcome,
    "close_after_review": _outcome,
    "close": lambda c: _outcome(c) | _findings(c),
    "rework": _findings,
    "call_back": lambda c: findings(c.rng) | {"valid": c.rng.random() < 0.75},
    "sign": _signed,
    "contact": _assumed,
    "exclude": lambda c: {"exclusion": c.rng.choice(EXCLUSIONS)},
    "suspend": lambda c: {"reason_code": c.rng.choice(tuple(PauseReason)).value},
    "dispatch": lambda c: {"unit": c.rng.choice(UNITS)},
    "designate": lambda c: {"unit": c.rng.choice(UNITS)},
    "relist": lambda c: (
        {"list_level": c.rng.choice(LIST_LEVELS)}
        | ({"checklist": c.rng.choice(LISTS)} if c.rng.random() < 0.5 else {})
    ),
    "escalate": _upwards,
    "extend": _until,
    "decide_extension": lambda c: {"approve": c.rng.random() < 0.6, "until": c.asked_until},
    "assist": lambda c: {"unit": c.rng.choice(PARTNERS)},
    "whistle": lambda c: {"units": c.rng.sample(PARTNERS, c.rng.choice((1, 1, 2, 3))), "whistle": "daily"},
    "report_in": _by_a_helper,
    "finish_part": _by_a_helper,
}


def _brought(course, action):
    return _BRINGS.get(action, lambda _: {})(course)


def _start_clocks(course, since):
    rng = course.rng
    course.now.update(
        due_at=later(rng, since),
        sign_due_at=later(rng, since) if rng.random() < 0.9 else None,
        contact_due_at=later(rng, since) if rng.random() < 0.9 else None,
    )


def _nothing(_course, _data):
    """Most moves change nothing but the state."""


def _accept(course, _data):
    # counted from receipt: a late accept may find it long gone
    rng, now = course.rng, course.now
    _start_clocks(course, course.ticket["occurred_at"] + timedelta(days=rng.choice((0, 1, 5, 15))))
    if rng.random() < 0.3:
        now["category_code"], now["kind"] = rng.choice(CATEGORIES), rng.choice(KINDS)
        now["mode"], now["level"] = rng.choice(MODES), rng.choice(LEVELS)


def _hand_over(course, data):
    course.now["lead_unit"] = data.get("to_unit") or data["unit"]
    course.now["sign_due_at"] = later(course.rng, course.at) if course.rng.random() < 0.9 else None


def _escalate(course, data):
    _hand_over(course, data)
    course.now["level"] = LEVELS[min(LEVELS.index(course.now["level"]) + 1, len(LEVELS) - 1)]


def _back_to_desk(course, _data):
    course.now["lead_unit"], course.asked_until = None, None


def _extend(course, data):
    course.asked_until = data["until"]


def _decide_extension(course, data):
    if data["approve"]:
        course.now["due_at"] = max(course.now["due_at"], datetime.fromisoformat(course.asked_until))
    course.asked_until = None


def _move_deadline(course, _data):
    course.now["due_at"] = later(course.rng, max(course.at, course.now["due_at"]))


def _handle(course, data):
    course.now["outcome"], course.asked_until = data.get("outcome") or course.now["outcome"], None


def _back_to_lead(course, _data):
    course.now["outcome"] = None


def _close(course, data):
    course.now["outcome"] = data.get("outcome") or course.now["outcome"] or Outcome.RESOLVED.value


def _close_as(action):
    def close(course, _data):
        course.now["outcome"] = FIXED_OUTCOME[action].value

    return close


def _reopen(course, _data):
    _start_clocks(course, course.at)
    course.now["lead_unit"] = course.now["lead_unit"] or course.rng.choice(UNITS)
    course.now["outcome"] = None


def _assist(course, data):
    course.helpers.add(data["unit"])


def _whistle(course, data):
    course.helpers.update(data["units"])
    course.whistled |= dict.fromkeys(data["units"], course.at)


def _report_in(course, data):
    course.whistled.pop(data["actor_unit"], None)


# What a move changes beside the state: the clocks, the unit, the category, the outcome.
_EFFECTS: dict[str, Callable[["Course", Data], None]] = {
    "accept": _accept, "unmerge": _accept, "dispatch": _hand_over, "designate": _hand_over, "escalate": _escalate, "return": _back_to_desk,
    "recall": _back_to_desk, "extend": _extend, "decide_extension": _decide_extension, "resume": _move_deadline,
    "recalculate": _move_deadline, "replan": _move_deadline, "handle": _handle, "review_fail": _back_to_lead, "rework": _back_to_lead,
    "close": _close, "close_after_review": _close, "close_directly": _close, "reopen": _reopen,
    "close_deferred": _close_as("close_deferred"), "close_transferred": _close_as("close_transferred"),
    "assist": _assist, "whistle": _whistle, "report_in": _report_in,
}  # fmt: skip
