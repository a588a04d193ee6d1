"""The event path: what was recorded is done once, whatever is repeated, lost, slow or bad."""

import asyncio
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from redis.exceptions import RedisError
from sqlalchemy import func, insert, select, update
from uuid_utils.compat import uuid7

from shared import clock
from shared.errors import Unavailable
from shared.events import SUBSCRIBERS, PetitionFiledV1, RatingGivenV1, SupplementAddedV1
from shared.outbox import Courier, Outbox, Patience, Receiver
from shared.outbox.courier import queue_name
from shared.outbox.receive import ENOUGH_JOBS
from shared.tables import audit_log, deliveries, events
from shared.worker import _worker

NOON = datetime(2026, 3, 4, 4, 0, tzinfo=UTC)
LEASE = timedelta(seconds=5)
PATIENCE = Patience(lease=LEASE, max_failures=3, max_offers=4)
CONSUMER = "intake"  # nothing is sent to intake: here it hears of ratings, and has its queue to itself


@pytest.fixture
async def courier(processes, monkeypatch):
    """Routing's courier and an empty queue."""
    monkeypatch.setitem(SUBSCRIBERS, RatingGivenV1, (CONSUMER,))
    mine = processes("routing").courier
    await sent(mine)  # what an earlier test left in its hands
    await (await mine._connected()).delete(queue_name(CONSUMER))
    return mine


@pytest.fixture
def record(processes, courier, street):
    """`await record(3)` records three events in one transaction; → their references."""

    async def some(number=1, *, through=None):
        process = processes("routing")
        outbox = Outbox("routing", through or courier, lease=LEASE.total_seconds())
        happened = [
            RatingGivenV1(street_id=street.id, ticket_id=uuid7(), closure=n, satisfaction="satisfied")
            for n in range(number)
        ]
        async with process.database.transaction([street.id]) as tx:
            await outbox.record(tx, happened)
        return [(e.street_id, e.id) for e in happened]

    return some


async def sent(courier):
    """Wait until the courier has nothing in its hands."""
    if courier._timer is not None:
        await courier._timer
    await asyncio.gather(*courier._sending)


@pytest.fixture
def receiver(processes):
    """`receiver(handle)` → a receiver of the consumer."""

    def make(handle, patience=PATIENCE, **options):
        return Receiver(CONSUMER, processes(CONSUMER).database, handle, patience, **options)

    return make


@pytest.fixture
def waiting(owner, street):
    """`await waiting()` → the deliveries still open, by event."""

    async def rows():
        async with owner.transaction([street.id], read_only=True) as tx:
            return {r.event_id: r for r in await tx.rows(select(deliveries))}

    return rows


@pytest.fixture
def effects(owner, street):
    """`await effects()` → which events' work was committed, sorted."""

    async def done():
        async with owner.transaction([street.id], read_only=True) as tx:
            return sorted(UUID(r.action) for r in await tx.rows(select(audit_log)))

    return done


async def work_off(process, receiver):
    """Run the arq worker of a service until its queue is empty."""
    worker = _worker(process, receiver, 0.01)
    worker.burst = True
    await worker.async_run()
    await worker.pool.aclose(close_connection_pool=True)  # arq's own close() calls a deprecated name


async def note(tx, happened):
    """Do the work: one row for each event."""
    for event in happened:
        await tx.execute(
            insert(audit_log).values(
                street_id=event.street_id, id=uuid7(), actor="handler", action=str(event.id), detail={},
                recorded_at=clock.now(),
            )
        )  # fmt: skip


def ids(refs):
    return sorted(event for _, event in refs)


async def test_an_event_and_its_deliveries_are_written_with_the_change(processes, owner, street, courier):
    process = processes("routing")
    happened = [
        RatingGivenV1(street_id=street.id, ticket_id=uuid7(), closure=1, satisfaction="satisfied"),
        PetitionFiledV1(street_id=street.id, ticket_id=uuid7(), petition_id=str(uuid7()), action="urge"),
        SupplementAddedV1(street_id=street.id, ticket_id=uuid7(), supplement_id=str(uuid7())),
    ]
    with clock.at(NOON):
        async with process.database.transaction([street.id]) as tx:
            await process.outbox.record(tx, happened)
    async with owner.transaction([street.id], read_only=True) as tx:
        stored = {r.id: r for r in await tx.rows(select(events))}
        due = {(r.event_id, r.consumer): r for r in await tx.rows(select(deliveries))}
    assert stored.keys() == {e.id for e in happened}
    assert {r.producer for r in stored.values()} == {"routing"}
    assert due.keys() == {(e.id, service) for e in happened for service in SUBSCRIBERS[type(e)]}
    assert {(r.offers, r.failures, r.parked_at) for r in due.values()} == {(1, 0, None)}
    assert {r.next_at for r in due.values()} == {NOON + timedelta(seconds=process.settings.delivery_lease)}


