"""A ticket's life over HTTP: every action, who may take it, what it does to owner, clock and history."""

from datetime import UTC, datetime

import pytest

from shared.lifecycle import ACTIONS
from shared.tables import events, handover_slips, transitions
from tests.routing.conftest import LEAD

THURSDAY = "2026-03-06T00:00:00.000+08:00"  # three working days from Monday: 24:00 on Thursday


async def test_the_whole_life_of_a_ticket(time, placed, do, look, street, rows):
    number = await placed()
    ticket = await look(number)
    unit = street.unit("物业办")
    assert (ticket["state"], ticket["state_text"], ticket["owner_unit"]) == ("dispatched", "已派单", unit)
    assert (ticket["category"], ticket["lead_unit_name"], ticket["due_at"]) == ("0101", "物业办", THURSDAY)
    steps = [
        ("sign", LEAD, {}, "signed", unit), ("contact", LEAD, {}, "handling", unit),
        ("handle", LEAD, {"reason": "已清运", "outcome": "partly"}, "handled", "u01"),
        ("review_pass", "supervisor", {}, "callback", "u01"),
        ("close", "callback_clerk", {"outcome": "resolved"}, "closed", None),
    ]  # fmt: skip
    for step, (action, name, data, state, owner_unit) in enumerate(steps, 1):
        time.forward(hours=1)
        ticket = await do(number, action, name, **data)
        assert (ticket["state"], ticket["owner_unit"]) == (state, owner_unit)
        assert ticket["version"] == 3 + step
    assert (ticket["outcome"], ticket["outcome_text"], ticket["deadline_text"]) == (
        "resolved",
        "已解决",
        None,
    )
    assert ticket["actions"] == ["call_back", "comment", "feed_back"]  # all that is left to a callback clerk
    whole = await look(number, "supervisor")
    assert [m["action"] for m in whole["timeline"]] == [
        "register",
        "accept",
        "dispatch",
        *(s[0] for s in steps),
    ]
    assert [m["seq"] for m in whole["timeline"]] == list(range(1, 9))
    assert [m["late"] for m in whole["timeline"]] == [False] * 8
    times = [
        whole[f"{name}_at"] for name in ("accepted", "dispatched", "signed", "contacted", "handled", "closed")
    ]
    assert [t[11:16] for t in times] == ["09:00", "09:00", "10:00", "11:00", "12:00", "14:00"]
    told = [e for e in await rows(events) if e.type == "ticket_moved"]
    assert [e.payload["actions"] for e in told] == [
        ["register", "accept", "dispatch"],
        *([s[0]] for s in steps),
    ]
    assert [e.payload["version"] for e in told] == [3, 4, 5, 6, 7, 8]


async def test_a_return_goes_back_to_the_desk_and_on_to_another(time, placed, do, history):
    number = await placed()
    await do(number, "return", LEAD, status=422)
    ticket = await do(number, "return", LEAD, reason="不属于我办")
    assert (ticket["state"], ticket["owner_unit"], ticket["lead_unit"]) == ("accepted", "u01", None)
    assert (ticket["return_count"], ticket["due_at"]) == (1, THURSDAY)
    time.forward(hours=2)
    ticket = await do(number, "dispatch", "dispatcher", unit="城管办")
    assert (ticket["lead_unit_name"], ticket["due_at"]) == ("城管办", THURSDAY)
    assert ticket["dispatched_at"] == "2026-03-02T09:00:00.000+08:00"  # the first time counts
    await do(number, "sign", LEAD, status=404)
    await do(number, "sign", "unit:城管办")
    assert await history(number) == ["register", "accept", "dispatch", "return", "dispatch", "sign"]


async def test_after_the_return_limit_a_ticket_is_kept(time, bring, do):
    number = await bring("signed")
    time.to("2026-03-03T16:00:00+00:00")  # 24:00 on Tuesday: one working day
    assert "return" in (await do(number, "comment", LEAD, reason="再看看"))["actions"]
    time.forward(seconds=1)
    assert (await do(number, "return", LEAD, status=409, reason="太难"))["code"] == "return_limit_passed"
    assert "return" not in (await do(number, "comment", LEAD, reason="那就办"))["actions"]


