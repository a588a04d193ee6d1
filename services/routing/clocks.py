"""Every clock of a ticket as people are told of it: its limit, from when it runs, by when, whether it was met, and why."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

from services.routing.deadlines import duration_text, explain
from services.routing.held import Part
from services.routing.registry import Registry
from services.routing.timing import policy_of
from shared import clock
from shared.calendar import Deadline, parse_limit
from shared.lifecycle import FINAL, State, action_text

_STATES = {
    "running": "计时中", "paused": "暂停", "overdue": "已超期", "met": "按时", "late": "逾期完成", "ended": "不再计时",
}  # fmt: skip
_DONE = frozenset({State.CLOSED})


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
        "paused_text": duration_text(paused) if paused else None,
        "extension_count": row["extension_count"],
        "clocks": [
            *_own(row, registry),
            *(_report_in(part, registry) for part in parts if part.report_due_at),
        ],
        "handling": list(_moved(history)),
    }


def _own(row: Mapping[str, Any], registry: Registry) -> Iterator[dict[str, Any]]:
    ended = State(row["state"]) in FINAL - _DONE
    if row["sign_due_at"] is not None:
        since = row["handed_at"] or row["received_at"]
        yield _clock(
            "sign",
            "签收",
            row["sign_limit"],
            since,
            row["sign_due_at"],
            row["signed_at"],
            row,
            registry,
            ended,
        )
    if row["contact_due_at"] is not None:
        yield _clock(
            "contact", "先行联系", row["contact_limit"], row["received_at"], row["contact_due_at"], row["contacted_at"],
            row, registry, ended,
        )  # fmt: skip
    if row["due_at"] is not None:
        handling = _clock(
            "handle", "办理", row["resolve_limit"], row["clock_from"], row["due_at"], row["closed_at"], row, registry,
            ended,
        )  # fmt: skip
        paused = {"state": "paused", "state_text": _STATES["paused"]} if row["suspended_at"] else {}
        # Its story is kept as it happened: pauses, extensions, rework.
        yield handling | paused | {"why": row["due_why"] or handling["why"]}
    if row["feedback_due_at"] is not None:
        limit = str(policy_of(row, registry).feedback)
        yield _clock(
            "feedback", "反馈", limit, row["handled_at"], row["feedback_due_at"], row["closed_at"], row, registry, ended
        )  # fmt: skip


def _clock(
    name: str,
    text: str,
    limit: str | None,
    since: datetime | None,
    due_at: datetime,
    met_at: datetime | None,
    row: Mapping[str, Any],
    registry: Registry,
    ended: bool,  # noqa: FBT001 - said of the ticket, once for all its clocks
) -> dict[str, Any]:
    policy = policy_of(row, registry)
    why = []
    if limit is not None and since is not None:
        sentence = explain(
            text, parse_limit(limit), since, Deadline(due_at, provisional=False), registry.calendar,
            count_from=policy.count_from, after_hours=policy.after_hours,
        )  # fmt: skip
        why = [sentence]
    state = "ended" if ended and met_at is None else _state(due_at, met_at)
    return {
        "clock": name, "clock_text": text, "limit": limit, "limit_text": parse_limit(limit).text if limit else None,
        "since": since, "due_at": due_at, "met_at": met_at, "state": state, "state_text": _STATES[state],
        "unit": None, "unit_name": None, "why": why,
    }  # fmt: skip


def _state(due_at: datetime, met_at: datetime | None) -> str:
    if met_at is not None:
        return "met" if met_at <= due_at else "late"
    return "running" if clock.now() <= due_at else "overdue"


def _report_in(part: Part, registry: Registry) -> dict[str, Any]:
    due_at: Any = part.report_due_at
    state = _state(due_at, part.reported_at)
    minutes = int((due_at - part.asked_at).total_seconds())
    unit = registry.units.get(part.unit_code)
    return {
        "clock": "report_in", "clock_text": "报到", "limit": None, "limit_text": duration_text(minutes),
        "since": part.asked_at, "due_at": due_at, "met_at": part.reported_at, "state": state,
        "state_text": _STATES[state], "unit": part.unit_code, "unit_name": unit.name if unit else None, "why": [],
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
