"""What the five articles publish, row by row: each test carries the id of its row.

Figures are asked for over HTTP, of tickets and histories written as intake and routing would have left them.
"""

from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest

from services.metrics.book import book
from services.metrics.rates import display
from shared import clock
from shared.tables import tickets, transitions
from shared.terms import Role

NOON = datetime(2021, 6, 15, 4, 0, tzinfo=UTC)
NEW_YEAR = datetime(2022, 1, 5, 1, 0, tzinfo=UTC)
YEAR = {"from": "2021-01-01", "to": "2021-12-31"}
NOBODY = UUID(int=0)
DAY = timedelta(days=1)

TOPIC = ("register", "submitted")
ISSUE = (TOPIC, ("accept", "accepted"))
PROJECT = (*ISSUE, ("dispatch", "dispatched"))
DONE = (
    *PROJECT, ("sign", "signed"), ("contact", "handling"), ("handle", "handled"), ("review_pass", "callback"),
    ("close", "closed"),
)  # fmt: skip
ON_THE_SPOT = (*ISSUE, ("close_directly", "closed"))


@pytest.fixture(autouse=True)
def _a_new_year():
    with clock.at(NEW_YEAR):
        yield


@pytest.fixture
def live(street, processes):
    """`await live((how many, moves, reason of the last move), …)` writes so many tickets with these histories, and books them."""

    async def write(*groups):
        made = [
            life(street, number, moves, why)
            for number, (moves, why) in enumerate(
                (moves, why) for count, moves, why in groups for _ in range(count)
            )
        ]
        async with processes("intake").database.transaction([street.id]) as tx:
            await tx.insert_many(tickets, [ticket for ticket, _ in made])
        async with processes("routing").database.transaction([street.id]) as tx:
            await tx.insert_many(transitions, [move for _, moves in made for move in moves])
        async with processes("metrics").database.transaction([street.id]) as tx:
            await book(tx, street.id, [ticket["id"] for ticket, _ in made])
        return [ticket for ticket, _ in made]

    return write


def life(street, number, moves, why):
    """A ticket received at noon on one of twenty days, a move a day, due in ten."""
    at = NOON - (number % 20) * DAY
    ticket = {
        "street_id": street.id, "id": UUID(int=number + 1), "number": f"{street.prefix}20210615-{number + 1:06d}",
        "channel": "group_topic", "kind": "help", "category_code": "0101", "content": "楼道灯不亮",
        "community_code": "c1", "grid_code": "g11", "anonymous": False, "confidential": False,
        "entered_by": NOBODY, "entered_role": "clerk", "occurred_at": at, "recorded_at": at, "late": False,
    }  # fmt: skip
    history, before = [], None
    for seq, (action, after) in enumerate(moves, start=1):
        moment = at + (seq - 1) * DAY
        history.append(move(ticket, seq, action, before, after, moment, why if seq == len(moves) else None))
        before = after
    return ticket, history


def move(ticket, seq, action, before, after, moment, reason):
    return {
        "street_id": ticket["street_id"], "ticket_id": ticket["id"], "seq": seq, "action": action,
        "from_state": before, "to_state": after, "actor_id": NOBODY, "actor_role": "dispatcher", "reason": reason,
        "data": {}, "due_at": ticket["occurred_at"] + 10 * DAY, "lead_unit": None if seq < 3 else "u02",
        "category_code": "0101", "community_code": "c1", "grid_code": "g11", "kind": "help", "mode": "normal",
        "level": "street", "outcome": None, "occurred_at": moment, "recorded_at": moment, "late": False,
    }  # fmt: skip


@pytest.fixture
def ask(metrics, actor_headers):
    """`await ask("/rates/closure_rate", …)` → the answer of the year 2021."""

    async def get(path, **query):
        answer = await metrics.get(f"/v1{path}", params=YEAR | query, headers=actor_headers(Role.LEADER))
        assert answer.status_code == 200, answer.text
        return answer.json()

    return get


@pytest.fixture
def happen(processes, street):
    """`await happen(*moves)` adds moves to tickets' histories, and books them."""

    async def add(*rows):
        async with processes("routing").database.transaction([street.id]) as tx:
            await tx.insert_many(transitions, rows)
        async with processes("metrics").database.transaction([street.id]) as tx:
            await book(tx, street.id, [row["ticket_id"] for row in rows])

    return add


# --- S0: 收到百姓需求3950条,办结3950条,办结率100%


def test_s0_01_the_published_arithmetic():
    assert display(3950, 3950) == "100%"
    assert display(3949, 3950) == "99.97%"
    for digits in range(7):
        for rounding in ("half_up", "truncate"):
            assert display(3949, 3950, digits=digits, rounding=rounding).startswith("99")


async def test_s0_01_all_closed_is_100_percent_and_one_reopened_is_not(live, ask, happen):
    made = await live((395, DONE, None))
    total = (await ask("/rates/closure_rate", variant="received"))["total"]
    assert (total["numerator"], total["denominator"], total["value"], total["display"]) == (
        395,
        395,
        1.0,
        "100%",
    )
    reopened = NEW_YEAR - DAY
    back = move(made[7], len(DONE) + 1, "reopen", "closed", "handling", reopened, "灯又灭了")
    await happen(back | {"due_at": NEW_YEAR + 10 * DAY})
    total = (await ask("/rates/closure_rate", variant="received"))["total"]
    assert (total["numerator"], total["denominator"], total["display"]) == (394, 395, "99.75%")
    for digits in range(3):
        shown = (await ask("/rates/closure_rate", variant="received", digits=digits))["total"]["display"]
        assert not shown.startswith("100")
    # the figure that was published before is still to be had
    then = await ask("/rates/closure_rate", variant="received", as_of=(reopened - DAY).isoformat())
    assert then["total"]["display"] == "100%"
    # and the ticket counts once when it is closed again
    await happen(
        move(made[7], len(DONE) + 2, "handle", "handling", "handled", reopened, "换了灯"),
        move(made[7], len(DONE) + 3, "review_pass", "handled", "callback", reopened, None),
        move(made[7], len(DONE) + 4, "close", "callback", "closed", reopened, None),
    )
    total = (await ask("/rates/closure_rate", variant="received"))["total"]
    assert (total["numerator"], total["denominator"], total["display"]) == (395, 395, "100%")


