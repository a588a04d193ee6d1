"""A consumer's side: take deliveries and do their work in one transaction, so that each is done once.

`DELETE … RETURNING` is the inbox: what comes back is ours, what does not was done before. One bad event
does not hold up its batch: the batch is tried again one by one, and what still fails waits longer each
time until it is parked, in sight of `banjie events`, never dropped.
"""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from itertools import chain

import structlog
from prometheus_client import Counter

from shared import clock
from shared.db import Database, Transaction, is_unavailable
from shared.errors import Unavailable
from shared.events import KNOWN, Event, from_row
from shared.group_commit import GroupCommit
from shared.outbox.courier import Courier, Ref
from shared.settings import Service, Settings

Handler = Callable[[Transaction, Sequence[Event]], Awaitable[None]]
SWEEP_LIMIT = 2000
# More jobs than this in Redis: the events are on their way, offering them again would only add to the heap.
ENOUGH_JOBS = 50
_DONE = Counter("banjie_deliveries_done_total", "Deliveries whose work was committed", ["consumer"])
_ERRED = Counter("banjie_deliveries_failed_total", "Deliveries whose work raised", ["consumer"])
log = structlog.get_logger()

_TAKE = """
DELETE FROM deliveries
WHERE street_id = ANY($1::bigint[]) AND consumer = $2 AND event_id = ANY($3::uuid[])
RETURNING street_id, event_id"""
_READ = """
SELECT id, street_id, ticket_id, type, version, payload FROM events
WHERE street_id = ANY($1::bigint[]) AND id = ANY($2::uuid[]) ORDER BY id"""
_FAIL = """
UPDATE deliveries SET failures = failures + 1, error = $4, next_at = $5::timestamptz + $6::interval * power(2, failures),
  parked_at = CASE WHEN failures + 1 >= $7 THEN $5::timestamptz END
WHERE street_id = $1 AND consumer = $2 AND event_id = $3"""
_DUE = """
SELECT street_id, event_id FROM deliveries
WHERE street_id = ANY($1::bigint[]) AND consumer = $2 AND next_at <= $3 AND parked_at IS NULL
ORDER BY next_at LIMIT $4"""
# Offered again and again but never taken: it may be killing its worker. Then it is parked too.
_OFFERED = """
UPDATE deliveries SET offers = offers + 1, next_at = $4::timestamptz + $5::interval * least(1 + offers / 4.0, $6),
  parked_at = CASE WHEN offers + 1 > $7 THEN $4::timestamptz END
WHERE street_id = ANY($1::bigint[]) AND consumer = $2 AND event_id = ANY($3::uuid[]) AND parked_at IS NULL"""
# What is offered in vain waits a little longer each time, up to so many leases: after a flush of Redis the
# next offer must come soon, and a consumer that merely takes its time must not be counted out.
MOST_LEASES = 6.0


@dataclass(frozen=True, slots=True)
class Patience:
    """How long and how often: lease before the next offer, failures and offers before parking."""

    lease: timedelta
    max_failures: int
    max_offers: int

    @classmethod
    def of(cls, settings: Settings) -> "Patience":
        return cls(
            timedelta(seconds=settings.delivery_lease),
            settings.delivery_max_failures,
            settings.delivery_max_offers,
        )


class Receiver:
    """Takes what a consumer is offered and hands it to `handle`, which must do all its work in `tx`."""

    def __init__(
        self,
        consumer: Service,
        database: Database,
        handle: Handler,
        patience: Patience,
        *,
        in_flight: int = 1,
    ) -> None:
        self._consumer = consumer
        self._database = database
        self._handle = handle
        self._patience = patience
        self._batches: GroupCommit[list[Ref], None] = GroupCommit(
            self._flush, max_batch=8, max_waiting=100_000, in_flight=in_flight
        )

    async def take(self, refs: list[Ref]) -> None:
        """Do the work of these deliveries, together with whatever else was offered meanwhile."""
        await self._batches.put(refs)

    async def _flush(self, offered: Sequence[list[Ref]]) -> list[None]:
        await self._work(list(dict.fromkeys(chain.from_iterable(offered))))
        return [None] * len(offered)

    async def _work(self, refs: list[Ref]) -> None:
        try:
            await self._together(refs)
        except Unavailable as error:
            log.warning("consumer_waits", consumer=self._consumer, error=str(error.__cause__)[:200])
        except Exception as error:  # noqa: BLE001 - noted on the delivery, tried again, parked at last
            if is_unavailable(error):
                return
            if len(refs) > 1:
                for ref in refs:
                    await self._work([ref])
                return
            await self._failed(refs[0], error)

    async def _together(self, refs: list[Ref]) -> None:
        streets = sorted({street for street, _ in refs})
        async with self._database.transaction(streets) as tx:
            taken = await tx.raw.fetch(_TAKE, streets, self._consumer, [event for _, event in refs])
            if taken:
                rows = await tx.raw.fetch(_READ, streets, [row["event_id"] for row in taken])
                await self._handle(tx, [from_row(KNOWN, row) for row in rows])
        _DONE.labels(self._consumer).inc(len(taken))

    async def _failed(self, ref: Ref, error: Exception) -> None:
        _ERRED.labels(self._consumer).inc()
        log.error("event_failed", consumer=self._consumer, event_id=str(ref[1]), exc_info=error)
        message = f"{type(error).__name__}: {error}"[:500]
        try:
            async with self._database.transaction([ref[0]]) as tx:
                await tx.raw.execute(
                    _FAIL, ref[0], self._consumer, ref[1], message, clock.now(), self._patience.lease,
                    self._patience.max_failures,
                )  # fmt: skip
        except Unavailable:
            log.warning("failure_not_noted", consumer=self._consumer, event_id=str(ref[1]))

    async def sweep(self, courier: Courier, streets: Sequence[int]) -> int:
        """Offer again what was not taken within its lease; return how many. Raises when Redis is away."""
        now = clock.now()
        async with self._database.transaction(streets, read_only=True) as tx:
            due = await tx.raw.fetch(_DUE, streets, self._consumer, now, SWEEP_LIMIT)
        if not due or await courier.backlog(self._consumer) > ENOUGH_JOBS:
            return 0
        refs = [(row["street_id"], row["event_id"]) for row in due]
        # Redis first: an offer that nobody noted is harmless, a note of an offer never made costs a wait.
        await courier.send(self._consumer, refs)
        async with self._database.transaction(streets) as tx:
            await tx.raw.execute(
                _OFFERED, sorted({s for s, _ in refs}), self._consumer, [e for _, e in refs], now,
                self._patience.lease, MOST_LEASES, self._patience.max_offers,
            )  # fmt: skip
        return len(refs)
