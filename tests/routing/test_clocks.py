"""Clocks over a ticket's life: policies, pauses, extensions, rework, a street's own days, and what people are told."""

import json
from datetime import UTC, datetime, timedelta

import pytest

from services.console import localdays
from services.routing import deemed, registry, roster
from services.routing.recalculate import Recalculation
from shared import clock
from shared.tables import clock_policies, local_days

LEAD = "unit:物业办"
THURSDAY = "2026-03-06T00:00:00.000+08:00"


@pytest.fixture
def lay_down(owner, street, monkeypatch):
    """Write a street's policy or own day; everybody reads the registry anew at every question."""
    monkeypatch.setattr(registry, "FRESH_SECONDS", -1.0)
    monkeypatch.setattr(roster, "KEPT_SECONDS", -1.0)

    async def write(table, **row):
        async with owner.transaction([street.id]) as tx:
            await tx.insert_many(table, [{"street_id": street.id, **row}])

    return write


@pytest.fixture
def recalculate(processes, only_here):
    async def run():
        process = processes("routing")
        return await Recalculation(process, registry.Registries(process.database)).run()

    return run


@pytest.fixture
def residents_view(intake, who):
    async def get(number):
        answer = await intake.get(f"/v1/tickets/{number}", headers=who("resident"))
        assert answer.status_code == 200, answer.text
        return answer.json()

    return get


@pytest.fixture
def policy(lay_down):
    async def write(version, since="2026-01-01", **document):
        day = datetime.fromisoformat(since).date()
        row = {"version": version, "valid_from": day, "document": document, "recorded_at": clock.now()}
        await lay_down(clock_policies, **row)

    return write


@pytest.fixture
def clocks(routing, who):
    async def get(number, name="dispatcher"):
        answer = await routing.get(f"/v1/tickets/{number}/deadlines", headers=who(name))
        assert answer.status_code == 200, answer.text
        body = answer.json()
        return body, {c["clock"]: c for c in body["clocks"]}

    return get


async def test_a_ticket_keeps_the_policy_it_was_clocked_under(time, policy, placed, do, look, clocks):
    await policy(1, by_kind={"help": "10wd"}, count_from="same_day")
    old = await placed("请帮忙修一下下水道", kind="help", category="0301")
    assert (await look(old))["due_at"] == "2026-03-14T00:00:00.000+08:00"
    await policy(2, by_kind={"help": "2wd"})
    new = await placed("请帮忙通一下下水道", kind="help", category="0301")
    assert ((await look(new))["due_at"], (await clocks(new))[0]["clock_policy"]) == (
        "2026-03-05T00:00:00.000+08:00",
        2,
    )
    # A return later, the old ticket still counts as it was clocked: signing from the day of the hand-over itself.
    await do(old, "return", LEAD, reason="不属本单位")
    again = await do(old, "dispatch", "dispatcher", unit="物业办")
    assert again["sign_due_at"] == "2026-03-03T00:00:00.000+08:00"
    assert (again["due_at"], (await clocks(old))[0]["clock_policy"]) == ("2026-03-14T00:00:00.000+08:00", 1)


async def test_a_policy_of_the_future_waits_for_its_day(time, policy, placed, look):
    await policy(1, since="2026-03-03", by_kind={"help": "9wd"})
    assert (await look(await placed("堵了", kind="help", category="0301")))["due_at"] == THURSDAY


async def test_an_emergency_runs_through_the_night_and_a_receipt_after_hours_counts_tomorrow(
    time, policy, placed, look, clocks
):
    await policy(1, after_hours=True)
    time.to("2026-03-02T20:00:00+08:00")
    urgent = await look(await placed("电梯里困了人", kind="help", category="0303"))
    assert urgent["due_at"] == "2026-03-03T20:00:00.000+08:00"
    number = await placed("下水道堵了", kind="help", category="0301")
    assert (await look(number))["due_at"] == "2026-03-07T00:00:00.000+08:00"
    [why] = (await clocks(number))[1]["handle"]["why"]
    assert "下班后或非工作日收到,视为3月3日收到" in why


async def test_rework_starts_a_clock_and_keeps_the_first_deadline(time, bring, do, look, clocks):
    number = await bring("callback")
    before = await look(number)
    assert before["first_due_at"] == before["due_at"] == THURSDAY
    assert before["feedback_due_at"] is not None
    time.to("2026-03-09T10:00:00+08:00")
    ticket = await do(number, "rework", "callback_clerk", reason="没修好", resolved="no")
    assert (ticket["due_at"], ticket["first_due_at"]) == ("2026-03-13T00:00:00.000+08:00", THURSDAY)
    assert ticket["feedback_due_at"] is None
    told, by_name = await clocks(number)
    assert [m["action"] for m in told["handling"]][-1] == "rework"
    assert any("发回重办,重新计时" in why for why in by_name["handle"]["why"])


async def test_a_second_extension_is_for_the_leader_and_a_third_for_nobody(time, bring, do, residents_view):
    number = await bring("handling")
    for until, approver in (
        ("2026-03-10T18:00:00+08:00", "supervisor"),
        ("2026-03-12T18:00:00+08:00", "leader"),
    ):
        await do(number, "extend", LEAD, reason="等设备", until=until)
        if approver == "leader":
            refused = await do(number, "decide_extension", "supervisor", status=409, approve=True)
            assert refused["code"] == "leader_decides"
        await do(number, "decide_extension", approver, approve=True, reason="设备月中到货")
    third = await do(number, "extend", LEAD, status=409, reason="再等", until="2026-03-20T18:00:00+08:00")
    assert third["code"] == "no_more_extensions"
    seen = await residents_view(number)
    granted = [step for step in seen["timeline"] if step["action"] == "decide_extension"]
    assert [step["reason"] for step in granted] == ["设备月中到货"] * 2
    assert seen["deadline_why"][-1].endswith("办理时限延期至2026年3月12日18:00")


