"""The times of a row put in order: what came before what, and what cannot have been.

A bare date is some moment of its day: the first, or where another step of that day went before, that step's.
"""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final

from services.intake.ledger.cells import When
from services.intake.ledger.columns import HEADER_OF
from services.intake.ledger.faults import Fault, Unfit
from services.intake.ledger.rows import Row
from shared.clock import local_day

# In this order things happen to a matter.
COURSE: Final = (
    "received_at", "dispatched_at", "signed_at", "contacted_at", "suspended_from", "suspended_to", "handled_at",
    "closed_at",
)  # fmt: skip
_UNTIL_CONTACT: Final = COURSE[: COURSE.index("suspended_from")]
FORGIVEN_SKEW: Final = timedelta(minutes=2)
_NOT_LATER: Final = "不能晚于现在"


@dataclass(slots=True)
class Times:
    """When what happened, in UTC, in order. `paused_still`: the pause has not ended yet."""

    received: datetime
    recorded: datetime
    steps: dict[str, datetime] = field(default_factory=dict)
    called: datetime | None = None
    paused_still: bool = False

    def get(self, column: str) -> datetime | None:
        """Return when the step of a column was, if it was."""
        return self.steps.get(column)

    def until(self, column: str) -> datetime:
        """Return the last moment told of the steps before that of `column`."""
        before = COURSE[: COURSE.index(column)]
        return max((self.steps[name] for name in before if name in self.steps), default=self.received)

    def first_of(self, *columns: str) -> datetime | None:
        """Return the moment of the first of these steps that is told."""
        return next((self.steps[name] for name in columns if name in self.steps), None)


def in_order(row: Row, now: datetime) -> Times:
    """Return the row's times as of `now`; raise Unfit naming every column that cannot be."""
    faults: list[Fault] = []
    received = _past("received_at", row.received_at, now, faults)
    times = Times(received, now)
    before, last = received, "received_at"
    for column in COURSE:
        told: When | None = getattr(row, column)
        if told is None:
            continue
        if column == "suspended_to" and told[0] > now + FORGIVEN_SKEW:
            times.paused_still = True
            continue
        at = _after(_past(column, told, now, faults), before, bare=told[1])
        if at < before:
            faults.append(_early(column, last))
        else:
            times.steps[column] = before = at
            last = column
    _record(row, times, now, faults)
    _call(row, times, now, faults)
    _deadlines(row, times, faults)
    if row.suspended_to is not None and row.suspended_from is None:
        faults.append(
            Fault(
                "suspended_from", f"填写了{HEADER_OF['suspended_to']},须同时填写{HEADER_OF['suspended_from']}"
            )
        )
    if faults:
        raise Unfit(faults)
    return times


def _past(column: str, told: When, now: datetime, faults: list[Fault]) -> datetime:
    at = told[0]
    if at > now + FORGIVEN_SKEW:
        faults.append(Fault(column, f"{HEADER_OF[column]}{_NOT_LATER}"))
    return min(at, now)


def _after(at: datetime, before: datetime, *, bare: bool) -> datetime:
    """Return `at`, or for a bare date on the day of `before` that moment."""
    return before if bare and at < before and local_day(at) == local_day(before) else at


def _early(column: str, than: str) -> Fault:
    return Fault(column, f"{HEADER_OF[column]}不能早于{HEADER_OF[than]}")


def _record(row: Row, times: Times, now: datetime, faults: list[Fault]) -> None:
    if row.recorded_at is None:
        return
    at = _past("recorded_at", row.recorded_at, now, faults)
    times.recorded = _after(at, times.received, bare=row.recorded_at[1])
    if times.recorded < times.received:
        faults.append(_early("recorded_at", "received_at"))


def _call(row: Row, times: Times, now: datetime, faults: list[Fault]) -> None:
    """Place the callback: after the handling, else after whatever is told of before the closing.

    What was found may have led to a rework: then the handling that is told came later.
    """
    if row.callback_at is None:
        return
    at = _past("callback_at", row.callback_at, now, faults)
    closed = times.get("closed_at")
    if row.callback_at[1] and closed is not None and local_day(at) == local_day(closed):
        at = closed
    before = _UNTIL_CONTACT if row.rework_count else COURSE[:-1]
    than = next((c for c in reversed(before) if c in times.steps), "received_at")
    floor = times.steps.get(than, times.received)
    times.called = _after(at, floor, bare=row.callback_at[1])
    if times.called < floor:
        faults.append(_early("callback_at", than))


def _deadlines(row: Row, times: Times, faults: list[Fault]) -> None:
    if row.due_at is not None and row.due_at < times.received:
        faults.append(_early("due_at", "received_at"))
    if row.extended_to is not None and row.extended_to <= (row.due_at or times.received):
        faults.append(
            Fault(
                "extended_to",
                f"{HEADER_OF['extended_to']}须晚于{HEADER_OF['due_at' if row.due_at else 'received_at']}",
            )
        )
