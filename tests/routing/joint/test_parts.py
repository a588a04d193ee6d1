"""Parts of a ticket: each with its own task, deadline and result, and the whole done only when every one is ended."""

from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from hypothesis import given, settings, strategies as st

from services.routing.boundaries import Cells
from services.routing.held import Change, Standing
from services.routing.registry import Registry, Unit
from services.routing.standing import apply
from shared.auth import Actor
from shared.calendar import WorkCalendar
from shared.errors import Conflict, Problem
from shared.lifecycle import State, decide
from shared.tables import parts
from shared.terms import Role
from tests.routing.conftest import LEAD, MONDAY

BINS, NOTICE, CLEARED = "增设分类投放桶点", "张贴引导通知", "清除楼前垃圾"


def measures(*pairs):
    return [{"unit": unit, "text": text} for unit, text in pairs]


async def test_a_package_of_measures_is_done_when_each_is_done_or_released(time, bring, do, look):
    number = await bring("handling")
    due = (time.now + timedelta(days=1)).isoformat()
    package = [
        *measures(("城管办", BINS), ("物业办", NOTICE)),
        {"unit": "安全办", "text": CLEARED, "due_at": due},
    ]
    await do(number, "plan_measures", LEAD, measures=package)
    ticket = await look(number)
    assert [(p["part"], p["unit_name"], p["task"], p["state"]) for p in ticket["parts"]] == [
        (1, "城管办", BINS, "open"), (2, "物业办", NOTICE, "open"), (3, "安全办", CLEARED, "open"),
    ]  # fmt: skip
    assert (await do(number, "handle", LEAD, status=409, reason="好了"))["code"] == "parts_open"
    await do(number, "finish_part", LEAD, reason="已张贴")
    time.forward(days=2)
    assert [p["late"] for p in (await look(number))["parts"]] == [None, None, True]
    await do(number, "finish_part", "unit:安全办", reason="已清")
    await do(number, "release_part", "supervisor", part=1, reason="旁边已有桶点")
    ended = (await look(number))["parts"]
    assert [(p["state"], p["result"], p["late"]) for p in ended] == [
        ("released", "旁边已有桶点", None), ("done", "已张贴", None), ("done", "已清", True),
    ]  # fmt: skip
    assert (await do(number, "handle", LEAD, reason="三项都落实了"))["state"] == "handled"


async def test_a_unit_with_several_parts_says_which(time, bring, do, look):
    number = await bring("handling")
    await do(number, "plan_measures", "dispatcher", measures=measures(("城管办", BINS), ("城管办", NOTICE)))
    unclear = await do(number, "finish_part", "unit:城管办", status=422, reason="好了")
    assert (unclear["code"], unclear["errors"][0]["field"]) == ("part_unclear", "part")
    assert (await do(number, "finish_part", "unit:城管办", status=422, reason="好了", part=7))[
        "code"
    ] == "unknown_part"
    await do(number, "finish_part", "unit:城管办", reason="桶点好了", part=1)
    await do(number, "finish_part", "unit:城管办", reason="通知贴了")  # only one is left
    assert [p["result"] for p in (await look(number))["parts"]] == ["桶点好了", "通知贴了"]
    again = await do(number, "finish_part", "unit:城管办", status=409, reason="又好了", part=1)
    assert again["code"] == "no_such_part_open"


async def test_what_cannot_be_asked_for_is_refused(time, bring, do, street):
    number = await bring("handling")
    past = (time.now - timedelta(hours=1)).isoformat()
    for body, code in (
        ({"measures": measures(("没有这个局", BINS))}, "unknown_unit"),
        ({"measures": [{"unit": "城管办", "text": BINS, "due_at": past}]}, "due_before_asked"),
        ({"measures": [{"unit": "城管办", "text": BINS, "crew": "突击队"}]}, "unknown_crew"),
    ):
        assert (await do(number, "plan_measures", LEAD, status=422, **body))["code"] == code
    await do(number, "plan_measures", LEAD, status=422)
    await do(number, "release_part", LEAD, status=422, reason="不用了")  # which?
    assert (await do(number, "release_part", LEAD, status=409, reason="不用了", unit="城管办"))[
        "code"
    ] == "no_such_part_open"


