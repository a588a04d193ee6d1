"""What can be asked of a rate beside its figure: thresholds, both populations, means, comparisons, crossings, names."""

import random
from datetime import UTC, date, datetime, timedelta
from fractions import Fraction

import pytest

from shared import clock
from shared.terms import Role
from tests.metrics import histories, oracle
from tests.metrics.conftest import local
from tests.metrics.histories import NOW
from tests.metrics.lives import DAY, HOUR, done, go_on, handed_over, life

YEAR = {"from_": "2025-11-01", "to": "2026-04-02"}
MARCH = {"from_": "2026-03-01", "to": "2026-03-31"}
NOON = local(2026, 3, 2)


@pytest.fixture(autouse=True)
def _today():
    with clock.at(NOW):
        yield


@pytest.fixture
def cohort(street, both):
    """`await cohort((unit, received, closed), …, **more)`: of each unit so many tickets, the first of them closed."""

    async def made(*units, received_at=NOON, **more):
        number, ledger = cohort.made, []
        for unit, received, closed in units:
            for place in range(received):
                number += 1
                moves = done(received_at + DAY) if place < closed else handed_over(received_at)
                ledger.append(life(street.id, number, received_at, *moves, lead_unit=unit, **more))
        cohort.made = number
        await both(ledger)
        return ledger

    cohort = made
    cohort.made = 0
    return made


@pytest.fixture
async def ledger(street, both):
    """Sixty tickets with all that may befall them."""
    made = histories.ledger(random.Random(21), street.id, 60)
    await both(made)
    return made


def everything(ledger, **more):
    asked = {"first": date(2025, 11, 1), "last": date(2026, 4, 2), "as_of": NOW} | more
    return oracle.chosen(ledger, oracle.Asked(**asked))


RECEIVED = {"variant": "received"}


# --- thresholds and samples


@pytest.mark.parametrize(("closed", "over"), [(18, False), (19, False), (20, True)])
async def test_over_means_more_than(closed, over, ask, cohort):
    await cohort(("u02", 20, closed))
    body = await ask("/rates/closure_rate", over=95, by="unit", **RECEIVED, **MARCH)
    assert [body["total"]["over"], body["rows"][0]["over"]] == [over, over]
    assert [body["populations"][p]["over"] for p in ("all", "assessed")] == [over, over]


async def test_over_is_exact_and_nothing_is_over_nothing(ask, cohort):
    assert (await ask("/rates/closure_rate", over=0, **MARCH))["total"]["over"] is None
    await cohort(("u02", 3, 2))
    for limit, over in (
        ("66.66", True),
        ("66.6666666", True),
        ("66.6667", False),
        ("0", True),
        ("100", False),
    ):
        total = (await ask("/rates/closure_rate", over=limit, **RECEIVED, **MARCH))["total"]
        assert total["over"] is over, limit
    assert (await ask("/rates/closure_rate", **RECEIVED, **MARCH))["total"]["over"] is None


async def test_a_small_sample_is_marked_and_its_interval_is_wide(ask, cohort):
    await cohort(("u02", 4, 4), ("u03", 5, 0))
    body = await ask("/rates/closure_rate", by="unit", **RECEIVED, **MARCH)
    assert [(row["keys"], row["few"]) for row in body["rows"]] == [(["u02"], True), (["u03"], False)]
    low, high = body["rows"][0]["interval"]
    assert 0.39 < low < 0.52
    assert high == 1.0
    body = await ask("/rates/closure_rate", by="unit", least=0, **RECEIVED, **MARCH)
    assert not any(row["few"] for row in body["rows"])
    empty = (await ask("/rates/closure_rate", from_="2020-01-01", to="2020-01-02"))["total"]
    assert (empty["interval"], empty["few"]) == (None, True)


# --- two populations


