"""Rankings: ties are ties, and too small a sample is not ranked. Pure.

Competition ranking, after the red and black lists of real bulletins (榆林: 同分不分先后): equals share a rank and
the next one comes after all of them; who ties with the last of a list is on the list too.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any, Literal

Order = Literal["desc", "asc"]


@dataclass(frozen=True, slots=True)
class Entrant:
    """One row to be ranked, with its exact value."""

    row: dict[str, Any]
    value: Fraction | None

    @property
    def ranked(self) -> bool:
        """Whether it has a figure over a fair sample, and is somebody: what no unit had is no unit's merit."""
        somebody = all(key and not key.endswith("/") for key in self.row["keys"])
        return self.value is not None and not self.row["few"] and somebody


def ranked(entrants: Sequence[Entrant], order: Order) -> list[dict[str, Any]]:
    """Return the rows that can be ranked, best first, each with its rank and whether it shares it."""
    able = [(e.value, e) for e in entrants if e.ranked and e.value is not None]
    able.sort(key=lambda pair: (-pair[0] if order == "desc" else pair[0], pair[1].row["keys"]))
    first: dict[Fraction, int] = {}
    for place, (value, _) in enumerate(able, 1):
        first.setdefault(value, place)
    held = Counter(value for value, _ in able)
    return [{**entrant.row, "rank": first[value], "tied": held[value] > 1} for value, entrant in able]


def unranked(entrants: Sequence[Entrant]) -> list[dict[str, Any]]:
    """Return the rows that cannot be: no figure, too small a sample, or nobody's."""
    return [{**e.row, "rank": None, "tied": False} for e in entrants if not e.ranked]


def leading(rows: Sequence[dict[str, Any]], count: int) -> list[dict[str, Any]]:
    """Return the first so many, and whoever ties with the last of them (红榜)."""
    return [row for row in rows if count and row["rank"] <= (rows[min(count, len(rows)) - 1]["rank"])]


def trailing(rows: Sequence[dict[str, Any]], count: int) -> list[dict[str, Any]]:
    """Return the last so many, and whoever ties with the first of them, last first (黑榜)."""
    if not count or not rows:
        return []
    edge = rows[max(len(rows) - count, 0)]["rank"]
    return [row for row in reversed(rows) if row["rank"] >= edge]
