"""Composite scores over HTTP: by name only, equal to their parts by hand, and none where a part has no figure."""

import random
from fractions import Fraction

import pytest

from services.metrics.scores import SCORES
from shared import clock
from tests.metrics import histories
from tests.metrics.conftest import local
from tests.metrics.histories import NOW
from tests.metrics.lives import DAY, done, handed_over, life

PATH = "/rates/composite_score"
HUAIROU = {"variant": "bj_huairou_10_50_40"}
MARCH = {"from_": "2026-03-01", "to": "2026-03-31"}
YEAR = {"from_": "2025-11-01", "to": "2026-04-02"}
NOON = local(2026, 3, 2)


@pytest.fixture(autouse=True)
def _today():
    with clock.at(NOW):
        yield


@pytest.fixture
def answered(street, both):
    """`await answered((unit, findings of the callback | None to be left open), …)`."""

    async def made(*told):
        lives = []
        for number, (unit, found) in enumerate(told):
            moves = handed_over(NOON) if found is None else done(NOON + DAY, **found)
            lives.append(life(street.id, number, NOON, *moves, lead_unit=unit))
        await both(lives)

    return made


def found(contacted, resolved, satisfaction, **more):
    return {"valid": True, "contacted": contacted, "resolved": resolved, "satisfaction": satisfaction} | more


GOOD, FAIR = found(True, "yes", "satisfied"), found(True, "no", "basic")
POOR, NOT_REACHED = found(False, "no", "dissatisfied"), {"valid": False}


async def test_there_is_no_score_without_a_name(ask):
    for variant in ({}, {"variant": "due"}, {"variant": "best"}):
        refused = await ask(PATH, status=422, **variant, **MARCH)
        assert refused["code"] == "unknown_variant"
        assert all(name in refused["errors"][0]["message"] for name in SCORES)


async def test_a_score_by_hand(ask, answered):
    await answered(
        ("u02", GOOD), ("u02", GOOD), ("u02", FAIR), ("u02", POOR), ("u02", NOT_REACHED), ("u03", GOOD)
    )
    body = await ask(PATH, by="unit", over=70, least=2, **HUAIROU, **MARCH)
    one, two = body["rows"]
    # of four valid callbacks: 3 contacted, 2 resolved, 2 satisfied and one 基本满意
    points = 10 * Fraction(3, 4) + 50 * Fraction(2, 4) + 40 * (2 + Fraction(9, 10)) / 4
    assert (one["keys"], one["value"], one["display"]) == (["u02"], float(points), "61.5")
    assert [(p["rate"], p["numerator"], p["denominator"]) for p in one["parts"]] == [
        ("response_rate", 3, 4), ("resolution_rate", 2, 4), ("satisfaction_rate", 2.9, 4),
    ]  # fmt: skip
    assert (one["few"], one["over"]) == (False, False)
    assert (two["value"], two["display"], two["few"], two["over"]) == (100.0, "100.0", True, True)
    points = 10 * Fraction(4, 5) + 50 * Fraction(3, 5) + 40 * (3 + Fraction(9, 10)) / 5
    assert (body["total"]["value"], body["total"]["display"]) == (float(points), "69.2")
    assert (body["total"]["numerator"], body["total"]["denominator"]) == (None, None)
    assert (body["rate"], body["variant"], body["populations"], body["beside"]) == (
        "composite_score", "bj_huairou_10_50_40", None, [],
    )  # fmt: skip
    assert body["definition"]["denominator"] == "满分 100"


async def test_over_a_score_is_more_than_it(ask, answered):
    await answered(("u02", GOOD), ("u02", GOOD), ("u02", FAIR), ("u02", POOR))
    for limit, over in (("61.49", True), ("61.5", False), ("61.51", False)):
        assert (await ask(PATH, over=limit, **HUAIROU, **MARCH))["total"]["over"] is over


