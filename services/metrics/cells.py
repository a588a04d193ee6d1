"""The running totals' geometry: which cells a ticket's spans add to, and which cells answer a question.

Pure. A change of measures at an instant is a *step*. Steps are summed by when the ticket was received
(cohort: day or month) and by when the step happened (hour, day or month). A question about the tickets
received in a window, as they stood at an instant, is a handful of ranges of cells plus the steps since
the last full bucket, whether the street has ten thousand tickets or ten million.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache

from services.metrics.spans import Span
from shared.clock import SHANGHAI
from shared.tables import DIMENSIONS, MEASURES

TOTAL = ""  # the dimension that splits nothing
# cohort granularity + step granularity; only the undivided total is fine enough to need hours
TIERS_TOTAL = ("mm", "md", "mh", "dm", "dd", "dh")
TIERS_SPLIT = ("mm", "md", "dm", "dd")
Cell = tuple[str, str, date, datetime, str]  # dimension, tier, cohort, step, key
Cells = dict[Cell, list[int]]
Sparse = list[tuple[int, int]]  # (index of a measure, change)


def empty() -> Cells:
    """Return cells that start at zero."""
    return defaultdict(lambda: [0] * len(MEASURES))


@lru_cache(maxsize=65_536)
def _around(hour: datetime) -> dict[str, datetime]:
    local = hour.astimezone(SHANGHAI)
    day = local.replace(hour=0, fold=0)
    # Out in UTC: when summer time ended (last in 1991) a local hour came twice, and only UTC tells them apart.
    return {"h": hour, "d": day.astimezone(UTC), "m": day.replace(day=1).astimezone(UTC)}


def buckets(moment: datetime) -> dict[str, datetime]:
    """Return the starts of the local hour, day and month in which `moment` falls."""
    return _around(moment.astimezone(UTC).replace(minute=0, second=0, microsecond=0))


def add(cells: Cells, spans: Sequence[Span], sign: int) -> None:
    """Add (or with sign -1 take away) the steps of a ticket's spans."""
    before: Span | None = None
    for span in spans:
        cohorts = {"d": span.received_day, "m": span.received_day.replace(day=1)}
        steps = buckets(span.valid_from)
        _step(cells, cohorts, steps, TOTAL, TIERS_TOTAL, "", _difference(before, span, sign))
        for number, dimension in enumerate(DIMENSIONS):
            key = span.dimensions[number]
            if before is None or before.dimensions[number] == key:
                _step(cells, cohorts, steps, dimension, TIERS_SPLIT, key, _difference(before, span, sign))
            else:
                left = before.dimensions[number]
                _step(cells, cohorts, steps, dimension, TIERS_SPLIT, left, _whole(before, -sign))
                _step(cells, cohorts, steps, dimension, TIERS_SPLIT, key, _whole(span, sign))
        before = span


def _difference(before: Span | None, span: Span, sign: int) -> Sparse:
    if before is None:
        return _whole(span, sign)
    return [
        (n, sign * (b - a))
        for n, (a, b) in enumerate(zip(before.measures, span.measures, strict=True))
        if a != b
    ]


def _whole(span: Span, sign: int) -> Sparse:
    return [(n, sign) for n, flag in enumerate(span.measures) if flag]


def _step(
    cells: Cells,
    cohorts: dict[str, date],
    steps: dict[str, datetime],
    dimension: str,
    tiers: Iterable[str],
    key: str,
    change: Sparse,
) -> None:
    for tier in tiers if change else ():
        cell = cells[dimension, tier, cohorts[tier[0]], steps[tier[1]], key]
        for index, amount in change:
            cell[index] += amount


@dataclass(frozen=True, slots=True)
class Range:
    """Cells of one tier: cohorts from first to last (inclusive), steps in [since, until)."""

    tier: str
    first: date
    last: date
    since: datetime | None
    until: datetime


@dataclass(frozen=True, slots=True)
class Question:
    """The ranges whose sum, with the single steps in [raw_since, as_of], is the answer."""

    ranges: tuple[Range, ...]
    raw_since: datetime


def question(first: date, last: date, as_of: datetime, *, split: bool) -> Question:
    """Return the cells that answer for tickets received in [first, last] as they stood at `as_of`."""
    at = buckets(as_of)
    steps: list[tuple[str, datetime | None, datetime]] = [("m", None, at["m"]), ("d", at["m"], at["d"])]
    raw_since = at["d"]
    if not split:
        steps.append(("h", at["d"], at["h"]))
        raw_since = at["h"]
    ranges = tuple(
        Range(cohort + step, a, b, since, until)
        for cohort, a, b in _cohorts(first, last)
        for step, since, until in steps
        if since is None or since < until
    )
    return Question(ranges, raw_since)


def _cohorts(first: date, last: date) -> Iterator[tuple[str, date, date]]:
    """Yield whole months as one range of months and what is left at the edges as ranges of days."""
    start = first if first.day == 1 else _next_month(first)
    end = (last + timedelta(days=1)).replace(day=1)  # first day after the last whole month
    if start >= end:
        yield "d", first, last
        return
    yield "m", start, (end - timedelta(days=1)).replace(day=1)
    if first < start:
        yield "d", first, start - timedelta(days=1)
    if last >= end:
        yield "d", end, last


def _next_month(day: date) -> date:
    return (day.replace(day=28) + timedelta(days=4)).replace(day=1)
