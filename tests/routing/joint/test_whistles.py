"""Whistles: departments called to a place by a time, their coming, minutes and end; the residents' whistle in three stages."""

from datetime import timedelta

import pytest

from shared.tables import parts, transitions
from shared.web.paging import encode
from tests.routing.conftest import LEAD

CALL = {
    "units": ["城管办", "安全办"],
    "reason": "联合整治占道",
    "whistle": "law_enforcement",
    "place": "东安街路口",
}


def stages(whistle):
    return [(s["stage"], s["unit_name"], s["state"]) for s in whistle["stages"]]


async def test_a_whistle_from_call_to_end(time, bring, do, ask, rows):
    number = await bring("handling")
    by = (time.now + timedelta(hours=1)).isoformat()
    await do(number, "whistle", LEAD, on_site_by=by, **CALL)
    time.forward(minutes=50)
    here = {"longitude": 117.66, "latitude": 39.03, "crs": "wgs84"}
    await do(number, "report_in", "unit:城管办", place="东安街 3 号门前", location=here)
    time.forward(minutes=20)
    [shown] = (await ask("/v1/whistles", overdue="true"))["items"]
    assert stages(shown) == [
        ("whistle", "物业办", "met"),
        ("report_in", "城管办", "met"),
        ("report_in", "安全办", "overdue"),
    ]
    assert (shown["ticket"], shown["kind_text"], shown["origin_text"], shown["place"]) == (
        number, "执法哨", "单位", "东安街路口",
    )  # fmt: skip
    came = shown["departments"][0]
    assert came["reported_from"]["place"] == "东安街 3 号门前"
    assert came["reported_from"]["location"]["crs"] == "gcj02"
    assert came["reported_from"]["location"]["longitude"] > here["longitude"]  # shifted into the map's system
    await do(number, "report_in", "unit:安全办")
    assert [(p["unit_name"], p["report_late"]) for p in (await ask(f"/v1/tickets/{number}/whistles"))["items"][0]["departments"]] == [
        ("城管办", False), ("安全办", True),
    ]  # fmt: skip
    late = [r.data.get("late") for r in await rows(transitions) if r.action == "report_in"]
    assert sorted(late, key=str) == [None, True]
    assert (await ask("/v1/whistles", open="true"))["items"] == []
    await do(number, "minute_whistle", LEAD, reason="每周三联合巡查")
    await do(number, "release_whistle", LEAD, reason="秩序恢复")
    assert (await do(number, "release_whistle", LEAD, status=409, reason="再解"))["code"] == "nothing_waits"
    [shown] = (await ask(f"/v1/tickets/{number}/whistles", LEAD))["items"]
    assert [(s["step_text"], s["said"]) for s in shown["steps"]] == [
        ("纪要", "每周三联合巡查"),
        ("解哨", "秩序恢复"),
    ]
    assert (await do(number, "handle", LEAD, reason="已整治"))["state"] == "handled"


async def test_who_has_not_come_need_not_once_the_whistle_is_ended(time, bring, do, ask):
    number = await bring("handling")
    await do(number, "whistle", LEAD, **CALL)
    await do(number, "report_in", "unit:城管办")
    await do(number, "release_whistle", "supervisor", reason="误哨")
    [shown] = (await ask(f"/v1/tickets/{number}/whistles"))["items"]
    assert [(d["unit_name"], d["state"]) for d in shown["departments"]] == [
        ("城管办", "done"),
        ("安全办", "released"),
    ]
    assert not shown["open"]
    await do(number, "handle", LEAD, reason="好了")


async def test_a_joint_operation_has_tasks_and_each_reports_in_and_finishes(time, bring, do, look):
    number = await bring("handling")
    await do(number, "whistle", LEAD, task="清理店外占道", **CALL)
    for unit in ("城管办", "安全办"):
        await do(number, "report_in", f"unit:{unit}")
    assert (await do(number, "handle", LEAD, status=409, reason="好"))[
        "code"
    ] == "parts_open"  # they came, and are at it
    for unit in ("城管办", "安全办"):
        await do(number, "finish_part", f"unit:{unit}", reason="清完")
    assert {p["state"] for p in (await look(number))["parts"]} == {"done"}
    await do(number, "handle", LEAD, reason="好")


async def test_the_residents_whistle_has_three_timed_stages(time, bring, do, ask):
    number = await bring("dispatched", grid_code="g11")
    await do(number, "group_whistle", "resident", reason="垃圾没人管", whistle="emergency")
    time.forward(minutes=31)
    [late] = (await ask("/v1/whistles", "community:jwh-c1", overdue="true"))["items"]
    assert stages(late) == [("whistle", None, "met"), ("response", None, "overdue")]
    await do(
        number, "respond_whistle", "community:jwh-c1", reason="马上到", units=["城管办"], whistle="emergency"
    )
    [shown] = (await ask("/v1/whistles", open="true"))["items"]
    assert stages(shown) == [
        ("whistle", None, "met"), ("response", "晨晖社区居委会", "late"), ("report_in", "城管办", "running"),
    ]  # fmt: skip
    time.forward(minutes=10)
    await do(number, "report_in", "unit:城管办")
    [shown] = (await ask("/v1/whistles"))["items"]
    assert (shown["origin_text"], shown["open"], stages(shown)[-1]) == (
        "群众",
        False,
        ("report_in", "城管办", "met"),
    )
    assert (await do(number, "respond_whistle", "dispatcher", status=409, reason="又"))[
        "code"
    ] == "nothing_waits"


