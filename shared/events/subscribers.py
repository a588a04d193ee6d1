"""Who gets what: the one map from an event to the services that act on it. Read this first.

An event without a subscriber stands here with its reason, so that nobody wonders.
"""

from shared.events.envelope import Event
from shared.events.tickets import (
    LedgerRowsReceivedV1,
    PetitionFiledV1,
    RatingGivenV1,
    SupplementAddedV1,
    TicketMovedV1,
    TicketsMovedV1,
    TicketSubmittedV1,
)
from shared.settings import Service

SUBSCRIBERS: dict[type[Event], tuple[Service, ...]] = {
    # Metrics hears of a ticket a moment later, when routing has taken it over: one event for both.
    TicketSubmittedV1: ("routing",),
    # Intake tells the people concerned.
    TicketMovedV1: ("metrics", "intake"),
    PetitionFiledV1: ("routing",),
    SupplementAddedV1: ("intake",),
    RatingGivenV1: ("metrics", "intake"),
    # A ledger's rows travel by the hundred: one event in, one event on. Of what is long past nobody is told.
    LedgerRowsReceivedV1: ("routing",),
    TicketsMovedV1: ("metrics",),
}
KNOWN: dict[tuple[str, int], type[Event]] = {(e.TYPE, e.VERSION): e for e in SUBSCRIBERS}