async def test_a_joint_category_may_be_returned_for_two_working_days(time, placed, do):
    number = await placed(category="0105", grid_code="g11")
    time.to("2026-03-04T15:59:59+00:00")
    await do(number, "return", "unit:综合执法队", reason="不属于我队")


async def test_what_was_dispatched_wrongly_is_recalled_until_it_is_signed(time, placed, do):
    number = await placed()
    ticket = await do(number, "recall", "dispatcher", reason="派错了")
    assert (ticket["state"], ticket["owner_unit"], ticket["lead_unit"]) == ("accepted", "u01", None)
    await do(number, "dispatch", "clerk")
    await do(number, "sign", LEAD)
    refused = await do(number, "recall", "dispatcher", status=409, reason="又错了")
    assert (refused["code"], refused["state"], refused["state_text"]) == (
        "not_allowed_now",
        "signed",
        "已签收",
    )


async def test_a_person_says_what_it_is_about_and_the_clocks_follow(time, placed, do):
    number = await placed("你好")
    time.forward(hours=1)
    ticket = await do(number, "dispatch", "dispatcher", category="0203")
    assert (ticket["category_name"], ticket["lead_unit_name"], ticket["mode"]) == (
        "井盖缺损",
        "城建办",
        "urgent",
    )
    assert ticket["due_at"] == "2026-03-03T09:00:00.000+08:00"  # 24 hours from receipt
    assert ticket["sign_due_at"] == "2026-03-02T10:15:00.000+08:00"  # 15 minutes from dispatch


async def test_accepting_may_say_what_it_is_and_what_is_wanted(time, placed, do):
    number = await placed(by="clerk", channel="group_topic")
    ticket = await do(number, "accept", "clerk", category="0201", kind="suggestion")
    assert (ticket["category"], ticket["kind_text"], ticket["state"]) == ("0201", "建议", "accepted")
    assert ticket["due_at"] == "2026-03-10T00:00:00.000+08:00"  # five working days


async def test_a_committee_category_goes_to_the_committee_of_its_community(time, placed, do, street):
    number = await placed("你好", grid_code="g21")
    ticket = await do(number, "dispatch", "dispatcher", category="0205")
    assert ticket["lead_unit"] == street.committee("c2")
    nowhere = await placed("你好")
    assert (await do(nowhere, "dispatch", "dispatcher", category="0205"))["lead_unit_name"] == "社区居委会"
    # and back to it when it is reopened without ever having been dispatched
    direct = await placed(by="clerk", channel="group_topic", category="0205", grid_code="g31")
    await do(direct, "accept", "clerk")
    await do(direct, "close_directly", "clerk", reason="当场答复")
    assert (await do(direct, "reopen", "supervisor", reason="没有答复"))["lead_unit"] == street.committee(
        "c3"
    )


@pytest.mark.parametrize(
    ("action", "state", "name", "body", "field"),
    [
        ("dispatch", "accepted", "dispatcher", {"unit": "火星办"}, "unit"),
        ("dispatch", "accepted", "dispatcher", {"category": "9999"}, "category"),
        ("assist", "signed", LEAD, {"unit": "火星办"}, "unit"),
        ("whistle", "signed", LEAD, {"units": ["城管办", "火星办"], "reason": "来"}, "units"),
        ("merge", "accepted", "dispatcher", {"into": "XX-1"}, "into"),
        ("suspend", "handling", "leader", {"reason": "等", "reason_code": "tired"}, "reason_code"),
        ("reject", "accepted", "clerk", {"reason": "不", "reason_code": "because"}, "reason_code"),
        ("redirect", "accepted", "clerk", {"agency": "911"}, "agency"),
        ("close", "callback", "callback_clerk", {"outcome": "fine"}, "outcome"),
        ("sign", "dispatched", LEAD, {"hurry": True}, "hurry"),
        ("sign", "dispatched", LEAD, {"occurred_at": "2027-01-01T00:00:00+08:00"}, "occurred_at"),
    ],
)
async def test_what_does_not_exist_is_named_in_chinese(
    time, bring, placed, do, standing, action, state, name, body, field
):
    number = await (placed("你好") if state == "accepted" else bring(state))
    before = await standing(number)
    refused = await do(number, action, name, status=422, **body)
    assert [e["field"] for e in refused["errors"]] == [field]
    assert any("\u4e00" <= c <= "\u9fff" for c in refused["errors"][0]["message"])
    assert await standing(number) == before  # nothing of it took effect


