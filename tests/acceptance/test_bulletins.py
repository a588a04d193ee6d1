"""Published bulletins, brought in as ledgers over HTTP and asked for over HTTP, figure for figure."""

import csv
import io
from datetime import UTC, datetime

import pytest

from shared import clock
from shared.terms import Role
from tests.acceptance.bulletins import BULLETINS, a10, a11, later

NOW = datetime(2026, 11, 24, 4, tzinfo=UTC)
CASES = [
    pytest.param(b, id=b.id, marks=[pytest.mark.large] if b.large else []) for b in BULLETINS
]  # fmt: skip


@pytest.fixture(autouse=True)
def _now():
    with clock.at(NOW):
        yield


def as_csv(rows):
    """A ledger as a street exports it: UTF-8 with a mark, a header, quoted where it must be."""
    rows = list(rows)
    names = list(dict.fromkeys(name for row in rows for name in row))
    text = io.StringIO(newline="")
    writer = csv.DictWriter(text, names, restval="")
    writer.writeheader()
    writer.writerows(rows)
    return ("﻿" + text.getvalue()).encode()


@pytest.fixture
def import_whole(hand_in, worker, deliver, look_at):
    """`await import_whole(rows)` brings a ledger all the way into the figures and returns the import."""

    async def bring(rows):
        handed, steps = await hand_in(as_csv(rows)), worker()
        while True:
            more = await steps.run()
            await deliver("routing")
            await deliver("metrics")
            found = await look_at(handed["id"])
            if not more and found["state"] != "running":
                return found

    return bring


@pytest.fixture
def measure(metrics, actor_headers, street):
    """`await measure(path, …)` → what metrics answers a leader of the street."""
    leader = actor_headers(Role.LEADER)

    async def get(path, **query):
        answer = await metrics.get(f"/v1{path}", params={"street": street.code, **query}, headers=leader)
        assert answer.status_code == 200, answer.text
        return answer.json()

    return get


@pytest.mark.parametrize("bulletin", CASES)
async def test_a_bulletin_is_reproduced(bulletin, import_whole, measure):
    found = await import_whole(bulletin.rows())
    assert (found["state"], found["rejected"], found["errors"]) == ("done", 0, [])
    assert found["accepted"] == found["rows"]
    for asked in bulletin.asks:
        variant = {"variant": asked.variant} if asked.variant else {}
        answer = await measure(f"/rates/{asked.rate}", **bulletin.window, **variant, **asked.more)
        told = {name: answer["total"][name] for name in asked.expect}
        assert told == asked.expect, (bulletin.id, asked)


async def test_s3_01_to_04_the_project_rate_never_stands_alone(import_whole, measure):
    """S3-01 3575 topics · S3-02 2218 issues, 62.04 % · S3-03 2209 projects, nine left behind · S3-04 100 % beside 99.59 %."""
    await import_whole(a10())
    year = {"from": "2021-01-01", "to": "2021-12-31"}
    funnel = await measure("/funnel", **year)
    assert [stage["count"] for stage in funnel["stages"]] == [3575, 2218, 2209, 2209]
    assert funnel["stayed_behind_count"] == len(funnel["stayed_behind"]) == 9
    project = await measure("/rates/closure_rate", variant="project", **year)
    assert project["total"]["display"] == "100%"
    beside = {b["variant"]: b["display"] for b in project["beside"]}
    assert beside["issue_project"] == beside["issue_closed"] == "99.59%"


async def test_s0_12_the_share_of_a_campaign(import_whole, measure):
    """S0-12: requests from a campaign are told by their channels, and none is counted twice."""
    channels = ("visit", "forum", "survey", "hotline")
    rows = [{**row, "channel": channels[n % 4]} for n, row in enumerate(a11()) if n < 400]
    await import_whole(rows)
    counts = await measure("/counts", by="channel", **{"from": "2021-01-01", "to": "2021-12-31"})
    campaign = sum(r["counts"]["received"] for r in counts["rows"] if r["key"] in channels[:3])
    assert (campaign, counts["counts"]["received"]) == (300, 400)


