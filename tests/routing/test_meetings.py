"""The weekly coordination meeting: one for each week, its agenda by rule, its resolutions on the tickets until done."""

from datetime import UTC, date, datetime, timedelta
from uuid import UUID

import pytest
from hypothesis import given, strategies as st

from services.routing.registry import Registries
from services.routing.supervision import meetings
from services.routing.supervision.agenda import Matter, agenda, meeting_day, monday_of, week_of
from shared.calendar import WorkCalendar
from shared.lifecycle import FINAL
from shared.tables import meetings as table
from shared.terms import MeetingPart
from tests.routing.conftest import LEAD

WEEK = "2026-W11"  # begins on Monday the 9th of March
P = MeetingPart


def matter(number, state="handling", received="2026-03-04T01:00:00+00:00", **more):
    return Matter(
        **{
            "ticket_id": UUID(int=number), "state": state, "unit_code": "u1", "level": None, "disputed": False,
            "key": False, "received_at": datetime.fromisoformat(received), "due_at": datetime(2026, 3, 6, tzinfo=UTC),
        }
        | more
    )  # fmt: skip


def parts(*matters, before=(), pending=()):
    return {i.matter.ticket_id.int: i.part for i in agenda(WEEK, matters, dict(before), dict(pending))}


@given(st.dates(date(2004, 1, 1), date(2040, 12, 31)))
def test_every_day_lies_in_one_week_and_its_meeting_is_on_a_working_day(day):
    calendar = WorkCalendar({monday_of(week_of(day)): False}, [day.year])
    assert monday_of(week_of(day)) <= day < monday_of(week_of(day)) + timedelta(days=7)
    held, moved = meeting_day(week_of(day), 1, calendar)
    assert calendar.is_workday(held)
    assert (held, moved is not None) == (monday_of(week_of(day)) + timedelta(days=1), True)


def test_a_week_that_is_off_from_end_to_end_meets_after_it():
    golden = {date(2026, 10, n): False for n in range(1, 9)}
    assert meeting_day("2026-W40", 4, WorkCalendar(golden, [2026])) == (
        date(2026, 10, 9), "10月01日不是工作日,顺延至10月09日",
    )  # fmt: skip
    assert meeting_day("2026-W11", 1, WorkCalendar({}, [2026])) == (date(2026, 3, 9), None)


def test_last_weeks_open_items_stand_on_it_and_nothing_else_that_is_new():
    found = parts(
        matter(1), matter(2, state="closed"), matter(3, received="2026-03-01T15:59:59+00:00"),
        matter(4, received="2026-03-01T16:00:00+00:00"), matter(5, received="2026-03-08T16:00:00+00:00"),
        matter(6, level="escalate"), matter(7, received="2025-01-01T00:00:00+00:00", key=True),
    )  # fmt: skip
    assert found == {1: P.PROGRESS, 4: P.PROGRESS, 6: P.PROBLEMS, 7: P.PROBLEMS}


def test_what_was_left_open_is_carried_until_it_is_over_and_reported_once():
    old = "2026-01-05T00:00:00+00:00"
    before = {UUID(int=n): part for n, part in ((1, P.PROGRESS), (2, P.PROBLEMS), (3, P.RESULTS))}
    found = parts(
        matter(1, received=old), matter(2, "closed", received=old), matter(3, "closed", received=old),
        matter(4, received=old), matter(5, received=old),
        before=before, pending={UUID(int=4): date(2026, 3, 20), UUID(int=5): date(2026, 3, 8)},
    )  # fmt: skip
    assert found == {1: P.PROGRESS, 2: P.RESULTS, 4: P.PROGRESS, 5: P.PROBLEMS}


@given(
    st.lists(st.sampled_from(["handling", "closed", "withdrawn", "signed"]), min_size=1, max_size=30),
    st.data(),
)
def test_an_item_stands_on_an_agenda_once_and_open_ones_never_drop_off(states, data):
    matters = [matter(n, state, received="2026-01-05T00:00:00+00:00") for n, state in enumerate(states)]
    before = {m.ticket_id: data.draw(st.sampled_from(list(P)[::2])) for m in matters}
    listed = agenda(WEEK, matters, before, {})
    assert len({i.matter.ticket_id for i in listed}) == len(listed) == len(matters)
    assert all((i.part is P.RESULTS) == (i.matter.state in FINAL) for i in listed)
    assert [list(P).index(i.part) for i in listed] == sorted(list(P).index(i.part) for i in listed)


