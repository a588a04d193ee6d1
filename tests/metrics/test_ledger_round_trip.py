"""What goes out as a ledger and comes in again as one gives the same figures.

Tickets live through the real services, at random but by the rules, in ways that a row has room for. Their street's
ledger is brought into other streets with the same registry; all are asked for all their counts.
"""

import csv
import io
import random
from datetime import UTC, datetime, timedelta

import pytest

from shared import clock
from shared.terms import Role

MONDAY = datetime(2026, 3, 2, 1, 0, tzinfo=UTC)
TICKETS = 90
LEAD = "whoever has it"
WELL = {"valid": True, "contacted": True, "resolved": "yes", "satisfaction": "very_satisfied"}
ILL = {"valid": True, "contacted": False, "resolved": "no", "satisfaction": "dissatisfied"}
# state → what may come next: (action, by whom, what it brings); what is said more often is done more often
NEXT = {
    "submitted": [
        *[("accept", Role.CLERK, {})] * 3, ("reject", Role.CLERK, {"reason": "不属本街道"}), ("withdraw", Role.CLERK, {}),
        ("redirect", Role.CLERK, {"agency": "12345"}),
    ],
    "accepted": [
        *[("dispatch", Role.DISPATCHER, {})] * 3, ("reject", Role.CLERK, {"reason": "=已答复"}), ("withdraw", Role.CLERK, {}),
        *[("close_directly", Role.CLERK, {"reason": "当场答复", "outcome": "explained"})] * 2,
    ],
    "dispatched": [*[("sign", LEAD, {})] * 6, ("return", LEAD, {"reason": "非本单位职责"}), ("withdraw", Role.CLERK, {})],
    "signed": [
        *[("contact", LEAD, {})] * 6, ("return", LEAD, {"reason": "非本单位职责", "suggested_unit": "城管办"}), ("extend", LEAD, {"reason": "等材料"}),
    ],
    "handling": [
        *[("handle", LEAD, {"reason": "已办"})] * 3, ("handle", LEAD, {"reason": "已办一半", "outcome": "partly"}),
        ("suspend", Role.SUPERVISOR, {"reason": "等配件", "reason_code": "engineering"}), ("extend", LEAD, {"reason": "等材料"}),
        ("assist", LEAD, {"unit": "司法所"}), ("exclude", Role.SUPERVISOR, {"reason": "复核过", "exclusion": "超出职责"}),
    ],
    "suspended": [("resume", Role.SUPERVISOR, {})],
    "handled": [*[("review_pass", Role.SUPERVISOR, {})] * 4, ("review_fail", Role.SUPERVISOR, {"reason": "不到位"})],
    "callback": [
        ("close", Role.CALLBACK_CLERK, {"outcome": "resolved"}), ("close", Role.CALLBACK_CLERK, WELL),
        ("close_deferred", Role.LEADER, {"reason": "列入计划"}), ("call_back", Role.CALLBACK_CLERK, {"valid": False}),
        ("rework", Role.CALLBACK_CLERK, {"reason": "未解决"}), ("rework", Role.CALLBACK_CLERK, {"reason": "不满意", **ILL}),
    ],
    "closed": [("call_back", Role.CALLBACK_CLERK, WELL | {"satisfaction": "basic"})],
}  # fmt: skip
# What a row has no room for, though the rest of it stands: measure → what is not told.
NO_ROOM = {
    "signed_on_time": "when a matter that came back was sent out again",
    "closed_by_first_deadline": "the deadline before a pause moved it",
    "ever_handled": "what the unit had handled when the review sent it back",
}