async def test_whoever_is_asked_anew_goes_on_with_the_same_part(time, bring, do, look):
    number = await bring("handling")
    for _ in range(2):
        await do(number, "assist", LEAD, unit="城管办")
    await do(number, "assist", LEAD, unit="城管办", task=BINS)  # a task of its own is another part
    assert [(p["part"], p["task"]) for p in (await look(number))["parts"]] == [(1, None), (2, BINS)]


async def test_a_lead_keeps_its_measures_when_it_takes_over_but_need_not_help_itself(time, bring, do, look):
    number = await bring("signed")
    await do(number, "assist", LEAD, unit="城管办")
    await do(number, "plan_measures", LEAD, measures=measures(("城管办", BINS)))
    await do(number, "return", LEAD, reason="不属于我办", suggested_unit="城管办")
    await do(number, "dispatch", "dispatcher", unit="城管办")
    assert [(p["unit_name"], p["state"]) for p in (await look(number))["parts"]] == [
        ("城管办", "released"), ("城管办", "open"), ("物业办", "open"),
    ]  # fmt: skip


async def test_lead_and_helper_rate_one_another_once(time, bring, do, rows):
    number = await bring("handling")
    await do(number, "assist", LEAD, unit="城管办")
    early = await do(number, "rate_part", LEAD, status=409, score=5)
    assert early["code"] == "no_such_part_open"  # nothing has been done yet
    await do(number, "finish_part", "unit:城管办", reason="好了")
    await do(number, "rate_part", LEAD, score=4)
    assert (await do(number, "rate_part", LEAD, status=409, score=5))["code"] == "already_rated"
    await do(number, "rate_part", "unit:城管办", score=2, reason="配合不够")
    await do(number, "rate_part", "unit:安全办", status=404, score=2)
    await do(number, "rate_part", "unit:城管办", status=422, score=6)
    [part] = await rows(parts)
    assert (part.rated_by_lead, part.rated_by_unit) == (4, 2)


# action, who may, who may not (403), what comes with it; the ticket is 物业办's, 城管办 has a part.
ROLES = [
    ("plan_measures", ("dispatcher", "clerk", LEAD), ("unit:城管办", "supervisor", "leader", "community:jwh-c1"),
     {"measures": measures(("安全办", BINS))}),
    ("release_part", ("dispatcher", "leader", LEAD), ("unit:城管办", "callback_clerk", "community:jwh-c1"),
     {"reason": "不用了", "unit": "城管办"}),
    ("group_whistle", ("resident", "community:jwh-c1", "grid_worker:jwh-c1"), ("dispatcher", LEAD, "unit:城管办"), {"reason": "没人来"}),
    ("forward", ("dispatcher", "leader", LEAD), ("unit:城管办", "callback_clerk", "community:jwh-c1"),
     {"outside_body": "市燃气公司", "via": "公函", "reason": "管网改造"}),
    ("visit_site", ("dispatcher", "leader", LEAD, "unit:城管办", "community:jwh-c1"), ("callback_clerk", "resident"), {"reason": "管道老化"}),
    ("log_contact", ("supervisor", LEAD, "unit:城管办", "grid_worker:jwh-c1"), ("callback_clerk", "resident"), {"reason": "上门沟通"}),
    ("note_resolution", (), ("dispatcher", "leader", LEAD), {"reason": "同意"}),
]  # fmt: skip


@pytest.mark.parametrize(("action", "admitted", "refused", "body"), ROLES, ids=[r[0] for r in ROLES])
async def test_who_may(time, bring, do, action, admitted, refused, body):
    number = await bring("handling", grid_code="g11")
    await do(number, "assist", LEAD, unit="城管办")
    for name in refused:
        assert (await do(number, action, name, status=403, **body))["code"] == "not_your_action"
    for name in admitted:
        await do(number, action, name, **body)
        await do(number, "assist", LEAD, unit="城管办")  # what was released is asked for anew


