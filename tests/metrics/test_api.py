"""The doors: shapes, splits with Chinese labels, filters, warnings, who may ask, and what is refused."""

import base64
import json
import random
from datetime import timedelta

import pytest

from services.metrics.rates import CATALOGUE
from shared import clock
from shared.events import TicketMovedV1
from shared.outbox import Outbox
from shared.terms import Role
from tests.metrics import histories, oracle
from tests.metrics.histories import NOW

# Every variant that the metrics contract names and that can be had by now.
PROMISED = {
    "closure_rate": [
        "due", "matured", "received", "accepted", "dispatched", "incl_direct", "due_net_deferred", "project",
    ],
    "on_time_closure_rate": ["due", "matured", "due_net_deferred", "dispatched", "closed_only"],
    "overdue_rate": ["due"],
}  # fmt: skip
YEAR = {"from_": "2025-11-01", "to": "2026-04-02"}


@pytest.fixture(autouse=True)
def _today():
    with clock.at(NOW):
        yield


@pytest.fixture
async def ledger(street, both):
    """Thirty tickets, stored and booked."""
    made = histories.ledger(random.Random(11), street.id, 30)
    await both(made)
    return made


def everything(ledger, as_of=NOW, **filters):
    asked = oracle.Asked(histories.EARLIEST.date(), NOW.date(), as_of, filters=tuple(filters.items()))
    return oracle.chosen(ledger, asked)


async def test_the_catalogue_is_complete(ask):
    body = {rate["rate"]: rate for rate in await ask("/rates")}
    assert set(body) == {*CATALOGUE, "composite_score"}
    for name, variants in PROMISED.items():
        assert [v["variant"] for v in body[name]["variants"]][: len(variants)] == variants
        assert body[name]["default_variant"] == variants[0]
    for rate in body.values():
        assert set(rate) == {"rate", "label", "default_variant", "path", "splits", "filters", "variants"}
        for variant in rate["variants"]:
            assert set(variant) == {
                "variant", "numerator", "denominator", "numerator_measures", "denominator_measures", "source", "warning",
                "exclusions", "example", "version", "weights", "beside",
            }  # fmt: skip


async def test_a_rate_has_the_shape_of_the_contract(ask, ledger):
    body = await ask("/rates/closure_rate", by="channel", **YEAR)
    assert list(body) == [
        "rate", "variant", "label", "definition", "window", "as_of", "known_at", "population", "rounding", "digits",
        "by", "rows", "total", "populations", "beside", "comparison", "warnings",
    ]  # fmt: skip
    assert (body["rate"], body["variant"], body["label"]) == ("closure_rate", "due", "办结率")
    assert set(body["definition"]) >= {"numerator", "denominator", "source", "exclusions", "version"}
    assert body["definition"]["numerator"] == "办结数"
    assert body["window"] == {
        "basis": "cohort", "from": "2025-11-01", "to": "2026-04-02", "timezone": "Asia/Shanghai", "period": None,
        "starts_at": None, "ends_at": None,
    }  # fmt: skip
    assert body["as_of"] == "2026-04-02T11:07:11.123+08:00"
    assert (body["population"], body["rounding"], body["digits"]) == ("all", "half_up", 2)
    for row in (*body["rows"], body["total"]):
        assert {"key", "label", "numerator", "denominator", "excluded", "value", "display"} <= set(row)
        assert row["excluded"] == {}
    above, below, exact = oracle.rate("closure_rate", "due", everything(ledger))
    total = body["total"]
    assert (total["numerator"], total["denominator"]) == (len(above), len(below))
    assert total["value"] == float(exact)
    assert total["label"] == "合计"
    assert body["warnings"] == []


async def test_a_window_is_this_year_until_today_unless_told(ask, ledger):
    body = await ask("/rates/closure_rate")
    assert (body["window"]["from"], body["window"]["to"]) == ("2026-01-01", "2026-04-02")