async def test_both_populations_stand_side_by_side(ask, street, both):
    told = [
        ("u02", True, ""),
        ("u02", False, "不属实"),
        ("u02", True, "不属实"),
        ("u03", False, "历史遗留"),
        ("u03", False, ""),
    ]
    await both([
        life(street.id, n, NOON, *(done(NOON + DAY) if closed else handed_over(NOON)), lead_unit=unit,
             said={"exclusion": why} if why else None)
        for n, (unit, closed, why) in enumerate(told)
    ])  # fmt: skip
    sides = {}
    for population in ("all", "assessed"):
        body = await ask("/rates/closure_rate", by="unit", population=population, **RECEIVED, **MARCH)
        sides[population] = body
        assert body["population"] == population
        told = body["populations"]
        assert (told["all"]["numerator"], told["all"]["denominator"]) == (2, 5)
        assert (told["assessed"]["numerator"], told["assessed"]["denominator"]) == (1, 2)
        assert told["excluded"] == {"不属实": 2, "历史遗留": 1}
        assert {n: body["total"][n] for n in told[population]} == told[population]
    figures = {p: [(r["numerator"], r["denominator"]) for r in sides[p]["rows"]] for p in sides}
    assert figures == {"all": [(2, 3), (0, 2)], "assessed": [(1, 1), (0, 1)]}
    assert [r["excluded"] for r in sides["assessed"]["rows"]] == [{"不属实": 2}, {"历史遗留": 1}]
    assert sides["assessed"]["total"]["excluded"] == {"不属实": 2, "历史遗留": 1}
    assert all(row["excluded"] == {} for row in (*sides["all"]["rows"], sides["all"]["total"]))


async def test_the_excluded_are_those_that_would_have_stood_below_the_line(ask, ledger):
    for rate, variant in (
        ("closure_rate", "due"),
        ("satisfaction_rate", "strict"),
        ("closure_rate", "project"),
    ):
        body = await ask(f"/rates/{rate}", variant=variant, population="assessed", by="kind", **YEAR)
        assert body["total"]["excluded"] == oracle.excluded(rate, variant, everything(ledger))
        assert body["populations"]["excluded"] == body["total"]["excluded"]
        for key, stands in oracle.split(everything(ledger), "kind").items():
            (row,) = [row for row in body["rows"] if row["key"] == key]
            assert row["excluded"] == oracle.excluded(rate, variant, stands)
            assessed = oracle.rate(rate, variant, [it for it in stands if not it.excluded])
            assert (row["numerator"], row["denominator"]) == (len(assessed[0]), len(assessed[1]))


async def test_if_all_are_excluded_there_is_no_figure_and_a_warning(ask, cohort):
    await cohort(("u02", 2, 2), said={"exclusion": "不属实"})
    body = await ask("/rates/closure_rate", population="assessed", **RECEIVED, **MARCH)
    assert (body["total"]["display"], body["total"]["excluded"]) == ("—", {"不属实": 2})
    assert [w["code"] for w in body["warnings"]] == ["no_denominator"]
    assert (await ask("/rates/closure_rate", **RECEIVED, **MARCH))["warnings"] == []


async def test_the_evidence_of_the_assessed_leaves_the_excluded_out(ask, ledger):
    for side, place in (("numerator", 0), ("denominator", 1)):
        body = await ask(
            "/rates/closure_rate/evidence", side=side, variant="received", population="assessed", **YEAR
        )
        wanted = oracle.rate("closure_rate", "received", everything(ledger, population="assessed"))[place]
        assert {item["id"] for item in body["items"]} == {str(i) for i in wanted}


# --- the mean of the rows


async def test_the_mean_of_units_weighs_every_unit_alike(ask, cohort):
    await cohort(("u02", 8, 8), ("u03", 4, 1), ("u04", 2, 1))
    body = await ask("/rates/closure_rate", by="unit", total="mean_of_units", over=58, **RECEIVED, **MARCH)
    total = body["total"]
    assert total["value"] == float((Fraction(1) + Fraction(1, 4) + Fraction(1, 2)) / 3)
    assert (total["display"], total["label"], total["averaged"], total["left_out"]) == (
        "58.33%",
        "各行平均",
        3,
        0,
    )
    assert (total["over"], total["interval"]) == (True, None)
    pooled = (await ask("/rates/closure_rate", by="unit", **RECEIVED, **MARCH))["total"]
    assert (pooled["display"], pooled["averaged"]) == ("71.43%", None)


async def test_a_unit_without_a_figure_weighs_nothing(ask, cohort):
    await cohort(("u02", 2, 2), ("u03", 3, 0))
    body = await ask("/rates/closure_rate", by="unit", total="mean_of_units", **MARCH)  # u03 owes nothing yet
    total = (await ask(
        "/rates/closure_rate", by="unit", total="mean_of_units", as_of=(NOON + 2 * DAY).isoformat(), **MARCH
    ))["total"]  # fmt: skip
    assert (total["display"], total["averaged"], total["left_out"]) == ("100%", 1, 1)
    assert (body["total"]["display"], body["total"]["averaged"]) == ("50.00%", 2)


async def test_the_mean_of_nothing_and_of_no_split(ask):
    body = await ask("/rates/closure_rate", by="unit", total="mean_of_units", **MARCH)
    assert (body["total"]["value"], body["total"]["display"], body["total"]["averaged"]) == (None, "—", 0)
    refused = await ask("/rates/closure_rate", status=422, total="mean_of_units")
    assert [e["field"] for e in refused["errors"]] == ["total"]