async def test_the_desk_does_not_dispatch_to_itself(time, placed, do):
    number = await placed("你好")
    assert (await do(number, "dispatch", "dispatcher", status=422, unit="街道诉求办"))[
        "code"
    ] == "desk_cannot_handle"


async def test_a_suspension_stops_the_clock_and_moves_the_deadline(time, bring, do, look):
    number = await bring("handling")
    await do(number, "suspend", LEAD, status=403, reason="等", reason_code="season")
    ticket = await do(number, "suspend", "leader", reason="等待鉴定", reason_code="expert_finding")
    assert (ticket["state_text"], ticket["deadline_text"], ticket["overdue"]) == (
        "挂账",
        "挂账中,时限暂停",
        False,
    )
    time.to(datetime(2026, 3, 16, 2, 0, tzinfo=UTC))
    assert (await look(number))["overdue"] is False
    ticket = await do(number, "resume", LEAD)
    # Tuesday, Wednesday and Thursday were left: they are had again
    assert (ticket["state"], ticket["due_at"]) == ("handling", "2026-03-20T00:00:00.000+08:00")


async def test_an_extension_is_asked_for_and_granted(time, bring, do):
    number = await bring("handling")
    until = "2026-03-10T18:00:00+08:00"
    ticket = await do(number, "extend", LEAD, reason="等设备", until=until)
    assert (ticket["due_at"], ticket["extension_until"][:19]) == (THURSDAY, until[:19])
    assert "extend" not in ticket["actions"]
    again = await do(number, "extend", LEAD, status=409, reason="再等", until=until)
    assert again["code"] == "extension_pending"
    await do(number, "decide_extension", LEAD, status=403, approve=True)
    ticket = await do(number, "decide_extension", "supervisor", approve=True)
    assert (ticket["due_at"][:19], ticket["extension_until"]) == (until[:19], None)
    nothing = await do(number, "decide_extension", "supervisor", status=409, approve=True)
    assert nothing["code"] == "no_extension"


async def test_an_extension_is_refused(time, bring, do, look):
    number = await bring("handling")
    await do(number, "extend", LEAD, reason="等设备", until="2026-03-10T18:00:00+08:00")
    ticket = await do(number, "decide_extension", "leader", approve=False, reason="不需要")
    assert (ticket["due_at"], ticket["extension_until"]) == (THURSDAY, None)
    [*_, last] = (await look(number))["timeline"]
    assert (last["data"]["approve"], last["reason"]) == (False, "不需要")


async def test_an_extension_comes_in_time_and_really_extends(time, bring, do):
    number = await bring("handling")
    early = await do(number, "extend", LEAD, status=422, reason="等", until="2026-03-04T18:00:00+08:00")
    assert [e["field"] for e in early["errors"]] == ["until"]
    time.to("2026-03-05T16:00:01+00:00")
    late = await do(number, "extend", LEAD, status=409, reason="等", until="2026-03-10T18:00:00+08:00")
    assert late["code"] == "extension_too_late"


