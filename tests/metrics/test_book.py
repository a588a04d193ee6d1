"""Booking: repeated, in pieces, in any order, from many connections at once, the books end up the same."""

import asyncio
import random
from datetime import timedelta

import pytest
from sqlalchemy import select

from services.metrics import worker
from services.metrics.audit import rebuild, recount
from shared.events import TicketMovedV1
from shared.tables import MEASURES, ticket_facts, totals
from tests.metrics import histories
from tests.metrics.histories import life


@pytest.fixture
def facts(database):
    """`await facts(street)` → all rows of its facts."""

    async def rows(street):
        async with database.transaction([street.id], read_only=True) as tx:
            found = await tx.rows(
                select(ticket_facts).order_by(ticket_facts.c.ticket_id, ticket_facts.c.span)
            )
        return [tuple(row)[1:] for row in found]

    return rows


@pytest.fixture
def cells(database):
    """`await cells(street)` → its running totals that are not zero, by cell."""

    async def rows(street):
        keys = [c.name for c in totals.primary_key if c.name != "street_id"]
        async with database.transaction([street.id], read_only=True) as tx:
            found = [row._mapping for row in await tx.rows(select(totals))]
        every = {tuple(row[k] for k in keys): tuple(row[m] for m in MEASURES) for row in found}
        return {cell: amounts for cell, amounts in every.items() if any(amounts)}

    return rows


def ids_of(ledger):
    return [ticket["id"] for ticket, _ in ledger]


async def test_booking_again_changes_nothing(street, both, enter, facts, cells):
    ledger = histories.ledger(random.Random(1), street.id, 12)
    await both(ledger)
    before = await facts(street), await cells(street)
    assert before[0]
    assert before[1]
    for _ in range(2):
        assert await enter(ids_of(ledger)) == 0
    assert (await facts(street), await cells(street)) == before


async def test_a_ticket_that_is_not_there_is_not_booked(street, enter, facts):
    assert await enter([histories.NOBODY]) == 0
    assert await facts(street) == []


@pytest.mark.parametrize("seed", range(6))
async def test_move_by_move_or_all_at_once(seed, new_street, write_in, enter_in, database, facts, cells):
    """One street booked after every single move, another once; then both are thrown away and rebuilt."""
    rng = random.Random(seed)
    one, other = await new_street(), await new_street()
    ledger = histories.ledger(rng, one.id, 6)
    moves = [move for _, history in ledger for move in history]
    rng.shuffle(moves)
    moves.sort(key=lambda m: m["seq"])  # tickets in any order, each ticket's moves in theirs
    for street in (one, other):
        await write_in(street, [(ticket | {"street_id": street.id}, []) for ticket, _ in ledger])
    for move in moves:
        await write_in(one, [({}, [move])])
        await enter_in(one, [move["ticket_id"]])
    await write_in(other, [({}, [move | {"street_id": other.id} for move in moves])])
    for street in (one, other):
        await enter_in(street, ids_of(ledger))
    assert await facts(one) == await facts(other)
    assert await cells(one) == await cells(other)
    before = await facts(one), await cells(one)
    assert await rebuild(database, one.id) == len(ledger)
    assert (await facts(one), await cells(one)) == before
    assert (await recount(database, one.id)).clean


async def test_many_connections_at_once(street, write, enter, database, cells):
    """The same tickets booked from six connections, each in an order of its own: counted once."""
    rng = random.Random(3)
    ledger = histories.ledger(rng, street.id, 20)
    await write(ledger)

    ids = ids_of(ledger)
    await asyncio.gather(*(enter(rng.sample(ids, rng.choice((5, 12, 20)))) for _ in range(6)), enter(ids))
    assert (await recount(database, street.id)).clean
    before = await cells(street)
    await rebuild(database, street.id)
    assert await cells(street) == before


