"""How long things take and what is still open, against the oracle: over HTTP, on random ledgers and by hand."""

import random
from datetime import date

import pytest

from services.metrics.worktime import working_seconds
from shared import clock, workdays
from tests.metrics import histories, oracle
from tests.metrics.conftest import local
from tests.metrics.histories import NOW
from tests.metrics.lives import DAY, HOUR, MINUTE, done, handed_over, life

YEAR = {"from_": "2025-11-01", "to": "2026-04-02"}
FIRST, LAST = date(2025, 11, 1), date(2026, 4, 2)
# step → from which instant of a ticket to which, asked of the oracle
ENDS = {
    "sign": oracle.DURATIONS["dispatched_signed"],
    "contact": oracle.DURATIONS["dispatched_contacted"],
    "response": (oracle.DURATIONS["received_closed"][0], oracle.DURATIONS["dispatched_contacted"][1]),
    "handle": oracle.DURATIONS["dispatched_handled"],
    "close": oracle.DURATIONS["received_closed"],
}
LIMITS = (1, 3, 7, 15, 30, 90, 365)


@pytest.fixture(autouse=True)
def _today():
    with clock.at(NOW):
        yield


@pytest.fixture
async def calendar(database):
    async with database.transaction((), read_only=True) as tx:
        return await workdays.read(tx)


def nearest_rank(values, share):
    """The smallest value that this share of the values does not exceed."""
    return next((v for v in sorted(values) if sum(o <= v for o in values) >= share * len(values)), None)


def quantiles(values):
    return nearest_rank(values, 0.5), nearest_rank(values, 0.9), max(values, default=None)


def check_durations(told, stands, calendar):
    told = {step["step"]: step for step in told}
    assert set(told) == set(ENDS)
    for step, (start, end) in ENDS.items():
        spans = [(start(it), end(it)) for it in stands]
        spans = [(a, b) for a, b in spans if a is not None and b is not None and a <= b]
        natural = [int((b - a).total_seconds()) for a, b in spans]
        working = [working_seconds(a, b, calendar) for a, b in spans]
        assert told[step]["count"] == len(spans), step
        for kind, values in (("natural", natural), ("working", working)):
            shown = told[step][kind]
            assert (shown["median"], shown["p90"], shown["longest"]) == quantiles(values), (step, kind)


def check_backlog(told, stands, as_of):
    waiting = [it for it in stands if it.open]
    ages = [(as_of - it.ticket["occurred_at"]) / DAY for it in waiting]
    edges = zip((0, *LIMITS), (*LIMITS, float("inf")), strict=True)
    assert [age["count"] for age in told["ages"]] == [sum(a <= age < b for age in ages) for a, b in edges]
    assert [age["days"] for age in told["ages"]] == [*LIMITS, None]
    assert told["open"] == len(waiting)
    assert told["overdue"] == sum(it.past_due for it in waiting)
    for name, limit in (("24h", as_of + 24 * HOUR), ("72h", as_of + 72 * HOUR)):
        soon = [it for it in waiting if it.due_at is not None and as_of < it.due_at <= limit]
        assert told["due_soon"][name] == len(soon)
    oldest = min((it.ticket["occurred_at"] for it in waiting), default=None)
    shown = told["oldest_received_at"]
    assert shown == (None if oldest is None else clock.to_local(oldest).isoformat(timespec="milliseconds"))


def check_closing(told, stands, as_of):
    """The counts of the curve; its shares are proven with the estimator itself."""
    days = {
        "closed": [(it.closed_at - it.ticket["occurred_at"]).days + 1 for it in stands if it.closed],
        "censored": [(as_of - it.ticket["occurred_at"]).days + 1 for it in stands if it.open],
    }
    assert (told["closed"], told["censored"]) == (len(days["closed"]), len(days["censored"]))
    everyone = days["closed"] + days["censored"]
    assert [point["days"] for point in told["curve"]] == sorted(set(days["closed"]))
    for point in told["curve"]:
        assert point["closed"] == days["closed"].count(point["days"])
        assert point["censored"] == days["censored"].count(point["days"])
        assert point["at_risk"] == sum(day >= point["days"] for day in everyone)
    shares = {within["days"]: within["share"] for within in told["within"]}
    last = {day: [p["share"] for p in told["curve"] if p["days"] <= day] for day in shares}
    assert shares == {day: found[-1] if found else 0.0 for day, found in last.items()}


def check(told, stands, as_of, calendar):
    check_durations(told["durations"], stands, calendar)
    check_backlog(told["backlog"], stands, as_of)
    check_closing(told["closing"], stands, as_of)