async def test_s0_26_s4_18_everything_is_answered(import_whole, measure):
    """S0-26 件件有回音 · S4-18 问题个个有回应: the exceptions are a list, and it is empty."""
    await import_whole(row for n, row in enumerate(a11()) if n < 50)
    year = {"from": "2021-01-01", "to": "2021-12-31"}
    assert (await measure("/rates/reply_rate", **year))["total"]["display"] == "100%"
    assert (await measure("/rates/reply_rate/evidence", side="gap", **year))["items"] == []


async def test_s1_03_s1_46_over_95_is_strictly_over(import_whole, measure):
    """S1-03, S1-46: exactly 95 % is not 超过95%; answers and non-answers stand beside it. S3-15: five levels."""
    answered = ["满意"] * 19 + ["不满意"] + [""] * 5
    rows = [{**row, "callback_satisfaction": a} for row, a in zip(a11(), answered, strict=False)]
    await import_whole(rows)
    year = {"from": "2021-01-01", "to": "2021-12-31"}
    answer = await measure("/rates/satisfaction_rate", over="95", **year)
    assert (answer["total"]["display"], answer["total"]["over"]) == ("95.00%", False)
    assert (await measure("/rates/satisfaction_rate", over="94.99", **year))["total"]["over"] is True
    beside = {b["rate"]: (b["numerator"], b["denominator"]) for b in answer["beside"]}
    assert beside == {"callback_rate": (20, 25), "valid_callback_rate": (20, 20)}


async def test_s1_01_lists_and_their_items(import_whole, measure):
    """S1-01 128 lists hold 316 items · S1-02 152/316 · S1-05 the ten stand apart."""
    await import_whole(BULLETINS[-1].rows())
    year = {"from": "2021-01-01", "to": "2021-12-31"}
    counts = await measure("/counts", by="list", list_level="street", **year)
    assert len(counts["rows"]) == 128
    assert sum(row["counts"]["listed"] for row in counts["rows"]) == 316


async def test_known_at_gives_what_was_published(import_whole, measure):
    """Two ledgers, the second with rows that were late: as known between them, the figure of the first."""
    rows = [row for n, row in enumerate(a11()) if n < 40]
    year = {"from": "2021-01-01", "to": "2021-12-31"}
    await import_whole(rows[:30])
    between = NOW.isoformat()
    with clock.at(datetime(2026, 11, 25, 4, tzinfo=UTC)):
        await import_whole([{**row, "closed_at": ""} for row in rows[30:]])
        now = await measure("/rates/closure_rate", variant="received", **year)
        then = await measure("/rates/closure_rate", variant="received", known_at=between, **year)
    assert (now["total"]["numerator"], now["total"]["denominator"]) == (30, 40)
    assert (then["total"]["numerator"], then["total"]["denominator"]) == (30, 30)


async def test_both_populations_stand_side_by_side(import_whole, measure):
    rows = [row for n, row in enumerate(a11()) if n < 30]
    rows = [{**row, "excluded_reason": "不可抗力" if n < 4 else "", "closed_at": "" if n < 3 else row["closed_at"]}
            for n, row in enumerate(rows)]  # fmt: skip
    await import_whole(rows)
    year = {"from": "2021-01-01", "to": "2021-12-31", "variant": "received"}
    answer = await measure("/rates/closure_rate", population="assessed", **year)
    assert (answer["total"]["numerator"], answer["total"]["denominator"]) == (26, 26)
    assert answer["total"]["excluded"] == {"不可抗力": 4}
    assert answer["populations"]["all"]["display"] == "90.00%"


