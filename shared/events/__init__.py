"""Past-tense, frozen, versioned facts, and who is told of them."""

from shared.events.envelope import Event, TicketEvent, from_row
from shared.events.subscribers import KNOWN, SUBSCRIBERS
from shared.events.tickets import (
    LedgerRowsReceivedV1,
    PetitionFiledV1,
    RatingGivenV1,
    SupplementAddedV1,
    TicketMovedV1,
    TicketsMovedV1,
    TicketSubmittedV1,
)

__all__ = [
    "KNOWN", "SUBSCRIBERS", "Event", "LedgerRowsReceivedV1", "PetitionFiledV1", "RatingGivenV1", "SupplementAddedV1",
    "TicketEvent", "TicketMovedV1", "TicketSubmittedV1", "TicketsMovedV1", "from_row",
]  # fmt: skip
