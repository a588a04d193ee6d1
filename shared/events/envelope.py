"""What every event carries, and how it goes into a row and comes back."""

from collections.abc import Sequence
from dataclasses import dataclass, field, fields
from typing import Any, ClassVar
from uuid import UUID

from uuid_utils.compat import uuid7

_ENVELOPE = frozenset({"id", "street_id", "ticket_id"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """A fact in the past tense. Subclasses add JSON-able fields; a changed shape is a new class, `…V2`."""

    TYPE: ClassVar[str]
    VERSION: ClassVar[int]

    street_id: int
    id: UUID = field(default_factory=uuid7)

    def payload(self) -> dict[str, Any]:
        """Return the fields beyond the envelope."""
        return {f.name: getattr(self, f.name) for f in fields(self) if f.name not in _ENVELOPE}

    def about(self) -> UUID | None:
        """Return the one ticket the event is about, None for an event about many."""
        return None

    def tickets(self) -> Sequence[UUID]:
        """Return the tickets the event names."""
        return ()


@dataclass(frozen=True, slots=True, kw_only=True)
class TicketEvent(Event):
    """A fact about one ticket."""

    ticket_id: UUID

    def about(self) -> UUID | None:
        return self.ticket_id

    def tickets(self) -> Sequence[UUID]:
        return (self.ticket_id,)


def from_row(known: dict[tuple[str, int], type[Event]], row: Any) -> Event:
    """Return the event that a row of `events` holds; raise KeyError for a type or version we do not know."""
    kind = known[row["type"], row["version"]]
    one = {"ticket_id": row["ticket_id"]} if issubclass(kind, TicketEvent) else {}
    return kind(id=row["id"], street_id=row["street_id"], **one, **row["payload"])
