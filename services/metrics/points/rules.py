"""Rules of points as data, and what a ticket's history earns by them. Pure.

A merit is something a person did in one move of a ticket (or a rating of it). Which rule it falls under is told by the
day on which it happened and by what was recorded when the move was: however late and in whatever order tickets are
booked, the same history earns the same.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import ROUND_HALF_UP, Decimal
from typing import Any, NamedTuple
from uuid import UUID

from shared.clock import local_day
from shared.terms import Role, Satisfaction, Term


class Merit(Term):
    """What can earn points, or cost them."""

    SIGNED_IN_TIME = "signed_in_time", "按时签收"
    CONTACTED_IN_TIME = "contacted_in_time", "按时先行联系"
    REPORTED_IN = "reported_in", "到场报到"
    PART_FINISHED = "part_finished", "完成协办"
    HANDLED_IN_TIME = "handled_in_time", "按期承办办结"
    HANDLED_LATE = "handled_late", "超期承办办结"
    SOLVED_ON_SPOT = "solved_on_spot", "现场办结"
    PRAISED = "praised", "回访或评价满意"
    CRITICISED = "criticised", "回访或评价不满意"
    REWORKED = "reworked", "发回重办"
    REVIEW_FAILED = "review_failed", "审核退回"


# What a reopening takes back: the closing it was given for did not hold.
VOID_WHEN_REOPENED = frozenset({Merit.HANDLED_IN_TIME, Merit.SOLVED_ON_SPOT, Merit.PRAISED})
_PLEASED = frozenset({Satisfaction.VERY_SATISFIED.value, Satisfaction.SATISFIED.value})
_DISPLEASED = frozenset({Satisfaction.DISSATISFIED.value, Satisfaction.VERY_DISSATISFIED.value})
# Ratings share the numbers of moves with what callbacks found; theirs are told by being negative.
_RATED = -1


@dataclass(frozen=True, slots=True)
class Rule:
    """One version of a rule; caps are magnitudes, so much at most in a day and in a month to one person."""

    code: str
    version: int
    merit: Merit
    points: int
    valid_from: date
    valid_until: date | None
    recorded_at: datetime
    daily_cap: int | None = None
    monthly_cap: int | None = None
    weights: Mapping[str, str] = field(default_factory=dict)
    note: str = ""

    def worth(self, category: str) -> int:
        """Return the points for a ticket of a category, halves rounded away from zero."""
        return int((self.points * Decimal(self.weights.get(category, "1"))).to_integral_value(ROUND_HALF_UP))


class Rulebook:
    """All versions of a street's rules."""

    def __init__(self, rules: Iterable[Rule] = ()) -> None:
        self._versions: dict[str, list[Rule]] = {}
        for rule in sorted(rules, key=lambda r: -r.version):
            self._versions.setdefault(rule.code, []).append(rule)

    def __bool__(self) -> bool:
        return bool(self._versions)

    def newest(self, code: str) -> Rule | None:
        """Return the newest version of a rule."""
        return next(iter(self._versions.get(code, ())), None)

    def version(self, code: str, number: int) -> Rule:
        """Return a version of a rule."""
        return next(r for r in self._versions[code] if r.version == number)

    def for_merit(self, merit: Merit, day: date, recorded_at: datetime) -> list[Rule]:
        """Return what a merit of a day, recorded at an instant, falls under: of each code the version that held."""
        found = []
        for versions in self._versions.values():
            held = next((r for r in versions if r.valid_from <= day and r.recorded_at <= recorded_at), None)
            if (
                held is not None
                and held.merit is merit
                and (held.valid_until is None or day <= held.valid_until)
            ):
                found.append(held)
        return found


class Earned(NamedTuple):
    """A merit of a person in a ticket; `standing`: not taken back by a later reopening."""

    merit: Merit
    staff_id: UUID
    seq: int
    occurred_at: datetime
    recorded_at: datetime
    category: str
    standing: bool


