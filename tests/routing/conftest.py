"""What routing's tests say again and again: a ticket comes in, time passes, someone does something."""

import asyncio
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from sqlalchemy import select

from shared import clock
from shared.tables import ticket_states, transitions
from shared.terms import Role

MONDAY = datetime(2026, 3, 2, 1, 0, tzinfo=UTC)  # 09:00 in Shanghai, a week without holidays
RUBBISH = "3号楼前垃圾没人清运,垃圾桶满了好几天"  # 0101, 物业办, 3 working days


class Time:
    """The clock of a test, moved by hand."""

    def __init__(self, stack):
        self._stack = stack
        self.to(MONDAY)

    def to(self, moment):
        self.now = moment if isinstance(moment, datetime) else datetime.fromisoformat(moment)
        self._stack.enter_context(clock.at(self.now))

    def forward(self, **span):
        self.to(self.now + timedelta(**span))


@pytest.fixture
def time():
    """The clock, held at a Monday morning until the test moves it."""
    with ExitStack() as stack:
        yield Time(stack)


@pytest.fixture
def who(actor_headers):
    """`who("unit:物业办")`, `who("dispatcher")`, `who("resident:o-two")` → headers."""

    def headers(name):
        if isinstance(name, dict):
            return name
        role, _, more = name.partition(":")
        return actor_headers(Role(role), **{"openid" if role == "resident" else "unit": more or None})

    return headers


@pytest.fixture
def submit(intake, who):
    """`await submit("垃圾…", by="resident", …)` → the receipt; routing has not heard of it yet."""

    async def post(content=RUBBISH, by="resident", **body):
        answer = await intake.post("/v1/tickets", json={"content": content, **body}, headers=who(by))
        assert answer.status_code == 201, answer.text
        return answer.json()

    return post


@pytest.fixture
def placed(submit, deliver):
    """`await placed("垃圾…", …)` → the number of a ticket that routing has taken over."""

    async def place(content=RUBBISH, by="resident", **body):
        receipt = await submit(content, by, **body)
        await deliver("routing")
        return receipt["number"]

    return place


@pytest.fixture
def do(routing, who):
    """`await do(number, "sign", "unit:物业办", reason=…)` → the ticket as it stands then.

    `status`: what is expected; `match`, `key`: the headers If-Match and Idempotency-Key.
    """

    async def act(number, action, name, *, status=200, match=None, key=None, **body):
        headers = dict(who(name))
        if match is not None:
            headers["If-Match"] = match
        if key is not None:
            headers["Idempotency-Key"] = key
        answer = await routing.post(f"/v1/tickets/{number}/actions/{action}", json=body, headers=headers)
        assert answer.status_code == status, f"{action} by {name}: {answer.status_code} {answer.text}"
        if status >= 400:
            assert answer.headers["content-type"] == "application/problem+json"
        else:
            assert answer.headers["etag"] == f'"v{answer.json()["version"]}"'
        return answer.json()

    return act


@pytest.fixture
def look(routing, who):
    """`await look(number, "dispatcher")` → the whole ticket."""

    async def get(number, name="dispatcher", status=200):
        answer = await routing.get(f"/v1/tickets/{number}", headers=who(name))
        assert answer.status_code == status, answer.text
        return answer.json()

    return get


LEAD = "unit:物业办"
# The way to each state, each step with who takes it and what it brings.
WAY = {
    "dispatched": [],
    "signed": [("sign", LEAD, {})],
    "handling": [("contact", LEAD, {})],
    "handled": [("handle", LEAD, {"reason": "已清运"})],
    "callback": [("review_pass", "supervisor", {})],
    "closed": [("close", "callback_clerk", {"outcome": "resolved"})],
}


@pytest.fixture
def bring(placed, do):
    """`await bring("handling")` → the number of a 物业办 ticket in that state."""

    async def to(state, **body):
        number = await placed(**body)
        for reached, steps in WAY.items():
            for action, name, data in steps:
                await do(number, action, name, **data)
            if reached == state:
                return number
        raise AssertionError(state)

    return to


@pytest.fixture
def rows(owner, street):
    """`await rows(table)` → the rows of the test's street."""

    async def all_of(table):
        async with owner.transaction([street.id], read_only=True) as tx:
            return await tx.rows(select(table))

    return all_of


@pytest.fixture
def standing(rows):
    """`await standing(number)` → the row of ticket_states."""

    async def one(number):
        return next(r for r in await rows(ticket_states) if r.number == number)

    return one


@pytest.fixture
def history(rows, standing):
    """`await history(number)` → the actions of a ticket in order."""

    async def actions(number):
        ticket_id: UUID = (await standing(number)).ticket_id
        return [
            r.action for r in sorted(await rows(transitions), key=lambda r: r.seq) if r.ticket_id == ticket_id
        ]

    return actions


@pytest.fixture
def gather():
    """asyncio.gather with an end: what hangs fails."""

    async def all_of(*what):
        async with asyncio.timeout(20):
            return await asyncio.gather(*what)

    return all_of


@pytest.fixture
def only_here(processes, streets_made, monkeypatch):
    """Let routing's worker know the test's own streets only, newest first: a sweep looks at nobody else's."""
    known = processes("routing").streets
    everywhere = known.all

    async def here():
        mine = {street.id for street in streets_made}
        return [street for street in reversed(await everywhere()) if street.id in mine]

    monkeypatch.setattr(known, "all", here)