async def test_what_is_rolled_back_did_not_happen_and_is_not_offered(processes, street, courier, waiting):
    process = processes("routing")
    event = RatingGivenV1(street_id=street.id, ticket_id=uuid7(), closure=1, satisfaction="satisfied")
    with pytest.raises(ZeroDivisionError):  # noqa: PT012 - the whole transaction fails
        async with process.database.transaction([street.id]) as tx:
            await process.outbox.record(tx, [event])
            raise ZeroDivisionError
    await sent(courier)
    assert await waiting() == {}
    assert await courier.backlog(CONSUMER) == 0


async def test_a_burst_shares_a_job(courier, street):
    for _ in range(5):  # nothing is awaited in between: they come in one turn of the loop
        courier.offer(CONSUMER, [(street.id, uuid7())])
    await sent(courier)
    assert await courier.backlog(CONSUMER) == 1


async def test_from_the_commit_through_redis_to_the_work(
    record, courier, receiver, processes, waiting, effects
):
    refs = await record(3)
    await sent(courier)
    await work_off(processes(CONSUMER), receiver(note))
    assert await waiting() == {}
    assert await effects() == ids(refs)
    assert await courier.backlog(CONSUMER) == 0


async def test_a_reference_repeated_is_done_once(record, receiver, waiting, effects):
    refs = await record(3)
    mine = receiver(note)
    await mine.take(refs + refs)
    await mine.take(refs)
    await asyncio.gather(mine.take(refs), mine.take(refs[:1]))
    assert await waiting() == {}
    assert await effects() == ids(refs)


async def test_a_reference_to_nothing_is_nothing(receiver, street, effects):
    await receiver(note).take([(street.id, uuid7())])
    assert await effects() == []


async def blocked(database):
    """Return once some session of this role waits for a lock (of other roles' sessions one is not told)."""
    query = """SELECT count(*) FROM pg_stat_activity
        WHERE datname = current_database() AND usename = current_user AND wait_event_type = 'Lock'"""
    async with asyncio.timeout(10):
        while True:
            async with database.transaction((), read_only=True) as tx:
                if await tx.raw.fetchval(query):
                    return


async def test_a_value_the_driver_refuses_is_that_events_fault(record, receiver, waiting, effects):
    refs = await record(3)

    async def wrong_type(tx, happened):
        await note(tx, happened)
        if refs[1][1] in {e.id for e in happened}:
            await tx.raw.execute("SELECT $1::int", "not a number")

    await receiver(wrong_type).take(refs)
    assert await effects() == ids([refs[0], refs[2]])
    assert (await waiting())[refs[1][1]].failures == 1


@pytest.mark.parametrize("first_fails", [False, True])
async def test_two_receivers_at_once_do_it_once(record, receiver, processes, waiting, effects, first_fails):
    refs = await record(2)
    inside, go = asyncio.Event(), asyncio.Event()

    async def slow(tx, happened):
        inside.set()
        await go.wait()
        if first_fails:
            raise Unavailable("数据库暂时不可用")
        await note(tx, happened)

    first = asyncio.create_task(receiver(slow).take(refs))
    await inside.wait()
    second = asyncio.create_task(receiver(note).take(refs))
    await blocked(processes(CONSUMER).database)  # the second waits for the rows that the first has taken
    go.set()
    await asyncio.gather(first, second)
    assert await effects() == ids(refs)
    assert await waiting() == {}


async def test_one_bad_event_does_not_hold_up_its_batch(record, receiver, waiting, effects):
    refs = await record(5)
    bad = refs[2]

    async def picky(tx, happened):
        await note(tx, happened)
        if bad[1] in {e.id for e in happened}:
            raise ValueError("无法处理这一件")

    with clock.at(NOON):
        await receiver(picky).take(refs)
    assert await effects() == ids(r for r in refs if r != bad)
    left = await waiting()
    assert left.keys() == {bad[1]}
    assert left[bad[1]].failures == 1
    assert left[bad[1]].error == "ValueError: 无法处理这一件"
    assert left[bad[1]].next_at == NOON + LEASE
    assert left[bad[1]].parked_at is None


async def test_what_keeps_failing_waits_longer_each_time_and_is_parked_in_sight(
    record, receiver, courier, waiting, street
):
    [ref] = await record()

    async def broken(tx, happened):
        raise ValueError("坏了")

    mine, moment, waits = receiver(broken), NOON, []
    for _ in range(PATIENCE.max_failures):
        with clock.at(moment):
            await mine.take([ref])
        row = (await waiting())[ref[1]]
        waits.append(row.next_at - moment)
        parked, moment = row.parked_at, row.next_at
    assert waits == [LEASE, 2 * LEASE, 4 * LEASE]
    assert parked is not None
    with clock.at(moment + timedelta(days=1)):
        assert await mine.sweep(courier, [street.id]) == 0


