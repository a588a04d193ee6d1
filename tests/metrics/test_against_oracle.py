"""Every count, rate, split and filter against the oracle, on random histories booked in random order.

Each history is a street of its own with up to 30 tickets. Half of the moves are booked later than the rest,
some tickets again and again; then random questions are asked, at instants where something turns, or beside
them, at the edges of hours, days and months in Shanghai, long before and long after, by what was recorded
at some instant or by all of it.
"""

import random
from datetime import UTC, datetime, timedelta

import pytest

from services.metrics import store
from services.metrics.counting import Count
from services.metrics.rates import CATALOGUE, COMPUTED
from services.metrics.splits import SPLITS
from services.metrics.store import Scope
from shared import clock
from shared.tables import MEASURES
from tests.metrics import histories, oracle
from tests.metrics.course import later
from tests.metrics.histories import LATEST, NOW, TICK

HISTORIES = 200
QUESTIONS = 5
LONG_AGO = datetime(2019, 5, 1, tzinfo=UTC)
EVERY_MEASURE = (*MEASURES, *COMPUTED)
GROUPS = {"0101": "甲类", "0102": "甲类", "0201": "乙类"}


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
        return later(rng, rng.choice(turns))
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


def a_question(rng, turns, stands, recorded):
    """A question of any kind; its filters name what some ticket has, so that they are not always empty."""
    first, last = a_window(rng, turns)
    basis = rng.choices(("cohort", "due", "closed", "workload"), (14, 2, 2, 2))[0]
    exact = None
    if rng.random() < 0.1:
        noon = clock.day_start(first) - timedelta(hours=12)
        exact = noon, clock.day_start(last) + timedelta(hours=12)
    names = rng.sample(sorted(oracle.EVERY_FILTER), rng.choices((0, 1, 2), (6, 3, 1))[0])
    someone = rng.choice(stands)
    filters = tuple((name, rng.choice(someone.keys(name))) for name in names)
    known_at = rng.choice(recorded) + rng.choice((-TICK, timedelta(0))) if rng.random() < 0.3 else None
    return oracle.Asked(
        first, last, an_instant(rng, turns), basis, filters, known_at, exact, "all", GROUPS
    )  # fmt: skip


def scope_of(street, asked):
    groups = {}
    for code, name in asked.groups.items():
        groups.setdefault(name, set()).add(code)
    return Scope(
        (street.id,), asked.first, asked.last, asked.as_of, asked.basis, dict(asked.filters), asked.known_at,
        asked.exact, {name: frozenset(codes) for name, codes in groups.items()},
    )  # fmt: skip


def a_split(rng):
    names = [name for name in oracle.EVERY_SPLIT if name in SPLITS and name != "street"]
    return tuple(rng.sample(names, rng.choices((0, 1, 2), (2, 6, 2))[0]))


async def told(tx, scope, by):
    """Return what is counted; where the totals can answer, make sure that the facts say the same."""
    counted = await (await Count.of(tx, scope, EVERY_MEASURE)).split(by, EVERY_MEASURE)
    if store.quick(scope, by, MEASURES):
        sums = await store.sums(tx, scope, by, MEASURES)
        assert sums == await store.facts_sums(tx, scope, by, MEASURES), by
    return counted


def check_part(part, stands, where):
    assert {m: part[m] for m in MEASURES} == oracle.counts(stands), where
    assert {m: part[m] for m in COMPUTED} == oracle.computed(stands), where


def check_rates(part, stands, where):
    """Every variant of every rate, from the sums of the measures it names."""
    for rate in CATALOGUE.values():
        for name, variant in rate.variants.items():
            above, below, exact = oracle.rate(rate.id, name, stands)
            assert above <= below, (rate.id, name)
            assert variant.above(part) == oracle.amount(rate.id, name, stands), (rate.id, name, where)
            assert variant.below(part) == len(below), (rate.id, name, where)
            assert exact is None or variant.above(part) / variant.below(part) == exact


def check_invariants(sums):
    """What holds on every data set (design section 8)."""
    assert sums["received"] == sum(
        sums[m] for m in ("closed", "open", "rejected", "merged", "withdrawn", "redirected")
    )
    assert sums["closed_on_time"] + sums["overdue"] == sums["due"]
    assert sums["closed"] == sums["direct"] + sums["dispatched_closed"]
    assert all(0 <= sums[m] <= sums["received"] for m in MEASURES)