# --- the year before, the period before


async def test_compared_with_the_period_before_and_the_year_before(ask, cohort):
    await cohort(("u02", 4, 3))
    await cohort(("u02", 5, 2), received_at=local(2026, 2, 3))
    await cohort(("u02", 2, 2), received_at=local(2025, 3, 31))
    query = {"variant": "received", "period": "2026-03"}
    body = await ask("/rates/closure_rate", compare="mom", **query)
    told = body["comparison"]
    assert (told["kind"], told["window"]["from"], told["window"]["to"]) == ("mom", "2026-02-01", "2026-02-28")
    assert (told["window"]["period"], told["kind_text"]) == ("2026-02", "环比(上一期)")
    assert (body["total"]["display"], told["total"]["display"]) == ("75.00%", "40.00%")
    assert told["change"] == 35.0
    # 2 April 11:07 is a day and eleven hours after March: judged as long after February, on 2 March
    assert told["as_of"] == "2026-03-02T11:07:11.123+08:00"
    told = (await ask("/rates/closure_rate", compare="yoy", **query))["comparison"]
    assert (told["window"]["from"], told["window"]["period"], told["as_of"][:10]) == (
        "2025-03-01",
        "2025-03",
        "2025-04-02",
    )
    assert (told["total"]["numerator"], told["total"]["denominator"], told["change"]) == (2, 2, -25.0)
    assert (await ask("/rates/closure_rate", **query))["comparison"] is None


async def test_a_window_under_way_is_compared_with_as_much_of_the_other(ask, cohort):
    """On 2 April, the year so far against the year before until 2 April: what came and closed later is not in it."""
    await cohort(("u02", 2, 1))
    await cohort(("u02", 2, 2), received_at=local(2025, 3, 2))
    await cohort(("u02", 7, 7), received_at=local(2025, 6, 1))
    told = (await ask("/rates/closure_rate", compare="yoy", **RECEIVED))["comparison"]
    assert (told["window"]["from"], told["window"]["to"]) == ("2025-01-01", "2025-04-02")
    assert (told["total"]["numerator"], told["total"]["denominator"], told["change"]) == (2, 2, -50.0)
    told = (await ask("/rates/closure_rate", compare="yoy", period="2026", **RECEIVED))["comparison"]
    assert told["window"]["to"] == "2025-12-31"
    assert told["total"]["denominator"] == 2, "as of 2 April 2025, nothing of June had been received"


async def test_nothing_before_is_no_change(ask, cohort):
    await cohort(("u02", 4, 3))
    told = (await ask("/rates/closure_rate", compare="mom", period="2026-03", **RECEIVED))["comparison"]
    assert (told["total"]["display"], told["change"]) == ("—", None)


async def test_a_mean_is_compared_with_a_mean(ask, cohort):
    await cohort(("u02", 8, 8), ("u03", 2, 0))
    await cohort(("u02", 1, 1), ("u03", 9, 0), received_at=local(2026, 2, 3))
    query = {"by": "unit", "total": "mean_of_units", "compare": "mom", "period": "2026-03"}
    body = await ask("/rates/closure_rate", **RECEIVED, **query)
    assert (body["total"]["display"], body["comparison"]["total"]["display"]) == ("50.00%", "50.00%")
    assert body["comparison"]["change"] == 0.0


# --- windows by name


async def test_windows_by_name(ask, cohort):
    for n, day in enumerate((date(2025, 12, 31), date(2026, 1, 1), date(2026, 3, 2), date(2026, 3, 8)), 1):
        await cohort(("u02", n, n), received_at=local(day.year, day.month, day.day))
    for period, received in {
        "2025": 1, "2025-12": 1, "2026-Q1": 9, "2026": 9, "2026-01": 2, "2026-W01": 3, "2026-03": 7, "2026-W10": 7,
        "2026-W11": 0, "2026-03-02": 3, "2026-03-03": 0, "2025-Q4": 1,
    }.items():  # fmt: skip
        body = await ask("/counts", period=period)
        assert body["counts"]["received"] == received, period
        assert body["window"]["period"] == period


@pytest.mark.parametrize(
    "period", ["2026-3", "2026-W54", "2026-W00", "2026-Q5", "2026-02-30", "2026-00", "三月", "", "0000"]
)
async def test_what_is_no_window(period, ask):
    refused = await ask("/counts", status=422, period=period)
    assert [e["field"] for e in refused["errors"]] == ["period"]
    assert not refused["errors"][0]["message"].isascii()