async def test_what_was_refused_is_no_extension(time, bring, do, residents_view):
    number = await bring("handling")
    await do(number, "extend", LEAD, reason="等设备", until="2026-03-10T18:00:00+08:00")
    ticket = await do(number, "decide_extension", "supervisor", approve=False, reason="不需要")
    assert ticket["extension_count"] == 0
    assert "decide_extension" not in [step["action"] for step in (await residents_view(number))["timeline"]]


async def test_pauses_add_up_and_are_told(time, bring, do, clocks, residents_view):
    number = await bring("handling")
    for _ in range(2):
        await do(number, "suspend", "leader", reason="等鉴定", reason_code="expert_finding")
        time.forward(hours=26)
        await do(number, "resume", LEAD)
    told, by_name = await clocks(number)
    assert (told["paused_seconds"], told["paused_text"]) == (2 * 26 * 3600, "2天4小时")
    assert by_name["handle"]["state"] == "running"
    why = (await residents_view(number))["deadline_why"]
    assert any("因等待鉴定或检测结果暂停计时" in sentence for sentence in why)
    assert any("恢复计时,暂停了1天2小时" in sentence for sentence in why)


async def test_a_whistled_department_has_a_clock_of_its_own(time, policy, bring, do, clocks):
    await policy(1, report_in={"emergency": "20min"})
    number = await bring("handling")
    await do(number, "whistle", LEAD, units=["派出所"], reason="有人打架", whistle="emergency")
    clock_of = (await clocks(number))[1]["report_in"]
    assert (clock_of["limit_text"], clock_of["state"], clock_of["unit_name"]) == (
        "20分钟",
        "running",
        "派出所",
    )
    time.forward(minutes=21)
    assert (await clocks(number))[1]["report_in"]["state"] == "overdue"


async def test_a_street_closed_by_a_typhoon_moves_its_open_deadlines(
    time, placed, look, lay_down, recalculate, history
):
    number = await placed("下水道堵了", category="0301", kind="help")
    await lay_down(local_days, day=datetime(2026, 3, 4, tzinfo=UTC).date(), kind="off", note="台风停工")
    assert await recalculate() == 1
    ticket = await look(number)
    assert ticket["due_at"] == "2026-03-07T00:00:00.000+08:00"
    assert "跳过3月4日放假" in ticket["due_why"][-1]
    assert (await history(number))[-1] == "recalculate"
    assert await recalculate() == 0


async def test_all_clocks_follow_a_day_off_and_nobody_is_deemed_to_have_signed_meanwhile(
    time, placed, look, standing, lay_down, recalculate, duties, processes
):
    number = await placed("下水道堵了", category="0301", kind="help")
    assert (await look(number))["contact_due_at"] == "2026-03-04T00:00:00.000+08:00"
    await lay_down(local_days, day=datetime(2026, 3, 3, tzinfo=UTC).date(), kind="off", note="台风停工")
    assert await recalculate() == 1
    ticket, row = await look(number), await standing(number)
    assert ticket["sign_due_at"] == ticket["contact_due_at"] == "2026-03-05T00:00:00.000+08:00"
    assert row.return_until == datetime(2026, 3, 4, 16, tzinfo=UTC)
    time.to("2026-03-04T12:00:00+08:00")
    process = processes("routing")
    assert await deemed.sweep(process, registry.Registries(process.database)) == 0
    assert await recalculate() == 0


async def test_what_was_fed_back_stays_told_after_closing(time, bring, clocks, do):
    number = await bring("closed")
    told = (await clocks(number))[1]["feedback"]
    assert (told["state"], told["met_at"] is not None) == ("met", True)
    await do(number, "reopen", "supervisor", reason="没有解决")
    assert "feedback" not in (await clocks(number))[1]


async def test_nobody_signs_while_it_lies_at_the_desk(time, bring, do, clocks):
    number = await bring("dispatched")
    assert "sign" in (await clocks(number))[1]
    await do(number, "return", LEAD, reason="不属本单位")
    assert "sign" not in (await clocks(number))[1]


async def test_nothing_fails_on_new_years_day_of_an_unpublished_year(time, placed, do, look):
    time.to("2026-12-31T15:00:00+08:00")
    number = await placed("下水道堵了", category="0301", kind="help")
    time.to("2027-01-01T00:00:00+08:00")
    late = await placed("下水道又堵了", category="0301", kind="help")
    for each in (number, late):
        assert (await look(each))["due_provisional"]
        await do(each, "sign", LEAD)
        await do(each, "contact", LEAD)
    extended = await do(late, "extend", LEAD, reason="等设备", until="2027-01-20T18:00:00+08:00")
    assert extended["extension_until"] is not None
    await do(late, "decide_extension", "leader", approve=True)
    assert not (await look(late))["due_provisional"]


@pytest.mark.parametrize("content", ["[]", "{", '{"by_kind": {"help": "两天"}}', '{"hours": {}}'])
def test_a_policy_that_cannot_be_read_is_refused_before_anything_is_written(tmp_path, content):
    file = tmp_path / "policy.json"
    file.write_text(content, encoding="utf-8")
    with pytest.raises(RuntimeError, match=r"时限方案|读不了"):
        localdays.set_policy("120116005", file, None)


def test_every_field_of_the_readme_is_read():
    text = (localdays.Path(localdays.__file__).parents[1] / "routing" / "README.md").read_text(
        encoding="utf-8"
    )
    document = text.split("```json", 1)[1].split("```", 1)[0]
    policy = localdays.read_policy(1, json.loads(document))
    assert policy.after_hours
    assert timedelta(hours=2) == policy.report_in["daily"].span
