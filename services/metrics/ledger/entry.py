"""A ticket and its history told in one row: the inverse of what an import makes of a ledger's row.

Pure. A move that an import had to assume (`assumed` in its data) proves no time: its cell stays empty, as it
was. What a row has no room for (reopenings, whistles, refused extensions, when a rejection was) is not told.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, NamedTuple

from services.metrics.ledger.columns import COLUMNS
from shared.lifecycle import FINAL, QUIET, REGISTER, WITH_UNIT, State
from shared.terms import RejectReason

_WITH_UNIT = frozenset(state.value for state in WITH_UNIT)
_HANDLED, _CALLBACK, _CLOSED = State.HANDLED.value, State.CALLBACK.value, State.CLOSED.value
# How a matter ends without being closed; and what an import does not take of one that did, which had been with a
# unit and was escalated before it ended.
_ENDED = frozenset(state.value for state in FINAL - {State.CLOSED})
_NOT_OF_ENDED = (
    "contacted_at", "suspended_from", "suspended_to", "callback_at", "callback_valid", "callback_contacted",
    "callback_resolved", "callback_satisfaction",
)  # fmt: skip
# What category and kind are called where nobody has said.
_NOT_SAID = frozenset({"", "unclassified"})
# These give a ticket a clock of its own again; whatever was extended before is over.
_NEW_CLOCK = frozenset({"accept", "dispatch", "designate", "reopen", "unmerge"})
_ENDS_A_CALLBACK = frozenset({"call_back", "close", "rework"})
_REJECT_REASONS: dict[Any, str] = {reason.value: reason.text for reason in RejectReason}
_ANSWERS = ("contacted", "resolved", "satisfaction")
# An import puts a ledger's title before the content so.
_TITLE = re.compile(r"【([^【】\n]{1,200})】")


class Reporter(NamedTuple):
    """Who reported, masked; nobody where it may not be told."""

    name: str | None = None
    phone: str | None = None


NOBODY = Reporter()


@dataclass(slots=True)
class _Course:
    """What has happened to a ticket so far, as far as a row tells it."""

    state: str = State.SUBMITTED.value
    accepted: bool = False
    dispatched: bool = False
    kind: str = ""
    category: str = ""
    community: str | None = None
    grid: str | None = None
    lead: str | None = None
    outcome: str | None = None
    times: dict[str, datetime | None] = field(default_factory=dict)
    found: dict[str, Any] = field(default_factory=dict)
    returns: int = 0
    reworks: int = 0
    reject_reason: str | None = None
    checklist: str | None = None
    list_level: str | None = None
    excluded: str | None = None


Move = Mapping[str, Any]
Data = Mapping[str, Any]


def entry(
    ticket: Mapping[str, Any],
    moves: Sequence[Move],
    *,
    rating: str | None = None,
    helpers: Sequence[str] = (),
    reporter: Reporter = NOBODY,
) -> dict[str, Any]:
    """Return the row of a ticket: for each column of the ledger a code, a text, an instant, a number or None.

    `moves` in the order of their seq; `rating` the reporter's last word; `helpers` the codes of all units that
    were asked to help.
    """
    course = _Course(
        kind=ticket["kind"] or "", category=ticket["category_code"] or "", community=ticket["community_code"],
        grid=ticket["grid_code"],
    )  # fmt: skip
    for move in moves:
        if move["action"] not in QUIET:
            _take_in(course, move)
    closed, done = course.state == _CLOSED, course.state in {_HANDLED, _CALLBACK, _CLOSED}
    told = {
        **course.times, **course.found,
        "number": ticket["number"], "received_at": ticket["occurred_at"], "recorded_at": ticket["recorded_at"],
        "channel": ticket["channel"], "kind": _said(course.kind), "category_code": _said(course.category),
        "community": course.community, "grid_code": course.grid, "title": title(ticket["content"]),
        "content": ticket["content"], "reporter_name": reporter.name, "reporter_phone": reporter.phone,
        "confidential": ticket["confidential"], "disposition": _disposition(course), "stage": _stage(course),
        "reject_reason": course.reject_reason if course.state == State.REJECTED else None,
        "lead_unit": course.lead, "co_units": tuple(h for h in helpers if h != course.lead) or None,
        "outcome": course.outcome if done else None,
        # Who rated a closure that was undone has rated nothing that stands.
        "rating": rating if closed else None,
        "return_count": course.returns, "rework_count": course.reworks, "checklist": course.checklist,
        "list_level": course.list_level, "excluded_reason": course.excluded,
    }  # fmt: skip
    if course.state in _ENDED:
        told |= dict.fromkeys(_NOT_OF_ENDED)
    return {name: told.get(name) for name in COLUMNS}


def title(content: str) -> str | None:
    """Return the title an import has put before the content; None where there is none."""
    found = _TITLE.match(content)
    return found[1].strip() or None if found else None


def _said(code: str) -> str | None:
    return None if code in _NOT_SAID else code


def _disposition(course: _Course) -> str:
    """Return how the matter was disposed of; what a unit has had in its hands is dispatched, wherever it is now."""
    if course.state in _ENDED:
        return course.state
    if course.dispatched:
        return "dispatched"
    return "direct" if course.state == _CLOSED else "pending"


def _stage(course: _Course) -> str:
    if course.dispatched:
        return "project"
    return "issue" if course.accepted else "topic"


def _take_in(course: _Course, move: Move) -> None:
    """Let a move change what the row will tell."""
    action, state, data = move["action"], move["to_state"], move["data"]
    course.kind, course.category = move["kind"], move["category_code"]
    course.community, course.grid = move["community_code"], move["grid_code"]
    # Of a ticket that was sent back, the unit that had it is what there is to tell.
    course.lead = move["lead_unit"] or course.lead
    course.outcome = move["outcome"]
    course.accepted = course.accepted or state == State.ACCEPTED
    _keep_times(course, state, None if data.get("assumed") else move["occurred_at"], move)
    _run_clock(course, move)
    effect = _EFFECTS.get(action)
    if effect is not None:
        effect(course, move, data)
    if action in _ENDS_A_CALLBACK:
        _callback(course, move, data)
    course.state = state


def _keep_times(course: _Course, state: str, at: datetime | None, move: Move) -> None:
    times = course.times
    if state in _WITH_UNIT:
        if not course.dispatched:
            course.dispatched, times["dispatched_at"] = True, at
        times["handled_at"] = None
    if state == _HANDLED and course.state != _HANDLED:
        times["handled_at"] = at
    if state != _CLOSED:
        times["closed_at"] = None
    elif course.state != _CLOSED:
        times["closed_at"] = move["occurred_at"]


def _run_clock(course: _Course, move: Move) -> None:
    """Keep apart the deadline and what it was extended to."""
    times, due = course.times, move["due_at"]
    first, extended = times.get("due_at"), times.get("extended_to")
    if move["action"] == "decide_extension":
        if move["data"].get("approve") and due is not None and (first is None or due > first):
            times["extended_to"] = due
    elif due != (extended or first):
        if extended is not None and move["action"] not in _NEW_CLOCK:
            times["extended_to"] = due
        else:
            times["due_at"], times["extended_to"] = due, None


def _callback(course: _Course, move: Move, data: Data) -> None:
    """Take in what a callback found; one that was answered is valid unless it is said not to be."""
    answers = {name: data.get(name) for name in _ANSWERS}
    answered = any(answer is not None for answer in answers.values())
    valid = data.get("valid")
    if answered or valid is not None:
        course.found = {f"callback_{name}": answer for name, answer in answers.items()} | {
            "callback_at": move["occurred_at"],
            "callback_valid": answered if valid is None else bool(valid),
        }


def _register(course: _Course, _: Move, data: Data) -> None:
    course.checklist, course.list_level = data.get("checklist"), data.get("list_level")
    course.excluded = data.get("exclusion")


def _relist(course: _Course, _: Move, data: Data) -> None:
    course.list_level = data.get("list_level")
    course.checklist = data.get("checklist") or course.checklist


def _first(name: str) -> Callable[[_Course, Move, Data], None]:
    def keep(course: _Course, move: Move, data: Data) -> None:
        if not data.get("assumed") and course.times.get(name) is None:
            course.times[name] = move["occurred_at"]

    return keep


def _return(course: _Course, *_: Any) -> None:
    course.returns += 1


def _rework(course: _Course, *_: Any) -> None:
    course.reworks += 1


def _suspend(course: _Course, move: Move, _: Data) -> None:
    course.times["suspended_from"], course.times["suspended_to"] = move["occurred_at"], None


def _resume(course: _Course, move: Move, _: Data) -> None:
    course.times["suspended_to"] = move["occurred_at"]


def _reject(course: _Course, move: Move, data: Data) -> None:
    code = data.get("reason_code")
    course.reject_reason = move["reason"] or _REJECT_REASONS.get(code, code)


def _exclude(course: _Course, _: Move, data: Data) -> None:
    course.excluded = data.get("exclusion")


def _readmit(course: _Course, *_: Any) -> None:
    course.excluded = None


_EFFECTS: dict[str, Callable[[_Course, Move, Data], None]] = {
    REGISTER: _register, "sign": _first("signed_at"), "contact": _first("contacted_at"), "return": _return,
    "rework": _rework, "suspend": _suspend, "resume": _resume, "reject": _reject, "exclude": _exclude,
    "relist": _relist,
    "readmit": _readmit,
}  # fmt: skip
