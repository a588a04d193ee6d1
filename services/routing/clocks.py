"""Every clock of a ticket as people are told of it: its limit, from when it runs, by when, whether it was met, and why."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple

from services.routing.deadlines import explain
from services.routing.held import Part
from services.routing.registry import Registry
from services.routing.timing import policy_of
from shared import clock
from shared.calendar import Deadline, parse_limit
from shared.lifecycle import FINAL, State, action_text

_STATES = {
    "running": "计时中", "paused": "暂停", "overdue": "已超期", "met": "按时", "late": "逾期完成", "ended": "不再计时",
}  # fmt: skip
_WITHOUT_CLOSING = FINAL - {State.CLOSED}


class _Clock(NamedTuple):
    name: str
    text: str
    limit: str | None
    since: datetime | None
    due_at: datetime | None
    met_at: datetime | None


def told(
    row: Mapping[str, Any], parts: Iterable[Part], history: Sequence[Any], registry: Registry
) -> dict[str, Any]:
    """Return ClocksOut's fields."""
    paused = row["paused_seconds"]
    return {
        "number": row["number"],
        "clock_policy": row["clock_policy"],
        "catalogue_version": row["catalogue_version"],
        "first_due_at": row["first_due_at"],
        "due_provisional": row["due_provisional"],
        "paused_seconds": paused,
        "paused_text": clock.duration_text(paused) if paused else None,
        "extension_count": row["extension_count"],
        "clocks": [
            *(_shown(each, row, registry) for each in _clocks(row, registry) if each.due_at is not None),
            *(_report_in(part, registry) for part in parts if part.report_due_at is not None),
        ],
        "handling": list(_moved(history)),
    }


def _clocks(row: Mapping[str, Any], registry: Registry) -> Iterator[_Clock]:
    # While nobody has it in hand, after a return, nobody's signature is waited for.
    if row["handed_at"] is not None or row["dispatched_at"] is None:
        since = row["handed_at"] or row["received_at"]
        yield _Clock("sign", "签收", row["sign_limit"], since, row["sign_due_at"], row["signed_at"])
    yield _Clock(
        "contact", "先行联系", row["contact_limit"], row["received_at"], row["contact_due_at"], row["contacted_at"]
    )  # fmt: skip
    yield _Clock("handle", "办理", row["resolve_limit"], row["clock_from"], row["due_at"], row["closed_at"])
    feedback = str(policy_of(row, registry).feedback)
    yield _Clock("feedback", "反馈", feedback, row["handled_at"], row["feedback_due_at"], row["closed_at"])


def _shown(each: _Clock, row: Mapping[str, Any], registry: Registry) -> dict[str, Any]:
    handling = each.name == "handle"
    if handling and row["suspended_at"] is not None:
        state = "paused"
    elif each.met_at is None and State(row["state"]) in _WITHOUT_CLOSING:
        state = "ended"
    else:
        state = _state(each.due_at, each.met_at)
    # The handling clock's story is kept as it happened: pauses, extensions, rework.
    why = (handling and row["due_why"]) or list(_explained(each, row, registry))
    return {
        "clock": each.name, "clock_text": each.text, "limit": each.limit,
        "limit_text": parse_limit(each.limit).text if each.limit else None, "since": each.since,
        "due_at": each.due_at, "met_at": each.met_at, "state": state, "state_text": _STATES[state],
        "unit": None, "unit_name": None, "why": why,
    }  # fmt: skip


def _explained(each: _Clock, row: Mapping[str, Any], registry: Registry) -> Iterator[str]:
    if each.limit is not None and each.since is not None and each.due_at is not None:
        policy = policy_of(row, registry)
        yield explain(
            each.text, parse_limit(each.limit), each.since, Deadline(each.due_at, provisional=False),
            registry.calendar, count_from=policy.count_from, after_hours=policy.after_hours,
        )  # fmt: skip


def _state(due_at: Any, met_at: datetime | None) -> str:
    if met_at is not None:
        return "met" if met_at <= due_at else "late"
    return "running" if clock.now() <= due_at else "overdue"


def _report_in(part: Part, registry: Registry) -> dict[str, Any]:
    due_at: Any = part.report_due_at
    state, unit = _state(due_at, part.reported_at), registry.units.get(part.unit_code)
    return {
        "clock": "report_in", "clock_text": "报到", "limit": None,
        "limit_text": clock.duration_text(int((due_at - part.asked_at).total_seconds())), "since": part.asked_at,
        "due_at": due_at, "met_at": part.reported_at, "state": state, "state_text": _STATES[state],
        "unit": part.unit_code, "unit_name": unit.name if unit else None, "why": [],
    }  # fmt: skip


def _moved(history: Sequence[Any]) -> Iterator[dict[str, Any]]:
    """Yield the moves after which the handling deadline was another than before."""
    before = None
    for move in history:
        if move.due_at is not None and move.due_at != before:
            yield {
                "seq": move.seq, "action": move.action, "action_text": action_text(move.action),
                "occurred_at": move.occurred_at, "due_at": move.due_at,
            }  # fmt: skip
            before = move.due_at
