"""The recount finds what is wrong with the books, whatever it is, and the rebuilding mends it."""

import random

import pytest

from services.metrics.audit import rebuild, recount
from shared import clock
from shared.events import TicketMovedV1
from shared.outbox import Outbox
from tests.metrics import histories

DAMAGE = {
    "a measure of a fact": "UPDATE ticket_facts SET flags0 = flags0 # 8 WHERE ticket_id = $1 AND span = 0",
    "the end of a span": "UPDATE ticket_facts SET valid_to = coalesce(valid_to, valid_from) + interval '1 hour' WHERE ticket_id = $1",
    "the day of receipt": "UPDATE ticket_facts SET received_day = received_day - 1 WHERE ticket_id = $1",
    "a dimension": "UPDATE ticket_facts SET channel = 'elsewhere' WHERE ticket_id = $1",
    "a deadline": "UPDATE ticket_facts SET due_at = now() WHERE ticket_id = $1",
    "the numbering": "UPDATE ticket_facts SET span = span + 50 WHERE ticket_id = $1",
    "a fact too few": "DELETE FROM ticket_facts WHERE ticket_id = $1 AND span = 0",
    "facts of no ticket": "UPDATE ticket_facts SET ticket_id = gen_random_uuid() WHERE ticket_id = $1",
    "an amount": "UPDATE totals SET received = received + 1 WHERE dimension = '' AND tier = 'mm' AND received > 0",
    "two amounts that cancel out": "UPDATE totals SET received = coalesce(received, 0) + 1, closed = coalesce(closed, 0) - 1 WHERE tier = 'dd'",
    "a cell too few": "DELETE FROM totals WHERE tier = 'mm' AND dimension = 'channel'",
    "a cell elsewhere": "UPDATE totals SET step = step + interval '40 years' WHERE tier = 'mh'",
    "a cell of no meaning": "UPDATE totals SET tier = 'yy' WHERE tier = 'dh'",
    "cells of no dimension": "INSERT INTO totals (street_id, dimension, tier, cohort, step, key, received) "
    "SELECT street_id, 'nowhere', tier, cohort, step, key, received FROM totals WHERE dimension = '' AND tier = 'mm'",
    "a whole dimension": "DELETE FROM totals WHERE dimension = 'unit'",
}
TICKET_DAMAGE = [name for name, sql in DAMAGE.items() if "$1" in sql]


@pytest.mark.parametrize("what", DAMAGE)
async def test_damage_is_found_and_mended(what, street, both, database):
    ledger = histories.ledger(random.Random(2), street.id, 8)
    await both(ledger)
    assert (await recount(database, street.id)).clean
    async with database.transaction([street.id]) as tx:
        parameters = [ledger[0][0]["id"]] if what in TICKET_DAMAGE else []
        assert await tx.raw.execute(DAMAGE[what], *parameters) not in {"UPDATE 0", "DELETE 0", "INSERT 0 0"}
    found = await recount(database, street.id)
    assert not found.clean
    assert found.differences
    assert bool(found.wrong_tickets) == (what in TICKET_DAMAGE)
    assert found.wrong_cells or what in TICKET_DAMAGE
    assert await rebuild(database, street.id) == len(ledger)
    assert (await recount(database, street.id)).clean


async def test_a_clean_street_is_clean(street, both, database):
    ledger = histories.ledger(random.Random(3), street.id, 15)
    await both(ledger)
    found = await recount(database, street.id)
    assert found.clean
    assert (found.tickets, found.waiting, found.wrong_tickets, found.wrong_cells) == (15, 0, 0, 0)
    assert found.cells > 0
    assert found.differences == []


async def test_an_empty_street_is_clean(street, database):
    assert (await recount(database, street.id)).clean
    assert await rebuild(database, street.id) == 0


async def test_unbooked_tickets_are_found(street, write, database):
    await write(histories.ledger(random.Random(4), street.id, 5))
    found = await recount(database, street.id)
    assert not found.clean
    assert (found.wrong_tickets, found.cells) == (5, 0)


async def test_many_differences_are_counted_and_a_few_told(street, write, database):
    await write(histories.ledger(random.Random(5), street.id, 40))
    found = await recount(database, street.id)
    assert found.wrong_tickets == 40
    assert len(found.differences) == 20


async def test_deliveries_not_yet_booked_are_waiting(street, both, processes, database, deliver):
    ledger = histories.ledger(random.Random(6), street.id, 3)
    await both(ledger)
    routing = processes("routing")
    happened = [
        TicketMovedV1(
            street_id=street.id, ticket_id=ticket["id"], actions=["comment"], state="accepted", version=2
        )
        for ticket, _ in ledger
    ]
    async with routing.database.transaction([street.id]) as tx:
        await Outbox("routing", routing.courier, lease=60).record(tx, happened)
    found = await recount(database, street.id)
    assert not found.clean
    assert (found.waiting, found.wrong_tickets, found.wrong_cells) == (3, 0, 0)
    await deliver("metrics")
    assert (await recount(database, street.id)).clean


async def test_another_streets_books_are_left_alone(new_street, processes, database):
    """A rebuilding touches its own street and no other."""
    one, other = await new_street(), await new_street()
    with clock.at(histories.NOW):
        assert await rebuild(database, one.id) == 0
    async with database.transaction([one.id, other.id], read_only=True) as tx:
        booked = await tx.raw.fetch("SELECT street_id FROM books")
    assert [row["street_id"] for row in booked] == [one.id]
