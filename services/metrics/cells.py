"""The running totals' geometry: which cells a ticket's spans add to, and which cells answer a question.

Pure. A change of measures at an instant is a *step*. Steps are summed by when the ticket was received
(cohort: day, month or year) and by when the step happened (hour, day, month or year). A question about the tickets
received in a window, as they stood at an instant, is a handful of ranges of cells plus the steps since
the last full bucket, whether the street has ten thousand tickets or ten million.

Where keys are many (grids, categories …) cells by day of receipt and day of the step would be nearly as many
as the steps themselves: there they are left out, and the days at the edge of a window read the steps of the
month in question. Instead whole years by whole years are kept: of a year that is over, most of what happened is
one cell a key.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache

from services.metrics.measures import places
from services.metrics.spans import Span
from shared.clock import SHANGHAI, local_day
from shared.tables import DIMENSIONS

TOTAL = ""  # the dimension that splits nothing
# Cohort granularity + step granularity; only the undivided total is fine enough to need hours.
_FINE = ("mm", "md", "mh", "dm", "dd", "dh")
_FEW_KEYS = ("mm", "md", "dm", "dd")
_MANY_KEYS = ("yy", "mm", "md", "dm")
TIERS = {
    TOTAL: _FINE, "channel": _FEW_KEYS, "kind": _FEW_KEYS, "level": _FEW_KEYS, "mode": _FEW_KEYS,
    "list": _FEW_KEYS, "category": _MANY_KEYS, "community": _MANY_KEYS, "grid": _MANY_KEYS, "unit": _MANY_KEYS,
}  # fmt: skip
_DECEMBER = 12
_TIERS = tuple(TIERS[dimension] for dimension in DIMENSIONS)
# Tickets left out of the assessed population are booked once more under "<dimension>!", key "<reason>\x1f<key>".
EXCLUDED, BETWEEN = "!", "\x1f"
Cell = tuple[str, str, date, datetime, str]  # dimension, tier, cohort, step, key
Cells = dict[Cell, dict[int, int]]  # → place of a measure → change


@lru_cache(maxsize=65_536)
def _around(hour: datetime) -> dict[str, datetime]:
    local = hour.astimezone(SHANGHAI)
    day = local.replace(hour=0, fold=0)
    # Out in UTC: when summer time ended (last in 1991) a local hour came twice, and only UTC tells them apart.
    month = day.replace(day=1)
    return {
        "h": hour, "d": day.astimezone(UTC), "m": month.astimezone(UTC), "y": month.replace(month=1).astimezone(UTC),
    }  # fmt: skip


def buckets(moment: datetime) -> dict[str, datetime]:
    """Return the starts of the local hour, day, month and year in which `moment` falls."""
    return _around(_hour(moment))


Where = tuple[str, date, datetime]  # tier, cohort, step
_GAINED = 128  # a change in one number: the bits of the measures lost, and above them those gained
_LOST = (1 << _GAINED) - 1


class Steps:
    """Gathers the steps of many tickets into the cells that they change.

    On the way of every booking, so cells are found by small numbers until the end.
    """

    def __init__(self) -> None:
        self._places: dict[Where, int] = {}
        self._spreads: dict[tuple[date, datetime], dict[tuple[str, ...], tuple[int, ...]]] = {}
        # (dimension, key) → place → change → how often
        self._changes: dict[tuple[str, str], dict[int, dict[int, int]]] = defaultdict(dict)

    def add(self, spans: Sequence[Span], sign: int, before: Span | None = None) -> None:
        """Add (or with sign -1 take away) the steps of a ticket's spans; `before`: the span they follow."""
        for span in spans:
            spread = self._spread(span.received_day, _hour(span.valid_from))
            self._turn(before, span, sign, spread)
            if span.excluded or (before is not None and before.excluded):
                self._turn_excluded(before, span, sign, spread)
            before = span

    def _spread(self, cohort: date, hour: datetime) -> dict[tuple[str, ...], tuple[int, ...]]:
        """Return, for each choice of tiers, the places to which such a step is added."""
        known = self._spreads.get((cohort, hour))
        if known is None:
            month = cohort.replace(day=1)
            cohorts, steps = {"d": cohort, "m": month, "y": month.replace(month=1)}, _around(hour)
            known = self._spreads[cohort, hour] = {
                tiers: tuple(
                    self._places.setdefault((tier, cohorts[tier[0]], steps[tier[1]]), len(self._places))
                    for tier in tiers
                )
                for tiers in (_FINE, _FEW_KEYS, _MANY_KEYS)
            }
        return known

    def _turn(
        self, before: Span | None, span: Span, sign: int, spread: dict[tuple[str, ...], tuple[int, ...]]
    ) -> None:
        has, had = span.flags, before.flags if before is not None else 0
        change = (has & ~had) << _GAINED | had & ~has
        if change:
            self._note(TOTAL, "", spread[_FINE], change, sign)
        kept = span.dimensions if before is None else before.dimensions
        for dimension, tiers, left, key in zip(DIMENSIONS, _TIERS, kept, span.dimensions, strict=True):
            if left != key:
                self._note(dimension, left, spread[tiers], had, sign)
                self._note(dimension, key, spread[tiers], has << _GAINED, sign)
            elif change:
                self._note(dimension, key, spread[tiers], change, sign)

    def _turn_excluded(
        self, before: Span | None, span: Span, sign: int, spread: dict[tuple[str, ...], tuple[int, ...]]
    ) -> None:
        """Book the excluded twin: a ticket that is left out, or is so no longer, comes and goes as a whole."""
        was = _twins(before) if before is not None and before.excluded else None
        now = _twins(span) if span.excluded else None
        for number, (dimension, tiers) in enumerate(zip((TOTAL, *DIMENSIONS), (_FINE, *_TIERS), strict=True)):
            if was and before is not None:
                self._note(dimension + EXCLUDED, was[number], spread[tiers], before.flags, sign)
            if now:
                self._note(dimension + EXCLUDED, now[number], spread[tiers], span.flags << _GAINED, sign)

    def _note(self, dimension: str, key: str, spread: tuple[int, ...], change: int, sign: int) -> None:
        cells = self._changes[dimension, key]
        for place in spread:
            changes = cells.get(place)
            if changes is None:
                cells[place] = {change: sign}
            else:
                changes[change] = changes.get(change, 0) + sign

    def cells(self) -> Cells:
        """Return the cells that these steps change, and by how much."""
        where = list(self._places)
        return {
            (dimension, *where[place], key): amounts
            for (dimension, key), cells in self._changes.items()
            for place, changes in cells.items()
            if (amounts := _amounts(changes))
        }