# --- two splits crossed


@pytest.mark.parametrize("by", ["unit,month", "month,unit", "channel,kind", "part_unit,week", "state,level"])
async def test_two_splits_crossed(by, ask, ledger):
    body = await ask("/rates/closure_rate", by=by, **RECEIVED, **YEAR)
    parts = oracle.split(everything(ledger), by.split(","))
    assert body["by"] == by.split(",")
    assert [tuple(row["keys"]) for row in body["rows"]] == sorted(parts)
    for row in body["rows"]:
        above, below, _ = oracle.rate("closure_rate", "received", parts[tuple(row["keys"])])
        assert (row["numerator"], row["denominator"]) == (len(above), len(below))
        assert row["key"] == "|".join(row["keys"])
        assert len(row["label"].split(" · ")) == 2
    counts = await ask("/counts", by=by, **YEAR)
    assert {tuple(row["keys"]): row["counts"]["received"] for row in counts["rows"]} == {
        key: len(stands) for key, stands in parts.items()
    }


async def test_labels_of_a_crossing(ask, cohort):
    await cohort(("u02", 1, 1))
    body = await ask("/rates/closure_rate", by="channel,month", **RECEIVED, **MARCH)
    assert [(row["key"], row["label"]) for row in body["rows"]] == [
        ("hotline|2026-03", "12345热线 · 2026-03")
    ]


async def test_those_who_are_not_excluded_are_called_so(ask, cohort):
    await cohort(("u02", 1, 1))
    await cohort(("u02", 1, 1), said={"exclusion": "不属实"})
    body = await ask("/counts", by="excluded", **MARCH)
    assert [(row["key"], row["label"]) for row in body["rows"]] == [("", "未剔除"), ("不属实", "不属实")]
    assert (await ask("/counts", excluded="不属实", **MARCH))["counts"]["received"] == 1
    assert (await ask("/counts", excluded="", **MARCH))["counts"]["received"] == 1


# --- filters, by code and by name


@pytest.mark.parametrize(
    ("name", "code", "written"),
    [
        ("channel", "hotline", "12345热线"), ("kind", "complaint", "投诉"), ("stage", "project", "项目"),
        ("stage", "issue", "议题"), ("community", "c1", "晨晖社区"), ("grid", "g12", "晨晖社区第2网格"),
        ("level", "street", "街道"), ("mode", "urgent", "紧急"), ("state", "closed", "已办结"),
        ("outcome", "resolved", "已解决"), ("list_level", "party", "党组织"), ("list", "目标清单", "目标清单"),
    ],
)  # fmt: skip
async def test_a_filter_takes_a_code_or_a_name(name, code, written, ask, ledger):
    stands = everything(ledger, filters=((name, code),))
    assert stands
    for wanted in (code, written):
        body = await ask("/counts", **YEAR, **{name: wanted})
        assert body["counts"] == oracle.counts(stands)


async def test_units_by_name(ask, ledger, street):
    assert street.unit("物业办") in {"u02", "u03", "u04"}
    for name, code in list(street.units.items())[2:7]:
        for filtered in ("unit", "part_unit"):
            body = await ask("/counts", **YEAR, **{filtered: name})
            assert body["counts"] == oracle.counts(everything(ledger, filters=((filtered, code),)))


async def test_categories_and_their_groups_by_name(ask, ledger, owner, street):
    async with owner.transaction([street.id], read_only=True) as tx:
        rows = await tx.raw.fetch("SELECT code, name, group_name FROM categories")
    groups = {row["code"]: row["group_name"] for row in rows}
    (name,) = [row["name"] for row in rows if row["code"] == "0101"]
    by_category = everything(ledger, filters=(("category", "0101"),))
    assert (await ask("/counts", category=name, **YEAR))["counts"] == oracle.counts(by_category)
    in_group = everything(ledger, filters=(("group", groups["0101"]),), groups=groups)
    assert len(in_group) > len(by_category) > 0
    assert (await ask("/counts", group=groups["0101"], **YEAR))["counts"] == oracle.counts(in_group)
    rows = (await ask("/counts", by="group", **YEAR))["rows"]
    assert {row["key"] for row in rows} == set(oracle.split(everything(ledger, groups=groups), "group"))


@pytest.mark.parametrize(
    ("name", "wanted"),
    [("channel", "热线"), ("kind", "complain"), ("stage", "工程"), ("state", "完了"), ("mode", "最快")],
)
async def test_a_name_that_is_none_is_refused_with_those_there_are(name, wanted, ask):
    refused = await ask("/counts", status=422, **{name: wanted})
    assert [e["field"] for e in refused["errors"]] == [name]
    assert "可选值" in refused["errors"][0]["message"]