async def test_an_event_from_the_future_is_parked_not_guessed(record, receiver, owner, waiting, street):
    refs = await record(2)
    async with owner.transaction([street.id]) as tx:
        await tx.execute(update(events).where(events.c.id == refs[0][1]).values(version=99))
    mine = receiver(note)
    for _ in range(PATIENCE.max_failures):
        await mine.take(refs)
    left = await waiting()
    assert left.keys() == {refs[0][1]}
    assert left[refs[0][1]].parked_at is not None


async def test_a_database_that_was_away_is_nobodys_failure(record, receiver, waiting):
    refs = await record(2)

    async def away(tx, happened):
        raise ConnectionResetError

    await receiver(away).take(refs)
    assert {(r.failures, r.error) for r in (await waiting()).values()} == {(0, None)}
    assert len(await waiting()) == 2


async def test_the_sweep_offers_again_after_the_lease_and_not_before(
    record, receiver, courier, waiting, street
):
    with clock.at(NOON):
        [ref] = await record()
    await sent(courier)
    mine = receiver(note)
    for moment, offered in ((NOON, 0), (NOON + LEASE - timedelta(microseconds=1), 0), (NOON + LEASE, 1)):
        with clock.at(moment):
            assert await mine.sweep(courier, [street.id]) == offered
    row = (await waiting())[ref[1]]
    assert row.offers == 2
    assert row.next_at > NOON + 2 * LEASE
    with clock.at(row.next_at - timedelta(microseconds=1)):
        assert await mine.sweep(courier, [street.id]) == 0
    assert await courier.backlog(CONSUMER) == 2


async def test_after_redis_lost_everything_the_sweep_makes_it_good(
    record, receiver, courier, processes, effects, waiting, street
):
    with clock.at(NOON):
        refs = await record(3)
    await sent(courier)
    await (await courier._connected()).delete(queue_name(CONSUMER))  # as FLUSHALL would
    mine = receiver(note)
    with clock.at(NOON + LEASE):
        assert await mine.sweep(courier, [street.id]) == 3
    await work_off(processes(CONSUMER), mine)
    assert await effects() == ids(refs)
    assert await waiting() == {}


async def test_what_is_offered_and_never_taken_is_parked_in_the_end(
    record, receiver, courier, waiting, street
):
    with clock.at(NOON):
        [ref] = await record()
    mine, moment = receiver(note), NOON
    for _ in range(PATIENCE.max_offers):
        moment += timedelta(minutes=5)
        with clock.at(moment):
            assert await mine.sweep(courier, [street.id]) == 1
    row = (await waiting())[ref[1]]
    assert row.offers == PATIENCE.max_offers + 1
    assert row.parked_at == moment
    with clock.at(moment + timedelta(days=1)):
        assert await mine.sweep(courier, [street.id]) == 0


async def test_the_sweep_adds_nothing_to_a_heap(record, receiver, courier, street):
    with clock.at(NOON):
        await record()
    await sent(courier)
    for _ in range(ENOUGH_JOBS):
        await courier.send(CONSUMER, [(street.id, uuid7())])
    with clock.at(NOON + LEASE):
        assert await receiver(note).sweep(courier, [street.id]) == 0
    await (await courier._connected()).delete(queue_name(CONSUMER))


async def test_the_sweep_looks_at_the_streets_it_is_given(record, receiver, courier, new_street):
    with clock.at(NOON):
        await record()
    other = await new_street()
    with clock.at(NOON + LEASE):
        assert await receiver(note).sweep(courier, [other.id]) == 0


async def test_without_redis_the_change_is_committed_all_the_same(record, receiver, waiting, effects, street):
    nobody = Courier("redis://127.0.0.1:1/0")
    refs = await record(2, through=nobody)
    await sent(nobody)
    assert (await waiting()).keys() == {event for _, event in refs}
    assert not await nobody.ping()
    mine = receiver(note)
    with clock.at(clock.now() + 2 * LEASE), pytest.raises((RedisError, OSError)):
        await mine.sweep(nobody, [street.id])
    assert {r.offers for r in (await waiting()).values()} == {1}
    await mine.take(refs)
    assert await effects() == ids(refs)
    await nobody.close()


async def test_a_courier_that_hangs_up_sends_what_it_has_first(processes, courier, street):
    mine = Courier(processes("routing").settings.redis())
    mine.offer(CONSUMER, [(street.id, uuid7())])
    await mine.close()
    assert await courier.backlog(CONSUMER) == 1


async def test_events_stay_when_deliveries_are_done(record, receiver, owner, street):
    refs = await record(2)
    await receiver(note).take(refs)
    async with owner.transaction([street.id], read_only=True) as tx:
        assert (await tx.one(select(func.count().label("n")).select_from(events))).n == 2