async def test_nothing_to_divide_by_is_no_figure(ask):
    body = await ask("/rates/closure_rate", **YEAR)
    assert (body["total"]["numerator"], body["total"]["denominator"]) == (0, 0)
    assert body["total"]["value"] is None
    assert body["total"]["display"] == "—"
    assert body["rows"] == []


LABELS = {
    "channel": {
        "mini_program": "小程序",
        "hotline": "12345热线",
        "group_topic": "群话题",
        "patrol": "网格巡查",
    },
    "kind": {"help": "求助", "complaint": "投诉", "suggestion": "建议", "": "未分类型"},
    "community": {"c1": "晨晖社区", "c2": "远洋社区", "": "未划定"},
    "grid": {"g11": "晨晖社区第1网格", "g12": "晨晖社区第2网格", "g21": "远洋社区第1网格", "": "未划定"},
}


@pytest.mark.parametrize("by", oracle.DIMENSIONS)
async def test_split_by_each_dimension(by, ask, ledger, street):
    body = await ask("/rates/closure_rate", by=by, variant="received", **YEAR)
    parts = oracle.split(everything(ledger), by)
    assert [row["key"] for row in body["rows"]] == sorted(parts)
    for row in body["rows"]:
        assert (row["numerator"], row["denominator"]) == tuple(
            len(side) for side in oracle.rate("closure_rate", "received", parts[row["key"]])[:2]
        )
    labels = {row["key"]: row["label"] for row in body["rows"]}
    if by in LABELS:
        assert labels == {key: LABELS[by][key] for key in parts}
    if by == "unit":
        names = {code: name for name, code in street.units.items()} | {"": "未划定"}
        assert labels == {key: names[key] for key in parts}
    assert all(label and not label.isascii() for label in labels.values())
    assert sum(row["denominator"] for row in body["rows"]) == body["total"]["denominator"]


async def test_filters_narrow(ask, ledger):
    some = {"channel": "hotline", "category": "0101"}
    for filters in ({}, {"channel": "hotline"}, {"unit": ""}, some, {"grid": "g99"}):
        body = await ask("/counts", **YEAR, **filters)
        assert body["counts"] == oracle.counts(everything(ledger, **filters))


async def test_counts_say_what_they_mean(ask, ledger):
    body = await ask("/counts", by="channel", **YEAR)
    assert body["counts"] == oracle.counts(everything(ledger))
    assert {m["measure"]: m["count"] for m in body["measures"]} == body["counts"]
    assert all(m["label"] and not m["label"].isascii() for m in body["measures"])
    parts = oracle.split(everything(ledger), "channel")
    assert {row["key"]: row["counts"] for row in body["rows"]} == {
        k: oracle.counts(p) for k, p in parts.items()
    }


async def test_as_of_a_past_instant(ask, ledger):
    for moment in (NOW - timedelta(days=40), *histories.instants(ledger)[5:60:11]):
        if moment > NOW:
            continue
        body = await ask("/counts", as_of=moment.isoformat(), **YEAR)
        assert body["counts"] == oracle.counts(everything(ledger, as_of=moment)), moment


async def test_overdue_is_what_on_time_leaves(ask, ledger):
    late = (await ask("/rates/overdue_rate", **YEAR))["total"]
    on_time = (await ask("/rates/on_time_closure_rate", **YEAR))["total"]
    assert late["denominator"] == on_time["denominator"] == late["numerator"] + on_time["numerator"]


# --- what a reader is warned of


async def codes(ask, path, **query):
    return [w["code"] for w in (await ask(path, **query))["warnings"]]