async def test_s0_39_s3_15_residents_rate_the_result_on_five_levels(import_whole, measure):
    """S0-39 效果共评 · S3-15 非常满意 is one of five levels; who does not answer is no satisfied one."""
    said = ["非常满意", "满意", "基本满意", "不满意", "非常不满意", ""]
    await import_whole([{**row, "rating": said[n % 6]} for n, row in enumerate(a11()) if n < 60])
    year = {"from": "2021-01-01", "to": "2021-12-31"}
    answer = await measure("/rates/satisfaction_rate", variant="five_level", **year)
    assert (answer["total"]["numerator"], answer["total"]["denominator"]) == (30, 50)
    assert [(b["numerator"], b["denominator"]) for b in answer["beside"]] == [(50, 60)]
    counts = (await measure("/counts", **year))["counts"]
    assert [counts[f"rated_{level}"] for level in ("very_satisfied", "basic", "very_dissatisfied")] == [
        10
    ] * 3


async def test_s1_04_satisfaction_of_named_items(import_whole, measure):
    """S1-04: each named item has its own 100 %, with its own answers."""
    items = ("液化气小区积水", "民安馨苑电动车存放", "堤东赵小葱运输")
    rows = [
        {**row, "checklist": items[n % 3], "callback_satisfaction": "满意"}
        for n, row in enumerate(a11())
        if n < 36
    ]
    await import_whole(rows)
    answer = await measure(
        "/rates/satisfaction_rate", by="list", **{"from": "2021-01-01", "to": "2021-12-31"}
    )
    assert {
        r["label"]: (r["numerator"], r["denominator"], r["display"]) for r in answer["rows"]
    } == dict.fromkeys(items, (12, 12, "100%"))


async def test_s2_08_approximate_counts_stay_approximate(metrics, actor_headers):
    """S2-08 「发放调查问卷5000余份,征集意见480多条」: a share of the two is an interval, never a figure."""
    answer = await metrics.post(
        "/v1/checks", json={"published": "9.6%", "n": "5000余", "numerator": "480多"}, headers=actor_headers(Role.LEADER)
    )  # fmt: skip
    assert answer.status_code == 200, answer.text
    assert answer.json()["interval"] is not None


async def test_s3_32_nothing_is_without_an_owner(import_whole, measure, processes, street):
    """S3-32 有人听、有人管: every open ticket has somebody who must act, and a deadline."""
    await import_whole([{**row, "closed_at": ""} for n, row in enumerate(a11()) if n < 40])
    async with processes("routing").database.transaction([street.id], read_only=True) as tx:
        rows = await tx.raw.fetch("SELECT owner_unit, due_at FROM ticket_states WHERE state <> 'closed'")
    assert len(rows) == 40
    assert all(row["owner_unit"] and row["due_at"] for row in rows)
    assert (await measure("/counts", **{"from": "2021-01-01", "to": "2021-12-31"}))["counts"]["open"] == 40


async def test_s4_11_solved_where_it_arose(import_whole, measure):
    """S4-11 小事不出格、大事不出社区: the shares solved at each level add up to all that was solved."""
    await import_whole(
        [{**row, "category_code": ("0101", "0301")[n % 2]} for n, row in enumerate(a11()) if n < 40]
    )
    year = {"from": "2021-01-01", "to": "2021-12-31"}
    at = {
        level: (await measure("/rates/solved_at_level_rate", variant=level, **year))["total"]
        for level in ("grid", "community", "street", "district")
    }
    assert sum(total["numerator"] for total in at.values()) == 40
    assert {total["denominator"] for total in at.values()} == {40}


async def test_s4_25_commitments_kept(import_whole, measure):
    """S4-25 承诺、亮诺、践诺: kept is done by the day that was promised."""
    rows = [{**row, "checklist": "践诺清单", "due_at": later(row, 5 if n % 4 else 1)}
            for n, row in enumerate(a11()) if n < 40]  # fmt: skip
    await import_whole(rows)
    year = {"from": "2021-01-01", "to": "2021-12-31"}
    kept = await measure("/rates/commitment_rate", variant="on_time", **year)
    done = await measure("/rates/commitment_rate", variant="closed", **year)
    assert (kept["total"]["numerator"], kept["total"]["denominator"]) == (30, 40)
    assert done["total"]["display"] == "100%"