async def test_what_nobody_has_is_nothing(ask, ledger):
    for filters in (
        {"unit": "不存在的单位"},
        {"grid": "g99"},
        {"list": "没有的清单"},
        {"group": "没有的大类"},
    ):
        assert (await ask("/counts", **YEAR, **filters))["counts"]["received"] == 0


async def test_a_name_that_means_several_codes_is_refused(ask, owner, new_street, street, actor_headers):
    """Two streets call units of different codes by one name: neither may be left out in silence."""
    other = await new_street()
    async with owner.transaction([other.id]) as tx:
        await tx.raw.execute(
            "UPDATE units SET name = '清洁队' WHERE street_id = $1 AND code = 'u03'", other.id
        )
    async with owner.transaction([street.id]) as tx:
        await tx.raw.execute(
            "UPDATE units SET name = '清洁队' WHERE street_id = $1 AND code = 'u04'", street.id
        )
    district = actor_headers(Role.LEADER, streets=[street, other])
    refused = await ask("/counts", status=422, headers=district, unit="清洁队")
    assert [e["field"] for e in refused["errors"]] == ["unit"]
    await ask("/counts", headers=district, unit="清洁队", street=other.code)


# --- as it was known


async def test_a_late_entry_changes_the_figure_and_the_old_one_can_be_had_again(ask, street, write, enter):
    ticket, history = life(street.id, 1, NOON, *handed_over(NOON))
    await write([(ticket, history)])
    await enter([ticket["id"]])
    query = {"by": "unit", "as_of": (NOON + 20 * DAY).isoformat(), **RECEIVED, **MARCH}
    published = await ask("/rates/closure_rate", **query)
    assert (published["total"]["numerator"], published["total"]["denominator"]) == (0, 1)
    entered = NOON + 25 * DAY
    moves = [(*move, {"recorded_at": entered}) if len(move) == 2 else (*move[:2], {**move[2], "recorded_at": entered})
             for move in done(NOON + 9 * DAY)[2:]]  # fmt: skip
    later = go_on(ticket, history, *moves)[len(history) :]
    other = life(street.id, 2, NOON + HOUR, recorded_at=entered)
    await write([({}, later), other])
    await enter([ticket["id"], other[0]["id"]])
    now = await ask("/rates/closure_rate", **query)
    assert (now["total"]["numerator"], now["total"]["denominator"]) == (1, 2)
    before = (entered - timedelta(microseconds=1)).isoformat()
    again = await ask("/rates/closure_rate", known_at=before, **query)
    assert again["known_at"] is not None
    for part in ("rows", "total", "populations"):
        assert again[part] == published[part]
    assert (await ask("/rates/closure_rate", known_at=entered.isoformat(), **query))["total"] == now["total"]
    for path in ("/counts", "/funnel", "/process", "/quality"):
        body = await ask(path, known_at=before, as_of=query["as_of"], **MARCH)
        assert body != await ask(path, as_of=query["as_of"], **MARCH)
    evidence = {"side": "denominator", "variant": "received", **MARCH}
    items = (await ask("/rates/closure_rate/evidence", known_at=before, **evidence))["items"]
    assert [(item["number"], item["state"]) for item in items] == [(ticket["number"], "dispatched")]


async def test_evidence_as_it_was_known_comes_in_pages(ask, ledger):
    known_at = NOW - timedelta(days=30)
    asked = oracle.Asked(date(2025, 11, 1), date(2026, 4, 2), NOW, known_at=known_at)
    above, below, _ = oracle.rate("closure_rate", "received", oracle.chosen(ledger, asked))
    assert above
    query = {"side": "gap", "variant": "received", "known_at": known_at.isoformat(), "limit": 4, **YEAR}
    items, cursor = [], {}
    while True:
        body = await ask("/rates/closure_rate/evidence", **query, **cursor)
        items += [item["id"] for item in body["items"]]
        if not body["has_more"]:
            break
        cursor = {"cursor": body["next_cursor"]}
    assert len(items) == len(set(items))
    assert set(items) == {str(i) for i in below - above}


async def test_known_before_all_of_it_is_nothing(ask, ledger):
    long_ago = datetime(2025, 1, 1, tzinfo=UTC).isoformat()
    body = await ask("/rates/closure_rate", known_at=long_ago, by="unit", **YEAR)
    assert (body["total"]["display"], body["rows"]) == ("—", [])