def merits(moves: Sequence[Any], ratings: Iterable[Any] = ()) -> list[Earned]:
    """Return what a ticket's history (its moves in order) earns.

    The system earns nothing, nor does whoever typed a ledger in: `told` marks the moves that one tells of.
    """
    found: list[Earned] = []
    handler: UUID | None = None
    for move in moves:
        action = move["action"]
        if action == "reopen":
            found = [_void(e) if e.merit in VOID_WHEN_REOPENED else e for e in found]
        if not move["told"]:
            found += _of(move, handler)
        if action in {"handle", "close_directly"}:
            handler = None if move["told"] or move["actor_role"] == Role.SYSTEM.value else move["actor_id"]
    return sorted(found + _of_ratings(moves, ratings), key=lambda e: (e.occurred_at, e.seq, e.merit))


def _void(earned: Earned) -> Earned:
    return earned._replace(standing=False)


def _of(move: Mapping[str, Any], handler: UUID | None) -> list[Earned]:
    merit = _own(move)
    found = []
    if merit is not None and move["actor_role"] != Role.SYSTEM.value:
        found.append(_earned(move, merit, move["actor_id"]))
    others = _of_the_handler(move)
    if others is not None and handler is not None and handler != move["actor_id"]:
        found.append(_earned(move, others, handler))
    return found


def _earned(move: Mapping[str, Any], merit: Merit, staff_id: UUID) -> Earned:
    return Earned(
        merit, staff_id, move["seq"], move["occurred_at"], move["recorded_at"], move["category_code"], standing=True
    )  # fmt: skip


# action → what it earns whoever makes it, before which deadline
_BEFORE = {
    "sign": (Merit.SIGNED_IN_TIME, "sign_due_at"),
    "contact": (Merit.CONTACTED_IN_TIME, "contact_due_at"),
}
_ANYHOW = {
    "close_directly": Merit.SOLVED_ON_SPOT, "report_in": Merit.REPORTED_IN, "finish_part": Merit.PART_FINISHED,
}  # fmt: skip


def _own(move: Mapping[str, Any]) -> Merit | None:
    """Return what a move earns the one who makes it."""
    action, at = move["action"], move["occurred_at"]
    if action in _BEFORE:
        merit, deadline = _BEFORE[action]
        return merit if _in_time(at, move[deadline]) else None
    if action == "handle":
        return Merit.HANDLED_IN_TIME if _in_time(at, move["due_at"]) else Merit.HANDLED_LATE
    return _ANYHOW.get(action)


def _in_time(at: datetime, due_at: datetime | None) -> bool:
    return due_at is not None and at <= due_at


def _of_the_handler(move: Mapping[str, Any]) -> Merit | None:
    """Return what somebody else's move means for whoever handled the matter last."""
    match move["action"]:
        case "review_fail":
            return Merit.REVIEW_FAILED
        case "rework":
            return Merit.REWORKED
        case "call_back" | "close":
            return _said(move["satisfaction"])
        case _:
            return None


def _said(satisfaction: str | None) -> Merit | None:
    if satisfaction in _PLEASED:
        return Merit.PRAISED
    return Merit.CRITICISED if satisfaction in _DISPLEASED else None


def _of_ratings(moves: Sequence[Any], ratings: Iterable[Any]) -> list[Earned]:
    """Return what reporters' own ratings earn whoever had handled the matter by the closing that is rated."""
    found = []
    for rating in ratings:
        merit, until = _said(rating["satisfaction"]), rating["closure"]
        did = [m for m in moves if m["action"] in {"handle", "close_directly"} and m["seq"] <= until]
        if merit is None or not did or did[-1]["told"] or did[-1]["actor_role"] == Role.SYSTEM.value:
            continue
        held = merit not in VOID_WHEN_REOPENED or not any(
            m["action"] == "reopen" and m["seq"] > until for m in moves
        )
        found.append(
            Earned(merit, did[-1]["actor_id"], _RATED * until, rating["occurred_at"], rating["recorded_at"],
                   did[-1]["category_code"], standing=held)
        )  # fmt: skip
    return found


def day_of(earned: Earned) -> date:
    """Return the Shanghai day a merit counts for."""
    return local_day(earned.occurred_at)