async def test_the_wrong_department_is_not_called(time, bring, do):
    number = await bring("handling")
    for units, code in ((["火星管理局"], "unknown_unit"), (["城管办", "没有"], "unknown_unit")):
        assert (await do(number, "whistle", LEAD, status=422, units=units, reason="来"))["code"] == code
    early = (time.now - timedelta(minutes=1)).isoformat()
    refused = await do(number, "whistle", LEAD, status=422, units=["城管办"], reason="来", on_site_by=early)
    assert refused["errors"][0]["field"] == "on_site_by"


async def test_the_unit_complained_about_is_not_called(time, placed, do):
    number = await placed(by="dispatcher", channel="hotline")
    await do(number, "recall", "dispatcher", reason="另有所指")
    await do(number, "dispatch", "dispatcher", unit="物业办", about_unit="城管办")
    await do(number, "sign", LEAD)
    for action, body in (
        ("whistle", {"units": ["城管办"], "reason": "来"}),
        ("plan_measures", {"measures": [{"unit": "城管办", "text": "整改"}]}),
    ):
        assert (await do(number, action, LEAD, status=422, **body))["code"] == "conflict_of_interest"


async def test_a_whistle_is_seen_by_its_parties_only_and_in_pages(time, bring, do, ask):
    numbers = [await bring("handling") for _ in range(3)]
    for number in numbers:
        await do(number, "whistle", LEAD, **CALL)
        time.forward(minutes=1)
    first = await ask("/v1/whistles", "unit:城管办", limit=2)
    second = await ask("/v1/whistles", "unit:城管办", limit=2, cursor=first["next_cursor"])
    assert [w["ticket"] for page in (first, second) for w in page["items"]] == numbers[::-1]
    assert (await ask("/v1/whistles", "unit:综合执法队"))["items"] == []
    await ask(f"/v1/tickets/{numbers[0]}/whistles", "unit:综合执法队", status=404)
    await ask(f"/v1/tickets/{numbers[0]}/whistles", "resident", status=403)
    assert (await ask("/v1/whistles", unit="nobody"))["items"] == []
    assert (await ask("/v1/whistles", kind="daily"))["items"] == []


async def test_every_call_is_a_part_of_its_own(time, bring, do, rows):
    number = await bring("handling")
    await do(number, "whistle", LEAD, **CALL)
    await do(number, "report_in", "unit:城管办")
    await do(number, "whistle", LEAD, **CALL)
    assert [(p.part, p.reported_at is not None) for p in sorted(await rows(parts), key=lambda p: p.part)] == [
        (1, True), (2, False), (3, False), (4, False),
    ]  # fmt: skip
    unclear = await do(number, "minute_whistle", LEAD, status=422, reason="哪一次?")
    assert (unclear["code"], unclear["errors"][0]["field"]) == ("number_unclear", "whistle_no")


async def test_a_cursor_that_is_none_of_ours_is_refused(time, ask):
    far = encode(["2026-03-02T09:00:00+08:00", "0190a5f0-0000-7000-8000-000000000000", 2**70])
    for path, cursor in (
        ("/v1/whistles", far),
        ("/v1/forwards", far),
        ("/v1/slips", "eyJ"),
        ("/v1/deliberations", encode([2**70])),
    ):
        assert (await ask(path, status=422, cursor=cursor))["code"] == "bad_cursor"


async def test_a_resident_is_not_told_where_staff_stood_nor_how_they_rate_one_another(time, bring, do, look):
    number = await bring("handling")
    await do(number, "whistle", LEAD, **CALL)
    await do(number, "report_in", "unit:城管办", place="东安街 3 号门前")
    await do(number, "rate_part", LEAD, score=1)
    told = {name: (await look(number, name))["parts"][0] for name in ("dispatcher", "resident")}
    assert [(p["reported_from"], p["rated_by_lead"]) for p in told.values()] == [
        ({"place": "东安街 3 号门前"}, 1),
        (None, None),
    ]
    assert told["resident"]["reported_at"] == told["dispatcher"]["reported_at"]


WHISTLE_ROLES = [
    ("whistle", ("dispatcher", LEAD, "community:jwh-c1"), ("supervisor", "leader", "resident"), CALL),
    ("report_in", ("unit:城管办",), (LEAD, "dispatcher", "community:jwh-c1"), {}),
    ("respond_whistle", ("grid_worker:jwh-c1",), ("unit:城管办", "supervisor", "resident"), {"reason": "到"}),
    (
        "minute_whistle",
        ("dispatcher", LEAD, "community:jwh-c1"),
        ("unit:城管办", "leader", "resident"),
        {"reason": "议定"},
    ),
    ("release_whistle", ("leader",), ("unit:城管办", "callback_clerk", "resident"), {"reason": "事毕"}),
    ("rate_part", (LEAD, "unit:城管办"), ("dispatcher", "leader", "community:jwh-c1"), {"score": 5}),
]


@pytest.mark.parametrize(
    ("action", "admitted", "refused", "body"), WHISTLE_ROLES, ids=[r[0] for r in WHISTLE_ROLES]
)
async def test_who_may(time, bring, do, action, admitted, refused, body):
    number = await bring("handling", grid_code="g11")
    await do(number, "group_whistle", "resident", reason="没人管")
    if action not in {"respond_whistle", "whistle"}:
        await do(number, "respond_whistle", "community:jwh-c1", reason="到", units=["城管办"])
    if action == "rate_part":
        await do(number, "report_in", "unit:城管办")
    if action == "respond_whistle":
        await do(number, "assist", LEAD, unit="城管办")
    for name in refused:
        assert (await do(number, action, name, status=403, **body))["code"] == "not_your_action"
    for name in admitted:
        await do(number, action, name, **body)
