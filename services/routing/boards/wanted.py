"""What a list of open tickets is narrowed to: one record and one SQL condition for every board."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import ColumnElement, and_, bindparam

from shared.lifecycle import OPEN, WITH_UNIT, State
from shared.tables import ticket_states as s

Condition = ColumnElement[bool]
SOON = timedelta(hours=24)


def among(*states: State) -> Condition:
    """Return the condition for these states, written out so that PostgreSQL finds the indexes of open tickets."""
    values = sorted(state.value for state in states)
    return s.c.state.in_(bindparam(None, values, expanding=True, literal_execute=True))


def still_open() -> Condition:
    return among(*OPEN)


def with_a_unit() -> Condition:
    return among(*WITH_UNIT)


def late(now: datetime) -> Condition:
    """Return the condition for tickets past their deadline; the clock of a suspended one stands still."""
    return and_(s.c.due_at < now, s.c.suspended_at.is_(None))


def due_soon(now: datetime) -> Condition:
    """Return the condition for tickets that fall due within a day."""
    return and_(s.c.due_at >= now, s.c.due_at < now + SOON, s.c.suspended_at.is_(None))


@dataclass(frozen=True, slots=True)
class Wanted:
    """The filters that every board takes.

    `units`: the unit that has it now, by street (codes are each street's own); `mine`: in whose hands; `number`: some
    of the ticket's number; the others as columns of `ticket_states` are called.
    """

    state: State | None = None
    units: Mapping[int, str] = field(default_factory=dict)
    columns: Mapping[str, str] = field(default_factory=dict)
    overdue_at: datetime | None = None
    due_before: datetime | None = None
    supervised: bool | None = None
    mine: UUID | None = None
    number: str | None = None

    def conditions(self, street_id: int) -> Iterator[Condition]:
        """Yield the conditions over `ticket_states` for one street."""
        yield s.c.street_id == street_id
        yield among(self.state) if self.state is not None else still_open()
        if street_id in self.units:
            yield s.c.owner_unit == self.units[street_id]
        for name, value in self.columns.items():
            yield s.c[name] == value
        if self.overdue_at is not None:
            yield late(self.overdue_at)
        if self.due_before is not None:
            yield s.c.due_at < self.due_before
        if self.supervised is not None:
            yield s.c.supervised.is_(self.supervised)
        if self.mine is not None:
            yield s.c.assignee_id == self.mine
        if self.number is not None:
            yield s.c.number.contains(self.number, autoescape=True)
