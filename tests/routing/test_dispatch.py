"""Sent, sent back, sent round: joint matters, disputes, silence, the first receiver, and whoever is complained about."""

import pytest

from shared.tables import parts, transitions
from tests.routing.conftest import LEAD

OTHER = "unit:城管办"


@pytest.fixture
def sweep(duties, only_here):
    """`await sweep()` → how many tickets the system signed for."""

    async def run():
        work = {p.name: p.run for p in (await duties("routing")).periodic}
        return await work["deemed"]()

    return run


async def test_a_joint_matter_has_two_parties_or_waits_for_them(time, placed, do, look, street, rows):
    here = await look(await placed(category="0105", grid_code="g21"))
    assert [p["unit"] for p in here["parts"]] == [street.committee("c2")]
    assert "联办须有两个以上单位,由所在社区协办" in here["why"]
    number = await placed(category="0105")
    assert (await look(number))["state"] == "accepted"
    refused = await do(number, "dispatch", "dispatcher", status=422, unit="综合执法队")
    assert (refused["code"], refused["errors"][0]["field"]) == ("joint_needs_co_units", "co_units")
    ticket = await do(number, "dispatch", "dispatcher", unit="综合执法队", co_units=["城管办"])
    assert (ticket["state"], ticket["lead_unit_name"]) == ("dispatched", "综合执法队")
    assert {p.unit_code for p in await rows(parts) if str(p.ticket_id) == ticket["id"]} == {
        street.unit("城管办")
    }


async def test_the_third_dispatch_in_vain_goes_to_a_supervisor_who_designates(time, placed, do, routing, who):
    number = await placed()
    await do(number, "return", LEAD, reason="不属于我办")
    await do(number, "dispatch", "dispatcher", unit="城管办")
    await do(number, "recall", "dispatcher", reason="派错了")
    assert (await do(number, "dispatch", "dispatcher", unit="城建办"))["disputed"] is False
    ticket = await do(number, "return", "unit:城建办", reason="也不是我办")
    assert (ticket["state"], ticket["disputed"], ticket["failed_dispatches"]) == ("accepted", True, 3)
    refused = await do(number, "dispatch", "dispatcher", status=409, unit="物业办")
    assert refused["code"] == "designation_needed"
    waiting = (await routing.get("/v1/worklist", headers=who("supervisor"))).json()["items"]
    assert [item["number"] for item in waiting] == [number]
    await do(number, "designate", "dispatcher", status=403, unit="物业办", reason="想定")
    ticket = await do(number, "designate", "supervisor", unit="物业办", reason="按职责清单第3条")
    assert (ticket["state"], ticket["designated"], ticket["disputed"]) == ("dispatched", True, False)
    assert (await do(number, "return", LEAD, status=409, reason="还是不归我"))[
        "code"
    ] == "designated_unit_keeps_it"
    assert "return" not in (await do(number, "sign", LEAD))["actions"]


async def test_silence_is_acceptance_signed_by_the_system_once(
    time, placed, sweep, look, do, street, metrics, who, settle
):
    number = await placed()
    assert await sweep() == 0
    time.to("2026-03-03T16:00:00+00:00")  # the limit itself is still in time
    assert await sweep() == 0
    time.forward(seconds=1)
    assert [await sweep(), await sweep()] == [1, 0]
    ticket = await look(number)
    assert (ticket["state"], ticket["lead_unit"]) == ("signed", street.unit("物业办"))
    last = ticket["timeline"][-1]
    assert (last["action"], last["actor_role"], last["data"]["deemed"]) == ("sign", "system", True)
    assert "视为接受" in last["reason"]
    assert (await do(number, "return", LEAD, status=409, reason="晚了", suggested_unit="城管办"))[
        "code"
    ] == "return_limit_passed"
    await settle()
    query = {"from": "2026-03-02", "to": "2026-03-02"}
    answer = (await metrics.get("/v1/counts", params=query, headers=who("leader"))).json()["counts"]
    assert (answer["signed"], answer["signed_on_time"]) == (1, 0)


async def test_an_old_matter_entered_late_is_not_signed_for(time, placed, sweep):
    await placed(by="clerk", channel="letter", occurred_at="2026-02-02T09:00:00+08:00")
    time.forward(hours=1)
    assert await sweep() == 0