async def test_warnings(ask, ledger):
    assert await codes(ask, "/rates/closure_rate") == []
    assert await codes(ask, "/rates/on_time_closure_rate", variant="closed_only") == ["variant_caution"]
    assert await codes(ask, "/rates/closure_rate", basis="workload") == ["workload_basis"]
    assert await codes(ask, "/counts", by="part_unit") == ["parts_overlap"]
    assert await codes(ask, "/rates/closure_rate", from_="2020-01-01", to="2020-01-02") == ["no_denominator"]
    assert await codes(ask, "/rates/closure_rate", basis="closed") == ["closed_basis"]
    assert await codes(ask, "/counts", basis="closed") == ["closed_basis"]
    assert await codes(ask, "/rates/closure_rate", basis="due") == []


async def test_figures_that_are_catching_up_say_so(ask, ledger, street, processes):
    routing, ticket = processes("routing"), ledger[0][0]
    event = TicketMovedV1(
        street_id=street.id, ticket_id=ticket["id"], actions=["accept"], state="accepted", version=2
    )
    async with routing.database.transaction([street.id]) as tx:
        await Outbox("routing", routing.courier, lease=60).record(tx, [event])
    for path in ("/rates/closure_rate", "/counts", "/funnel"):
        (warning,) = (await ask(path))["warnings"]
        assert (warning["code"], warning["waiting"]) == ("catching_up", 1)
        assert "1" in warning["message"]


# --- what cannot be meant


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ({"as_of": (NOW + timedelta(hours=1)).isoformat()}, "as_of"),
        ({"as_of": "2026-03-01T00:00:00"}, "as_of"),  # no zone
        ({"as_of": "1700000000"}, "as_of"),
        ({"as_of": "yesterday"}, "as_of"),
        ({"as_of": "0001-01-01T00:00:00+08:00"}, "as_of"),
        ({"from": "2026-03-02", "to": "2026-03-01"}, "from"),
        ({"from": "2026-02-30"}, "from"),
        ({"from": "1800-01-01"}, "from"),
        ({"from": "1990-01-01", "to": "2070-01-01"}, "from"),
        ({"to": "9999-12-31"}, "to"),
        ({"variant": "best"}, "variant"),
        ({"variant": "due\x00"}, "variant"),
        ({"by": "weather"}, "by"),
        ({"basis": "flow"}, "basis"),
        ({"population": "some"}, "population"),
        ({"rounding": "up"}, "rounding"),
        ({"digits": "7"}, "digits"),
        ({"digits": "-1"}, "digits"),
        ({"street": "nowhere"}, "street"),
        ({"street": "\x00"}, "street"),
        ({"street": ","}, "street"),
        ({"unit": "u01\x00"}, "unit"),
        ({"category": "a\x00"}, "category"),
        ({"kind": "' OR 1=1"}, "kind"),
        ({"by": "unit,unit"}, "by"),
        ({"by": "mood"}, "by"),
        ({"checklist": "清单"}, "checklist"),
        ({"chanel": "hotline"}, "chanel"),
        ({"period": "2026-13"}, "period"),
        ({"period": "2026-11", "from": "2026-01-01"}, "period"),
        ({"over": "101"}, "over"),
        ({"known_at": "2999-01-01T00:00:00Z"}, "known_at"),
        ({"channel": "x" * 65}, "channel"),
    ],
)  # fmt: skip
async def test_what_cannot_be_meant_is_refused_in_chinese(query, field, metrics, leader, street):
    answer = await metrics.get("/v1/rates/closure_rate", params=query, headers=leader)
    assert answer.status_code == 422, answer.text
    body = answer.json()
    assert field in [e["field"] for e in body["errors"]]
    assert not body["title"].isascii()


async def test_an_unknown_rate_is_not_there(metrics, leader):
    for path in (
        "/v1/rates/happiness",
        "/v1/rates/closure_rate%00",
        "/v1/rates/😀",
        "/v1/rates/happiness/evidence",
    ):
        answer = await metrics.get(path, params={"side": "numerator"}, headers=leader)
        assert answer.status_code in {404, 422}, path


async def test_sixty_years_at_a_glance(ask, ledger):
    body = await ask("/counts", from_="1990-01-01", to="2026-12-31")
    assert body["counts"] == oracle.counts(everything(ledger))


