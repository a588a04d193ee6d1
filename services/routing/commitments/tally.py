"""How many of how many: never a rate of nothing, and 100 % only of all (promises 3 and 4). Pure."""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

_CENT = Decimal("0.01")
_ALL = Decimal(100)


@dataclass(frozen=True, slots=True)
class Tally:
    """The items of a list or of several. `on_time`: closed by the day promised at first; `ended`: given up otherwise."""

    items: int = 0
    closed: int = 0
    open: int = 0
    on_time: int = 0
    published: int = 0

    def shown(self) -> dict[str, Any]:
        """Return the counts with their rates as fractions and as people read them."""
        return {
            "items": self.items, "closed": self.closed, "open": self.open,
            "ended": self.items - self.closed - self.open, "on_time": self.on_time,
            "value": value(self.closed, self.items), "display": display(self.closed, self.items),
            "on_time_value": value(self.on_time, self.items),
            "on_time_display": display(self.on_time, self.items),
        }  # fmt: skip

    def __add__(self, other: "Tally") -> "Tally":
        return Tally(*(getattr(self, f.name) + getattr(other, f.name) for f in fields(self)))


def tally_of(row: Mapping[str, Any]) -> Tally:
    """Return the tally that a row of counts holds."""
    return Tally(**{f.name: row[f.name] for f in fields(Tally)})


def value(part: int, whole: int) -> float | None:
    """Return the share as a fraction, or None of nothing."""
    return part / whole if whole else None


def display(part: int, whole: int) -> str:
    """Return "48.10%", or "—" of nothing; short of all it is at most 99.99%, and of some at least 0.01%."""
    if not whole:
        return "—"
    if part == whole:
        return "100%"
    percent = (Decimal(part * 100) / whole).quantize(_CENT, ROUND_HALF_UP)
    return f"{min(max(percent, _CENT if part else percent), _ALL - _CENT)}%"