async def test_granting_an_extension_never_shortens_a_deadline_that_moved_meanwhile(time, bring, do):
    number = await bring("handling")
    await do(number, "extend", LEAD, reason="等设备", until="2026-03-06T18:00:00+08:00")
    await do(number, "suspend", "leader", reason="等待鉴定", reason_code="expert_finding")
    time.to(datetime(2026, 3, 16, 2, 0, tzinfo=UTC))
    moved = (await do(number, "resume", LEAD))["due_at"]
    assert (await do(number, "decide_extension", "leader", approve=True))["due_at"] == moved


async def test_escalation_goes_up_one_level_at_a_time_with_numbered_slips(time, placed, do, street, rows):
    number = await placed(category="0205", grid_code="g11")
    committee, way = street.committee("c1"), []
    for step, unit in enumerate((f"community:{committee}", "unit:u01")):
        await do(number, "sign", unit)
        await do(number, "contact", unit)
        await do(number, "escalate", unit, status=422)
        time.forward(hours=1)
        ticket = await do(number, "escalate", unit, reason=f"超出本级权限{step}")
        way.append((ticket["lead_unit"], ticket["level"], ticket["state"], ticket["signed_at"]))
    assert way == [("u01", "street", "dispatched", None), ("u00", "district", "dispatched", None)]
    slips = sorted(await rows(handover_slips), key=lambda r: r.slip)
    assert [(s.slip, s.from_unit, s.to_unit, s.reason) for s in slips] == [
        (1, committee, "u01", "超出本级权限0"), (2, "u01", "u00", "超出本级权限1"),
    ]  # fmt: skip
    await do(number, "sign", "unit:u00")
    await do(number, "contact", "unit:u00")
    top = await do(number, "escalate", "unit:u00", status=404, reason="还要上报")
    assert top["code"] == "no_level_above"
    assert len(await rows(handover_slips)) == 2


async def test_slips_are_numbered_without_gap_or_repetition_however_many_come_at_once(
    time, submit, deliver, do, rows, gather
):
    numbers = [(await submit())["number"] for _ in range(8)]
    await deliver("routing")
    for number in numbers:
        await do(number, "sign", LEAD)
        await do(number, "contact", LEAD)
    await gather(*(do(number, "escalate", LEAD, reason="超出权限") for number in numbers))
    assert sorted(s.slip for s in await rows(handover_slips)) == list(range(1, 9))


async def test_a_whistle_brings_others_and_their_parts_must_be_done_first(time, bring, do, look):
    number = await bring("handling")
    await do(number, "report_in", "unit:城管办", status=404)  # not theirs yet
    await do(number, "whistle", LEAD, units=["城管办", "安全办"], reason="联合清理", whistle="key_work")
    await do(number, "assist", "dispatcher", unit="城建办")
    blocked = await do(number, "handle", LEAD, status=409, reason="好了")
    assert (blocked["code"], "3" in blocked["detail"]) == ("parts_open", True)
    assert "handle" not in (await look(number, LEAD))["actions"]
    assert (await do(number, "report_in", "unit:城管办"))["actions"][:2] == ["report_in", "finish_part"]
    await do(number, "report_in", "unit:安全办")
    await do(number, "finish_part", "unit:安全办", reason="已到场")
    await do(number, "finish_part", "unit:城建办", status=422)
    await do(number, "handle", LEAD, status=409, reason="好了")
    await do(number, "sign", "unit:城建办", status=403)  # a helper is not the lead
    await do(number, "finish_part", "unit:城建办", reason="路面已修")
    assert (await do(number, "handle", LEAD, reason="都好了"))["state"] == "handled"
    parts = {p["unit_name"]: p for p in (await look(number))["parts"]}
    assert {n: (p["kind"], p["reported_at"] is not None, p["result"]) for n, p in parts.items()} == {
        "城管办": ("whistle", True, None), "安全办": ("whistle", True, "已到场"), "城建办": ("assist", False, "路面已修"),
    }  # fmt: skip


