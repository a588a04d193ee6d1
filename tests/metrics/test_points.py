"""The ledger of points: booked with the tickets, added to and taken back by people, ranked, its rules brought in."""

from uuid import UUID, uuid4

import asyncpg
import pytest

from services.metrics.points.award import award
from shared import clock
from shared.auth import Actor
from shared.events import TicketMovedV1
from shared.tables import points, staff, transitions
from shared.terms import Role
from tests.metrics.conftest import local
from tests.metrics.lives import HOUR, go_on, life

NOON = local(2026, 3, 2)
RULES = [
    {"code": "signed", "merit": "signed_in_time", "points": 2, "daily_cap": 3, "note": "按时签收"},
    {
        "code": "handled",
        "merit": "handled_in_time",
        "points": 5,
        "weights": {"0101": "2"},
        "note": "按期办结",
    },
    {"code": "reworked", "merit": "reworked", "points": -4, "note": "发回重办"},
]


@pytest.fixture(autouse=True)
def _noon():
    with clock.at(NOON):
        yield


@pytest.fixture
async def worker(owner, street):
    """Somebody on the staff."""
    who = uuid4()
    async with owner.transaction([street.id]) as tx:
        await tx.insert_many(staff, [{"street_id": street.id, "id": who, "code": "w1", "name": "李某"}])
    return who


@pytest.fixture
def post(metrics, actor_headers):
    """`await post("/points", {…}, status=201, by=Role.SUPERVISOR)` → the answer's body."""

    async def send(path, body, status=201, by=Role.SUPERVISOR, **headers):
        answer = await metrics.post(f"/v1{path}", json=body, headers=actor_headers(by) | headers)
        assert answer.status_code == status, answer.text
        return answer.json()

    return send


@pytest.fixture
async def ruled(post):
    """The rules are in force since yesterday's evening, so to say: before anything here happens."""
    with clock.at(NOON - HOUR):
        return await post("/point-rules", {"rules": RULES}, status=200, by=Role.ADMIN)


@pytest.fixture
def lived(street, worker):
    """`lived(1)` → a ticket that the worker signed and handled in time at noon."""

    def make(number, *more):
        ticket, moves = life(
            street.id, number, NOON, ("accept", NOON), ("dispatch", NOON, {"sign_due_at": NOON + HOUR}), ("sign", NOON),
            ("contact", NOON), ("handle", NOON),
        )  # fmt: skip
        return ticket, [
            m | {"actor_id": worker, "actor_role": "unit"} if m["seq"] > 3 else m
            for m in go_on(ticket, moves, *more)
        ]

    return make


@pytest.fixture
def book_points(database, street, duties):
    """`await book_points(ticket, …)`: as the worker does when their events arrive."""

    async def booked(*tickets):
        handle = (await duties("metrics")).handle
        events = [
            TicketMovedV1(street_id=street.id, ticket_id=t["id"], actions=["x"], state="handled", version=1) for t in tickets
        ]  # fmt: skip
        async with database.transaction([street.id]) as tx:
            await handle(tx, events)

    return booked


async def test_what_a_ticket_earns_is_booked_once_and_taken_back_when_it_is_reopened(
    ruled, worker, lived, write, book_points, ask, processes, street
):
    """S2-30: a points ledger per person: rules, entries, reversals; total = sum of entries."""
    made = [lived(n) for n in (1, 2)]
    await write(made)
    for _ in range(2):
        await book_points(*(ticket for ticket, _ in made))
    account = await ask(f"/points/{worker}")
    # handled twice, worth double each; signed twice, of which one point is over the cap
    assert (account["total"], account["name"]) == (2 * 10 + 3, "李某")
    assert sorted((e["kind"], e["points"]) for e in account["items"]) == [
        ("day", -1), ("rule", 2), ("rule", 2), ("rule", 10), ("rule", 10),
    ]  # fmt: skip
    assert account["total"] == sum(e["points"] for e in account["items"])
    ticket, moves = made[0]
    more = go_on(
        ticket, moves, ("review_pass", NOON + HOUR), ("close", NOON + HOUR), ("reopen", NOON + 2 * HOUR)
    )
    async with processes("routing").database.transaction([street.id]) as tx:
        await tx.insert_many(transitions, more[len(moves) :])
    await book_points(ticket)
    after = await ask(f"/points/{worker}")
    (back,) = [e for e in after["items"] if e["kind"] == "reversal"]
    (original,) = [e for e in after["items"] if e["id"] == back["reverses"]]
    assert (back["points"], original["points"], original["reversed"]) == (-10, 10, True)
    assert (back["ticket"], back["reason"]) == (ticket["number"], "工单重开,原结果未成立")
    assert after["total"] == 13


