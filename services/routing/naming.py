"""What ledgers call things: found in the registry by code or by name, else made as they are called.

Nothing is guessed: what is not known as it is written becomes an entry of its own, marked as imported, for a
person to sort out. Pure; `services/routing/ledger.py` writes what was made.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from services.routing.deadlines import Limits
from services.routing.registry import OTHER, Category, Registry, Unit
from services.routing.spelling import plain
from shared.terms import Level, Mode

IMPORTED_GROUP, IMPORTED_UNIT = "导入", "imported"
UNCLASSIFIED, UNCLASSIFIED_TEXT = "unclassified", "未分类"
DEFAULT_LIMITS = Limits(sign="1wd", contact="1wd", resolve="10wd")


class _Lexicon:
    """Codes by code, by name where only one has it, and by number where a spreadsheet dropped the zeros.

    A name that has passed on from what has ended means what bears it now.
    """

    def __init__(self, entries: Iterable[tuple[str, str]], ended: frozenset[str]) -> None:
        self._ended = ended
        self._codes: dict[str, str] = {}
        self._names: dict[str, set[str]] = {}
        self._numbers: dict[str, set[str]] = {}
        for code, name in entries:
            self.add(code, name)

    def add(self, code: str, name: str) -> None:
        self._codes[plain(code)] = code
        self._names.setdefault(plain(name), set()).add(code)
        if code.isdecimal():
            self._numbers.setdefault(code.lstrip("0"), set()).add(code)

    def find(self, text: str) -> str | None:
        """Return the one code that `text` means, if there is one."""
        wanted = plain(text)
        if wanted in self._codes:
            return self._codes[wanted]
        for known in (self._names.get(wanted, ()), self._numbers.get(wanted, ())):
            for meant in (set(known) - self._ended, known):
                if len(meant) == 1:
                    return next(iter(meant))
        return None


@dataclass
class Made:
    """Entries that were not there, by code."""

    categories: dict[str, Category] = field(default_factory=dict)
    communities: dict[str, str] = field(default_factory=dict)
    units: dict[str, Unit] = field(default_factory=dict)

    def __bool__(self) -> bool:
        return bool(self.categories or self.communities or self.units)


class Names:
    """Finds codes in one street's registry, and remembers what had to be made."""

    def __init__(self, registry: Registry) -> None:
        self._registry = registry
        self._categories = _Lexicon(
            ((c.code, c.name) for c in registry.categories.values()), registry.ended.categories
        )
        self._communities = _Lexicon(registry.communities.items(), registry.ended.communities)
        self._units = _Lexicon(((u.code, u.name) for u in registry.units.values()), registry.ended.units)
        self.made = Made()

    def category(self, text: str | None) -> str:
        """Return the code of a category; of none, that of what is not classified."""
        code, name = (text, text) if text is not None else (UNCLASSIFIED, UNCLASSIFIED_TEXT)
        found = self._categories.find(code)
        if found is None:
            other = self._registry.categories.get(OTHER)
            limits = other.limits if other is not None else DEFAULT_LIMITS
            self.made.categories[code] = Category(
                code, IMPORTED_GROUP, name, self._registry.desk.code, Level.STREET.value, Mode.NORMAL.value, limits
            )  # fmt: skip
            self._categories.add(code, name)
            found = code
        return found

    def community(self, text: str | None, grid: str | None) -> str | None:
        """Return the code of a community; where only a grid is told, of the one that the grid lies in."""
        if text is None:
            return self._registry.grids.get(grid) if grid is not None else None
        found = self._communities.find(text)
        if found is None:
            self.made.communities[text] = found = text
            self._communities.add(text, text)
        return found

    def unit(self, text: str) -> str:
        """Return the code of a unit."""
        found = self._units.find(text)
        if found is None:
            self.made.units[text] = Unit(
                text, text, IMPORTED_UNIT, Level.STREET.value, self._registry.desk.code, None, is_desk=False
            )
            self._units.add(text, text)
            found = text
        return found

    def registry(self) -> Registry:
        """Return the registry with what was made."""
        made, old = self.made, self._registry
        if not made:
            return old
        units = {**old.units, **made.units}
        return replace(
            old,
            units=units,
            units_by_name={**old.units_by_name, **{u.name: u for u in made.units.values()}},
            categories={**old.categories, **made.categories},
            communities={**old.communities, **made.communities},
        )


def rows(made: Made, street_id: int) -> Mapping[str, list[dict[str, Any]]]:
    """Return what was made as rows, by table, parents first."""
    tenant = {"street_id": street_id, "imported": True}
    return {
        "units": [
            tenant | {"code": u.code, "name": u.name, "kind": u.kind, "level": u.level, "parent_code": u.parent_code,
                      "community_code": None, "is_desk": False}
            for u in made.units.values()
        ],
        "communities": [tenant | {"code": code, "name": name} for code, name in made.communities.items()],
        "categories": [
            tenant | {"code": c.code, "group_name": c.group_name, "name": c.name, "lead_unit": c.lead_unit,
                      "level": c.level, "mode": c.mode, "sign_limit": c.limits.sign, "contact_limit": c.limits.contact,
                      "resolve_limit": c.limits.resolve}
            for c in made.categories.values()
        ],
    }  # fmt: skip
