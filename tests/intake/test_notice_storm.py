"""Ten thousand notices, a vendor failing half the time, then away, then back: none lost, none twice, no ticket slowed."""

import asyncio
import random
from collections import Counter
from datetime import timedelta
from statistics import median
from time import perf_counter

from sqlalchemy import exists, select

from shared import clock
from shared.tables import notice_attempts, notice_sends, notices
from shared.terms import Role

RESIDENTS, PROGRAMS, STAFF = 700, 8_800, 500
WECHAT = "/cgi-bin/message/subscribe/send"
MOST_ROUNDS = 3_000


class Moody:
    """Fails half the time, in the ways vendors do; remembers what it answered with success."""

    def __init__(self, seed):
        self._dice = random.Random(seed)
        self.took = Counter()
        self.failing = True

    def __call__(self, path, body):
        if path == "/cgi-bin/stable_token":
            return 200, {"access_token": "T", "expires_in": 7200}
        if self.failing and self._dice.random() < 0.5:
            # A webhook's answer is its status alone.
            return self._dice.choice([(500 if path == "/webhook" else 200, {"errcode": -1}), (502, {}), None])
        told = [body["touser"]] if path == WECHAT else [n["id"] for n in body.get("notices", [])]
        self.took.update(told)
        return 200, {"errcode": 0}


async def a_resident_and_a_unit_at_work(submit, deliver, routing, headers, took):
    """Hand in, dispatch, look at: each timed while the storm blows."""
    for _ in range(8):
        begun = perf_counter()
        ticket = await submit()
        await deliver("routing")
        answer = await routing.get(f"/v1/tickets/{ticket['number']}", headers=headers)
        assert answer.json()["state"] == "dispatched"
        took.append(perf_counter() - begun)


async def blow(outgoing, waiting, moment, rounds):
    """Run round after round, moving the clock on where everything waits; → the clock's moment at the end."""
    for _ in range(rounds):
        with clock.at(moment):
            more = await outgoing.run()
        if not more:
            if not await waiting():
                return moment
            moment += timedelta(seconds=20)
    return moment


async def test_a_storm(
    submit, deliver, routing, actor_headers, remember, intake, settings_with_lines, tell, set_up, outgoing, sends,
    vendor, owner, street, count,
):  # fmt: skip
    hook = await set_up("webhook")
    await set_up("wecom")
    openids = [f"o-{n}" for n in range(RESIDENTS)]
    people = await remember(*openids)
    await _allowed(owner, street, people, intake, actor_headers)
    recipients = [f"resident:{who}" for who in people]
    recipients += [f"line:{hook['id']}"] * PROGRAMS + ["role:dispatcher"] * STAFF
    written = await tell(await submit(), recipients)
    assert len(written) == len(recipients) == 10_000
    waiting = _waiting(owner, street)
    mood = vendor.answer = Moody(7)
    took = []
    supervisor = actor_headers(Role.SUPERVISOR)
    work = asyncio.create_task(a_resident_and_a_unit_at_work(submit, deliver, routing, supervisor, took))
    moment = await blow(outgoing, waiting, clock.now(), 20)
    await work
    await vendor.down()
    asked = len(vendor.received)
    moment = await blow(outgoing, waiting, moment, 30)
    assert len(vendor.received) == asked
    await vendor.up()
    mood.failing = False
    moment = await blow(outgoing, waiting, moment + timedelta(minutes=5), MOST_ROUNDS)

    states = Counter(s.state for s in await sends())
    assert states == {"sent": 10_000}
    assert mood.took == Counter(dict.fromkeys([*openids, *_ids(written, hook)], 1)), "each once, none twice"
    assert await count(notices) == 10_000
    await _every_attempt_has_its_end(owner, street)
    assert median(took) < 2, took


def _waiting(owner, street):
    async def some():
        query = select(exists().where(notice_sends.c.state.in_(["queued", "sending"])).label("any"))
        async with owner.transaction([street.id], read_only=True) as tx:
            return (await tx.one(query)).any

    return some


def _ids(written, hook):
    return [str(n["id"]) for n in written if n["recipient"] == f"line:{hook['id']}"]


async def _allowed(owner, street, people, intake, actor_headers):
    """Let each allow one message; the first by the door, which makes the street's WeChat line."""
    first = await intake.post(
        "/v1/subscriptions",
        json={"template": "tmpl-result", "result": "accept"},
        headers=actor_headers(Role.RESIDENT, openid="o-0"),
    )
    assert first.status_code == 201
    now = clock.now()
    async with owner.transaction([street.id]) as tx:
        await tx.raw.executemany(
            "INSERT INTO subscription_grants (street_id, resident_id, template, granted, used, last_result, answered_at) "
            "VALUES ($1, $2, 'tmpl-result', 1, 0, 'accept', $3)",
            [(street.id, who, now) for who in people[1:]],
        )


async def _every_attempt_has_its_end(owner, street):
    async with owner.transaction([street.id], read_only=True) as tx:
        rows = await tx.rows(notice_attempts.select())
    begun = {(r.send_id, r.attempt) for r in rows if r.phase == "begun"}
    ended = {(r.send_id, r.attempt): r.outcome for r in rows if r.phase == "ended"}
    assert begun == ended.keys()
    assert Counter(ended.values())["sent"] == 10_000