# --- who may ask


async def test_nobody_and_residents_may_not(metrics, actor_headers):
    for path in (
        "/v1/rates",
        "/v1/rates/closure_rate",
        "/v1/rates/closure_rate/evidence",
        "/v1/counts",
        "/v1/funnel",
    ):
        query = {"side": "numerator"}
        assert (await metrics.get(path, params=query)).status_code == 401
        answer = await metrics.get(path, params=query, headers=actor_headers(Role.RESIDENT))
        assert answer.status_code == 403


async def test_keys_need_their_scope(metrics, api_key):
    reads, writes = await api_key("metrics:read"), await api_key("tickets:write", "ledger:read")
    for path in ("/v1/rates", "/v1/rates/closure_rate", "/v1/counts", "/v1/funnel"):
        assert (await metrics.get(path, headers=reads)).status_code == 200
        answer = await metrics.get(path, headers=writes)
        assert (answer.status_code, answer.json()["code"]) == (403, "missing_scope")


async def test_another_streets_figures_stay_its_own(ask, ledger, new_street, actor_headers, street):
    other = await new_street()
    stranger = actor_headers(Role.LEADER, streets=[other])
    refused = await ask("/rates/closure_rate", status=403, headers=stranger, street=street.code)
    assert refused["code"] == "other_street"
    assert (await ask("/counts", headers=stranger, **YEAR))["counts"]["received"] == 0
    await ask("/counts", status=403, street=f"{street.code},{other.code}")


@pytest.fixture
async def district(new_street, street, ledger, write_in, enter_in, actor_headers):
    """A second street with tickets of its own: (it, its ledger, headers of someone over both)."""
    other = await new_street()
    made = histories.ledger(random.Random(12), other.id, 9)
    await write_in(other, made)
    await enter_in(other, [ticket["id"] for ticket, _ in made])
    return other, made, actor_headers(Role.LEADER, streets=[street, other])


async def test_a_district_sums_its_streets(ask, ledger, district, street):
    other, made, headers = district
    every = oracle.counts(everything(ledger + made))
    assert (await ask("/counts", headers=headers, **YEAR))["counts"] == every
    both = f"{street.code},{other.code},{street.code}"
    assert (await ask("/counts", headers=headers, street=both, **YEAR))["counts"] == every
    one = await ask("/counts", headers=headers, street=other.code, **YEAR)
    assert one["counts"] == oracle.counts(everything(made))


async def test_a_district_splits_by_street(ask, ledger, district, street):
    other, made, headers = district
    body = await ask("/rates/closure_rate", headers=headers, by="street", variant="received", **YEAR)
    assert [(row["key"], row["label"], row["denominator"]) for row in body["rows"]] == [
        (street.code, street.name, len(ledger)),
        (other.code, other.name, len(made)),
    ]
    for key, value in (("channel", "hotline"), ("basis", "due")):
        body = await ask("/rates/closure_rate", headers=headers, by="street", **YEAR, **{key: value})
        assert {row["key"] for row in body["rows"]} <= {street.code, other.code}


@pytest.mark.parametrize("by", ["unit", "community", "grid"])
async def test_a_districts_units_are_those_of_their_streets(by, ask, ledger, district, street):
    """Two streets each have a unit u02: they are two rows, not one."""
    other, made, headers = district
    parts = {f"{street.code}/{k}": (street, v) for k, v in oracle.split(everything(ledger), by).items()}
    parts |= {f"{other.code}/{k}": (other, v) for k, v in oracle.split(everything(made), by).items()}
    for more in ({}, {"basis": "due", "from_": "2025-01-01", "to": "2027-01-01"}):
        body = await ask("/counts", headers=headers, by=by, **(YEAR | more))
        told = {row["key"]: row for row in body["rows"]}
        for key, row in told.items():
            whose, stands = parts[key]
            assert row["label"].startswith(f"{whose.name} ")
            if not more:
                assert row["counts"] == oracle.counts(stands)
        assert more or set(told) == set(parts)
    category = await ask("/counts", headers=headers, by="category", **YEAR)  # one catalogue for all
    assert {row["key"] for row in category["rows"]} == set(
        oracle.split(everything(ledger + made), "category")
    )