class Town:
    """Tickets of a street, and the time that passes over them."""

    def __init__(self, intake, routing, headers, seed):
        self._intake, self._routing, self._headers = intake, routing, headers
        self.chance = random.Random(seed)
        self.now = MONDAY
        self.done = set()

    async def file(self):
        """Hand a request in → its number."""
        one = self.chance.choice
        place = one(({}, {"community": "c1", "grid_code": "g11"}, {"community": "c2"}))
        contact = one(({}, {"contact": {"name": "张三", "phone": "+8613812345678"}}))
        body = {
            "content": one(("路灯不亮", "=1+1", '😀"引号",\n第二行', "【路灯】不亮", "-")), "kind": one(("help", "complaint")),
            "channel": one(("hotline", "window", "group_topic")), "category": one(("0101", "0301", "1399")),
            "confidential": self.chance.random() < 0.2, **place, **contact,
        }  # fmt: skip
        answer = await self._intake.post("/v1/tickets", json=body, headers=self._headers(Role.CLERK))
        assert answer.status_code == 201, answer.text
        return answer.json()["number"]

    async def look(self, number, role=Role.SUPERVISOR, by=None):
        answer = await self._routing.get(f"/v1/tickets/{number}", headers=self._headers(role, unit=by))
        assert answer.status_code == 200, answer.text
        return answer.json()

    async def act(self, number, action, role, by=None, **body):
        path, headers = f"/v1/tickets/{number}/actions/{action}", self._headers(role, unit=by)
        answer = await self._routing.post(path, json=body, headers=headers)
        assert answer.status_code == 200, f"{action}: {answer.text}"
        self.done.add(action)

    async def step(self, number):
        """Let something happen to a ticket, if anything still can."""
        ticket = await self.look(number)
        action, who, body = self.chance.choice(NEXT.get(ticket["state"], [(None, None, {})]))
        whose = (Role.UNIT, ticket["lead_unit"]) if who is LEAD else (who,)
        for part in ticket["parts"] if action == "handle" else ():
            if part["finished_at"] is None:
                await self.act(number, "finish_part", Role.UNIT, part["unit"], reason="已协助")
        if action is None or action not in (await self.look(number, *whose))["actions"]:
            return  # too late for a return or an extension
        if action == "close_directly" and ticket["return_count"]:
            return  # a row has no room for it: what a unit has had is closed by way of its handling
        if action == "extend":
            until = datetime.fromisoformat(ticket["due_at"]) + timedelta(days=3)
            await self.act(number, action, *whose, until=until.isoformat(), **body)
            await self.act(number, "decide_extension", Role.LEADER, approve=True)
        else:
            await self.act(number, action, *whose, **body)


@pytest.fixture
async def town(intake, routing, actor_headers, deliver, settle, street):
    """Tickets in all states."""
    town = Town(intake, routing, actor_headers, seed=7)
    for _ in range(TICKETS):
        with clock.at(town.now):
            number = await town.file()
            await deliver("routing")
        for _ in range(town.chance.choice((0, 1, 3, 6, 12, 18))):
            town.now += timedelta(
                hours=town.chance.choice((0.1, 1, 5, 30)), microseconds=town.chance.randrange(10**6)
            )
            with clock.at(town.now):
                await town.step(number)
    with clock.at(town.now):
        await settle()
        yield town


@pytest.fixture
def bring_into(hand_in, worker, deliver, look_at, actor_headers):
    """`await bring_into(street, content, name)` → the import when its tickets are in the figures."""

    async def bring(street, content, name):
        clerk = actor_headers(Role.CLERK, streets=[street])
        handed = await hand_in(content, name, headers=clerk, street=street.code)
        by = worker()
        for _ in range(1000):
            more = await by.run()
            await deliver("routing")
            await deliver("metrics")
            found = await look_at(handed["id"], headers=clerk)
            if not more and found["state"] != "running":
                return found
        raise AssertionError("the import comes to no end")

    return bring


@pytest.fixture
def download(metrics):
    """`await download(headers of whom, format=…)` → the bytes of the ledger."""

    async def get(who, **query):
        answer = await metrics.get("/v1/ledger", params=query, headers=who)
        assert answer.status_code == 200, answer.text
        return answer.content

    return get


def by_number(content):
    lines = csv.DictReader(io.StringIO(content.decode("utf-8-sig"), newline=""))
    return {line["number"]: line for line in lines}


async def parts(ask, headers, by):
    rows = (await ask("/rates/closure_rate", by=by, headers=headers))["rows"]
    return {row["label"]: (row["numerator"], row["denominator"]) for row in rows}


async def test_the_same_figures_elsewhere(town, ask, leader, actor_headers, new_street, bring_into, download):
    for actions in NEXT.values():
        assert {action for action, *_ in actions} <= town.done, "nothing that a row can tell was left out"
    counts = (await ask("/counts"))["counts"]
    told = by_number(await download(leader, format="csv", headers="en"))
    assert len(told) == counts["received"] == TICKETS
    for how, headers in (("csv", "zh"), ("csv", "en"), ("xlsx", "zh")):
        other = await new_street()
        there = actor_headers(Role.LEADER, streets=[other])
        content = await download(leader, format=how, headers=headers)
        brought = await bring_into(other, content, f"台账.{how}")
        assert (brought["state"], brought["errors"], brought["rejected"]) == ("done", [], 0)
        assert by_number(await download(there, format="csv", headers="en")) == told
        found = (await ask("/counts", headers=there))["counts"]
        differing = {name for name, count in counts.items() if found[name] != count}
        assert differing <= NO_ROOM.keys(), {name: (counts[name], found[name]) for name in differing}
        for by in ("category", "community", "kind", "channel", "level", "excluded", "unit"):
            here, elsewhere = [await parts(ask, who, by) for who in (leader, there)]
            if by == "unit":  # what came back to the desk stands elsewhere with the unit that had it
                here, elsewhere = ({key: above for key, (above, _) in p.items()} for p in (here, elsewhere))
            assert here == elsewhere, by
