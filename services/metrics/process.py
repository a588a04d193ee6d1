"""How long things take, how many are closed within so many days, and what is still open: from the tickets themselves.

Medians and quantiles cannot be added up, so they are worked out exactly over the tickets asked about, streamed.
"""

from array import array
from collections import Counter, defaultdict
from collections.abc import AsyncIterator, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from services.metrics import survival
from services.metrics.worktime import natural_seconds, text, working_seconds
from shared.calendar import WorkCalendar
from shared.lifecycle import OPEN, State

CLOSED = State.CLOSED.value
_OPEN = frozenset(state.value for state in OPEN)


class Row(NamedTuple):
    """What is looked at of a ticket."""

    key: tuple[str, ...]
    state: str
    received_at: datetime
    due_at: datetime | None
    dispatched_at: datetime | None
    signed_at: datetime | None
    contacted_at: datetime | None
    handled_at: datetime | None
    closed_at: datetime | None


# step → (name, from which instant, to which): only what is known of both ends counts
STEPS: dict[str, tuple[str, str, str]] = {
    "sign": ("派单到签收", "dispatched_at", "signed_at"),
    "contact": ("派单到先行联系", "dispatched_at", "contacted_at"),
    "response": ("登记到先行联系", "received_at", "contacted_at"),
    "handle": ("派单到承办办结", "dispatched_at", "handled_at"),
    "close": ("登记到办结", "received_at", "closed_at"),
}
# open for at most so many days; the last has no end
AGES = (1, 3, 7, 15, 30, 90, 365)
SOON = {"24h": timedelta(hours=24), "72h": timedelta(hours=72)}
WITHIN = (1, 3, 5, 7, 10, 15, 30, 60, 90)


@dataclass(slots=True)
class Part:
    """What has been gathered of one part of a split."""

    natural: dict[str, "array[int]"] = field(default_factory=lambda: {step: array("q") for step in STEPS})
    working: dict[str, "array[int]"] = field(default_factory=lambda: {step: array("q") for step in STEPS})
    closed_after: Counter[int] = field(default_factory=Counter)
    open_after: Counter[int] = field(default_factory=Counter)
    ages: Counter[int] = field(default_factory=Counter)
    soon: Counter[str] = field(default_factory=Counter)
    overdue: int = 0
    oldest: datetime | None = None

    def take(self, row: Row, as_of: datetime, calendar: WorkCalendar) -> None:
        """Take a ticket in."""
        for step, (_, start, end) in STEPS.items():
            began, done = getattr(row, start), getattr(row, end)
            if began is not None and done is not None:
                self.natural[step].append(natural_seconds(began, done))
                self.working[step].append(working_seconds(began, done, calendar))
        if row.state == CLOSED and row.closed_at is not None:
            self.closed_after[(row.closed_at - row.received_at).days] += 1
        elif row.state in _OPEN:
            self._take_open(row, as_of)

    def _take_open(self, row: Row, as_of: datetime) -> None:
        age = (as_of - row.received_at).days
        self.open_after[age] += 1
        self.ages[next((limit for limit in AGES if age < limit), 0)] += 1
        self.oldest = min(self.oldest or row.received_at, row.received_at)
        if row.due_at is None:
            return
        if row.due_at <= as_of:
            self.overdue += 1
        for name, ahead in SOON.items():
            self.soon[name] += as_of < row.due_at <= as_of + ahead


async def gather(
    rows: AsyncIterator[Row], as_of: datetime, calendar: WorkCalendar
) -> Mapping[tuple[str, ...], Part]:
    """Return what was gathered for each part of the split."""
    parts: dict[tuple[str, ...], Part] = defaultdict(Part)
    async for row in rows:
        parts[row.key].take(row, as_of, calendar)
    return parts


def together(parts: Iterable[Part]) -> Part:
    """Return the parts of a split as one whole; exact, since every single duration is kept."""
    whole = Part()
    for part in parts:
        for step in STEPS:
            whole.natural[step].extend(part.natural[step])
            whole.working[step].extend(part.working[step])
        whole.closed_after.update(part.closed_after)
        whole.open_after.update(part.open_after)
        whole.ages.update(part.ages)
        whole.soon.update(part.soon)
        whole.overdue += part.overdue
        if part.oldest is not None:
            whole.oldest = min(whole.oldest or part.oldest, part.oldest)
    return whole


def durations(part: Part) -> list[dict[str, Any]]:
    """Return count, median, 90th percentile and longest of every step, in natural and in working seconds."""
    return [
        {"step": step, "label": name, "count": len(part.natural[step]),
         "natural": _quantiles(part.natural[step]), "working": _quantiles(part.working[step])}
        for step, (name, _, _) in STEPS.items()
    ]  # fmt: skip


def _quantiles(seconds: "array[int]") -> dict[str, Any]:
    ordered = sorted(seconds)
    found = {"median": _quantile(ordered, 50), "p90": _quantile(ordered, 90), "longest": ordered[-1] if ordered else None}  # fmt: skip
    return {**found, "median_text": text(found["median"]), "p90_text": text(found["p90"])}


def _quantile(ordered: list[int], percent: int) -> int | None:
    """Return the smallest value that so many per cent do not exceed (nearest rank, as SQL's percentile_disc)."""
    return ordered[-(-len(ordered) * percent // 100) - 1] if ordered else None


def closing(part: Part) -> dict[str, Any]:
    """Return the closing curve with its band, the share closed within some days, and the median."""
    points = survival.curve(part.closed_after, part.open_after)
    shares = []
    for days in WITHIN:
        # closed within d days: before d whole days have passed
        point = survival.within(points, days - 1)
        shares.append(
            {"days": days, "share": point.share if point else 0.0,
             "band": [point.low, point.high] if point else [0.0, 0.0]}
        )  # fmt: skip
    median = survival.quantile(points, 0.5)
    return {
        "closed": sum(part.closed_after.values()), "censored": sum(part.open_after.values()),
        "median_days": None if median is None else median + 1, "within": shares,
        "curve": [
            {"days": p.day + 1, "at_risk": p.at_risk, "closed": p.closed, "censored": p.censored, "share": p.share,
             "band": [p.low, p.high]} for p in points
        ],
    }  # fmt: skip


def backlog(part: Part) -> dict[str, Any]:
    """Return what is open by age, what is overdue now and what falls due soon."""
    labels = [f"{limit}天以内" for limit in AGES] + [f"{AGES[-1]}天以上"]
    return {
        "open": sum(part.open_after.values()), "overdue": part.overdue,
        "due_soon": {name: part.soon[name] for name in SOON}, "oldest_received_at": part.oldest,
        "ages": [
            {"days": limit or None, "label": label, "count": part.ages[limit]}
            for limit, label in zip((*AGES, 0), labels, strict=True)
        ],
    }  # fmt: skip