async def test_a_supervisor_adds_and_takes_back_with_a_reason(post, worker, ask, metrics, actor_headers):
    body = {"staff": str(worker), "points": 3, "reason": "暴雨夜主动值守"}
    keyed = {"Idempotency-Key": "points-1"}
    first = await post("/points", body, **keyed)
    assert (await post("/points", body, **keyed))["id"] == first["id"]
    assert (first["kind_text"], first["entered_role_text"]) == ("人工加减", "督办员")
    await post("/points", body | {"points": -1, "reason": "迟到"})
    assert (await ask(f"/points/{worker}"))["total"] == 2
    assert (await post(f"/points/{first['id']}/reversal", {"reason": "核实不属实"}))["points"] == -3
    again = await post(f"/points/{first['id']}/reversal", {"reason": "再来一次"}, status=409)
    assert again["code"] == "already_reversed"
    assert (await ask(f"/points/{worker}"))["total"] == -1
    for wrong in (
        {"points": 0},
        {"points": 1001},
        {"staff": str(UUID(int=7))},
        {"reason": ""},
        {"day": "2026-03-03"},
    ):
        await post("/points", body | wrong, status=422)
    await post(f"/points/{UUID(int=7)}/reversal", {"reason": "没有"}, status=404)
    for role in (Role.UNIT, Role.DISPATCHER, Role.RESIDENT):
        answer = await metrics.post("/v1/points", json=body, headers=actor_headers(role))
        assert answer.status_code == 403


async def test_nobody_grants_themselves_anything(post, owner, street, actor, worker):
    me = actor(Role.SUPERVISOR).id
    async with owner.transaction([street.id]) as tx:
        await tx.insert_many(staff, [{"street_id": street.id, "id": me, "code": "s1", "name": "王某"}])
    refused = await post("/points", {"staff": str(me), "points": 5, "reason": "辛苦"}, status=403)
    assert refused["code"] == "own_points"


async def test_the_ranking_has_ties_and_shows_others_only_to_the_street(
    post, owner, street, worker, ask, tokens, metrics
):
    others = [uuid4() for _ in range(2)]
    async with owner.transaction([street.id]) as tx:
        rows = [
            {"street_id": street.id, "id": who, "code": f"x{n}", "name": f"某{n}"}
            for n, who in enumerate(others)
        ]
        await tx.insert_many(staff, rows)
    for who, amount in ((worker, 5), (others[0], 5), (others[1], 1)):
        await post("/points", {"staff": str(who), "points": amount, "reason": "表现"})
    ranking = await ask("/points")
    assert [(r["rank"], r["total"]) for r in ranking["items"]] == [(1, 5), (1, 5), (3, 1)]
    page = await ask("/points", limit=2)
    rest = await ask("/points", limit=2, cursor=page["next_cursor"])
    assert [r["rank"] for r in page["items"] + rest["items"]] == [1, 1, 3]
    assert (await ask("/points", from_="2026-03-03", to="2026-03-03"))["items"] == []
    token, _ = tokens.issue(Actor(others[1], Role.GRID_WORKER, frozenset({street.id}), "jwh-c1"), 10**9)
    mine = {"Authorization": f"Bearer {token}"}
    assert [(r["rank"], r["name"]) for r in (await ask("/points", headers=mine))["items"]] == [(3, "某1")]
    assert (await ask(f"/points/{others[1]}", headers=mine))["total"] == 1
    await ask(f"/points/{worker}", headers=mine, status=404)


async def test_rules_come_in_as_versions_and_go_out_as_they_came(ruled, post, ask, street):
    assert (len(ruled["written"]), ruled["unchanged"]) == (3, 0)
    again = await post("/point-rules", {"rules": RULES}, status=200, by=Role.ADMIN)
    assert (again["written"], again["unchanged"]) == ([], 3)
    changed = [RULES[0] | {"points": 3}]
    tried = await post("/point-rules", {"rules": changed, "dry_run": True}, status=200, by=Role.ADMIN)
    assert (tried["recorded"], tried["written"][0]["version"]) == (False, 2)
    await post("/point-rules", {"rules": changed}, status=200, by=Role.ADMIN)
    out = (await ask("/point-rules"))["items"]
    assert [(r["code"], r["version"], r["points"]) for r in out] == [
        ("handled", 1, 5), ("reworked", 1, -4), ("signed", 1, 2), ("signed", 2, 3),
    ]  # fmt: skip
    await post("/point-rules", {"rules": RULES[:1] * 2}, status=422, by=Role.ADMIN)
    await post("/point-rules", {"rules": [RULES[0] | {"merit": "nice"}]}, status=422, by=Role.ADMIN)
    await post("/point-rules", {"rules": [RULES[0] | {"weights": {"0101": "x"}}]}, status=422, by=Role.ADMIN)
    await post("/point-rules", {"rules": RULES}, status=403, by=Role.SUPERVISOR)


async def test_the_ledger_only_grows_and_no_entry_is_twice(
    ruled, worker, lived, write, database, street, book_points
):
    ticket, moves = lived(1)
    await write([(ticket, moves)])
    await book_points(ticket)
    async with database.transaction([street.id]) as tx:
        assert await award(tx, street.id, [ticket["id"]]) == 0
    for statement in ("UPDATE points SET points = 99", "DELETE FROM points"):
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            async with database.transaction([street.id]) as tx:
                await tx.raw.execute(statement)
    async with database.transaction([street.id]) as tx:
        (row,) = [r for r in await tx.rows(points.select()) if r.rule_code == "handled"]
    with pytest.raises(asyncpg.UniqueViolationError):
        async with database.transaction([street.id]) as tx:
            await tx.insert_many(points, [dict(row._mapping) | {"id": uuid4()}])


async def test_without_rules_nothing_is_earned(worker, lived, write, book_points, ask):
    ticket, moves = lived(1)
    await write([(ticket, moves)])
    await book_points(ticket)
    assert (await ask("/points"))["items"] == []