@pytest.mark.parametrize("seed", range(10))
async def test_as_the_oracle_counts(seed, ask, street, both, calendar):
    rng = random.Random(100 + seed)
    ledger = histories.ledger(rng, street.id, 24)
    await both(ledger)
    turns = [at for at in histories.instants(ledger) if at <= NOW]
    recorded = [at for at in histories.recordings(ledger) if at <= NOW]
    for known_at in (None, rng.choice(recorded), rng.choice(recorded)):
        as_of, by = rng.choice((NOW, *turns)), rng.choice(("unit", "part_unit", "channel", "month"))
        asked = oracle.Asked(FIRST, LAST, as_of, known_at=known_at)
        more = {} if known_at is None else {"known_at": known_at.isoformat()}
        body = await ask("/process", as_of=as_of.isoformat(), by=by, **YEAR, **more)
        stands = oracle.chosen(ledger, asked)
        check(body["total"], stands, as_of, calendar)
        parts = oracle.split(stands, by)
        assert [row["key"] for row in body["rows"]] == sorted(parts)
        for row in body["rows"]:
            check(row, parts[row["key"]], as_of, calendar)


async def test_the_backlog_is_what_the_counts_call_open(ask, street, both):
    await both(histories.ledger(random.Random(5), street.id, 40))
    counts = (await ask("/counts", **YEAR))["counts"]
    backlog = (await ask("/process", **YEAR))["total"]["backlog"]
    assert (backlog["open"], backlog["overdue"]) == (counts["open"], counts["overdue_open"])
    assert sum(age["count"] for age in backlog["ages"]) == counts["open"]


async def test_groups_are_folded_and_add_up(ask, street, both):
    await both(histories.ledger(random.Random(6), street.id, 40))
    body = await ask("/process", by="group", **YEAR)
    keys = [row["key"] for row in body["rows"]]
    assert len(set(keys)) == len(keys)
    closed = sum(row["closing"]["closed"] for row in body["rows"])
    assert closed == body["total"]["closing"]["closed"] > 0


async def test_by_hand(ask, street, both):
    """Monday 2 March, 09:00: one closed after 31 hours, one signed after half an hour and open, one overdue."""
    monday = local(2026, 3, 2, 9)
    await both([
        life(street.id, 1, monday, *done(monday + 31 * HOUR)),
        life(street.id, 2, monday, *handed_over(monday), ("sign", monday + 30 * MINUTE), due_at=NOW + 3 * HOUR),
        life(street.id, 3, monday, *handed_over(monday), due_at=NOW),
    ])  # fmt: skip
    total = (await ask("/process", from_="2026-03-02", to="2026-03-02"))["total"]
    steps = {step["step"]: step for step in total["durations"]}
    assert steps["close"]["count"] == 1
    # Monday 09:00 to Tuesday 16:00: seven and a half hours, then six
    assert steps["close"]["natural"] == {
        "median": 111_600, "p90": 111_600, "longest": 111_600, "median_text": "1天7小时", "p90_text": "1天7小时",
    }  # fmt: skip
    assert steps["close"]["working"]["median"] == 13.5 * 3600
    assert (steps["sign"]["count"], steps["sign"]["natural"]["longest"]) == (2, 1800)
    assert total["closing"]["median_days"] is None, "two of three are open: half are not known to be closed"
    assert [point["at_risk"] for point in total["closing"]["curve"]] == [3]
    backlog = total["backlog"]
    assert (backlog["open"], backlog["overdue"], backlog["due_soon"]) == (2, 1, {"24h": 1, "72h": 1})
    (age,) = [age for age in backlog["ages"] if age["count"]]
    assert (age["days"], age["label"], age["count"]) == (90, "90天以内", 2)
    assert backlog["oldest_received_at"] == "2026-03-02T09:00:00.000+08:00"


async def test_nothing_took_no_time_at_all(ask):
    total = (await ask("/process", **YEAR))["total"]
    for step in total["durations"]:
        assert (step["count"], step["natural"]["median"], step["working"]["median_text"]) == (0, None, "—")
    assert (total["closing"]["curve"], total["closing"]["median_days"]) == ([], None)
    assert total["backlog"]["open"] == 0


# --- the signs of hollow closure, and clocks that stood still


@pytest.mark.parametrize("seed", range(4))
async def test_the_signs_are_the_rates_they_name(seed, ask, street, write, rate_in, enter):
    rng = random.Random(200 + seed)
    ledger = histories.ledger(rng, street.id, 30)
    said = histories.ratings(rng, ledger)
    await write(ledger)
    await rate_in(street, said)
    await enter([ticket["id"] for ticket, _ in ledger])
    for population in ("all", "assessed"):
        body = await ask("/quality", population=population, **YEAR)
        assert body["population"] == population
        stands = oracle.chosen(ledger, oracle.Asked(FIRST, LAST, NOW, population=population), said)
        for sign in body["signs"]:
            query = {"variant": sign["variant"], "population": population, **YEAR}
            rate = await ask(f"/rates/{sign['rate']}", **query)
            assert sign["definition"] == rate["definition"]
            for name in ("numerator", "denominator", "value", "display", "interval", "few"):
                assert sign[name] == rate["total"][name], (sign["rate"], sign["variant"])
            above, below, _ = oracle.rate(sign["rate"], sign["variant"], stands)
            assert (sign["numerator"], sign["denominator"]) == (len(above), len(below))


