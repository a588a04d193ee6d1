"""When the ladder's next step is due. Pure: the same run at the same time always gives the same steps.

A step is taken once while a clock runs. One that comes before an earlier one (people urge, and the written order is
due before the reminder) passes the earlier one over; of two that are due the one that was due first is taken first.
So what is taken does not depend on how often, or how late, somebody looks.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from services.routing.ladder.policy import Step, SupervisionPolicy
from shared.calendar import WorkCalendar

_MOMENT = timedelta(microseconds=1)  # a deadline is kept up to and including its own instant


@dataclass(frozen=True, slots=True)
class Run:
    """One run of a ticket's handling clock: since when, until when, urged how often, how many steps lie behind it."""

    started_at: datetime
    due_at: datetime
    urges: int
    behind: int


@dataclass(frozen=True, slots=True)
class Coming:
    """The next step: its place on the ladder, when it is due, and why, for people."""

    place: int
    step: Step
    at: datetime
    why: str


def coming(policy: SupervisionPolicy, run: Run, calendar: WorkCalendar) -> Coming | None:
    """Return the step that is due next, or None when nothing more will come in this run."""
    found = [
        Coming(place, step, at, why)
        for place, step in enumerate(policy.ladder)
        if place >= run.behind
        for at, why in _triggers(step, run, calendar)
    ]
    return min(found, key=lambda each: (each.at, each.place)) if found else None


def _triggers(step: Step, run: Run, calendar: WorkCalendar) -> Iterator[tuple[datetime, str]]:
    if step.urges is not None and run.urges >= step.urges:
        yield run.started_at, f"已催办 {run.urges} 次"
    if step.elapsed is not None:
        whole = max(run.due_at - run.started_at, timedelta())
        yield run.started_at + whole * step.elapsed / 100, f"办理时限已过 {step.elapsed}%"
    if step.at_deadline:
        yield run.due_at + _MOMENT, "办理时限已过"
    if step.overdue is not None:
        # A limit that ends at midnight ended with the day before: the first day late is the one after that.
        last = run.due_at - _MOMENT
        since = run.due_at if step.overdue.by_clock else last
        yield calendar.due(since, step.overdue).at + _MOMENT, f"超期已满{step.overdue.text}"
