"""The replays: what they want is the same each time, adds up, and is taken up from wherever a ticket stands."""

from collections import Counter
from datetime import datetime, timedelta

import pytest

from services.console.demo.organisation import catalog
from services.console.replay import figures, hefeilu, shixi, xinbei
from services.console.replay.api import Refused
from services.console.replay.course import Times, Wanted, handling, placing
from services.console.replay.crew import Mover
from services.console.replay.figures import Figure
from shared import lifecycle
from shared.calendar import parse_limit
from shared.clock import SHANGHAI, day_start
from shared.lifecycle import State

START = datetime(2021, 5, 6, 9, tzinfo=SHANGHAI)
PATH = [State.DISPATCHED, State.SIGNED, State.HANDLING, State.HANDLED, State.CALLBACK]


class Desk:
    """The routing service as far as a mover sees it: the real lifecycle, one ticket."""

    def __init__(self, state=State.SUBMITTED, lead="wuye", placed_after=0):
        self.state, self.lead, self.moved_at, self.done = state, lead, START, []
        self.placed_after = placed_after

    async def look(self, _number):
        self.placed_after -= 1
        if self.placed_after == 0:
            self.state = State.DISPATCHED
        return {"state": self.state.value, "lead_unit": self.lead}

    async def act(self, _number, action, body, role, unit):
        if self.placed_after > 0 or (unit is not None and unit != self.lead):
            raise Refused(404, {"code": "ticket_not_found"}, action)
        at = datetime.fromisoformat(body["occurred_at"])
        situation = lifecycle.Situation(self.state, moved_at=self.moved_at)
        relations = [lifecycle.Relation.LEAD if unit == self.lead else lifecycle.Relation.NOT_LEAD]
        try:
            self.state = lifecycle.decide(
                situation, action, role=role, relations=relations, occurred_at=at, data=body
            )
        except lifecycle.Conflict as conflict:
            raise Refused(409, {"code": conflict.code, **conflict.extra}, action) from conflict
        self.moved_at = at
        self.done.append(action)
        return {"state": self.state.value, "lead_unit": self.lead}


def ticket(**changes):
    hour = timedelta(hours=1)
    life = placing(START, "wuye") | handling(Times(*(START + n * hour for n in range(1, 6))), "已处理")
    given = {"serial": "1", "filing": {}, "lives": (life,), "goal": State.CLOSED, "unit": "wuye"} | changes
    return Wanted(**given)


FULL = ["sign", "contact", "handle", "review_pass", "close"]


async def test_a_ticket_is_carried_to_its_end():
    desk = Desk(State.DISPATCHED)
    assert await Mover(desk).carry("n", ticket()) is State.CLOSED
    assert desk.done == FULL


@pytest.mark.parametrize("state", PATH)
async def test_it_is_taken_up_wherever_it_stands(state):
    desk = Desk(state)
    assert await Mover(desk).carry("n", ticket()) is State.CLOSED
    assert desk.done == FULL[PATH.index(state) :]


async def test_the_worker_is_waited_for(monkeypatch):
    monkeypatch.setattr("services.console.replay.crew.PAUSE", 0)
    desk = Desk(placed_after=5)
    assert await Mover(desk).carry("n", ticket()) is State.CLOSED
    assert desk.done == FULL


async def test_a_topic_is_accepted_and_dispatched_by_people():
    desk = Desk()
    assert await Mover(desk).carry("n", ticket(places_itself=False)) is State.CLOSED
    assert desk.done == ["accept", "dispatch", *FULL]


async def test_another_lead_unit_is_found_out():
    desk = Desk(State.DISPATCHED, lead="zonghe")
    assert await Mover(desk).carry("n", ticket()) is State.CLOSED


async def test_a_reopened_ticket_is_closed_once_more_and_only_once():
    reopening, way_back = xinbei.second_life()
    wanted = ticket(lives=(*ticket().lives, reopening, way_back))
    desk = Desk(State.DISPATCHED)
    assert await Mover(desk).carry("n", wanted) is State.CLOSED
    assert desk.done == [*FULL, "reopen", "handle", "review_pass", "close"]
    assert await Mover(desk).carry("n", wanted, State.CLOSED) is State.CLOSED
    assert len(desk.done) == 9
    desk.state, desk.moved_at = (
        State.HANDLED,
        xinbei.REOPENED + timedelta(days=2),
    )  # cut short in its second life
    assert await Mover(desk).carry("n", wanted) is State.CLOSED
    assert desk.done[-2:] == ["review_pass", "close"]


async def test_what_lies_in_the_future_is_left_alone():
    desk = Desk(State.DISPATCHED)
    assert await Mover(desk, START + timedelta(hours=2, minutes=30)).carry("n", ticket()) is State.HANDLING


def test_xinbei_wants_a_years_tickets_all_closed_in_time():
    tickets = xinbei.wanted()
    assert tickets == xinbei.wanted()
    assert len({t.serial for t in tickets}) == len(tickets) == 3950
    limits = {row["code"]: row for row in catalog()}
    for wanted in tickets:
        received = datetime.fromisoformat(wanted.filing["occurred_at"])
        assert received.year == 2021
        (life,) = wanted.lives
        moments = [received, *(life[state].at for state in PATH)]
        assert moments == sorted(moments)
        closed = life[State.CALLBACK].at
        assert closed <= xinbei.DEADLINE
        limit = parse_limit(limits[wanted.filing["category"]]["resolve_limit"])
        if limit.by_clock:
            assert closed <= received + limit.span
        else:
            assert closed <= day_start(received.date() + timedelta(days=limit.amount + 1))


def test_hefeilu_wants_the_articles_numbers():
    topics = hefeilu.wanted()
    assert topics == hefeilu.wanted()
    ends = Counter(topic.goal for topic in topics)
    projects = [t for t in topics if State.DISPATCHED in t.lives[0]]
    issues = [t for t in topics if State.ACCEPTED in t.lives[0]]
    assert (len(topics), len(issues), len(projects)) == (3575, 2218, 2209)
    assert ends[State.CLOSED] == 2209
    nine = [t.lives[0][State.ACCEPTED] for t in issues if t not in projects]
    assert len({move.body["reason"] for move in nine}) == 9
    assert all(t.filing["occurred_at"] < "2021-10-01" for t in topics)
    assert max(t.lives[0][State.CALLBACK].at for t in projects) <= hefeilu.DEADLINE


def test_a_figure_that_differs_fails_the_table(capsys):
    assert figures.show("题", [Figure("收到", "3950", "3950")])
    assert not figures.show("题", [Figure("收到", "3950", "3950"), Figure("办结", "3950", "3949")])
    assert "✗" in capsys.readouterr().out


def test_shixi_wants_the_articles_numbers():
    promises = shixi.promises()
    assert promises == shixi.promises()
    regular = [p for p in promises if p.checklist != shixi.MAJOR_LIST]
    major = [p for p in promises if p.checklist == shixi.MAJOR_LIST]
    assert (len({p.checklist for p in regular}), len(regular), len(major)) == (128, 316, 10)
    assert sum(p.wanted.goal is State.CLOSED for p in regular) == 152
    assert {p.checklist for p in promises} == {told["code"] for told in shixi.lists()}
    for promise in promises:
        if promise.wanted.goal is State.CLOSED:
            closed = promise.wanted.lives[0][State.CALLBACK].at
            assert closed.date().isoformat() <= promise.plan["planned_end"]