def handling(at):
    return *handed_over(at), ("sign", at), ("contact", at)


async def test_days_stood_still_by_reason(ask, street, both):
    start = local(2026, 3, 2, 9)

    def paused(since, until, reason):
        moves = [("suspend", start + since * DAY, {"reason_code": reason})]
        return [*moves, ("resume", start + until * DAY)] if until else moves

    await both([
        life(street.id, 1, start, *handling(start), *paused(1, 3, "season"), *paused(4, 4.5, "season")),
        life(street.id, 2, start, *handling(start), *paused(1, 2, "season"), *paused(3, 8, "engineering")),
        life(street.id, 3, start, *handling(start), *paused(10, None, "waiting_reporter")),
        life(street.id, 4, start, *handling(start)),
    ])  # fmt: skip
    as_of = start + 12 * DAY
    body = await ask("/quality", from_="2026-03-02", to="2026-03-02", as_of=as_of.isoformat())
    assert body["suspensions"] == [
        {"reason": "engineering", "reason_text": "工程挂账", "tickets": 1, "pauses": 1, "days": 5.0},
        {"reason": "season", "reason_text": "季节性不具备条件", "tickets": 2, "pauses": 3, "days": 3.5},
        {"reason": "waiting_reporter", "reason_text": "等待诉求人补充材料", "tickets": 1, "pauses": 1, "days": 2.0},
    ]  # fmt: skip
    as_of = start + 5 * DAY
    body = await ask("/quality", from_="2026-03-02", to="2026-03-02", as_of=as_of.isoformat())
    assert [(s["reason"], s["pauses"], s["days"]) for s in body["suspensions"]] == [
        ("engineering", 1, 2.0),
        ("season", 3, 3.5),
    ]


async def test_a_pause_entered_later_was_not_known(ask, street, both):
    start, late = local(2026, 3, 2, 9), local(2026, 3, 20, 9)
    await both([
        life(street.id, 1, start, *handling(start),
             ("suspend", start + DAY, {"reason_code": "season", "recorded_at": late}),
             ("resume", start + 3 * DAY, {"recorded_at": late})),
    ])  # fmt: skip
    window = {"from_": "2026-03-02", "to": "2026-03-02"}
    assert [s["days"] for s in (await ask("/quality", **window))["suspensions"]] == [2.0]
    before = (late - HOUR).isoformat()
    assert (await ask("/quality", known_at=before, **window))["suspensions"] == []


async def test_days_that_deadlines_were_put_off(ask, street, both):
    start = local(2026, 3, 2, 9)
    due = start + 10 * DAY

    def asked(until):
        return "extend", start + DAY, {"until": until.isoformat()}

    def decided(approve, **given):
        return "decide_extension", start + 2 * DAY, {"approve": approve, **given}

    await both([
        life(street.id, 1, start, *handling(start), asked(due + 5 * DAY), decided(True, due_at=due + 5 * DAY)),
        life(street.id, 2, start, *handling(start), asked(due + 5 * DAY), decided(False)),
        life(street.id, 3, start, *handling(start), asked(due + DAY), decided(True, due_at=due + DAY),
             ("extend", start + 3 * DAY, {"until": (due + 2.5 * DAY).isoformat()}),
             ("decide_extension", start + 4 * DAY, {"approve": True, "due_at": due + 2.5 * DAY})),
    ])  # fmt: skip
    body = await ask("/quality", from_="2026-03-02", to="2026-03-02")
    assert body["extensions"] == {"tickets": 2, "extensions": 3, "days": 7.5}


async def test_pauses_of_the_assessed_are_those_of_the_assessed(ask, street, both):
    start = local(2026, 3, 2, 9)
    pause = ("suspend", start + DAY, {"reason_code": "season"}), ("resume", start + 2 * DAY)
    await both([
        life(street.id, 1, start, *handling(start), *pause),
        life(street.id, 2, start, *handling(start), *pause, said={"exclusion": "不属实"}),
    ])  # fmt: skip
    window = {"from_": "2026-03-02", "to": "2026-03-02"}
    for population, tickets in (("all", 2), ("assessed", 1)):
        body = await ask("/quality", population=population, **window)
        assert [s["tickets"] for s in body["suspensions"]] == [tickets]


async def test_who_may_ask(metrics, actor_headers, api_key):
    for path in ("/v1/process", "/v1/quality"):
        assert (await metrics.get(path)).status_code == 401
        assert (await metrics.get(path, headers=await api_key("tickets:write"))).status_code == 403
        assert (await metrics.get(path, headers=await api_key("metrics:read"))).status_code == 200
        answer = await metrics.get(f"{path}?by=mood&over=x", headers=await api_key("metrics:read"))
        assert answer.status_code == 422