async def test_whoever_handled_a_ticket_does_not_check_it(time, bring, do):
    number = await bring("handled")
    for action in ("review_pass", "review_fail"):
        refused = await do(number, action, "dispatcher:物业办", status=403, reason="好")
        assert refused["code"] == "not_your_action"
    await do(number, "review_pass", LEAD, status=403)
    ticket = await do(number, "review_fail", "dispatcher:城管办", reason="还有垃圾")
    assert (ticket["state"], ticket["owner_unit"], ticket["handled_at"]) == (
        "handling",
        ticket["lead_unit"],
        None,
    )
    await do(number, "handle", LEAD, reason="又清了一遍")
    await do(number, "review_pass", "dispatcher")
    await do(number, "close", "callback_clerk:物业办", status=403)
    ticket = await do(number, "rework", "callback_clerk", reason="居民不满意")
    assert (ticket["state"], ticket["owner_unit"]) == ("handling", ticket["lead_unit"])


@pytest.mark.parametrize(
    ("action", "body", "outcome"),
    [
        ("close_after_review", {}, "resolved"), ("close_after_review", {"outcome": "explained"}, "explained"),
        ("close_deferred", {}, "deferred"), ("close_deferred", {"outcome": "resolved"}, "deferred"),
        ("close_transferred", {}, "transferred"),
    ],
)  # fmt: skip
async def test_special_closures_are_for_supervisors_and_leaders(time, bring, do, action, body, outcome):
    number = await bring("callback")
    for name in ("callback_clerk", "dispatcher", LEAD):
        await do(number, action, name, status=403, reason="想结案", **body)
    await do(number, action, "leader", status=422, **body)
    ticket = await do(number, action, "leader", reason="经研判", **body)
    assert (ticket["state"], ticket["outcome"], ticket["owner_unit"]) == ("closed", outcome, None)


async def test_a_resident_may_reopen_for_thirty_days_and_an_inspector_always(time, bring, do):
    number = await bring("closed")
    time.forward(days=29, hours=23)
    other = await do(number, "reopen", "resident:o-two", status=404, reason="不是我的")
    assert other["code"] == "ticket_not_found"
    await do(number, "reopen", "callback_clerk", status=403, reason="不归我")
    ticket = await do(number, "reopen", "resident", reason="又脏了")
    assert (ticket["state"], ticket["lead_unit_name"], ticket["closed_at"]) == ("handling", "物业办", None)
    assert ticket["due_at"] > "2026-04"  # the clock begins anew
    await do(number, "handle", LEAD, reason="清了")
    await do(number, "review_pass", "supervisor")
    await do(number, "close", "supervisor")
    time.forward(days=30)
    late = await do(number, "reopen", "resident", status=409, reason="又脏了")
    assert late["code"] == "reopen_window_passed"
    assert (await do(number, "reopen", "supervisor", reason="督查"))["state"] == "handling"


async def test_two_tickets_of_one_matter_become_one_and_two_again(time, placed, do, standing):
    main, twin = await placed("你好"), await placed("你好")
    ticket = await do(twin, "merge", "dispatcher", into=main)
    assert (ticket["state"], ticket["owner_unit"]) == ("merged", None)
    assert (await standing(twin)).merged_into == (await standing(main)).ticket_id
    ticket = await do(twin, "unmerge", "dispatcher", reason="不是一件事")
    assert (ticket["state"], ticket["owner_unit"]) == ("accepted", "u01")
    assert (await standing(twin)).merged_into is None
    itself = await do(twin, "merge", "dispatcher", status=422, into=twin)
    assert itself["code"] == "merge_into_itself"


async def test_nothing_is_merged_into_what_leads_nowhere(time, placed, do, gather):
    main, twin, third = [await placed("你好") for _ in range(3)]
    await do(twin, "merge", "dispatcher", into=main)
    assert (await do(main, "merge", "dispatcher", status=409, into=twin))["code"] == "target_merged"
    await do(main, "reject", "clerk", reason="不受理")
    assert (await do(third, "merge", "dispatcher", status=409, into=main))["code"] == "target_ended"


