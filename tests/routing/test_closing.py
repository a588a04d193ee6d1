"""Closing over HTTP: proof, outcome, other people's eyes, closures the reporter does not agree with, an answer for everyone."""

from uuid import uuid4

import pytest

from services.routing.app import app
from shared.auth import Actor
from shared.tables import transitions
from shared.terms import Role
from tests.fixtures.streets import YEARS
from tests.routing.conftest import LEAD, WAY

PHONE = {"name": "甄先生", "phone": "13800001234"}


@pytest.fixture
def lay_down(routing, who):
    """`await lay_down(share=0, …)` makes a street's next policy of closing; → the answer."""

    async def write(status=201, valid_from=None, **document):
        answer = await routing.post(
            "/v1/closing-policies",
            json={"document": document, "valid_from": valid_from},
            headers=who("admin"),
        )
        assert answer.status_code == status, answer.text
        return answer.json()

    return write


@pytest.fixture
def untold(routing, who):
    """`await untold()` → the numbers on the list of those nobody has told."""

    async def numbers(name="supervisor", **query):
        answer = await routing.get("/v1/feedback/exceptions", params=query, headers=who(name))
        assert answer.status_code == 200, answer.text
        return [item["number"] for item in answer.json()["items"]]

    return numbers


@pytest.fixture
def person(tokens, street):
    """`person(role, unit=None)` → headers of one and the same human being, whatever the role of the day."""
    same = uuid4()

    def headers(role, unit=None):
        actor = Actor(id=same, role=role, streets=frozenset({street.id}), unit=unit and street.unit(unit))
        token, _ = tokens.issue(actor, YEARS)
        return {"Authorization": f"Bearer {token}"}

    return headers


@pytest.fixture
def carry(do):
    """`await carry(number, "callback")` takes a dispatched ticket of 物业办 on to that state."""

    async def on(number, state):
        for reached, steps in WAY.items():
            for action, name, data in steps:
                await do(number, action, name, **data)
            if reached == state:
                return

    return on


async def test_a_category_that_asks_for_proof_is_not_done_without_it(
    time, lay_down, bring, placed, do, look, photo
):
    await lay_down(proof={"0101": ["before_ids", "after_ids", "location", "occurred_at", "person"]})
    number = await bring("handling")
    refused = await do(number, "handle", LEAD, status=422, reason="已清运", proof={"person": "老王"})
    assert refused["code"] == "proof_required"
    assert [e["field"] for e in refused["errors"]] == [
        "proof.before_ids", "proof.after_ids", "proof.location", "proof.occurred_at",
    ]  # fmt: skip
    assert "处置前照片、处置后照片、处置地点、处置时间" in refused["detail"]
    before, after = await photo(), await photo()
    proof = {
        "before_ids": [before], "after_ids": [before], "occurred_at": time.now.isoformat(), "person": "老王",
        "location": {"longitude": 117.665, "latitude": 39.035, "crs": "gcj02"},
    }  # fmt: skip
    # naming another category in passing is no way around it
    await do(number, "handle", LEAD, status=422, reason="已清运", category="0201")
    twice = await do(number, "handle", LEAD, status=422, reason="已清运", proof=proof)
    assert twice["code"] == "same_picture"
    nobodys = await do(
        number, "handle", LEAD, status=422, reason="已清运", proof=proof | {"after_ids": [str(uuid4())]}
    )
    assert [e["field"] for e in nobodys["errors"]] == ["proof.after_ids"]
    await do(number, "handle", LEAD, reason="已清运", proof=proof | {"after_ids": [after]})
    shown = (await look(number))["timeline"][-1]["data"]["proof"]
    assert (shown["before_ids"], shown["after_ids"], shown["person"]) == ([before], [after], "老王")
    other = await placed(category="0201")
    for action, body in (("sign", {}), ("contact", {}), ("handle", {"reason": "已修好"})):
        await do(other, action, "unit:城建办", **body)  # nothing is asked of another category


async def test_what_is_closed_on_the_spot_is_proven_too(time, lay_down, placed, do):
    await lay_down(proof={"*": ["person"]}, outcome=["close_directly"])
    number = await placed(by="clerk", channel="group_topic", category="0101")
    await do(number, "accept", "clerk")
    assert (await do(number, "close_directly", "clerk", status=422, reason="当场清了"))[
        "code"
    ] == "proof_required"
    proof = {"person": "老王"}
    unnamed = await do(number, "close_directly", "clerk", status=422, reason="当场清了", proof=proof)
    assert unnamed["code"] == "outcome_required"
    ticket = await do(number, "close_directly", "clerk", reason="当场清了", proof=proof, outcome="explained")
    assert (ticket["state"], ticket["outcome_text"]) == ("closed", "解释说明")