# --- the tickets behind a figure


async def every_page(ask, path, limit=100, **query):
    items, cursor = [], None
    while True:
        more = {"cursor": cursor} if cursor else {}
        body = await ask(path, limit=limit, **query, **more)
        items += body["items"]
        assert len(body["items"]) <= limit
        assert body["has_more"] == (body["next_cursor"] is not None)
        if not body["has_more"]:
            return items
        cursor = body["next_cursor"]


@pytest.mark.parametrize(("rate", "variant"), sorted(oracle.RATES))
async def test_the_evidence_is_exactly_what_was_counted(rate, variant, ask, ledger):
    sides = oracle.rate(rate, variant, everything(ledger))[:2]
    total = (await ask(f"/rates/{rate}", variant=variant, **YEAR))["total"]
    sides = (*sides, sides[1] - sides[0])
    total["gap"] = total["denominator"] - len(sides[0])
    total["numerator"] = len(sides[0])  # in one variant some count for less than one
    for side, wanted in zip(("numerator", "denominator", "gap"), sides, strict=True):
        items = await every_page(ask, f"/rates/{rate}/evidence", limit=7, side=side, variant=variant, **YEAR)
        assert len(items) == total[side]
        assert sorted(item["id"] for item in items) == sorted(str(i) for i in wanted)


async def test_evidence_beyond_a_page(ask, street, both):
    made = histories.ledger(random.Random(13), street.id, 230)
    await both(made)
    items = await every_page(
        ask, "/rates/closure_rate/evidence", side="denominator", variant="received", **YEAR
    )
    assert len(items) == 230
    assert {item["id"] for item in items} == {str(t["id"]) for t, _ in made}
    days = [item["received_at"][:10] for item in items]
    assert days == sorted(days)


async def test_an_item_of_evidence(ask, ledger, street):
    (item, *_) = await every_page(
        ask, "/rates/closure_rate/evidence", side="denominator", variant="received", **YEAR
    )
    ticket, history = next((t, h) for t, h in ledger if str(t["id"]) == item["id"])
    stand = oracle.stand(ticket, history, NOW)
    assert (item["number"], item["street"], item["state"]) == (ticket["number"], street.code, stand.state)
    assert not item["state_text"].isascii()
    assert item["received_at"].endswith("+08:00")
    assert {name: item[name] for name in oracle.DIMENSIONS} == stand.dimensions


async def test_evidence_of_a_district_names_the_street(ask, ledger, district):
    other, made, headers = district
    query = {"side": "denominator", "variant": "received", "headers": headers, **YEAR}
    items = await every_page(ask, "/rates/closure_rate/evidence", limit=10, **query)
    assert len(items) == len(ledger) + len(made)
    assert sum(item["street"] == other.code for item in items) == len(made)


async def test_evidence_is_for_those_who_may_read_the_ledger(metrics, api_key, actor_headers):
    path, query = "/v1/rates/closure_rate/evidence", {"side": "numerator"}

    async def status(headers):
        return (await metrics.get(path, params=query, headers=headers)).status_code

    assert await status(await api_key("metrics:read")) == 403
    assert await status(await api_key("metrics:read", "ledger:read")) == 200
    assert await status(actor_headers(Role.UNIT, unit="物业办")) == 403
    assert await status(actor_headers(Role.AUDITOR)) == 200


def forged(value):
    return base64.urlsafe_b64encode(json.dumps(value).encode()).decode().rstrip("=")


