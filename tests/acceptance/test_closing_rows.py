"""What the articles tell of closing and answering, row by row: a resident's matter from the report to the thanks, over HTTP."""

from datetime import UTC, datetime, timedelta

import pytest

from shared import clock
from shared.terms import Role, Satisfaction

MONDAY = datetime(2026, 3, 2, 1, 0, tzinfo=UTC)
RUBBISH = "3号楼前垃圾没人清运,垃圾桶满了好几天"
UNIT = (Role.UNIT, "物业办")
COURSE = (
    ("sign", UNIT, {}),
    ("contact", UNIT, {"reason": "已电话联系,约定上午到场"}),
    ("handle", UNIT, {"reason": "垃圾已清运,桶位已冲洗", "outcome": "resolved"}),
    ("review_pass", (Role.SUPERVISOR, None), {}),
)


class House:
    """The street as its people use it; every step takes ten minutes."""

    def __init__(self, clients, headers, settle, street):
        self._clients, self._headers, self._settle, self._street = clients, headers, settle, street
        self.now = MONDAY

    async def ask(self, service, path, role, **query):
        answer = await self._clients[service].get(f"/v1{path}", params=query, headers=self._headers(role))
        assert answer.status_code == 200, answer.text
        return answer.json()

    async def file(self, role=Role.RESIDENT, **body):
        """→ the number of a request that routing has taken over."""
        body = {"content": RUBBISH, "kind": "help", "category": "0101", **body}
        with clock.at(self._later()):
            answer = await self._clients["intake"].post("/v1/tickets", json=body, headers=self._headers(role))
            assert answer.status_code == 201, answer.text
            await self._settle()
        return answer.json()["number"]

    async def do(self, number, action, who, status=200, **body):
        role, unit = who
        with clock.at(self._later()):
            answer = await self._clients["routing"].post(
                f"/v1/tickets/{number}/actions/{action}", json=body, headers=self._headers(role, unit)
            )
            assert answer.status_code == status, f"{action}: {answer.text}"
            await self._settle()
        return answer.json()

    async def carry(self, number, steps=None):
        for action, who, body in COURSE[:steps]:
            await self.do(number, action, who, **body)

    async def counts(self):
        with clock.at(self.now):
            day = "2026-03-02"
            found = await self.ask(
                "metrics", "/counts", Role.LEADER, street=self._street.code, **{"from": day, "to": day}
            )
        return found["counts"]

    async def exceptions(self):
        with clock.at(self.now):
            found = await self.ask("routing", "/feedback/exceptions", Role.LEADER)
        return [item["number"] for item in found["items"]]

    async def proven(self, *fields):
        """Let the street ask for proof of every category."""
        answer = await self._clients["routing"].post(
            "/v1/closing-policies", json={"document": {"proof": {"*": [*fields]}}, "valid_from": "2026-03-01"},
            headers=self._headers(Role.ADMIN),
        )  # fmt: skip
        assert answer.status_code == 201, answer.text

    def _later(self):
        self.now += timedelta(minutes=10)
        return self.now


@pytest.fixture
def house(intake, routing, metrics, actor_headers, settle, street):
    clients = {"intake": intake, "routing": routing, "metrics": metrics}
    return House(clients, actor_headers, settle, street)


async def test_s0_18_what_can_be_solved_on_the_spot_is_answered_on_the_spot(house):
    spot = await house.file(Role.CLERK, channel="group_topic")
    desk = (Role.CLERK, None)
    await house.do(spot, "accept", desk)
    await house.do(spot, "close_directly", desk, status=422)  # without the words of the answer it is none
    await house.do(spot, "close_directly", desk, reason="保洁员当场清运完毕,已现场回复", outcome="resolved")
    await house.carry(await house.file())
    ticket = await house.ask("routing", f"/tickets/{spot}", Role.LEADER)
    end = ticket["timeline"][-1]
    assert (ticket["state_text"], ticket["outcome_text"], end["action_text"]) == (
        "已办结",
        "已解决",
        "直办办结",
    )
    assert (end["actor_role_text"], end["reason"]) == ("受理员", "保洁员当场清运完毕,已现场回复")
    assert end["occurred_at"] == ticket["closed_at"] == "2026-03-02T09:40:00.000+08:00"
    counts = await house.counts()
    assert (counts["closed"], counts["direct"], counts["received"]) == (1, 1, 2)


async def test_s0_32_the_result_and_a_photograph_of_it_close_the_matter(house, photo):
    await house.proven("after_ids")
    number = await house.file()
    await house.carry(number, 2)
    refused = await house.do(number, "handle", UNIT, status=422, reason="已维修及提升")
    assert [e["message"] for e in refused["errors"]] == ["缺少处置后照片"]
    photograph = await photo()
    await house.do(number, "handle", UNIT, reason="已维修及提升", proof={"after_ids": [photograph]})
    await house.do(number, "review_pass", (Role.SUPERVISOR, None))
    await house.do(number, "close", (Role.CALLBACK_CLERK, None))
    ticket = await house.ask("routing", f"/tickets/{number}", Role.LEADER)
    handled = next(m for m in ticket["timeline"] if m["action"] == "handle")
    assert (ticket["state"], handled["reason"]) == ("closed", "已维修及提升")
    assert handled["data"]["proof"]["after_ids"] == [photograph]


