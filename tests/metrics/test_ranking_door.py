"""Rankings over HTTP: of units by a rate or a score, with their red and black lists."""

import random

import pytest

from shared import clock
from shared.terms import Role
from tests.metrics import histories
from tests.metrics.conftest import local
from tests.metrics.histories import NOW
from tests.metrics.lives import DAY, done, handed_over, life

MARCH = {"from_": "2026-03-01", "to": "2026-03-31"}
YEAR = {"from_": "2025-11-01", "to": "2026-04-02"}
NOON = local(2026, 3, 2)
CLOSURE = {"rate": "closure_rate", "variant": "received"}
# unit → received, closed
UNITS = {
    "u02": (6, 6),
    "u03": (8, 4),
    "u04": (10, 5),
    "u05": (5, 5),
    "u06": (7, 0),
    "u07": (4, 4),
    None: (9, 9),
}


@pytest.fixture(autouse=True)
def _today():
    with clock.at(NOW):
        yield


@pytest.fixture
async def _units(street, both):
    lives = [
        life(street.id, 100 * n + place, NOON, *(done(NOON + DAY) if place < closed else handed_over(NOON)), lead_unit=unit)
        for n, (unit, (received, closed)) in enumerate(UNITS.items())
        for place in range(received)
    ]  # fmt: skip
    await both(lives)


def places(rows):
    return [(row["key"], row["rank"], row["tied"]) for row in rows]


@pytest.mark.usefixtures("_units")
async def test_units_by_their_closure_rate(ask, street):
    body = await ask("/rankings", top=1, bottom=2, **CLOSURE, **MARCH)
    assert places(body["rows"]) == [
        ("u02", 1, True), ("u05", 1, True), ("u03", 3, True), ("u04", 3, True), ("u06", 5, False),
    ]  # fmt: skip
    assert places(body["unranked"]) == [("", None, False), ("u07", None, False)]
    assert [row["key"] for row in body["red"]] == ["u02", "u05"]
    assert [row["key"] for row in body["black"]] == ["u06", "u04", "u03"]
    assert (body["by"], body["order"], body["least"], body["rate"]) == (["unit"], "desc", 5, "closure_rate")
    names = {code: name for name, code in street.units.items()}
    assert all(row["label"] == names[row["key"]] for row in body["rows"])
    first = body["rows"][0]
    assert (first["numerator"], first["denominator"], first["display"], first["few"]) == (6, 6, "100%", False)


@pytest.mark.usefixtures("_units")
async def test_the_other_way_round_and_with_smaller_samples(ask):
    body = await ask("/rankings", order="asc", least=4, top=0, bottom=100, **CLOSURE, **MARCH)
    assert places(body["rows"]) == [
        ("u06", 1, False), ("u03", 2, True), ("u04", 2, True), ("u02", 4, True), ("u05", 4, True), ("u07", 4, True),
    ]  # fmt: skip
    assert body["red"] == []
    assert [row["key"] for row in body["black"]] == [row["key"] for row in reversed(body["rows"])]
    assert [row["key"] for row in body["unranked"]] == [""]


async def test_a_ranking_ranks_the_rows_of_the_rate(ask, street, both):
    await both(histories.ledger(random.Random(41), street.id, 80))
    for by in ("unit", "part_unit", "community", "channel", "unit,channel"):
        query = {"by": by, "least": 3, "population": "assessed", **YEAR}
        rate = await ask("/rates/on_time_closure_rate", **query)
        body = await ask("/rankings", rate="on_time_closure_rate", **query)
        told = {row["key"]: row for row in (*body["rows"], *body["unranked"])}
        assert {key: {n: row[n] for n in rate["rows"][0]} for key, row in told.items()} == {
            row["key"]: row for row in rate["rows"]
        }
        values = [row["value"] for row in body["rows"]]
        assert values == sorted(values, reverse=True)
        assert all(row["denominator"] >= 3 for row in body["rows"])
        for row in body["unranked"]:
            assert row["value"] is None or row["few"] or "" in row["keys"]


async def test_units_by_a_score(ask, street, both):
    found = {"valid": True, "contacted": True, "resolved": "yes"}
    answers = {"u02": ["satisfied"] * 3, "u03": ["satisfied", "basic", "satisfied"], "u04": ["satisfied"]}
    lives = [
        life(street.id, 10 * n + place, NOON, *done(NOON + DAY, satisfaction=answer, **found), lead_unit=unit)
        for n, (unit, given) in enumerate(answers.items())
        for place, answer in enumerate(given)
    ]
    await both([*lives, life(street.id, 99, NOON, *handed_over(NOON), lead_unit="u05")])
    query = {"rate": "composite_score", "variant": "bj_huairou_10_50_40", "least": 2, **MARCH}
    body = await ask("/rankings", **query)
    assert [(row["key"], row["rank"], row["display"]) for row in body["rows"]] == [
        ("u02", 1, "100.0"),
        ("u03", 2, "98.7"),
    ]
    assert [row["key"] for row in body["unranked"]] == ["u04", "u05"]
    assert len(body["rows"][0]["parts"]) == 3


async def test_nobody_to_rank(ask):
    body = await ask("/rankings", **CLOSURE, **MARCH)
    assert [body[name] for name in ("rows", "unranked", "red", "black")] == [[], [], [], []]


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ({"rate": "happiness"}, "rate"), ({"rate": "composite_score"}, "variant"), ({"variant": "best"}, "variant"),
        ({"by": ""}, "by"), ({"by": "mood"}, "by"), ({"by": "unit,unit"}, "by"), ({"order": "best"}, "order"),
        ({"top": -1}, "top"), ({"bottom": 101}, "bottom"), ({"least": -1}, "least"),
    ],
)  # fmt: skip
async def test_what_cannot_be_ranked(query, field, ask):
    refused = await ask("/rankings", status=422, **({"rate": "closure_rate"} | query))
    assert field in [e["field"] for e in refused["errors"]]


async def test_who_may_ask(metrics, actor_headers, api_key, ask, new_street, street):
    path = "/v1/rankings?rate=closure_rate"
    assert (await metrics.get(path)).status_code == 401
    assert (await metrics.get(path, headers=actor_headers(Role.RESIDENT))).status_code == 403
    assert (await metrics.get(path, headers=await api_key("ledger:read"))).status_code == 403
    assert (await metrics.get(path, headers=await api_key("metrics:read"))).status_code == 200
    stranger = actor_headers(Role.LEADER, streets=[await new_street()])
    await ask("/rankings", status=403, headers=stranger, street=street.code, **CLOSURE)
