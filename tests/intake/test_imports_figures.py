"""Published bulletins as ledgers: what a street has printed comes out of the rates again, from its rows alone."""

import pytest

from shared.terms import Role
from tests.intake.ledgers import LEAST, as_csv, as_xlsx

MARCH = {"from": "2026-03-01", "to": "2026-03-31", "as_of": "2026-04-30T00:00:00+08:00"}
DAY = LEAST | {"received_at": "2026-03-02 09:00"}
SENT = DAY | {"lead_unit": "物业办", "dispatched_at": "2026-03-02 10:00"}
CLOSED = SENT | {"due_at": "2026-03-10", "handled_at": "2026-03-06", "closed_at": "2026-03-09"}


@pytest.fixture
def rate(metrics, street, actor_headers):
    """`await rate("closure_rate", variant="due", …)` → "numerator/denominator" of March, as of the end of April."""

    async def ask(name, **query):
        asked = {"street": street.code} | MARCH | query
        answer = await metrics.get(f"/v1/rates/{name}", params=asked, headers=actor_headers(Role.LEADER))
        assert answer.status_code == 200, answer.text
        total = answer.json()["total"]
        return f"{total['numerator']}/{total['denominator']}"

    return ask


def ledger(*parts):
    """Return rows: (how many, cells) each."""
    return [cells | {"content": f"第{n}件"} for many, cells in parts for n in range(many)]


@pytest.mark.parametrize("write", [as_csv, as_xlsx], ids=["csv", "xlsx"])
async def test_due_closed_and_in_time(bring_in, rate, write):
    """天门 2016-12, a tenth: 100 registered, 97 due, 91 closed of which 74 in time."""
    late, overdue = CLOSED | {"closed_at": "2026-03-20"}, SENT | {"due_at": "2026-03-10"}
    open_yet = SENT | {"due_at": "2026-05-10"}
    done = await bring_in(write(ledger((74, CLOSED), (17, late), (6, overdue), (3, open_yet))))
    assert (done["created"], done["rejected"]) == (100, 0)
    assert await rate("closure_rate", variant="due") == "91/97"
    assert await rate("closure_rate", variant="received") == "91/100"
    assert await rate("on_time_closure_rate", variant="due") == "74/97"
    assert await rate("overdue_rate") == "23/97"


async def test_closed_at_once_beside_dispatched(bring_in, rate):
    """前台直办 raises the rate: 38 direct and 119 of 123 dispatched."""
    direct = DAY | {"disposition": "直办", "closed_at": "2026-03-02 09:05"}
    await bring_in(as_csv(ledger((38, direct), (119, CLOSED), (4, SENT | {"due_at": "2026-03-10"}))))
    assert await rate("closure_rate", variant="incl_direct") == "157/161"
    assert await rate("closure_rate", variant="dispatched") == "119/123"


async def test_what_callbacks_found(bring_in, rate):
    """江阴: 30 called, 25 reached, 24 satisfied and 1 basically so; no answer is no satisfaction."""
    called = CLOSED | {"callback_at": "2026-03-12"}
    await bring_in(
        as_csv(
            ledger(
                (24, called | {"callback_satisfaction": "满意", "callback_resolved": "是", "callback_contacted": "是"}),
                (1, called | {"callback_satisfaction": "一般", "callback_resolved": "否", "callback_contacted": "否"}),
                (5, called | {"callback_valid": "否"}), (10, CLOSED),
            )
        )
    )  # fmt: skip
    assert await rate("callback_rate") == "30/40"
    assert await rate("valid_callback_rate") == "25/30"
    assert await rate("satisfaction_rate", variant="strict") == "24/25"
    assert await rate("satisfaction_rate", variant="top2") == "25/25"
    assert await rate("resolution_rate") == "24/25"


async def test_topics_issues_projects(bring_in, rate):
    """合肥路, a hundredth: 36 topics, 22 issues, 21 projects, all of them closed."""
    project = DAY | {"channel": "群话题", "stage": "项目", "closed_at": "2026-03-20"}
    topic, lost = DAY | {"channel": "群话题", "stage": "话题"}, {"stage": "议题", "disposition": "不予受理"}
    await bring_in(
        as_csv(
            ledger((21, project), (1, topic | lost | {"reject_reason": "已起诉"}), (14, topic)), chinese=True
        )
    )
    assert await rate("closure_rate", variant="project") == "21/21"
    assert await rate("closure_rate", variant="received") == "21/36"


async def test_what_is_left_out_of_assessment(bring_in, rate):
    await bring_in(
        as_csv(ledger((9, CLOSED), (1, SENT | {"due_at": "2026-03-10", "excluded_reason": "不可抗力"})))
    )
    assert await rate("closure_rate", variant="due", population="all") == "9/10"
    assert await rate("closure_rate", variant="due", population="assessed") == "9/9"


async def test_timeliness_that_is_not_told_is_not_claimed(bring_in, rate):
    told = CLOSED | {"signed_at": "2026-03-02 11:00", "contacted_at": "2026-03-02 12:00"}
    await bring_in(as_csv(ledger((3, told), (7, CLOSED))))
    assert (await rate("response_rate", variant="sign_in")).startswith("3/")


async def test_the_same_bulletin_twice_is_the_same_bulletin(bring_in, rate):
    content = as_csv(ledger((9, CLOSED), (1, SENT | {"due_at": "2026-03-10"})))
    await bring_in(content)
    await bring_in(content)
    assert await rate("closure_rate", variant="received") == "9/10"


async def test_a_rate_is_had_again_as_it_was_known(bring_in, rate):
    written = CLOSED | {"recorded_at": "2026-03-09 12:00"}
    await bring_in(as_csv(ledger((4, written), (1, CLOSED))))
    assert await rate("closure_rate", variant="received") == "5/5"
    assert await rate("closure_rate", variant="received", known_at="2026-04-01T00:00:00+08:00") == "4/4"


async def test_what_a_ledger_names_can_be_asked_for(bring_in, rate, metrics, street, actor_headers):
    told = CLOSED | {"category_code": "井盖(丢失)", "community": "望江社区", "lead_unit": "智慧办"}
    await bring_in(as_csv(ledger((3, told), (2, CLOSED))))
    for name, value in (("category", "井盖(丢失)"), ("community", "望江社区"), ("unit", "智慧办")):
        assert await rate("closure_rate", variant="received", **{name: value}) == "3/3"
        asked = {"street": street.code, "variant": "received", "by": name} | MARCH
        answer = await metrics.get("/v1/rates/closure_rate", params=asked, headers=actor_headers(Role.LEADER))
        rows = {row["label"]: row["numerator"] for row in answer.json()["rows"]}
        assert rows[value] == 3
        assert sum(rows.values()) == 5
    asked = {"street": street.code, "variant": "received", "by": "kind"} | MARCH
    answer = await metrics.get("/v1/rates/closure_rate", params=asked, headers=actor_headers(Role.LEADER))
    assert sum(row["numerator"] for row in answer.json()["rows"]) == 5, "no kind is told, and none is made up"