async def test_the_first_receiver_stays_until_another_has_signed(time, bring, do, look, street):
    number = await bring("signed")
    refused = await do(number, "return", LEAD, status=422, reason="查明是城管的")
    assert refused["errors"][0]["field"] == "suggested_unit"
    await do(number, "return", LEAD, status=422, reason="查明是城管的", suggested_unit="没有这个办")
    await do(number, "return", LEAD, reason="查明是城管的", suggested_unit="城管办")
    seen = await look(number, LEAD)  # it still sees it: it still helps
    assert (seen["responsible_unit_name"], [p["finished_at"] for p in seen["parts"]]) == ("物业办", [None])
    assert seen["timeline"][-1]["data"]["suggested_unit"] == street.unit("城管办")
    await do(number, "dispatch", "dispatcher", unit="城管办")
    ticket = await do(number, "sign", OTHER)
    assert ticket["responsible_unit_name"] == "城管办"
    [part] = (await look(number))["parts"]
    assert (part["unit_name"], part["result"]) == ("物业办", "新的主办单位已签收")


async def test_who_helped_and_becomes_lead_helps_no_more(time, bring, do, look):
    number = await bring("signed")
    await do(number, "assist", LEAD, unit="城管办")
    await do(number, "return", LEAD, reason="归城管", suggested_unit="城管办")
    await do(number, "dispatch", "dispatcher", unit="城管办")
    await do(number, "sign", OTHER)
    await do(number, "contact", OTHER)
    assert (await do(number, "handle", OTHER, reason="已清理"))["state"] == "handled"


COMPLAINT = "投诉物业办不作为,垃圾没人管"


async def test_the_unit_complained_about_neither_leads_nor_helps_nor_checks(time, placed, do, look, street):
    number = await placed(COMPLAINT, category="0101")
    ticket = await look(number)
    assert (ticket["about_unit_name"], ticket["lead_unit"]) == ("物业办", "u00")  # one level up
    assert "诉求涉及物业办本身,应当回避,交上一级区接诉即办中心" in ticket["why"]
    await look(number, LEAD, status=404)
    await do(number, "recall", "dispatcher", reason="由街道处理")
    for body in ({"unit": "物业办"}, {"unit": "城管办", "co_units": ["物业办"]}):
        refused = await do(number, "dispatch", "dispatcher", status=422, **body)
        assert refused["code"] == "conflict_of_interest"
    await do(number, "dispatch", "dispatcher", unit="城管办")
    await do(number, "sign", OTHER)
    assert (await do(number, "assist", OTHER, status=422, unit="物业办"))["code"] == "conflict_of_interest"
    aside = await do(number, "assist", OTHER, status=422, unit="物业办", about_unit="none")
    assert aside["code"] == "conflict_of_interest"
    whistled = await do(number, "whistle", OTHER, status=422, units=["城建办", "物业办"], reason="到场")
    assert whistled["errors"][0]["field"] == "units"


async def test_what_a_person_notes_of_a_conflict_counts_and_can_be_taken_back(time, placed, do):
    number = await placed(by="clerk", channel="group_topic")
    ticket = await do(number, "accept", "clerk", about_unit="物业办")
    assert ticket["about_unit_name"] == "物业办"
    await do(number, "dispatch", "dispatcher", status=422, unit="物业办")
    ticket = await do(number, "dispatch", "dispatcher", unit="物业办", about_unit="none")
    assert (ticket["about_unit"], ticket["lead_unit_name"]) == (None, "物业办")


async def test_a_complaint_of_a_committee_waits_for_the_street(time, placed, look):
    ticket = await look(
        await placed("投诉晨晖社区居委会推诿,健身器材坏了没人管", category="0205", grid_code="g11")
    )
    assert (ticket["about_unit"], ticket["state"], ticket["owner_unit"]) == ("jwh-c1", "accepted", "u01")


@pytest.mark.parametrize(
    "words", ["物业办门口垃圾没人管,投诉", "物业办您好,请问几点上班", "投诉物业办公室旁边的烧烤摊"]
)
async def test_a_name_alone_is_no_complaint_of_it(time, placed, look, words):
    assert (await look(await placed(words, category="0101")))["about_unit"] is None


async def test_every_move_of_a_dispute_stands_in_the_history(time, placed, do, rows):
    number = await placed()
    await do(number, "return", LEAD, reason="不属于我办", suggested_unit="城管办")
    await do(number, "designate", "leader", unit="城管办", reason="会商决定")
    moves = sorted(await rows(transitions), key=lambda r: r.seq)
    assert [m.action for m in moves][-2:] == ["return", "designate"]
    assert (moves[-1].actor_role, moves[-1].reason) == ("leader", "会商决定")