@pytest.fixture
def meet(routing, who):
    """`await meet("POST", "", "leader", …)` at the meetings' door."""

    async def ask(method, path, name="supervisor", status=200, **body):
        options = {"params": body} if method == "GET" else {"json": body}
        answer = await routing.request(method, f"/v1/meetings{path}", headers=who(name), **options)
        assert answer.status_code == status, answer.text
        return answer.json()

    return ask


@pytest.mark.usefixtures("only_here")
async def test_one_meeting_a_week_however_often_it_is_called(time, bring, meet, processes, rows, gather):
    await bring("handling")
    time.to("2026-03-09T01:00:00+00:00")
    process = processes("routing")
    registries = Registries(process.database)
    await gather(*(meetings.sweep(process, registries) for _ in range(3)))
    called = await meet("POST", "")
    assert await meet("POST", "", "leader") == called
    assert (called["week"], called["held_on"], called["progress"]) == (WEEK, "2026-03-09", 1)
    time.to("2026-03-16T01:00:00+00:00")
    assert [await meetings.sweep(process, registries) for _ in range(2)] == [1, 0]
    assert sorted(r.week for r in await rows(table)) == ["2026-W11", "2026-W12"]
    assert [m["week"] for m in (await meet("GET", ""))["items"]] == ["2026-W12", "2026-W11"]
    await meet("POST", "", LEAD, status=403)
    await meet("GET", "/2026-W60", status=404)


async def test_a_resolution_flows_back_and_stays_on_the_agenda_until_it_is_done(time, bring, meet, do, look):
    number, away = await bring("handling"), await bring("closed")
    time.to("2026-03-09T01:00:00+00:00")
    await meet("POST", "")
    resolution = {
        "number": number,
        "unit": "物业办",
        "measure": "增设两处桶点并每日清运",
        "due_on": "2026-03-13",
    }
    door = f"/{WEEK}/resolutions"
    assert (await meet("POST", door, status=422, **resolution | {"number": away}))["code"] == "not_on_agenda"
    await meet("POST", door, status=422, **resolution | {"due_on": "2026-03-08"})
    await meet("POST", door, status=422, **resolution | {"unit": "没有的单位"})
    await meet("POST", door, LEAD, status=403, **resolution)
    made = await meet("POST", door, **resolution)
    ticket = await look(number)
    assert ticket["state"] == "handling"
    told = ticket["timeline"][-1]
    assert (told["action_text"], told["reason"], told["data"]["meeting"], told["data"]["due_on"]) == (
        "会议决议", "增设两处桶点并每日清运", WEEK, "2026-03-13",
    )  # fmt: skip
    # Nobody makes up a resolution outside a meeting.
    await do(number, "resolve_meeting", "leader", status=422, reason="增设")
    time.to("2026-03-16T01:00:00+00:00")
    await meet("POST", "")
    [item] = (await meet("GET", "/2026-W12/items", unit="物业办"))["items"]
    assert (item["number"], item["part_text"], "逾期" in item["why"]) == (number, "解难题", True)
    reports = f"{door}/{made['id']}/reports"
    await meet("POST", reports, "unit:安全办", status=403, done=True, note="完成")
    assert not (await meet("POST", reports, LEAD, done=False, note="桶点已定址"))["done"]
    assert (await meet("POST", reports, LEAD, done=True, note="已增设"))["done"]
    await do(number, "handle", LEAD, reason="已增设桶点")
    await do(number, "review_pass", "supervisor")
    await do(number, "close", "callback_clerk", outcome="resolved")
    [shown] = (await meet("GET", door, LEAD))["items"]
    assert ([r["note"] for r in shown["reports"]], shown["state"]) == (["桶点已定址", "已增设"], "closed")
    time.to("2026-03-23T01:00:00+00:00")
    third = await meet("POST", "")
    assert (third["results"], third["progress"], third["problems"]) == (1, 0, 0)
    assert third["units"] == [{"unit": item["unit"], "unit_name": "物业办", "items": 1, "closed": 1}]
    time.to("2026-03-30T01:00:00+00:00")
    assert (await meet("POST", ""))["results"] == 0
