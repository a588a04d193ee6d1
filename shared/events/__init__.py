"""Past-tense, frozen, versioned facts, and who is told of them."""

from shared.events.envelope import Event, from_row
from shared.events.subscribers import KNOWN, SUBSCRIBERS
from shared.events.tickets import (
    PetitionFiledV1,
    RatingGivenV1,
    SupplementAddedV1,
    TicketMovedV1,
    TicketSubmittedV1,
)

__all__ = [
    "KNOWN", "SUBSCRIBERS", "Event", "PetitionFiledV1", "RatingGivenV1", "SupplementAddedV1", "TicketMovedV1",
    "TicketSubmittedV1", "from_row",
]  # fmt: skip