async def test_two_tickets_cannot_vanish_into_each_other(time, placed, routing, who, gather, standing):
    for _ in range(6):
        pair = [await placed("你好"), await placed("你好")]
        answers = await gather(*(
            routing.post(f"/v1/tickets/{a}/actions/merge", json={"into": b}, headers=who("dispatcher"))
            for a, b in (pair, pair[::-1])
        ))  # fmt: skip
        assert sorted(a.status_code for a in answers) == [200, 409]
        assert sorted([(await standing(n)).state for n in pair]) == ["accepted", "merged"]


async def test_the_ways_out_before_dispatch(time, placed, do):
    for action, name, body, state in (
        ("reject", "clerk", {"reason": "已进入诉讼", "reason_code": "in_proceedings"}, "rejected"),
        ("redirect", "clerk", {"agency": "110"}, "redirected"),
        ("withdraw", "resident", {}, "withdrawn"),
        ("close_directly", "dispatcher", {"reason": "当场答复", "outcome": "explained"}, "closed"),
    ):
        number = await placed("你好")
        ticket = await do(number, action, name, **body)
        assert (ticket["state"], ticket["owner_unit"]) == (state, None)
        await do(number, "dispatch", "dispatcher", status=409)
        await do(number, "urge", "dispatcher", status=409)
        assert (await do(number, "comment", "dispatcher", reason="留个话"))["state"] == state


async def test_supervision_lies_over_the_state(time, bring, do):
    number = await bring("handling")
    await do(number, "supervise", LEAD, status=403, reason="快")
    ticket = await do(number, "supervise", "leader", reason="限期办结")
    assert (ticket["state"], ticket["supervised"]) == ("handling", True)
    assert (await do(number, "urge", "resident"))["urge_count"] == 1
    assert (await do(number, "urge", "supervisor"))["urge_count"] == 2


async def test_what_only_the_system_does_nobody_can_ask_for(time, bring, do):
    number = await bring("handling")
    for action in ("mark_overdue", "recalculate"):
        for name in ("admin", "leader", "dispatcher", LEAD):
            await do(number, action, name, status=403)
    for action in ("register", "explode", "x" * 40):
        assert (await do(number, action, "admin", status=404))["code"] == "unknown_action"


async def test_every_action_of_the_table_can_be_had_over_http(time, bring, do):
    number = await bring("closed")
    for action in ACTIONS:
        await do(number, action, "auditor", status=403)  # known, and not for an auditor


async def test_a_late_entry_is_marked_and_keeps_the_order(time, bring, do, look, rows):
    number = await bring("signed")
    time.forward(days=1)
    before = await do(number, "contact", LEAD, status=409, occurred_at="2026-03-02T08:00:00+08:00")
    assert before["code"] == "before_previous_move"
    ticket = await do(number, "contact", LEAD, occurred_at="2026-03-02T15:00:00+08:00")
    assert ticket["contacted_at"] == "2026-03-02T15:00:00.000+08:00"
    [*_, last] = (await look(number))["timeline"]
    assert (last["occurred_at"][:16], last["recorded_at"][:16], last["late"]) == (
        "2026-03-02T15:00", "2026-03-03T09:00", True,
    )  # fmt: skip
    await do(number, "handle", LEAD, status=409, reason="好了", occurred_at="2026-03-02T14:59:59+08:00")
    ticket = await do(number, "handle", LEAD, reason="好了", occurred_at="2026-03-03T08:59:30+08:00")
    [*_, last] = (await look(number))["timeline"]
    assert last["late"] is False  # half a minute is typing
    mine = [r for r in await rows(transitions) if r.action in {"contact", "handle"}]
    assert all(r.occurred_at <= r.recorded_at for r in mine)


async def test_nobody_writes_the_future_and_residents_do_not_back_date(time, bring, do):
    number = await bring("closed")
    time.forward(days=2)
    future = await do(
        number, "reopen", "supervisor", status=422, reason="督查", occurred_at="2026-03-05T09:00:00+08:00"
    )
    assert [e["field"] for e in future["errors"]] == ["occurred_at"]
    dated = await do(
        number, "reopen", "resident", status=422, reason="脏", occurred_at="2026-03-03T09:00:00+08:00"
    )
    assert [e["field"] for e in dated["errors"]] == ["occurred_at"]


