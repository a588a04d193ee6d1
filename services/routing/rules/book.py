"""A street's rules in order, and the search for the first one that matches.

Pure. A rule that cannot be used (it names what the street does not have, or it raises) is passed over and reported as
broken: the next one has its turn. Whoever may write then switches it off (`services/routing/rule_store.py`).
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

from services.routing.rules import parse
from services.routing.rules.conditions import All, Among, Condition, Either, Facts, Not
from services.routing.rules.parse import Result
from services.routing.rules.vocabulary import PERSON, PLACES, REPEAT
from shared.errors import Problem


@dataclass(frozen=True, slots=True)
class Rule:
    """One version of a rule. A later version takes over on its first day, and ends with its own last."""

    code: str
    version: int
    position: int
    valid_from: date
    valid_until: date | None
    conditions: Mapping[str, Any]
    result: Mapping[str, Any]
    note: str
    recorded_at: datetime

    @property
    def title(self) -> str:
        return f"规则 {self.code}(第{self.version}版)"


@dataclass(frozen=True, slots=True)
class Switch:
    """A rule that is off: why, and whether it switched itself off."""

    reason: str
    since: datetime
    by_itself: bool


@dataclass(frozen=True, slots=True)
class Known:
    """The codes a street has now."""

    units: frozenset[str] = frozenset()
    categories: frozenset[str] = frozenset()
    groups: frozenset[str] = frozenset()
    communities: frozenset[str] = frozenset()
    grids: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Considered:
    """A rule looked at on the way, and what came of it."""

    rule: Rule
    matched: bool
    why: str


@dataclass(frozen=True, slots=True)
class Broken:
    """A rule that could not be used."""

    rule: Rule
    why: str


@dataclass(frozen=True, slots=True)
class Verdict:
    """What the rules say: who decides (None: the catalogue), who adds, what was looked at, what is broken."""

    decides: Rule | None = None
    results: tuple[tuple[Rule, Result], ...] = ()
    considered: tuple[Considered, ...] = ()
    broken: tuple[Broken, ...] = ()


@dataclass(frozen=True, slots=True)
class _Ready:
    rule: Rule
    when: Condition | None
    then: Result
    fault: str | None


@dataclass
class Rulebook:
    """All versions of a street's rules; those of a day are read once and remembered."""

    known: Known = field(default_factory=Known)
    rules: tuple[Rule, ...] = ()
    off: Mapping[str, Switch] = field(default_factory=dict)
    _days: dict[date, tuple[_Ready, ...]] = field(default_factory=dict, init=False, repr=False)

    def on(self, day: date) -> list[Rule]:
        """Return the rules in force on a day, in their order, whether switched on or off."""
        latest: dict[str, Rule] = {}
        for rule in self.rules:
            if rule.valid_from <= day and (
                rule.code not in latest or rule.version > latest[rule.code].version
            ):
                latest[rule.code] = rule
        found = (r for r in latest.values() if r.valid_until is None or day <= r.valid_until)
        return sorted(found, key=lambda r: (r.position, r.code))

    @property
    def asks_for_repeats(self) -> bool:
        """Return whether any rule wants to know of repeated requests."""
        return any(REPEAT in repr(rule.conditions) for rule in self.rules)

    @property
    def asks_for_people(self) -> bool:
        """Return whether any rule chooses a person inside the unit."""
        return any(PERSON in rule.result for rule in self.rules)

    def fault(self, rule: Rule) -> str | None:
        """Return why a rule cannot be used in this street now, or None."""
        return _ready(rule, self.known).fault

    def judge(self, facts: Facts, day: date) -> Verdict:
        """Return what the rules of the day of receipt say of a request."""
        if day not in self._days:
            self._days[day] = tuple(_ready(r, self.known) for r in self.on(day) if r.code not in self.off)
        considered: list[Considered] = []
        results: list[tuple[Rule, Result]] = []
        broken: list[Broken] = []
        decides = None
        for ready in self._days[day]:
            fault, failed = _try(ready, facts)
            if fault is not None:
                broken.append(Broken(ready.rule, fault))
                considered.append(Considered(ready.rule, matched=False, why=f"规则有误,已跳过:{fault}"))
                continue
            considered.append(Considered(ready.rule, failed is None, failed or ready.rule.note))
            if failed is None:
                results.append((ready.rule, ready.then))
                if not ready.then.adds:
                    decides = ready.rule
                    break
        return Verdict(decides, tuple(results), tuple(considered), tuple(broken))


def _ready(rule: Rule, known: Known) -> _Ready:
    try:
        when, then = parse.condition(rule.conditions), parse.result(rule.result)
    except Problem as error:
        return _Ready(rule, None, Result(), error.detail)
    return _Ready(rule, when, then, next(_unknown(when, then, known), None))


def _try(ready: _Ready, facts: Facts) -> tuple[str | None, str | None]:
    """Return (what is wrong with the rule, what did not hold)."""
    if ready.fault is not None or ready.when is None:
        return ready.fault or "无法读取", None
    try:
        return None, ready.when.fails(facts)
    except Exception as error:  # noqa: BLE001 - whatever it is, the next rule must run
        return f"判断条件时出错({type(error).__name__})", None


_KINDS_OF_CODES = {
    "category": ("分类", "categories"),
    "group": ("大类", "groups"),
    "community": ("社区", "communities"),
    "grid": ("网格", "grids"),
}


def _unknown(when: Condition, then: Result, known: Known) -> Iterator[str]:
    """Yield what a rule names and the street does not have."""
    for unit in then.units:
        if unit not in PLACES and unit not in known.units:
            yield f"本街道现在没有“{unit}”这个单位"
    for leaf in _leaves(when):
        noun, attribute = _KINDS_OF_CODES.get(leaf.field, ("", ""))
        if attribute:
            missing: Iterable[str] = sorted(leaf.values - getattr(known, attribute))
            yield from (f"本街道没有代码为“{code}”的{noun}" for code in missing)


def _leaves(when: Condition) -> Iterator[Among]:
    if isinstance(when, Among):
        yield when
    elif isinstance(when, All | Either):
        for part in when.parts:
            yield from _leaves(part)
    elif isinstance(when, Not):
        yield from _leaves(when.part)
