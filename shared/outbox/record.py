"""PostgreSQL remembers: the event and one delivery for each subscriber, in the transaction of the change."""

from collections import defaultdict
from collections.abc import Sequence
from datetime import timedelta

from shared import clock
from shared.db import Transaction
from shared.events import SUBSCRIBERS, Event
from shared.outbox.courier import Courier, Ref
from shared.settings import Service
from shared.tables import deliveries, events


class Outbox:
    """A producer's side: `record` inside the transaction; the offering follows the commit by itself."""

    def __init__(self, producer: Service, courier: Courier, *, lease: float) -> None:
        self._producer = producer
        self._courier = courier
        self._lease = timedelta(seconds=lease)

    async def record(self, tx: Transaction, happened: Sequence[Event]) -> None:
        """Write `happened` and its deliveries; offer them once `tx` has committed."""
        now = clock.now()
        next_at = now + self._lease
        rows, due = [], []
        refs: dict[Service, list[Ref]] = defaultdict(list)
        for event in happened:
            rows.append(
                {
                    "street_id": event.street_id, "id": event.id, "type": event.TYPE, "version": event.VERSION,
                    "producer": self._producer, "ticket_id": event.about(), "payload": event.payload(),
                    "recorded_at": now,
                }
            )  # fmt: skip
            for consumer in SUBSCRIBERS[type(event)]:
                refs[consumer].append((event.street_id, event.id))
                due.append(
                    {
                        "street_id": event.street_id, "consumer": consumer, "event_id": event.id,
                        "next_at": next_at, "offers": 1, "failures": 0,
                    }
                )  # fmt: skip
        await tx.insert_many(events, rows)
        await tx.insert_many(deliveries, due)
        tx.on_commit.append(lambda: self._offer(refs))

    def _offer(self, refs: dict[Service, list[Ref]]) -> None:
        for consumer, wanted in refs.items():
            self._courier.offer(consumer, wanted)
