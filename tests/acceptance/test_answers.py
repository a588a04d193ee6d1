"""What the articles say of people's answers, and of where things are solved; each test carries the id of its row."""

from datetime import UTC, datetime

import pytest

from services.metrics.book import book
from shared import clock
from shared.tables import ratings, tickets, transitions
from shared.terms import Role, Satisfaction
from tests.metrics.lives import DAY, NOBODY, done, handed_over, life

NEW_YEAR = datetime(2022, 1, 5, 1, tzinfo=UTC)
JUNE = datetime(2021, 6, 15, 4, tzinfo=UTC)
YEAR = {"from": "2021-01-01", "to": "2021-12-31"}


@pytest.fixture(autouse=True)
def _a_new_year():
    with clock.at(NEW_YEAR):
        yield


@pytest.fixture
def written(street, processes):
    """`await written(lives, said)` stores tickets and what their reporters said of them, and books them."""

    async def store(lives, said=()):
        async with processes("intake").database.transaction([street.id]) as tx:
            await tx.insert_many(tickets, [ticket for ticket, _ in lives])
            await tx.insert_many(ratings, said)
        async with processes("routing").database.transaction([street.id]) as tx:
            await tx.insert_many(transitions, [move for _, history in lives for move in history])
        async with processes("metrics").database.transaction([street.id]) as tx:
            await book(tx, street.id, [ticket["id"] for ticket, _ in lives])

    return store


@pytest.fixture
def ask(metrics, actor_headers):
    """`await ask("/rates/closure_rate", …)` → the answer of the year 2021."""

    async def get(path, **query):
        answer = await metrics.get(f"/v1{path}", params=YEAR | query, headers=actor_headers(Role.LEADER))
        assert answer.status_code == 200, answer.text
        return answer.json()

    return get


def called(satisfaction):
    return {"valid": True, "contacted": True, "resolved": "yes", "satisfaction": satisfaction}


# --- S1: 群众满意度超过95%


@pytest.mark.parametrize(
    ("satisfied", "asked", "shown", "over"),
    [(19, 20, "95.00%", False), (20, 21, "95.24%", True), (20, 20, "100%", True), (18, 20, "90.00%", False)],
)
async def test_s1_03_s1_46_exactly_95_percent_is_not_over_95(
    satisfied, asked, shown, over, street, written, ask
):
    answers = [called("satisfied")] * satisfied + [called("dissatisfied")] * (asked - satisfied)
    no_answer = [{"valid": False}, {"valid": False}, {}]  # two were not reached, one was not called
    await written(
        [life(street.id, n, JUNE, *done(JUNE + DAY, **found)) for n, found in enumerate(answers + no_answer)]
    )
    body = await ask("/rates/satisfaction_rate", over=95)
    total = body["total"]
    assert (total["numerator"], total["denominator"], total["display"]) == (satisfied, asked, shown)
    assert total["over"] is over
    beside = {line["rate"]: (line["numerator"], line["denominator"]) for line in body["beside"]}
    assert beside == {"callback_rate": (asked + 2, asked + 3), "valid_callback_rate": (asked, asked + 2)}


# --- S3: 甄先生非常满意并表示感谢


async def test_s3_15_five_levels_of_satisfaction(street, written, ask):
    lives = [life(street.id, n, JUNE, *done(JUNE + DAY)) for n in range(7)]
    said = [
        {
            "street_id": street.id, "ticket_id": ticket["id"], "closure": history[-1]["seq"], "satisfaction": level.value,
            "resolved": None, "contacted": None, "comment": None, "author_id": NOBODY, "occurred_at": JUNE + 2 * DAY,
            "recorded_at": JUNE + 2 * DAY,
        }
        for (ticket, history), level in zip(lives, (*Satisfaction, Satisfaction.VERY_SATISFIED), strict=False)
    ]  # fmt: skip
    await written(lives, said)
    counts = (await ask("/counts"))["measures"]
    told = {m["measure"]: (m["label"], m["count"]) for m in counts if m["measure"].startswith("rated")}
    assert told == {
        "rated": ("参评数", 6), "rated_very_satisfied": ("评价:非常满意", 2), "rated_satisfied": ("评价:满意", 1),
        "rated_basic": ("评价:基本满意", 1), "rated_dissatisfied": ("评价:不满意", 1),
        "rated_very_dissatisfied": ("评价:非常不满意", 1),
    }  # fmt: skip
    body = await ask("/rates/satisfaction_rate", variant="five_level")
    assert (body["total"]["numerator"], body["total"]["denominator"]) == (4, 6)
    (beside,) = body["beside"]
    assert (beside["rate"], beside["numerator"], beside["denominator"]) == ("participation_rate", 6, 7)
    strict = (await ask("/rates/satisfaction_rate", variant="rated_strict"))["total"]
    assert (strict["numerator"], strict["denominator"]) == (3, 6)


# --- S0, S4: 件件有回音、事事有着落;确保问题个个有回应


async def test_s0_26_s4_18_every_one_has_an_answer_or_is_named(street, written, ask):
    answered = [
        life(street.id, 1, JUNE, *done(JUNE + DAY)),
        life(street.id, 2, JUNE, ("accept", JUNE), ("close_directly", JUNE)),
        life(street.id, 3, JUNE, ("reject", JUNE)),
        life(street.id, 4, JUNE, *handed_over(JUNE), ("sign", JUNE), ("contact", JUNE + DAY)),
    ]
    await written(answered)
    total = (await ask("/rates/reply_rate"))["total"]
    assert (total["numerator"], total["denominator"], total["display"]) == (4, 4, "100%")
    assert (await ask("/rates/reply_rate/evidence", side="gap"))["items"] == []
    silent = [life(street.id, 5, JUNE), life(street.id, 6, JUNE, *handed_over(JUNE), ("sign", JUNE))]
    await written(silent)
    total = (await ask("/rates/reply_rate"))["total"]
    assert (total["numerator"], total["denominator"]) == (4, 6)
    exceptions = (await ask("/rates/reply_rate/evidence", side="gap"))["items"]
    assert sorted(item["number"] for item in exceptions) == [ticket["number"] for ticket, _ in silent]


# --- S4: 小事不出格、大事不出社区


async def test_s4_11_what_is_solved_in_the_grid_and_in_the_community(street, written, ask):
    solved = {"grid": 5, "community": 3, "street": 1, "district": 1}
    levels = [level for level, count in solved.items() for _ in range(count)]
    lives = [life(street.id, n, JUNE, *done(JUNE + DAY), level=level) for n, level in enumerate(levels)]
    await written(
        [*lives, life(street.id, 99, JUNE, *handed_over(JUNE), level="grid")]
    )  # open: solved nowhere yet
    for variant, numerator in {**solved, "within_community": 8}.items():
        total = (await ask("/rates/solved_at_level_rate", variant=variant))["total"]
        assert (total["numerator"], total["denominator"]) == (numerator, 10)
    rows = (await ask("/rates/closure_rate", variant="received", by="level"))["rows"]
    assert {row["label"]: row["numerator"] for row in rows} == {"网格": 5, "社区": 3, "街道": 1, "区": 1}