async def test_streets_named_in_opposite_order_do_not_block_each_other(
    new_street, write_in, database, gather_handled
):
    """Two workers are handed events of the same two streets, in opposite order."""
    rng = random.Random(4)
    streets = [await new_street(), await new_street()]
    happened = []
    for street in streets:
        ledger = histories.ledger(rng, street.id, 8)
        await write_in(street, ledger)
        happened += [moved(street, t) for t, _ in ledger]
    await gather_handled(streets, happened, list(reversed(happened)), happened[4:12])
    for street in streets:
        assert (await recount(database, street.id)).clean


@pytest.fixture
def gather_handled(database):
    """Let several workers handle lists of events at once."""

    async def one(streets, happened):
        async with database.transaction([s.id for s in streets]) as tx:
            await worker.handle(tx, happened)

    async def all_of_them(streets, *lists):
        await asyncio.gather(*(one(streets, happened) for happened in lists))

    return all_of_them


def moved(street, ticket):
    return TicketMovedV1(
        street_id=street.id, ticket_id=ticket["id"], actions=["accept"], state="accepted", version=2
    )


async def test_history_that_grows_while_others_book(street, write, enter, database):
    """A booking that begins with an old history never overwrites what a later one has seen."""
    rng = random.Random(5)
    ledger = [one for number in range(40) if len((one := life(rng, street.id, number))[1]) > 3][:5]
    await write([(ticket, history[:1]) for ticket, history in ledger])

    async def grow(ticket, history):
        for move in history[1:]:
            await write([({}, [move])])
            await enter([ticket["id"]])

    async def book_all():
        for _ in range(8):
            await enter(ids_of(ledger))

    await asyncio.gather(*(grow(*one) for one in ledger), book_all())
    assert (await recount(database, street.id)).clean


async def test_a_late_entry_moves_what_was_booked(street, write, enter, database):
    """What is entered later than it happened changes the figures of the day on which it happened."""
    rng = random.Random(6)
    lives = (life(rng, street.id, number) for number in range(200))
    ticket, history = next(
        (ticket, history) for ticket, history in lives
        if len(history) > 6 and history[-1]["from_state"] != history[-1]["to_state"]
    )  # fmt: skip
    await write([(ticket, history[:-1])])
    await enter([ticket["id"]])
    late = history[-1] | {"occurred_at": history[-2]["occurred_at"], "late": True}
    await write([({}, [late])])
    assert await enter([ticket["id"]]) == 1
    assert (await recount(database, street.id)).clean


async def test_a_booking_heals_the_facts_of_its_ticket(street, both, enter, facts, database):
    ledger = histories.ledger(random.Random(7), street.id, 3)
    await both(ledger)
    before = await facts(street)
    damages = (
        "UPDATE ticket_facts SET flags0 = flags0 # 8 WHERE ticket_id = $1 AND span = 0",
        "UPDATE ticket_facts SET received_day = received_day + 1 WHERE ticket_id = $1",
        "UPDATE ticket_facts SET valid_from = valid_from - interval '1 day' WHERE ticket_id = $1 AND span = 0",
        "UPDATE ticket_facts SET span = span + 50 WHERE ticket_id = $1",
        "DELETE FROM ticket_facts WHERE ticket_id = $1",
    )
    for damage in damages:
        async with database.transaction([street.id]) as tx:
            await tx.raw.execute(damage, ledger[0][0]["id"])
        assert await enter(ids_of(ledger)) == 1, damage
        assert await facts(street) == before, damage
        assert await enter(ids_of(ledger)) == 0, damage
        await rebuild(database, street.id)


async def test_facts_beyond_a_tickets_last_span_go(street, both, enter, facts, database):
    ledger = histories.ledger(random.Random(8), street.id, 2)
    await both(ledger)
    before = await facts(street)
    async with database.transaction([street.id]) as tx:
        row = dict((await tx.rows(select(ticket_facts).limit(1)))[0]._mapping)
        await tx.insert_many(ticket_facts, [row | {"span": 99, "valid_to": row["valid_from"] + timedelta(1)}])
    assert await enter(ids_of(ledger)) == 1
    assert await facts(street) == before