async def test_s2_23_ticked_off_with_proof_only_and_the_account_agrees_every_time(house):
    await house.proven("person", "occurred_at")
    opened, closed = 0, 0

    async def agrees():
        counts = await house.counts()
        assert counts["received"] == opened
        assert counts["closed"] == closed
        assert counts["received"] - counts["closed"] == counts["open"] == opened - closed

    for _ in range(3):
        number = await house.file()
        opened += 1
        await agrees()
        await house.carry(number, 2)
        await house.do(number, "handle", UNIT, status=422, reason="清了")
        await agrees()
        proof = {"person": "老王", "occurred_at": house.now.isoformat()}
        await house.do(number, "handle", UNIT, reason="清了", proof=proof)
        await house.do(number, "review_pass", (Role.SUPERVISOR, None))
        await agrees()
        await house.do(number, "close", (Role.CALLBACK_CLERK, None))
        closed += 1
        await agrees()
    await house.do(number, "reopen", (Role.SUPERVISOR, None), reason="督查发现又脏了")
    closed -= 1
    await agrees()


async def test_s3_14_and_s3_15_the_community_tells_him_and_he_is_very_satisfied(house):
    number = await house.file(
        Role.CLERK, channel="window", grid_code="g11", contact={"name": "甄先生", "phone": "13800001234"}
    )
    await house.carry(number)
    committee = (Role.COMMUNITY, "晨晖社区居委会")
    told = await house.do(
        number,
        "feed_back",
        committee,
        feedback_channel="in_person",
        reason="垃圾已清运,桶位每天冲洗,请您监督",
    )
    assert told["answered_at"] == "2026-03-02T10:00:00.000+08:00"
    calling = (Role.CALLBACK_CLERK, None)
    fine = {"valid": True, "contacted": True, "resolved": "yes", "satisfaction": "very_satisfied"}
    await house.do(number, "close", calling, **fine)
    ticket = await house.ask("routing", f"/tickets/{number}", Role.LEADER)
    step, call = ticket["timeline"][-2:]
    assert (step["action_text"], step["actor_role_text"], step["unit"]) == (
        "反馈",
        "社区工作者",
        "晨晖社区居委会",
    )
    assert (step["data"]["feedback_channel"], step["reason"]) == (
        "in_person",
        "垃圾已清运,桶位每天冲洗,请您监督",
    )
    assert Satisfaction(call["data"]["satisfaction"]).text == "非常满意"
    assert [s.text for s in Satisfaction] == ["非常满意", "满意", "基本满意", "不满意", "非常不满意"]
    assert (await house.counts())["callback_very_satisfied"] == 1


async def test_s0_26_and_s4_18_every_request_has_an_answer_and_who_has_none_is_on_the_list(house):
    desk, phone = (Role.DISPATCHER, None), {"name": "甄先生", "phone": "13800001234"}
    mine, called, anonymous, turned_away = [
        await house.file(),
        await house.file(Role.CLERK, channel="hotline", contact=phone),
        await house.file(Role.CLERK, channel="phone", anonymous=True),
        await house.file(Role.CLERK, channel="letter", contact=phone),
    ]
    for number in (mine, called, anonymous):
        await house.carry(number)
        assert number not in await house.exceptions()  # nothing is owed before it has ended
        await house.do(number, "close", (Role.CALLBACK_CLERK, None))
    await house.do(turned_away, "recall", desk, reason="不属受理范围")
    await house.do(turned_away, "reject", desk, reason="已进入诉讼程序")
    assert await house.exceptions() == [called, turned_away]
    for number in (called, turned_away):
        await house.do(number, "feed_back", desk, feedback_channel="phone", reason="已电话告知结果")
    assert await house.exceptions() == []
    ticket = await house.ask("intake", f"/tickets/{mine}", Role.RESIDENT)
    assert [s["reason"] for s in ticket["timeline"] if s["action"] == "handle"] == ["垃圾已清运,桶位已冲洗"]
    assert ticket["outcome_text"] == "已解决"
    # what is opened again is owed another answer
    await house.do(called, "reopen", (Role.SUPERVISOR, None), reason="又脏了")
    await house.do(called, "handle", UNIT, reason="又清了一遍")
    await house.do(called, "review_pass", (Role.SUPERVISOR, None))
    await house.do(called, "close", (Role.CALLBACK_CLERK, None))
    assert await house.exceptions() == [called]
