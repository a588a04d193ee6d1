"""Where grids lie and when: a point is looked up in the boundaries that held on a day. Plain Python.

A new survey ends a boundary and begins another; what was received before it stays where it was.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date

from services.routing.geometry import GridIndex
from services.routing.validity import holds

Rings = Sequence[Sequence[Sequence[float]]]
"""A polygon: its outer ring, then its holes, of (longitude, latitude) in GCJ-02."""


@dataclass(frozen=True, slots=True)
class Boundary:
    """The polygons of one grid from a first day to a last one (None: until it is drawn anew)."""

    grid: str
    since: date
    until: date | None
    polygons: Sequence[Rings]


Span = tuple[str, date, date | None]


class Cells:
    """Finds grids by point and day."""

    def __init__(self, boundaries: Iterable[Boundary]) -> None:
        self._index: GridIndex[Span] = GridIndex(
            ((b.grid, b.since, b.until), polygon) for b in boundaries for polygon in b.polygons
        )

    def find(self, lng: float, lat: float, day: date | None = None) -> str | None:
        """Return the grid of a point (GCJ-02) as its boundaries were on `day`, by default as last drawn."""
        for grid, since, until in self._index.hits(lng, lat):
            if until is None if day is None else holds(since, until, day):
                return grid
        return None
