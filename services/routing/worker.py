"""Routing's worker: places what was submitted, decides petitions, marks what is overdue, signs and closes for the silent, supervises."""

from services.routing import deemed, unconfirmed
from services.routing.consume import Consumer
from services.routing.overdue import sweep
from services.routing.recalculate import Recalculation
from services.routing.registry import Registries
from services.routing.supervision import meetings
from services.routing.supervision.sweep import Review, climb
from shared.process import Process
from shared.worker import Duties, Periodic, main

OVERDUE_SECONDS = 15.0
RECALCULATE_SECONDS = 15.0
DEEMED_SECONDS = 60.0
SUPERVISION_SECONDS = 30.0
MEETING_SECONDS = 300.0
UNCONFIRMED_SECONDS = 60.0


async def duties(process: Process) -> Duties:
    """Return what this worker does."""
    registries = Registries(process.database)
    consumer = Consumer(registries, process.outbox, process.settings)
    # One batch at a time, asked for every few hundredths of a second: a burst then shares transactions.
    return Duties(
        handle=consumer.handle,
        periodic=[
            Periodic("overdue", OVERDUE_SECONDS, lambda: sweep(process, registries)),
            Periodic("deemed", DEEMED_SECONDS, lambda: deemed.sweep(process, registries)),
            Periodic("unconfirmed", UNCONFIRMED_SECONDS, lambda: unconfirmed.sweep(process, registries)),
            Periodic("recalculate", RECALCULATE_SECONDS, Recalculation(process, registries).run),
            Periodic("supervision_review", SUPERVISION_SECONDS, Review(process, registries).run),
            Periodic("meetings", MEETING_SECONDS, lambda: meetings.sweep(process, registries)),
            Periodic("supervision", SUPERVISION_SECONDS, lambda: climb(process, registries)),
        ],
        poll_seconds=0.05,
    )


if __name__ == "__main__":
    main("routing", duties)
