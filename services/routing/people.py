"""Who works for a street: posts, crews, who answers for an area, who is on duty, which leader stands by. Plain Python."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from itertools import combinations
from uuid import UUID

from services.routing.validity import A_DAY, holds, overlap


@dataclass(frozen=True, slots=True)
class Post:
    """What a person does, for whom and where: an area of a kind, from a first day to a last one."""

    role: str
    unit_code: str | None
    area_kind: str
    area_code: str
    since: date
    until: date | None


@dataclass(frozen=True, slots=True)
class Person:
    """One of the staff; `id` is who acts with their token, `code` the number in the street's lists."""

    id: UUID
    code: str
    name: str
    since: date
    until: date | None
    posts: tuple[Post, ...] = ()

    def posts_on(self, day: date) -> tuple[Post, ...]:
        """Return the posts held on a day; nobody holds one who is no longer there."""
        if not holds(self.since, self.until, day):
            return ()
        return tuple(post for post in self.posts if holds(post.since, post.until, day))


@dataclass(frozen=True, slots=True)
class Member:
    """One of a grid's crew, and as what."""

    person: Person
    kind: str


@dataclass(frozen=True, slots=True)
class Task:
    """A person tied to something for some days: to a grid as a kind of crew, to an area, to what they sponsor."""

    code: str
    person: Person
    since: date
    until: date | None
    kind: str = ""


@dataclass(frozen=True, slots=True)
class Shift:
    """A person on duty for a unit, from an instant to another (not included)."""

    unit_code: str
    person: Person
    starts_at: datetime
    ends_at: datetime


class Staffing:
    """Everybody in one street; each of the lists is asked by area or unit and by day or instant."""

    def __init__(
        self,
        people: Iterable[Person] = (),
        *,
        responsibles: Iterable[Task] = (),
        crews: Iterable[Task] = (),
        sponsors: Iterable[Task] = (),
        shifts: Iterable[Shift] = (),
    ) -> None:
        """Take everything there is, of all times; sponsors of areas and of units come together."""
        self.people: Mapping[UUID, Person] = {person.id: person for person in people}
        self._responsibles, self._crews = _by_code(responsibles), _by_code(crews)
        self._sponsors = _by_code(sponsors)
        self._shifts = tuple(shifts)

    def responsible(self, area_code: str, day: date) -> Person | None:
        """Return who answers for this very area on a day."""
        return _first(_on(day, self._responsibles.get(area_code, ())))

    def unanswered(self, area_code: str, day: date) -> list[tuple[date, date | None]]:
        """Return the spans from `day` on for which nobody answers for an area (None: without a known end)."""
        spans = sorted((t.since, _end(t)) for t in self._responsibles.get(area_code, ()))
        free = day
        found: list[tuple[date, date | None]] = []
        for since, until in spans:
            if since > free:
                found.append((free, since - A_DAY))
            if until is None:
                return found
            free = max(free, until + A_DAY)
        return [*found, (free, None)]

    def doubled(self, area_code: str, day: date) -> bool:
        """Say whether two people answer for an area on some day from `day` on."""
        spans = [(max(t.since, day), _end(t)) for t in self._responsibles.get(area_code, ())]
        spans = [(since, until) for since, until in spans if until is None or until >= since]
        return any(overlap(*one, *other) for one, other in combinations(spans, 2))

    def crew(self, grid_code: str, day: date) -> tuple[Member, ...]:
        """Return who works in a grid on a day."""
        return tuple(Member(task.person, task.kind) for task in _on(day, self._crews.get(grid_code, ())))

    def sponsor(self, code: str, day: date) -> Person | None:
        """Return the leader who stands by an area or a unit on a day; of several, the first by number."""
        return _first(_on(day, self._sponsors.get(code, ())))

    def on_duty(self, unit_code: str, moment: datetime) -> tuple[Person, ...]:
        """Return who is on duty for a unit at an instant."""
        return tuple(
            s.person for s in self._shifts if s.unit_code == unit_code and s.starts_at <= moment < s.ends_at
        )


def _end(task: Task) -> date | None:
    """Return the last day of a task, which is not after its person's."""
    return min((end for end in (task.until, task.person.until) if end is not None), default=None)


def _by_code(tasks: Iterable[Task]) -> Mapping[str, Sequence[Task]]:
    found: dict[str, list[Task]] = {}
    for task in tasks:
        found.setdefault(task.code, []).append(task)
    return found


def _on(day: date, tasks: Iterable[Task]) -> Iterator[Task]:
    return (
        task
        for task in tasks
        if holds(task.since, task.until, day) and holds(task.person.since, task.person.until, day)
    )


def _first(tasks: Iterable[Task]) -> Person | None:
    return min((task.person for task in tasks), key=lambda person: person.code, default=None)
