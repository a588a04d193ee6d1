"""What a window takes over and hands on: received + carried in = ended (less what was taken up again) + carried out."""

import random

import pytest

from shared import clock
from tests.metrics import histories, oracle
from tests.metrics.conftest import local
from tests.metrics.histories import EARLIEST, NOW, TICK
from tests.metrics.lives import DAY, HOUR, done, life

ENDED = {"closed", "rejected", "merged", "withdrawn", "redirected"}


@pytest.fixture(autouse=True)
def _today():
    with clock.at(NOW):
        yield


def ended_less_reopened(ledger, start, end):
    """Endings within [start, end), counted from the moves; one that is taken up again is taken back."""
    count = 0
    for _, history in ledger:
        state = "submitted"
        for move in history:
            before, state = state, move["to_state"]
            if start <= move["occurred_at"] < end:
                count += (state in ENDED) - (before in ENDED)
    return count


def open_at(ledger, moment, received_before, population="all", known_at=None):
    return sum(
        it.open and it.ticket["occurred_at"] < received_before and (population == "all" or not it.excluded)
        for it in oracle.stands(ledger, moment, known_at)
    )


def a_window(rng, turns):
    first, last = sorted(oracle.shanghai_day(rng.choice(turns)) for _ in range(2))
    start = local(first.year, first.month, first.day, 0)
    return first, last, start, local(last.year, last.month, last.day, 0) + DAY


@pytest.mark.parametrize("seed", range(12))
async def test_in_and_out_balance(seed, ask, street, both):
    rng = random.Random(300 + seed)
    ledger = histories.ledger(rng, street.id, 24)
    await both(ledger)
    turns = [at for at in histories.instants(ledger) if EARLIEST <= at < NOW - DAY]
    for _ in range(4):
        first, last, start, end = a_window(rng, turns)
        window = {"from_": first, "to": last}
        body = await ask("/counts", **window)
        carried, received = body["carried"], body["counts"]["received"]
        assert carried["carried_in"] == open_at(ledger, start - TICK, start)
        assert carried["carried_out"] == open_at(ledger, min(NOW, end - TICK), end)
        if end <= NOW:
            ended = ended_less_reopened(ledger, start, end)
            assert received + carried["carried_in"] == ended + carried["carried_out"]
        workload = await ask("/counts", basis="workload", **window)
        assert workload["counts"]["received"] == received + carried["carried_in"]
        assert workload["carried"] == carried


@pytest.mark.parametrize("seed", range(4))
async def test_at_an_earlier_instant_of_some_of_them_as_they_were_known(seed, ask, street, both):
    rng = random.Random(400 + seed)
    ledger = histories.ledger(rng, street.id, 24)
    await both(ledger)
    turns = [at for at in histories.instants(ledger) if EARLIEST <= at < NOW - DAY]
    known = [at for at in histories.recordings(ledger) if at < NOW]
    for population in ("all", "assessed"):
        first, last, start, end = a_window(rng, turns)
        as_of, known_at = rng.choice(turns), rng.choice(known)
        body = await ask(
            "/counts", from_=first, to=last, as_of=as_of.isoformat(), known_at=known_at.isoformat(), population=population
        )  # fmt: skip
        assert body["carried"] == {
            "carried_in": open_at(ledger, min(as_of, start - TICK), start, population, known_at),
            "carried_out": open_at(ledger, min(as_of, end - TICK), end, population, known_at),
        }


async def test_by_hand(ask, street, both):
    start = local(2026, 3, 1, 0)
    reopened = [*done(start - 5 * DAY), ("reopen", start + DAY)]
    await both([
        life(street.id, 1, start - 9 * DAY, *done(start)),  # open until the very beginning of the window
        life(street.id, 2, start - 9 * DAY, *done(start - TICK)),
        life(street.id, 3, start - 9 * DAY),
        life(street.id, 4, start - 9 * DAY, *reopened),
        life(street.id, 5, start, *done(start + 3 * HOUR)),
        life(street.id, 6, start + 30 * DAY),
        life(street.id, 7, start + 31 * DAY),
    ])  # fmt: skip
    body = await ask("/counts", from_="2026-03-01", to="2026-03-31")
    assert body["carried"] == {"carried_in": 2, "carried_out": 3}
    assert body["counts"]["received"] == 2  # 2 + 2 = 2 closed, less 1 reopened, + 3
    body = await ask("/counts", from_="2026-03-01", to="2026-03-31", as_of=start.isoformat())
    assert body["carried"] == {"carried_in": 2, "carried_out": 2}


async def test_shares_are_of_all_received(ask, street, both):
    ledger = histories.ledger(random.Random(51), street.id, 40)
    await both(ledger)
    query = {"from_": "2025-11-01", "to": "2026-04-02"}
    for population in ("all", "assessed"):
        body = await ask("/counts", by="channel", population=population, digits=1, **query)
        received = body["counts"]["received"]
        assert sum(row["share"]["numerator"] for row in body["rows"]) == received
        for row in body["rows"]:
            share = row["share"]
            assert (share["numerator"], share["denominator"]) == (row["counts"]["received"], received)
            assert share["display"] == oracle.printed(share["numerator"], received, 1)


async def test_a_ticket_of_several_units_is_counted_once_in_the_whole(ask, street, both):
    ledger = histories.ledger(random.Random(52), street.id, 60)
    await both(ledger)
    body = await ask("/counts", by="part_unit", from_="2025-11-01", to="2026-04-02")
    stands = oracle.stands(ledger, NOW)
    more = sum(len(it.keys("part_unit")) - 1 for it in stands)
    assert more > 0
    assert body["counts"] == oracle.counts(stands)
    (warning,) = body["warnings"]
    assert (warning["code"], warning["difference"]) == ("parts_overlap", more)
    assert sum(row["counts"]["received"] for row in body["rows"]) == len(stands) + more