@pytest.mark.parametrize(
    "cursor",
    [
        "x", "", "😀", "\x00", "....", forged(None), forged(5), forged([]), forged(["2026-01-01"]), forged([1, 2]),
        forged(["2026-01-01", "2"]), forged(["2026-01-01", None]),
        forged(["then", "00000000-0000-0000-0000-000000000000"]),
    ],
)  # fmt: skip
async def test_a_cursor_that_is_none_of_ours(cursor, metrics, leader):
    query = {"side": "numerator", "cursor": cursor}
    answer = await metrics.get("/v1/rates/closure_rate/evidence", params=query, headers=leader)
    assert (answer.status_code, answer.json()["code"]) == (422, "bad_cursor"), answer.text


async def test_evidence_needs_a_side(ask):
    await ask("/rates/closure_rate/evidence", status=422)
    await ask("/rates/closure_rate/evidence", status=422, side="both")
    await ask("/rates/closure_rate/evidence", status=422, side="numerator", variant="best")
    await ask("/rates/closure_rate/evidence", status=422, side="numerator", limit=101)


# --- the funnel


async def test_the_funnel(ask, ledger):
    for as_of in (NOW, NOW - timedelta(days=60)):
        body = await ask("/funnel", as_of=as_of.isoformat(), **YEAR)
        wanted = oracle.funnel(everything(ledger, as_of=as_of))
        stages = {stage["stage"]: stage["count"] for stage in body["stages"]}
        assert stages == {name: wanted[name] for name in ("topic", "issue", "project", "closed")}
        for step in body["conversions"]:
            part = stages[step["to"]], stages[step["from"]]
            assert (step["numerator"], step["denominator"]) == part
            assert step["display"] == oracle.printed(*part)
        assert [(s["from"], s["to"]) for s in body["conversions"]] == [
            ("topic", "issue"), ("issue", "project"), ("project", "closed"), ("issue", "closed"), ("topic", "closed"),
        ]  # fmt: skip


async def test_who_stayed_behind_and_why(ask, ledger):
    for as_of in (NOW, NOW - timedelta(days=30)):
        body = await ask("/funnel", as_of=as_of.isoformat(), **YEAR)
        wanted = oracle.funnel(everything(ledger, as_of=as_of))["stayed_behind"]
        numbers = {t["number"]: (t, h) for t, h in ledger}
        assert {numbers[b["number"]][0]["id"] for b in body["stayed_behind"]} == wanted
        assert body["stayed_behind_count"] == len(wanted)
        for behind in body["stayed_behind"]:
            ticket, history = numbers[behind["number"]]
            known = [m for m in history if m["action"] == "register" or m["occurred_at"] <= as_of]
            words = [m for m in known if m["action"] not in oracle.REMARKS]
            assert behind["reason"] == words[-1]["reason"]
            assert behind["state"] == oracle.stand(ticket, history, as_of).state
            assert not behind["state_text"].isascii()


async def test_a_remark_is_no_reason_for_staying_behind(ask, street, both):
    rng = random.Random(14)
    lives = (histories.life(rng, street.id, number) for number in range(400))
    ticket, history = next(
        (ticket, history[:2])
        for ticket, history in lives
        if len(history) > 1 and history[1]["action"] == "accept"
    )
    remark = history[-1] | {"action": "supervise", "seq": 3, "from_state": "accepted", "reason": "请抓紧"}
    await both([(ticket, [*history, remark])])
    (behind,) = (await ask("/funnel", **YEAR))["stayed_behind"]
    assert behind["reason"] == history[1]["reason"]


async def test_the_funnel_and_the_rates_tell_the_same(ask, ledger):
    body = await ask("/funnel", **YEAR)
    project = (await ask("/rates/closure_rate", variant="project", **YEAR))["total"]
    (last,) = (s for s in body["conversions"] if (s["from"], s["to"]) == ("project", "closed"))
    assert (last["numerator"], last["denominator"]) == (project["numerator"], project["denominator"])
