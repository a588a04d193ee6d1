"""Who has how much in hand: units and the people in them, summed from counts. Plain Python."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Any
from uuid import UUID

from services.routing.registry import Registry


@dataclass(slots=True)
class Hand:
    """What lies in one hand; `done` counts what was handled since the week began."""

    open: int = 0
    overdue: int = 0
    due_soon: int = 0
    done: int = 0

    def add(self, other: "Hand") -> None:
        self.open += other.open
        self.overdue += other.overdue
        self.due_soon += other.due_soon
        self.done += other.done


@dataclass(slots=True)
class Team:
    """A unit's people, None for what is nobody's in particular yet."""

    street_id: int
    unit: str
    people: dict[UUID | None, Hand] = field(default_factory=dict)

    @property
    def whole(self) -> Hand:
        sum_of_all = Hand()
        for hand in self.people.values():
            sum_of_all.add(hand)
        return sum_of_all


def loads(
    in_hand: Iterable[Any],
    done: Iterable[Any],
    known: Mapping[int, Registry],
    today: date,
    only: Mapping[int, str],
) -> list[Team]:
    """Return the teams by street and unit; of a team that has any work everybody, also who has nothing.

    `in_hand` counts open tickets by unit and person, `done` the handled ones; `only`: one unit of each street.
    """
    teams: dict[tuple[int, str], Team] = {}

    def hand(street_id: int, unit: str, person: UUID | None) -> Hand:
        team = teams.setdefault((street_id, unit), Team(street_id, unit))
        return team.people.setdefault(person, Hand())

    for row in in_hand:
        hand(row.street_id, row.owner_unit, row.assignee_id).add(Hand(row.open, row.overdue, row.due_soon))
    for row in done:
        if only.get(row.street_id, row.lead_unit) == row.lead_unit:
            hand(row.street_id, row.lead_unit, row.assignee_id).done += row.done
    for street_id, registry in known.items():
        for unit, person in _posted(registry, today):
            if (street_id, unit) in teams:
                hand(street_id, unit, person)
    return sorted(teams.values(), key=lambda t: (known[t.street_id].street_id, t.unit))


def _posted(registry: Registry, today: date) -> Iterator[tuple[str, UUID]]:
    for person in registry.people.values():
        for post in person.posts_on(today):
            if post.unit_code is not None:
                yield post.unit_code, person.id