async def test_the_same_key_and_body_move_once(time, placed, do, history):
    number = await placed()
    first = await do(number, "sign", LEAD, key="k-1")
    time.forward(hours=1)
    await do(number, "contact", LEAD, key="k-2")
    assert await do(number, "sign", LEAD, key="k-1") == first  # the answer of then
    assert (await do(number, "sign", LEAD, status=409, key="k-1", reason="x"))[
        "code"
    ] == "idempotency_key_reused"
    assert (await do(number, "contact", LEAD, status=409, key="k-1"))["code"] == "idempotency_key_reused"
    await do(number, "sign", LEAD, status=409)
    assert (await history(number))[3:] == ["sign", "contact"]


async def test_a_refusal_is_not_remembered_under_its_key(time, bring, do):
    number = await bring("handling")
    await do(number, "assist", LEAD, unit="城管办")
    await do(number, "handle", LEAD, status=409, key="k-1", reason="好了")
    await do(number, "finish_part", "unit:城管办", reason="好了")
    await do(number, "handle", LEAD, key="k-1", reason="好了")


async def test_if_match_guards_against_what_one_has_not_seen(time, placed, do, history):
    number = await placed()
    for match in ('"v3"', "v3", 'W/"v3"', "*"):
        again = await placed()
        await do(again, "sign", LEAD, match=match)
    stale = await do(number, "sign", LEAD, status=412, match='"v2"')
    assert (stale["code"], stale["state"], stale["state_text"], stale["version"]) == (
        "stale", "dispatched", "已派单", 3,
    )  # fmt: skip
    for nonsense in ("abc", '"x3"', "v", "-1", '""'):
        assert (await do(number, "sign", LEAD, status=422, match=nonsense))["code"] == "bad_if_match"
    assert (await history(number))[3:] == []


@pytest.mark.parametrize("match", [None, '"v3"'])
async def test_of_twenty_who_sign_at_once_one_signs(time, placed, routing, who, history, gather, match):
    number = await placed()
    headers = who(LEAD) | ({"If-Match": match} if match else {})
    answers = await gather(
        *(routing.post(f"/v1/tickets/{number}/actions/sign", json={}, headers=headers) for _ in range(20))
    )
    won = [a for a in answers if a.status_code == 200]
    lost = [a.json() for a in answers if a.status_code != 200]
    assert len(won) == 1
    assert {(a["status"], a["state"], a["state_text"]) for a in lost} == {
        (412 if match else 409, "signed", "已签收")
    }
    assert len(lost) == 19
    assert (await history(number))[3:] == ["sign"]


async def test_of_twenty_with_one_key_all_are_told_the_same(time, placed, routing, who, history, gather):
    number = await placed()
    headers = who(LEAD) | {"Idempotency-Key": "one"}
    answers = await gather(
        *(routing.post(f"/v1/tickets/{number}/actions/sign", json={}, headers=headers) for _ in range(20))
    )
    assert {a.status_code for a in answers} == {200}
    assert len({a.text for a in answers}) == 1
    assert (await history(number))[3:] == ["sign"]


async def test_an_action_may_come_before_the_worker(time, submit, do, deliver, history):
    number = (await submit("你好"))["number"]
    assert (await do(number, "close_directly", "clerk", reason="当场答复"))["state"] == "closed"
    await deliver("routing")
    assert await history(number) == ["register", "accept", "close_directly"]


async def test_an_action_may_meet_the_worker(time, submit, do, deliver, history, gather):
    for _ in range(5):
        number = (await submit("你好"))["number"]
        await gather(do(number, "dispatch", "dispatcher", unit="城管办"), deliver("routing", tolerate=True))
        await deliver("routing", tolerate=True)
        assert await history(number) == ["register", "accept", "dispatch"]
