"""Metrics' worker: books the tickets that events name."""

from collections import defaultdict
from collections.abc import Sequence
from uuid import UUID

import structlog

from services.metrics.audit import rebuild, unwritten
from services.metrics.book import book
from services.metrics.points.award import award
from shared.db import Transaction
from shared.events import Event
from shared.process import Process
from shared.worker import Duties, Periodic, main

UNWRITTEN_SECONDS = 10.0
log = structlog.get_logger()


async def handle(tx: Transaction, happened: Sequence[Event]) -> None:
    """Book every ticket that these events name, and what people earned by it, street by street in one order."""
    named: dict[int, set[UUID]] = defaultdict(set)
    for event in happened:
        named[event.street_id].update(event.tickets())
    for street_id in sorted(named):
        await book(tx, street_id, named[street_id])
        await award(tx, street_id, named[street_id])


async def duties(process: Process) -> Duties:
    """Return what this worker does."""
    await process.streets.all()

    async def write_unwritten() -> None:
        for street_id in await unwritten(process.database, [s.id for s in await process.streets.all()]):
            log.info("books_rebuilt", street_id=street_id, tickets=await rebuild(process.database, street_id))

    # Figures may be a blink behind; more events then share a booking.
    return Duties(
        handle=handle,
        periodic=[Periodic("write_unwritten_books", UNWRITTEN_SECONDS, write_unwritten)],
        poll_seconds=0.25,
    )


if __name__ == "__main__":
    main("metrics", duties)