# --- S0: 能现场解决的,现场回复解决;其余建立台账、明确职责、限时办结


async def test_s0_18_solved_on_the_spot_is_counted_separately(live, ask):
    await live((12, ON_THE_SPOT, "当场答复"), (30, DONE, None), (3, PROJECT, None))
    counts = (await ask("/counts"))["counts"]
    assert (counts["direct"], counts["dispatched"], counts["closed"]) == (12, 33, 42)
    assert counts["direct"] + counts["dispatched_closed"] == counts["closed"]
    with_them = (await ask("/rates/closure_rate", variant="incl_direct"))["total"]
    without = (await ask("/rates/closure_rate", variant="dispatched"))["total"]
    assert (with_them["numerator"], with_them["denominator"]) == (42, 45)
    assert (without["numerator"], without["denominator"]) == (30, 33)


async def test_s0_19_what_is_not_solved_on_the_spot_stands_in_the_ledger(live, ask):
    """Everything else has its line in the ledger, with a deadline, and with a unit once it is dispatched."""
    await live((5, ON_THE_SPOT, "当场答复"), (4, ISSUE, None), (6, PROJECT, None), (2, (TOPIC,), None))
    counts = (await ask("/counts"))["counts"]
    assert counts["received"] == counts["direct"] + counts["open"] == 17
    query = {"variant": "received", "side": "denominator"}
    items = (await ask("/rates/closure_rate/evidence", **query))["items"]
    rest = [item for item in items if item["state"] != "closed"]
    assert len(rest) == 12
    assert all(item["due_at"] for item in rest)
    assert all(item["unit"] for item in rest if item["state"] == "dispatched")


# --- S3: 话题3575条 → 议题2218条 → 项目2209条,项目办结率100%


async def test_s3_01_to_s3_04_the_funnel_of_3575_topics(live, ask):
    made = await live(
        (2209, DONE, None),
        (9, ISSUE, "不具备立项条件"),
        (3575 - 2218, (TOPIC, ("reject", "rejected")), "未形成议题"),
    )
    body = await ask("/funnel")
    # S3-01, S3-02
    assert [stage["count"] for stage in body["stages"]] == [3575, 2218, 2209, 2209]
    shown = {(step["from"], step["to"]): step["display"] for step in body["conversions"]}
    assert shown["topic", "issue"] == "62.04%"
    # S3-03: the nine that were not converted, by number and reason
    assert shown["issue", "project"] == "99.59%"
    assert body["stayed_behind_count"] == len(body["stayed_behind"]) == 9
    assert {behind["number"] for behind in body["stayed_behind"]} == {t["number"] for t in made[2209:2218]}
    assert {behind["reason"] for behind in body["stayed_behind"]} == {"不具备立项条件"}
    # S3-04: 100 % of the projects, and never without the share of the issues beside it
    assert shown["project", "closed"] == "100%"
    assert shown["issue", "closed"] == "99.59%"
    assert shown["topic", "closed"] == "61.79%"
    project = await ask("/rates/closure_rate", variant="project")
    assert (project["total"]["numerator"], project["total"]["display"]) == (2209, "100%")
    accepted = await ask("/rates/closure_rate", variant="accepted")
    assert (accepted["total"]["denominator"], accepted["total"]["display"]) == (2218, "99.59%")


async def test_s3_38_there_are_never_more_projects_than_issues_nor_issues_than_topics(live, ask):
    await live((3, DONE, None), (2, ON_THE_SPOT, None), (4, ISSUE, None), (5, (TOPIC,), None))
    for day in range(-21, 12, 3):
        moment = (NOON + day * DAY).isoformat()
        counts = [stage["count"] for stage in (await ask("/funnel", as_of=moment))["stages"]]
        assert counts == sorted(counts, reverse=True)


# --- S4: group messages


async def test_s4_29_a_group_message_counts_on_the_day_it_was_sent(processes, street, metrics, actor_headers):
    """「8月31日一大早」: entered in September, received in August."""
    sent = datetime(2021, 8, 30, 23, 30, tzinfo=UTC)  # 31 August, 07:30
    ticket, moves = life(street, 1, DONE[:3], None)
    ticket |= {"occurred_at": sent, "recorded_at": sent + 3 * DAY, "late": True}
    moves = [m | {"occurred_at": sent + 3 * DAY, "due_at": sent + 10 * DAY} for m in moves]
    async with processes("intake").database.transaction([street.id]) as tx:
        await tx.insert_many(tickets, [ticket])
    async with processes("routing").database.transaction([street.id]) as tx:
        await tx.insert_many(transitions, moves)
    async with processes("metrics").database.transaction([street.id]) as tx:
        await book(tx, street.id, [ticket["id"]])
    for first, last, wanted in (("2021-08-31", "2021-08-31", 1), ("2021-09-01", "2021-09-30", 0)):
        answer = await metrics.get(
            "/v1/counts", params={"from": first, "to": last}, headers=actor_headers(Role.LEADER)
        )
        assert answer.json()["counts"]["received"] == wanted
