"""Hand-over slips and their answers, matters passed on to outside bodies, visits and the contact log."""

from datetime import datetime, timedelta

import pytest

from tests.routing.conftest import LEAD

COMMITTEE, STREET = "community:jwh-c1", "unit:u01"


@pytest.fixture
async def handed_up(time, placed, do):
    """A matter of a community that went up to the street, and from there to the district."""
    number = await placed(category="0205", grid_code="g11")
    for unit in (COMMITTEE, STREET):
        await do(number, "sign", unit)
        await do(number, "contact", unit)
        time.forward(hours=1)
        await do(number, "escalate", unit, reason="超出本级权限")
    return number


async def test_a_slip_goes_up_and_its_answer_comes_down(time, handed_up, do, ask, history):
    number = handed_up
    [second, first] = (await ask("/v1/slips", unanswered="true"))["items"]
    assert [(s["slip"], s["from_unit_name"], s["to_unit_name"]) for s in (first, second)] == [
        (1, "晨晖社区居委会", "街道诉求办"), (2, "街道诉求办", "区接诉即办中心"),
    ]  # fmt: skip
    await do(number, "answer_slip", COMMITTEE, status=403, reason="自己答复自己")
    await do(number, "answer_slip", STREET, status=422, slip=2, reason="那不是给我们的")
    time.forward(hours=2)
    assert (
        "answer_slip" not in (await do(number, "answer_slip", "unit:u00", reason="列入下月计划"))["actions"]
    )
    await do(number, "answer_slip", STREET, reason="区里已列入计划")  # though the matter is no longer theirs
    assert (await ask("/v1/slips", unanswered="true"))["items"] == []
    [second, first] = (await ask("/v1/slips", COMMITTEE, number=number))["items"]
    assert (first["answer"], first["answered_by_name"]) == ("区里已列入计划", "街道诉求办")
    assert (second["answer"], second["answered_by_name"]) == ("列入下月计划", "区接诉即办中心")
    assert datetime.fromisoformat(second["answered_at"]) == time.now
    assert (await history(number))[-2:] == ["answer_slip", "answer_slip"]
    refused = await do(number, "answer_slip", STREET, status=403, reason="再答复一次")
    assert refused["code"] == "not_your_action"
    assert (await ask("/v1/slips", "unit:城管办"))["items"] == []


async def test_a_matter_passed_on_stays_and_its_answer_is_waited_for(time, bring, do, ask):
    number = await bring("handling")
    due = (time.now + timedelta(days=3)).isoformat()
    letter = {
        "outside_body": "市燃气公司",
        "via": "公函",
        "reference": "北街函〔2026〕7号",
        "reason": "请改造管网",
    }
    ticket = await do(number, "forward", LEAD, due_at=due, **letter)
    assert (ticket["state"], ticket["lead_unit_name"]) == ("handling", "物业办")
    time.forward(days=4)
    [waiting] = (await ask("/v1/forwards", overdue="true"))["items"]
    assert (waiting["ticket"], waiting["outside_body"], waiting["reference"], waiting["overdue"]) == (
        number, "市燃气公司", "北街函〔2026〕7号", True,
    )  # fmt: skip
    await do(number, "forward_answer", "dispatcher", reason="已列入改造计划")
    assert (await ask("/v1/forwards", unanswered="true"))["items"] == []
    [told] = (await ask("/v1/forwards", LEAD, number=number))["items"]
    assert (told["answer"], datetime.fromisoformat(told["answered_at"])) == ("已列入改造计划", time.now)
    assert (await do(number, "forward_answer", LEAD, status=409, reason="又来一封"))[
        "code"
    ] == "nothing_waits"
    await do(number, "forward", LEAD, status=422, outside_body="市燃气公司")


async def test_heard_inspected_fixed_come_in_that_order(time, bring, do, ask):
    number = await bring("handling")
    times = {
        name: (time.now - timedelta(minutes=m)).isoformat()
        for name, m in (("heard_at", 30), ("inspected_at", 20))
    }
    time.forward(minutes=1)
    fixed = time.now.isoformat()
    await do(
        number,
        "visit_site",
        LEAD,
        reason="排水管堵塞",
        place="3号楼前",
        people=["指导员", "物业经理"],
        fixed_at=fixed,
        **times,
    )
    wrong = {"heard_at": fixed, "inspected_at": times["heard_at"]}
    refused = await do(number, "visit_site", LEAD, status=422, reason="颠倒了", **wrong)
    assert refused["errors"][0]["field"] == "inspected_at"
    contacted, visit = (await ask(f"/v1/tickets/{number}/contacts", LEAD))["items"]
    assert (contacted["action_text"], visit["action_text"], visit["said"]) == (
        "先行联系",
        "现场勘察",
        "排水管堵塞",
    )
    assert [datetime.fromisoformat(visit[n]) for n in ("heard_at", "inspected_at", "fixed_at")] == [
        datetime.fromisoformat(t) for t in (*times.values(), fixed)
    ]
    await ask(f"/v1/tickets/{number}/contacts", "resident", status=403)


async def test_the_log_of_a_long_matter_goes_on_for_years(time, bring, do, ask):
    number = await bring("handling")
    for year in (2027, 2028, 2029):
        time.to(datetime.fromisoformat(f"{year}-03-02T09:00:00+08:00"))
        await do(number, "log_contact", LEAD, reason=f"{year}年上门做工作", people=["业主代表"])
    first = await ask(f"/v1/tickets/{number}/contacts", limit=2)
    rest = await ask(f"/v1/tickets/{number}/contacts", limit=2, cursor=first["next_cursor"])
    log = first["items"] + rest["items"]
    assert [c["age_days"] for c in log] == [0, 365, 731, 1096]  # 2028 is a leap year
    assert [c["said"] for c in log[1:]] == ["2027年上门做工作", "2028年上门做工作", "2029年上门做工作"]