async def test_where_a_part_has_no_figure_there_is_no_score(ask, answered):
    await answered(("u02", GOOD), ("u03", NOT_REACHED), ("u04", None))
    body = await ask(PATH, by="unit", over=0, **HUAIROU, **MARCH)
    told = {row["keys"][0]: (row["value"], row["display"], row["over"]) for row in body["rows"]}
    assert told == {"u02": (100.0, "100.0", True), "u03": (None, "—", None), "u04": (None, "—", None)}
    assert body["total"]["value"] == 100.0
    empty = await ask(PATH, from_="2020-01-01", to="2020-12-31", **HUAIROU)
    assert (empty["total"]["value"], empty["rows"]) == (None, [])


async def test_the_share_of_what_was_received_counts_where_the_score_says_so(ask, answered):
    """5 points for the share of all received, 30 contacted, 20 actually resolved, 40 satisfied: 95 at most."""
    told = [("u02", GOOD | {"outcome": "explained"}), ("u02", GOOD), ("u02", POOR), ("u03", GOOD)]
    await answered(*told)
    body = await ask(PATH, variant="sh_town_5_30_20_40", by="unit", **MARCH)
    points = 5 * Fraction(3, 4) + 30 * Fraction(2, 3) + 20 * Fraction(2, 3) + 40 * Fraction(2, 3)
    assert [row["value"] for row in body["rows"]] == [float(points), 5 * 0.25 + 90]
    assert body["total"]["value"] == float(
        5 + 30 * Fraction(3, 4) + 20 * Fraction(3, 4) + 40 * Fraction(3, 4)
    )
    assert [w["code"] for w in body["warnings"]] == ["variant_caution"]


@pytest.mark.parametrize("name", sorted(SCORES))
async def test_a_score_is_made_of_the_rates_it_shows(name, ask, street, both):
    await both(histories.ledger(random.Random(31), street.id, 60))
    for query in ({}, {"population": "assessed"}, {"basis": "workload", "channel": "hotline"}):
        body = await ask(PATH, variant=name, by="channel", **YEAR, **query)
        for part in body["total"]["parts"]:
            rate = await ask(f"/rates/{part['rate']}", variant=part["variant"], by="channel", **YEAR, **query)
            total = {key: rate["total"][key] for key in part if key in rate["total"] and key != "label"}
            assert total.items() <= part.items()
            of_rows = {row["key"]: row["value"] for row in rate["rows"]}
            for row in body["rows"]:
                (same,) = [
                    p for p in row["parts"] if (p["rate"], p["variant"]) == (part["rate"], part["variant"])
                ]
                assert same["value"] == of_rows.get(row["key"])


async def test_scores_are_compared_in_points(ask, street, both):
    february = local(2026, 2, 3)
    await both([
        life(street.id, 1, NOON, *done(NOON + DAY, **GOOD)), life(street.id, 2, february, *done(february + DAY, **FAIR)),
    ])  # fmt: skip
    told = (await ask(PATH, period="2026-03", compare="mom", **HUAIROU))["comparison"]
    assert told["total"]["value"] == 46.0  # contacted, not resolved, 基本满意
    assert told["change"] == 54.0


async def test_a_score_has_no_tickets_of_its_own_and_no_mean(ask):
    refused = await ask(f"{PATH}/evidence", status=422, side="numerator", **HUAIROU)
    assert refused["code"] == "no_evidence"
    refused = await ask(PATH, status=422, by="unit", total="mean_of_units", **HUAIROU)
    assert [e["field"] for e in refused["errors"]] == ["total"]


async def test_the_catalogue_tells_what_a_score_is_made_of(ask):
    (entry,) = [rate for rate in await ask("/rates") if rate["rate"] == "composite_score"]
    assert entry["default_variant"] is None
    assert [v["variant"] for v in entry["variants"]] == list(SCORES)
    huairou = entry["variants"][0]
    assert huairou["weights"] == {
        "response_rate.contact_valid": 10.0, "resolution_rate.surveyed": 50.0, "satisfaction_rate.basic_0_9": 40.0,
    }  # fmt: skip
