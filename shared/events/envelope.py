"""What every event carries, and how it goes into a row and comes back."""

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
    ticket_id: UUID
    id: UUID = field(default_factory=uuid7)

    def payload(self) -> dict[str, Any]:
        """Return the fields beyond the envelope."""
        return {f.name: getattr(self, f.name) for f in fields(self) if f.name not in _ENVELOPE}


def from_row(known: dict[tuple[str, int], type[Event]], row: Any) -> Event:
    """Return the event that a row of `events` holds; raise KeyError for a type or version we do not know."""
    kind = known[row["type"], row["version"]]
    return kind(id=row["id"], street_id=row["street_id"], ticket_id=row["ticket_id"], **row["payload"])