async def test_an_outcome_named_on_handling_need_not_be_named_again(time, lay_down, bring, do):
    await lay_down(outcome=["close"], share=1)
    number = await bring("callback")
    assert (await do(number, "close", "callback_clerk", status=422))["code"] == "outcome_required"
    await do(number, "rework", "callback_clerk", reason="再看看")
    await do(number, "handle", LEAD, reason="已清运", outcome="partly")
    await do(number, "review_pass", "supervisor")
    assert (await do(number, "close", "callback_clerk"))["outcome"] == "partly"


@pytest.mark.parametrize("action", ["review_pass", "review_fail"])
async def test_whoever_worked_on_it_does_not_review_it_in_another_role(time, bring, do, look, person, action):
    number = await bring("signed")
    await do(number, "contact", person(Role.UNIT, "物业办"))
    await do(number, "handle", LEAD, reason="已清运")
    me = person(Role.SUPERVISOR)
    assert action not in (await look(number, me))["actions"]
    refused = await do(number, action, me, status=403, reason="好")
    assert (refused["code"], "自己" in refused["detail"]) == ("own_work", True)
    await do(number, action, "supervisor", reason="好")


async def test_nor_calls_back_nor_ends_it_and_nor_does_a_helping_unit(time, bring, do, person):
    number = await bring("handling")
    await do(number, "assist", "dispatcher", unit="城管办")
    await do(number, "finish_part", person(Role.UNIT, "城管办"), reason="已配合")
    await do(number, "handle", LEAD, reason="已清运")
    helping = await do(number, "review_pass", "supervisor:城管办", status=403)
    assert helping["code"] == "not_your_action"
    await do(number, "review_pass", "supervisor")
    for action, role, body in (
        ("call_back", Role.CALLBACK_CLERK, {"valid": True}), ("close", Role.CALLBACK_CLERK, {}),
        ("rework", Role.SUPERVISOR, {"reason": "不好"}), ("close_deferred", Role.LEADER, {"reason": "缓"}),
    ):  # fmt: skip
        assert (await do(number, action, person(role), status=403, **body))["code"] == "own_work"
    await do(number, "close", "callback_clerk")


async def test_what_is_not_settled_is_reworked_or_ended_by_two(time, lay_down, bring, do, look):
    await lay_down(share=1)
    number = await bring("callback")
    bad = {"valid": True, "resolved": "no"}
    assert (await do(number, "close", "callback_clerk", status=409, **bad))["code"] == "not_settled"
    ticket = await do(number, "call_back", "callback_clerk", **bad)
    assert (ticket["callback_result"], ticket["callback_result_text"]) == ("bad", "未解决或不满意")
    assert {"close", "close_deferred"} & set(ticket["actions"]) == set()
    refused = await do(number, "close", "supervisor", status=409, outcome="explained")
    assert all(way in refused["detail"] for way in ("rework", "ask_closure"))
    assert (await do(number, "close_deferred", "supervisor:城管办", status=409, reason="缓"))[
        "code"
    ] == "closure_not_asked"
    asked = await do(number, "ask_closure", "supervisor", closure="close_deferred", reason="须待开春")
    assert (asked["closure_asked"], asked["closure_asked_text"]) == ("close_deferred", "延期销号")
    # who passed the review does not approve, whoever asks
    passed = await do(number, "close_deferred", "supervisor", status=403, reason="同意")
    assert passed["code"] == "approver_is_reviewer"
    ticket = await do(number, "close_deferred", "leader", reason="同意,列入春季计划")
    assert (ticket["state"], ticket["outcome"], ticket["answered_at"] is not None) == (
        "closed",
        "deferred",
        True,
    )
    assert "asked_by" in (await look(number, "leader"))["timeline"][-1]["data"]


async def test_who_asks_for_a_special_closure_does_not_approve_it(time, bring, do):
    number = await bring("callback")
    other = "supervisor:城管办"
    await do(number, "ask_closure", other, closure="close_after_review", reason="已无法联系")
    assert (await do(number, "close_after_review", other, status=403, reason="同意"))[
        "code"
    ] == "approver_is_asker"
    await do(number, "close_after_review", "supervisor:安全办", reason="同意", outcome="explained")
    # a matter that goes back begins anew: nothing is asked, nobody has passed it
    await do(number, "reopen", "supervisor", reason="督查发现未办结")
    await do(number, "handle", LEAD, reason="又清了一遍")
    ticket = await do(number, "review_pass", other)
    assert (ticket["closure_asked"], ticket["callback_result"]) == (None, None)


async def test_what_must_be_called_about_is_called_first_where_the_street_says_so(time, lay_down, bring, do):
    await lay_down(share=1, call_first=True)
    number = await bring("callback")
    assert (await do(number, "close", "callback_clerk", status=409))["code"] == "call_first"
    await do(number, "call_back", "callback_clerk", valid=False)  # nobody answered: it was tried
    assert (await do(number, "close", "callback_clerk"))["state"] == "closed"


