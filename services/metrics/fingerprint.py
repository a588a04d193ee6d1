"""One number for all the running totals of a street: equal numbers, equal totals, cell by cell.

Pure. A cell's amounts are weighed with numbers drawn for this one recount: one for each measure, each cohort,
each time of a step, each key of a dimension; a cell's weight is their product. The sum over all cells of a tier is
a polynomial in the numbers drawn, and so is the same sum worked out from the tickets' lives; two that differ in any
cell agree by chance once in a thousand million times (Schwartz-Zippel). The tickets' side takes no cells: it is a
few multiplications for each turn of a life, by another way than the booking's.
"""

import secrets
from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import Any

from services.metrics.cells import BETWEEN, EXCLUDED, TIERS, TOTAL
from services.metrics.measures import places
from services.metrics.microseconds import HOUR, day, day_of_number, instant, local_day_of_hour
from services.metrics.spans import Span
from shared.clock import day_start
from shared.tables import DIMENSIONS, FLAG_BITS, MEASURES

_HIGHEST = 2**32
_DIMENSIONS = slice(Span._fields.index(DIMENSIONS[0]), Span._fields.index(DIMENSIONS[-1]) + 1)
# Dimensions whose cells are cut alike, by their places in a ticket's keys (0: undivided), with those cuts.
_GROUPS = tuple(
    (tiers, tuple((place, d) for place, d in enumerate((TOTAL, *DIMENSIONS)) if TIERS[d] == tiers))
    for tiers in dict.fromkeys(TIERS.values())
)


class _Drawn(dict[Any, int]):
    """Numbers drawn when first asked for."""

    def __missing__(self, key: Any) -> int:
        number = self[key] = 1 + secrets.randbelow(_HIGHEST)
        return number


class Fingerprint:
    """What the totals come to by the tickets' lives, and by the books; instants and days as numbers."""

    def __init__(self) -> None:
        self.weights = [1 + secrets.randbelow(_HIGHEST) for _ in MEASURES]
        self._cohorts, self._steps = _Drawn(), _Drawn()
        self._keys: dict[str, _Drawn] = defaultdict(_Drawn)
        self._weighed: dict[tuple[int, int], int] = {}
        self._cohorts_of: dict[int, dict[str, int]] = {}
        self._steps_of: dict[int, tuple[int, int, int, int]] = {}
        self.lives: dict[str, int] = defaultdict(int)  # tier → sum
        self.books: dict[str, int] = defaultdict(int)

    @property
    def agrees(self) -> bool:
        """Whether lives and books come to the same in every tier."""
        return all(self.lives[tier] == self.books[tier] for tier in {*self.lives, *self.books})

    def add_life(self, spans: Sequence[Any]) -> None:
        """Add a ticket's steps, told in numbers. While its keys stay, its steps differ in time and measures alone."""
        under: tuple[tuple[str, ...], str] | None = None
        hours = days = months = years = has = 0
        cohorts = self._cohorts_at(spans[0].received_day)
        for span in spans:
            hour, day_, month, year = self._steps_at(span.valid_from // HOUR)
            now, keys = self._weight(span.flags0, span.flags1), (span[_DIMENSIONS], span.excluded)
            if keys != under:
                if under is not None:  # it leaves as a whole what it counted under
                    left = (hours - hour * has, days - day_ * has, months - month * has, years - year * has)
                    self._close(under, cohorts, left)
                under, hours, days, months, years, has = keys, 0, 0, 0, 0, 0
            hours += hour * (now - has)
            days += day_ * (now - has)
            months += month * (now - has)
            years += year * (now - has)
            has = now
        if under is not None:
            self._close(under, cohorts, (hours, days, months, years))

    def add_cells(self, cells: Iterable[tuple[str, str, int, int, str, int]]) -> None:
        """Add cells of the books: dimension, tier, cohort, step, key, and the sum of its weighed amounts."""
        for dimension, tier, cohort, step, key, weight in cells:
            self.books[tier] += (
                self._cohorts[cohort] * self._steps[step] * self._keys[dimension][key] * weight
            )

    def _close(
        self, under: tuple[Any, str], cohorts: dict[str, int], steps: tuple[int, int, int, int]
    ) -> None:
        dimensions, excluded = under
        keys = ("", *dimensions)
        at = dict(zip("hdmy", steps, strict=True))
        for tiers, members in _GROUPS:
            drawn = 0
            for place, dimension in members:
                drawn += self._keys[dimension][keys[place]]
                if excluded:
                    drawn += self._keys[dimension + EXCLUDED][f"{excluded}{BETWEEN}{keys[place]}"]
            for tier in tiers:
                self.lives[tier] += cohorts[tier[0]] * at[tier[1]] * drawn

    def _weight(self, flags0: int, flags1: int) -> int:
        known = self._weighed.get((flags0, flags1))
        if known is None:
            known = sum(self.weights[place] for place in places(flags0 | flags1 << FLAG_BITS))
            self._weighed[flags0, flags1] = known
        return known

    def _cohorts_at(self, received: Any) -> dict[str, int]:
        known = self._cohorts_of.get(received)
        if known is None:
            month = day_of_number(received).replace(day=1)
            starts = {"d": received, "m": day(month), "y": day(month.replace(month=1))}
            known = self._cohorts_of[received] = {
                unit: self._cohorts[start] for unit, start in starts.items()
            }
        return known

    def _steps_at(self, hour: int) -> tuple[int, int, int, int]:
        """Return the numbers drawn for the hour and the local day, month and year."""
        known = self._steps_of.get(hour)
        if known is None:
            local = local_day_of_hour(hour)
            days = (local, local.replace(day=1), local.replace(month=1, day=1))
            d, m, y = (self._steps[instant(day_start(start))] for start in days)
            known = self._steps_of[hour] = (self._steps[hour * HOUR], d, m, y)
        return known