async def check_question(rng, tx, street, ledger, asked, ratings):
    everyone = oracle.chosen(ledger, asked, ratings)
    assessed = [it for it in everyone if it.excluded == ""]
    for by in ((), a_split(rng), a_split(rng)):
        where = asked, by
        counted = await told(tx, scope_of(street, asked), by)
        parts = oracle.split(everyone, by)
        shown = {key: counted.part(key, assessed=False) for key in counted.parts()}
        assert {k for k, part in shown.items() if any(part.values())} == set(parts), where
        for key, stands in parts.items():
            check_part(shown[key], stands, where)
        for key, stands in oracle.split(assessed, by).items():
            check_part(counted.part(key, assessed=True), stands, where)
        if everyone:
            check_part(counted.total(assessed=False), everyone, where)
            check_rates(counted.total(assessed=False), everyone, where)
            check_invariants(counted.total(assessed=False))
        check_part(counted.total(assessed=True), assessed, where)
        for reason, part in counted.left_out(None).items():
            check_part(part, [it for it in everyone if it.excluded == reason], where)


@pytest.mark.parametrize("seed", range(HISTORIES))
async def test_every_figure(seed, street, write, enter, rate_in, database, ask):
    rng = random.Random(seed)
    ledger = histories.ledger(rng, street.id, rng.choice((1, 2, 3, 4, 4, 5, 6, 8, 14, 30)))
    ratings = histories.ratings(rng, ledger)
    ids, rest = await book_in_pieces(rng, ledger, write, enter)
    await write([({}, history) for history in rest])
    await rate_in(street, ratings)
    rng.shuffle(ids)
    half = len(ids) // 2
    await enter(ids[:half])
    await enter(ids[half // 2 :])
    assert await enter(ids) == 0
    turns, recorded = histories.instants(ledger, ratings), histories.recordings(ledger, ratings)
    everyone = oracle.stands(ledger, NOW, None, ratings, GROUPS)
    for _ in range(QUESTIONS):
        asked = a_question(rng, turns, everyone, recorded)
        async with database.transaction([street.id], read_only=True) as tx:
            await check_question(rng, tx, street, ledger, asked, ratings)
    if seed % 5 == 0:
        await over_http(rng, ask, ledger, turns, street, ratings, recorded)


async def over_http(rng, ask, ledger, turns, street, ratings, recorded):
    """A question as a client would put it: the same figures, printed as the oracle prints them."""
    with clock.at(NOW):
        everyone = oracle.stands(ledger, NOW, None, ratings)
        for name, variant in rng.sample(sorted(oracle.RATES), 4):
            asked = a_question(
                rng, [t for t in turns if t <= NOW], everyone, [r for r in recorded if r <= NOW]
            )
            filters = tuple((n, v) for n, v in asked.filters if n != "group" and v != "")
            asked = oracle.Asked(
                asked.first, asked.last, min(asked.as_of, NOW), asked.basis, filters, asked.known_at
            )  # fmt: skip
            stands = oracle.chosen(ledger, asked, ratings)
            by, digits, rounding = rng.choice(oracle.DIMENSIONS), rng.randint(0, 6), rng.choice(("half_up", "truncate"))  # fmt: skip
            more = {} if asked.known_at is None else {"known_at": asked.known_at.isoformat()}
            body = await ask(
                f"/rates/{name}", variant=variant, from_=asked.first, to=asked.last, as_of=asked.as_of.isoformat(),
                basis=asked.basis, by=by, digits=digits, rounding=rounding, street=street.code,
                **dict(asked.filters), **more,
            )  # fmt: skip
            _, below, exact = oracle.rate(name, variant, stands)
            above = oracle.amount(name, variant, stands)
            total = body["total"]
            assert (total["numerator"], total["denominator"]) == (float(above), len(below))
            assert total["value"] == (None if exact is None else float(exact))
            assert total["display"] == oracle.printed(above, len(below), digits, rounding)
            parts = oracle.split(stands, by)
            assert [row["key"] for row in body["rows"]] == sorted(parts)
            for row in body["rows"]:
                _, below, _ = oracle.rate(name, variant, parts[row["key"]])
                above = oracle.amount(name, variant, parts[row["key"]])
                assert (row["numerator"], row["denominator"]) == (float(above), len(below))