async def test_the_exceptions_are_those_whom_nothing_shows_to_have_been_told(
    time, placed, carry, do, untold, rows
):
    number = await placed(by="clerk", channel="hotline", contact=PHONE)
    await carry(number, "closed")
    anonymous, resident = await placed(by="clerk", channel="phone"), await placed()
    for other in (anonymous, resident):
        await carry(other, "closed")
    assert await untold() == [number]
    assert await untold(unit="物业办") == await untold(LEAD) == [number]
    assert await untold(unit="城管办") == await untold("unit:城管办") == []
    closings = [m.data.get("feedback_channel") for m in await rows(transitions) if m.action == "close"]
    assert sorted(closings, key=str) == [None, "mini_program", "public"]
    missing = await do(number, "feed_back", LEAD, status=422, reason="已告知")
    assert [e["field"] for e in missing["errors"]] == ["feedback_channel"]
    time.forward(minutes=5)
    ticket = await do(number, "feed_back", "unit:物业办", feedback_channel="phone", reason="已清运,请您放心")
    assert (ticket["state"], ticket["answered_at"]) == ("closed", "2026-03-02T09:05:00.000+08:00")
    assert await untold() == []


async def test_a_valid_call_and_a_word_with_the_ending_are_answers(time, placed, carry, do, untold):
    called, rejected = [await placed(by="clerk", channel="hotline", contact=PHONE) for _ in range(2)]
    await carry(called, "callback")
    await do(called, "close", "callback_clerk", valid=True, satisfaction="very_satisfied")
    await do(rejected, "recall", "dispatcher", reason="不属受理范围")
    wordless = await do(rejected, "reject", "dispatcher", status=422, feedback_channel="phone")
    assert wordless["code"] == "data_required"
    await do(rejected, "reject", "dispatcher", reason="属诉讼事项", feedback_channel="phone")
    assert await untold() == []


async def test_where_the_street_says_so_nothing_ends_before_its_reporter_was_told(
    time, lay_down, placed, carry, do, untold
):
    await lay_down(feedback_first=True, share=0)
    number = await placed(by="clerk", channel="hotline", contact=PHONE)
    await carry(number, "callback")
    refused = await do(number, "close", "callback_clerk", status=422)
    assert refused["code"] == "feedback_required"
    await do(number, "feed_back", "callback_clerk", feedback_channel="in_person", reason="已当面说明")
    assert (await do(number, "close", "callback_clerk"))["state"] == "closed"
    anonymous = await placed(by="clerk", channel="phone")
    await carry(anonymous, "closed")  # there is nobody to tell
    assert await untold() == []


async def test_exceptions_come_in_pages(time, placed, carry, routing, who):
    numbers = [await placed(by="clerk", channel="hotline", contact=PHONE) for _ in range(3)]
    for number in numbers:
        await carry(number, "closed")
    seen, cursor = [], None
    while True:
        query = {"limit": 2} | ({"cursor": cursor} if cursor else {})
        answer = (await routing.get("/v1/feedback/exceptions", params=query, headers=who("leader"))).json()
        seen += [item["number"] for item in answer["items"]]
        cursor = answer["next_cursor"]
        if not answer["has_more"]:
            break
    assert seen == numbers
    item = answer["items"][0]
    assert (item["state_text"], item["lead_unit_name"], item["outcome_text"]) == (
        "已办结",
        "物业办",
        "已解决",
    )
    assert (await routing.get("/v1/feedback/exceptions?cursor=eA", headers=who("leader"))).status_code == 422


async def test_a_policy_is_a_version_for_the_admin_alone(time, lay_down, routing, who, street):
    body = {"document": {"share": 0.2}}
    for name in ("supervisor", "leader", "resident"):
        assert (await routing.post("/v1/closing-policies", json=body, headers=who(name))).status_code == 403
    headers = who("admin") | {"Idempotency-Key": "one"}
    first, again = [await routing.post("/v1/closing-policies", json=body, headers=headers) for _ in range(2)]
    assert first.json() == again.json()
    assert (await lay_down(proof={"0101": ["person"]}, valid_from="2026-04-01"))["version"] == 2
    assert (await lay_down(422, colour=1))["code"] == "bad_policy"
    assert (await lay_down(422, proof={"9999\x00": ["person"]}))["code"] == "unknown_category"
    shown = await routing.get("/v1/closing-policies?limit=1", headers=who("supervisor"))
    assert [(p["version"], p["valid_from"]) for p in shown.json()["items"]] == [(2, "2026-04-01")]
    cursor = shown.json()["next_cursor"]
    older = await routing.get(f"/v1/closing-policies?cursor={cursor}", headers=who("supervisor"))
    assert [p["document"] for p in older.json()["items"]] == [{"share": 0.2}]
    registry = await app.state.registries.of(street.id)
    assert registry.closing_on(time.now).share == 0.2  # the second has not begun