def _hour(moment: datetime) -> datetime:
    return moment.astimezone(UTC).replace(minute=0, second=0, microsecond=0)


def _twins(span: Span) -> tuple[str, ...]:
    """Return the keys of an excluded ticket: undivided, and by every dimension."""
    return tuple(f"{span.excluded}{BETWEEN}{key}" for key in ("", *span.dimensions))


@lru_cache(maxsize=65_536)
def _alone(change: int, times: int) -> dict[int, int]:
    gained, lost = (
        dict.fromkeys(places(change >> _GAINED), times),
        dict.fromkeys(places(change & _LOST), -times),
    )
    return gained | lost if times else {}


def _amounts(changes: dict[int, int]) -> dict[int, int]:
    """Return by how much each measure (its place) changes, given how often which bits were gained and lost."""
    if len(changes) == 1:
        [(change, times)] = changes.items()
        return _alone(change, times)
    sums: dict[int, int] = {}
    for change, times in changes.items():
        if times:
            for place in places(change >> _GAINED):
                sums[place] = sums.get(place, 0) + times
            for place in places(change & _LOST):
                sums[place] = sums.get(place, 0) - times
    return {place: amount for place, amount in sums.items() if amount}


@dataclass(frozen=True, slots=True)
class Range:
    """Cells of one tier: cohorts from first to last (inclusive), steps in [since, until)."""

    tier: str
    first: date
    last: date
    since: datetime | None
    until: datetime


@dataclass(frozen=True, slots=True)
class Loose:
    """Single steps, not yet in a full bucket: of cohorts from first to last, since then up to the instant."""

    first: date
    last: date
    since: datetime


@dataclass(frozen=True, slots=True)
class Question:
    """The ranges of cells and the loose steps whose sum is the answer."""

    ranges: tuple[Range, ...]
    loose: tuple[Loose, ...]


def question(
    first: date, last: date, as_of: datetime, dimension: str = TOTAL, *, by_days: bool = False, by_months: bool = False
) -> Question:  # fmt: skip
    """Return what answers for tickets received in [first, last] as they stood at `as_of`.

    `by_days`: from days of receipt alone, so that weeks and days can be told apart; `by_months`: from nothing
    coarser than months.
    """
    at = buckets(as_of)
    tiers = TIERS[dimension.rstrip(EXCLUDED)]
    ranges: list[Range] = []
    loose: list[Loose] = []
    # What is received after the instant has no steps before it: the month of the instant may count as whole.
    today = local_day(as_of)
    last = min(last, today)
    cohorts = [("d", first, last)] if by_days else _cohorts(first, last, today)
    if "yy" in tiers and not by_months:
        cohorts = _years_apart(cohorts, today.year)
    for unit, a, b in cohorts if first <= last else ():
        cohort, since = unit, None
        if unit == "y":
            ranges.append(Range("yy", a, b.replace(month=1), None, at["y"]))
            cohort, since = "m", at["y"]
        for step in "mdh":
            if cohort + step in tiers:
                if since is None or since < at[step]:
                    ranges.append(Range(cohort + step, a, b, since, at[step]))
                since = at[step]
        loose.append(Loose(a, _month_end(b) if cohort == "m" else b, since or at["m"]))
    return Question(tuple(ranges), tuple(loose))


def _cohorts(first: date, last: date, today: date) -> Iterator[tuple[str, date, date]]:
    """Yield whole months as one range of months and what is left at the edges as ranges of days."""
    start = first if first.day == 1 else _next_month(first)
    end = (last + timedelta(days=1)).replace(day=1)  # first day after the last whole month
    if last == today:
        end = _next_month(last)
    if start >= end:
        yield "d", first, last
        return
    yield "m", start, (end - timedelta(days=1)).replace(day=1)
    if first < start:
        yield "d", first, start - timedelta(days=1)
    if last >= end:
        yield "d", end, last


def _years_apart(
    cohorts: Iterable[tuple[str, date, date]], this_year: int
) -> Iterator[tuple[str, date, date]]:
    """Take whole years that are over out of ranges of months; they too are told by their first and last month."""
    for cohort, a, b in cohorts:
        start = a.year + (a.month > 1)
        end = min(b.year + (b.month == _DECEMBER), this_year)  # the first year that is not whole, or not over
        if cohort != "m" or start >= end:
            yield cohort, a, b
            continue
        yield "y", date(start, 1, 1), date(end - 1, _DECEMBER, 1)
        if a.year < start:
            yield "m", a, date(a.year, _DECEMBER, 1)
        if b >= date(end, 1, 1):
            yield "m", date(end, 1, 1), b


def _next_month(day: date) -> date:
    return (day.replace(day=28) + timedelta(days=4)).replace(day=1)


def _month_end(day: date) -> date:
    return _next_month(day) - timedelta(days=1)
