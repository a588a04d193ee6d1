"""The events of a ticket. Samples of each stand in tests/contracts/events/."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar
from uuid import UUID

from shared.events.envelope import Event, TicketEvent


@dataclass(frozen=True, slots=True, kw_only=True)
class TicketSubmittedV1(TicketEvent):
    """A request was taken in and is durable."""

    TYPE: ClassVar[str] = "ticket_submitted"
    VERSION: ClassVar[int] = 1
    channel: str


@dataclass(frozen=True, slots=True, kw_only=True)
class TicketMovedV1(TicketEvent):
    """One or more moves were made on a ticket in one transaction; `version` is its number of moves since."""

    TYPE: ClassVar[str] = "ticket_moved"
    VERSION: ClassVar[int] = 1
    actions: list[str]
    state: str
    version: int


@dataclass(frozen=True, slots=True, kw_only=True)
class PetitionFiledV1(TicketEvent):
    """A reporter asked to withdraw, to urge, to reopen, confirmed a closing or disputed it; routing decides."""

    TYPE: ClassVar[str] = "petition_filed"
    VERSION: ClassVar[int] = 1
    petition_id: str
    action: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SupplementAddedV1(TicketEvent):
    """Something was added to a ticket by its reporter or by staff."""

    TYPE: ClassVar[str] = "supplement_added"
    VERSION: ClassVar[int] = 1
    supplement_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RatingGivenV1(TicketEvent):
    """A reporter rated a closure."""

    TYPE: ClassVar[str] = "rating_given"
    VERSION: ClassVar[int] = 1
    closure: int
    satisfaction: str


@dataclass(frozen=True, slots=True, kw_only=True)
class TicketsMovedV1(Event):
    """Moves were made on many tickets in one transaction: histories that came with a ledger."""

    TYPE: ClassVar[str] = "tickets_moved"
    VERSION: ClassVar[int] = 1
    ticket_ids: list[str]

    def tickets(self) -> Sequence[UUID]:
        return [UUID(ticket_id) for ticket_id in self.ticket_ids]


@dataclass(frozen=True, slots=True, kw_only=True)
class LedgerRowsReceivedV1(Event):
    """Rows of a ledger were taken in: those of this import from line `first` to line `last`, both included."""

    TYPE: ClassVar[str] = "ledger_rows_received"
    VERSION: ClassVar[int] = 1
    import_id: str
    first: int
    last: int
