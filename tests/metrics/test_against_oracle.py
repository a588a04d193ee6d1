"""Every count, rate, split and filter against the oracle, on random histories booked in random order.

Each history is a street of its own with up to 30 tickets. Half of the moves are booked later than the rest,
some tickets again and again; then random questions are asked, at instants where something turns, or beside
them, at the edges of hours, days and months in Shanghai, long before and long after.
"""

import random
from datetime import UTC, datetime, timedelta

import pytest

from services.metrics import store
from services.metrics.rates import CATALOGUE
from services.metrics.store import Scope
from shared import clock
from shared.tables import DIMENSIONS, MEASURES
from tests.metrics import histories, oracle
from tests.metrics.histories import CATEGORIES, CHANNELS, KINDS, LATEST, NOW, TICK, UNITS

HISTORIES = 100
QUESTIONS = 4
LONG_AGO = datetime(2019, 5, 1, tzinfo=UTC)
VALUES = {
    "channel": CHANNELS, "kind": (*KINDS, ""), "category": (*CATEGORIES, ""), "community": ("c1", "c2", ""),
    "grid": ("g11", "g12", "g21", ""), "unit": (*UNITS, ""),
}  # fmt: skip


async def book_in_pieces(rng, ledger, write, enter):
    """Store and book a ledger as life would: a part of each history first, the rest after, some twice."""
    first, rest = [], []
    for ticket, history in ledger:
        cut = rng.randint(0, len(history))
        first.append((ticket, history[:cut]))
        rest.append(history[cut:])
    await write(first)
    ids = [ticket["id"] for ticket, _ in ledger]
    await enter(rng.sample(ids, rng.randint(0, len(ids))))
    return ids, rest


def an_instant(rng, turns):
    roll = rng.random()
    if roll < 0.45:
        return rng.choice(turns) + rng.choice((-TICK, timedelta(0), timedelta(0), TICK))
    if roll < 0.75:
        return histories.later(rng, rng.choice(turns))
    return rng.choice((NOW, NOW, LONG_AGO, LATEST + timedelta(days=900)))


def a_window(rng, turns):
    a, b = (oracle.shanghai_day(rng.choice(turns)) for _ in range(2))
    roll = rng.random()
    if roll < 0.2:
        return a, a
    if roll < 0.4:
        return a.replace(day=1), max(a, b)
    if roll < 0.6:
        return a.replace(year=a.year - 3), a.replace(year=a.year + 1)
    return min(a, b), max(a, b)


def a_question(rng, turns):
    first, last = a_window(rng, turns)
    basis = rng.choices(("cohort", "due", "closed"), (7, 2, 1))[0]
    names = rng.sample(DIMENSIONS, rng.choices((0, 1, 2), (6, 3, 1))[0])
    filters = tuple((name, rng.choice(VALUES[name])) for name in names)
    return oracle.Asked(first, last, an_instant(rng, turns), basis, filters)


def scope_of(street, asked):
    return Scope((street.id,), asked.first, asked.last, asked.as_of, asked.basis, dict(asked.filters))


async def by_both_paths(tx, scope, by):
    """Return the sums; first make sure that the totals and the facts say the same."""
    told = await store.sums(tx, scope, by)
    sql, parameters = store._from_facts(scope, by, MEASURES)
    rows = await tx.raw.fetch(sql, *parameters)
    facts = {r["key"]: {m: int(r[m] or 0) for m in MEASURES} for r in rows}
    assert told == {key: sums for key, sums in facts.items() if any(sums.values())}
    return told


def check_rates(sums, stands):
    """Every variant of every rate, from the sums of the measures it names."""
    for rate in CATALOGUE.values():
        for name, variant in rate.variants.items():
            above, below, _ = oracle.rate(rate.id, name, stands)
            assert above <= below
            assert sum(sums[m] for m in variant.numerator) == len(above), (rate.id, name)
            assert sum(sums[m] for m in variant.denominator) == len(below), (rate.id, name)


def check_invariants(sums):
    """What must hold on every data set (design 8)."""
    ended = ("rejected", "merged", "withdrawn", "redirected")
    assert sums["received"] == sums["closed"] + sums["open"] + sum(sums[m] for m in ended)
    assert sums["closed_on_time"] + sums["overdue"] == sums["due"]
    assert sums["direct"] + sums["dispatched_closed"] == sums["closed"]
    assert all(0 <= sums[m] <= sums["received"] for m in MEASURES)


@pytest.mark.parametrize("seed", range(HISTORIES))
async def test_the_books_say_what_the_rows_say(seed, street, write, enter, database, processes, ask):
    rng = random.Random(seed)
    ledger = histories.ledger(rng, street.id, rng.choice((1, 2, 3, 4, 4, 5, 6, 8, 12, 30)))
    ids, rest = await book_in_pieces(rng, ledger, write, enter)
    await write([({}, history) for history in rest])
    rng.shuffle(ids)
    half = len(ids) // 2
    await enter(ids[:half])
    await enter(ids[half // 2 :])
    assert await enter(ids) == 0
    turns = histories.instants(ledger)
    for _ in range(QUESTIONS):
        asked = a_question(rng, turns)
        stands = oracle.chosen(ledger, asked)
        async with database.transaction([street.id], read_only=True) as tx:
            for by in (None, *rng.sample(DIMENSIONS, 3)):
                told = await by_both_paths(tx, scope_of(street, asked), by)
                parts = oracle.split(stands, by)
                assert told == {key: oracle.counts(part) for key, part in parts.items()}, (asked, by)
            pooled = told_total(told)
        check_rates(pooled, stands)
        check_invariants(pooled)
    if seed % 5 == 0:
        await over_http(rng, ask, ledger, turns, street)


def told_total(told):
    return {m: sum(part[m] for part in told.values()) for m in MEASURES}


async def over_http(rng, ask, ledger, turns, street):
    """A question as a client would put it: the same figures, printed as the oracle prints them."""
    with clock.at(NOW):
        for name, variant in rng.sample(sorted(oracle.RATES), 4):
            asked = a_question(rng, [t for t in turns if t <= NOW])
            as_of = min(asked.as_of, NOW)
            stands = oracle.chosen(
                ledger, oracle.Asked(asked.first, asked.last, as_of, asked.basis, asked.filters)
            )
            by, digits, rounding = (
                rng.choice(DIMENSIONS),
                rng.randint(0, 6),
                rng.choice(("half_up", "truncate")),
            )
            body = await ask(
                f"/rates/{name}", variant=variant, from_=asked.first, to=asked.last, as_of=as_of.isoformat(),
                basis=asked.basis, by=by, digits=digits, rounding=rounding, street=street.code,
                **dict(asked.filters),
            )  # fmt: skip
            above, below, exact = oracle.rate(name, variant, stands)
            total = body["total"]
            assert (total["numerator"], total["denominator"]) == (len(above), len(below))
            assert total["value"] == (None if exact is None else float(exact))
            assert total["display"] == oracle.printed(len(above), len(below), digits, rounding)
            parts = oracle.split(stands, by)
            assert [row["key"] for row in body["rows"]] == sorted(parts)
            for row in body["rows"]:
                above, below, _ = oracle.rate(name, variant, parts[row["key"]])
                assert (row["numerator"], row["denominator"]) == (len(above), len(below))