# The rule itself, without a house around it.

NAMES = ("lead", "a", "b", "c")
UNITS = {n: Unit(n, n, "office", "street", None, None, is_desk=False) for n in NAMES}
REGISTRY = Registry(
    street_id=1, desk=Unit("desk", "desk", "desk", "street", None, None, is_desk=True), units=UNITS, categories={},
    communities={}, grids={}, policies={}, calendar=WorkCalendar({}, [2026]), cells=Cells([]),
)  # fmt: skip
ROW = {
    "street_id": 1, "key_since": None, "channel": "web", "handler_ids": [], "ticket_id": UUID(int=1), "state": "handling", "version": 0, "moved_at": MONDAY, "closed_at": None,
    "return_until": None, "due_at": None, "extension_until": None, "extension_count": 0, "disputed": False,
    "designated": False, "about_unit": None, "lead_unit": "lead", "community_code": None, "clock_policy": None,
    "grid_code": None,
}  # fmt: skip
steps = st.lists(
    st.one_of(
        st.tuples(st.just("assist"), st.sampled_from(NAMES[1:]), st.none() | st.just("任务")),
        st.tuples(st.just("plan_measures"), st.sampled_from(NAMES), st.just("措施")),
        st.tuples(st.just("whistle"), st.sampled_from(NAMES[1:]), st.none() | st.just("任务")),
        st.tuples(st.just("report_in"), st.sampled_from(NAMES[1:]), st.none()),
        st.tuples(st.just("finish_part"), st.sampled_from(NAMES), st.integers(1, 6)),
        st.tuples(st.just("release_part"), st.just("lead"), st.integers(1, 6)),
    ),
    max_size=25,
)


def brought(action, unit, more):
    match action:
        case "assist":
            return {"unit": unit, "task": more}
        case "whistle":
            return {"units": [unit], "reason": "来", "task": more}
        case "plan_measures":
            return {"measures": [{"unit": unit, "text": more}]}
        case _:
            return {"reason": "好", "part": more}


@settings(max_examples=300, deadline=None)
@given(steps)
def test_the_whole_closes_only_when_every_part_is_done_or_released(taken):
    standing, owed = Standing(dict(ROW)), {}
    for minute, (action, unit, more) in enumerate(taken):
        at = datetime(2026, 3, 2, 2, tzinfo=UTC) + timedelta(minutes=minute)
        actor = Actor(UUID(int=2), Role.UNIT, frozenset({1}), unit)
        data = brought(action, unit, more)
        before = set(standing.parts)
        try:
            apply(action, State.HANDLING, Change(standing, REGISTRY, actor, at, data))
        except Problem:
            continue
        # What is owed, kept by hand: (unit, is coming enough?)
        for part in set(standing.parts) - before:
            owed[part] = (unit, action == "whistle" and more is None)
        if action == "report_in":
            owed = {n: o for n, o in owed.items() if o != (unit, True)}
        elif action in {"finish_part", "release_part"}:
            owed.pop(data["part"], None)
        elif not set(standing.parts) - before:  # asked anew for what it has in hand
            again = next(n for n, p in standing.parts.items() if p.asked_at == at)
            owed[again] = (unit, False)
    situation = standing.situation(30, 2)
    assert situation.open_parts == len(owed)
    refusal = ""
    try:
        decide(
            situation, "handle", role=Role.UNIT, relations=standing.relations(actor_of("lead"), REGISTRY),
            occurred_at=situation.moved_at, data={"reason": "办结"},
        )  # fmt: skip
    except Conflict as refused:
        refusal = refused.code
    assert refusal == ("parts_open" if owed else "")


def actor_of(unit):
    return Actor(UUID(int=3), Role.UNIT, frozenset({1}), unit)
