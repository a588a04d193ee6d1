"""A street's registry as rows by list and key, and what differs between two of them. Plain Python."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from services.routing.upkeep.kinds import EVERYTHING, Kind
from services.routing.validity import holds
from shared.terms import AreaKind, Term

Row = dict[str, Any]
Key = tuple[Any, ...]


class Action(Term):
    """What happened to a row."""

    ADDED = "added", "新增"
    CHANGED = "changed", "变更"
    ENDED = "ended", "停用"


@dataclass(frozen=True, slots=True)
class Change:
    """A row as it was (None: it was not there) and as it is to be."""

    kind: Kind
    key: Key
    action: Action
    before: Row | None
    after: Row

    @property
    def code(self) -> str:
        """Return the row's key in one line."""
        return " ".join(str(part) for part in self.key if part is not None)


@dataclass
class State:
    """All rows of one street on a day; `digits` are those of a grid after its community's twelve."""

    street: str
    digits: int
    today: date
    rows: dict[str, dict[Key, Row]] = field(default_factory=lambda: {kind.name: {} for kind in EVERYTHING})

    def copy(self) -> "State":
        """Return the same rows, to be changed."""
        rows = {name: {key: dict(row) for key, row in known.items()} for name, known in self.rows.items()}
        return State(self.street, self.digits, self.today, rows)

    def find(self, kind: str, code: str) -> Row | None:
        """Return the row of a coded thing."""
        return self.rows[kind].get((code,))

    def current(self, kind: str) -> Iterator[Row]:
        """Yield the rows of a list that have not ended before today."""
        return (row for row in self.rows[kind].values() if self.lasts(row))

    def lasts(self, row: Mapping[str, Any]) -> bool:
        """Say whether a row has not ended before today."""
        return row["valid_until"] is None or row["valid_until"] >= self.today

    def on(self, kind: str, day: date) -> Iterator[Row]:
        """Yield the rows of a list that hold on a day."""
        return (row for row in self.rows[kind].values() if holds(row["valid_from"], row["valid_until"], day))

    def area_kind(self, code: str) -> AreaKind | None:
        """Return what kind of area a code is of, if there is such an area."""
        if code == self.street:
            return AreaKind.STREET
        known = (
            ("communities", AreaKind.COMMUNITY),
            ("grids", AreaKind.GRID),
            ("buildings", AreaKind.BUILDING),
        )
        return next((kind for name, kind in known if (code,) in self.rows[name]), None)

    def unit(self, text: str) -> Row | None:
        """Return the unit of a code or a name."""
        known = self.find("units", text)
        return known or next((unit for unit in self.current("units") if unit["name"] == text), None)


def differences(before: State, after: State) -> Iterator[Change]:
    """Yield what changed, in the order of reference."""
    for kind in EVERYTHING:
        known = before.rows[kind.name]
        for key, row in after.rows[kind.name].items():
            old = known.get(key)
            if old is None:
                yield Change(kind, key, Action.ADDED, None, row)
            elif old != row:
                ended = row.get("valid_until") is not None and old.get("valid_until") is None
                yield Change(kind, key, Action.ENDED if ended else Action.CHANGED, old, row)
