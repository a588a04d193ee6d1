"""What a rule may ask of a request. A condition says nothing when it holds, else in Chinese what did not hold.

Pure. A closed vocabulary: documents become these by `services/routing/rules/parse.py` and by nothing else.
"""

from dataclasses import dataclass
from datetime import date, datetime, time
from typing import Protocol

from shared.clock import to_local

_WEEKDAYS = "一二三四五六日"


@dataclass(frozen=True, slots=True)
class Facts:
    """What is known of a request when its way is chosen; `text` is plain (`spelling.plain`)."""

    text: str
    category: str
    group: str
    kind: str
    channel: str
    mode: str
    level: str
    community: str | None
    grid: str | None
    attributes: frozenset[str]
    received_at: datetime
    workday: bool
    repeat: bool = False
    names: tuple[tuple[str, str], ...] = ()
    """Field → its value as people call it, for the sentences."""

    def called(self, field: str) -> str:
        """Return a fact as people call it."""
        return dict(self.names).get(field) or str(getattr(self, field) or "无")


class Condition(Protocol):
    def fails(self, facts: Facts) -> str | None:
        """Return None where the condition holds, else what did not hold."""


@dataclass(frozen=True, slots=True)
class Among:
    """One fact is one of these."""

    field: str
    noun: str
    values: frozenset[str]

    def fails(self, facts: Facts) -> str | None:
        if getattr(facts, self.field) in self.values:
            return None
        return f"{self.noun}“{facts.called(self.field)}”不在其列"


@dataclass(frozen=True, slots=True)
class Words:
    """Words of the text: all of these, one of these, none of these."""

    every: tuple[str, ...] = ()
    some: tuple[str, ...] = ()
    none: tuple[str, ...] = ()

    def fails(self, facts: Facts) -> str | None:
        missing = next((word for word in self.every if word not in facts.text), None)
        if missing is not None:
            return f"文中没有“{missing}”"
        if self.some and not any(word in facts.text for word in self.some):
            return (
                f"文中没有“{'、'.join(self.some[:5])}”{'等词' if len(self.some) > len(self.some[:5]) else ''}"
            )
        there = next((word for word in self.none if word in facts.text), None)
        return f"文中有“{there}”" if there is not None else None


@dataclass(frozen=True, slots=True)
class Concerns:
    """The request speaks of one of these groups of people."""

    values: tuple[str, ...]
    texts: tuple[str, ...]

    def fails(self, facts: Facts) -> str | None:
        return None if facts.attributes.intersection(self.values) else f"不涉及{'、'.join(self.texts)}"


@dataclass(frozen=True, slots=True)
class Hours:
    """Received from `start` up to, not including, `end`, local time; over midnight where `end` comes first."""

    start: time
    end: time

    def fails(self, facts: Facts) -> str | None:
        at = to_local(facts.received_at).time()
        inside = self.start <= at < self.end if self.start < self.end else at >= self.start or at < self.end
        return None if inside else f"登记时间{at:%H:%M}不在{self.start:%H:%M}至{self.end:%H:%M}之间"


@dataclass(frozen=True, slots=True)
class Weekdays:
    """Received on one of these days of the week, Monday being 1."""

    days: frozenset[int]

    def fails(self, facts: Facts) -> str | None:
        day = to_local(facts.received_at).isoweekday()
        return None if day in self.days else f"登记日为周{_WEEKDAYS[day - 1]},不在其列"


@dataclass(frozen=True, slots=True)
class Is:
    """A fact that is so or not: a working day, a matter reported before."""

    field: str
    wanted: bool
    when_not: str
    when_so: str

    def fails(self, facts: Facts) -> str | None:
        there: bool = getattr(facts, self.field)
        return None if there is self.wanted else self.when_so if there else self.when_not


@dataclass(frozen=True, slots=True)
class Dates:
    """Received between two days, both counted."""

    first: date | None
    last: date | None

    def fails(self, facts: Facts) -> str | None:
        day = to_local(facts.received_at).date()
        late = self.last is not None and day > self.last
        return f"登记日{day}不在规定日期内" if late or (self.first is not None and day < self.first) else None


@dataclass(frozen=True, slots=True)
class Season:
    """Received in a part of the year, (month, day) to (month, day), both counted; over New Year where it ends first."""

    first: tuple[int, int]
    last: tuple[int, int]

    def fails(self, facts: Facts) -> str | None:
        local = to_local(facts.received_at)
        day = (local.month, local.day)
        within = self.first <= day <= self.last
        if self.first > self.last:
            within = day >= self.first or day <= self.last
        return None if within else f"登记日{local.month}月{local.day}日不在规定时节内"


@dataclass(frozen=True, slots=True)
class All:
    parts: tuple[Condition, ...]

    def fails(self, facts: Facts) -> str | None:
        return next((said for part in self.parts if (said := part.fails(facts)) is not None), None)


@dataclass(frozen=True, slots=True)
class Either:
    parts: tuple[Condition, ...]

    def fails(self, facts: Facts) -> str | None:
        first: str | None = None
        for part in self.parts:
            said = part.fails(facts)
            if said is None:
                return None
            first = first or said
        return f"各项备选都不符合:{first}等" if len(self.parts) > 1 else first


@dataclass(frozen=True, slots=True)
class Not:
    part: Condition

    def fails(self, facts: Facts) -> str | None:
        return "属于排除的情形" if self.part.fails(facts) is None else None
