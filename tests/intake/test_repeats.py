"""The same request twice, bad neighbours in a batch, too many at once, a database that is away."""

import asyncio
from time import monotonic
from uuid import uuid4

import asyncpg
import orjson
import pytest
from pydantic import SecretStr

from services.intake.prepare import prepare
from services.intake.registry import Registry
from services.intake.schemas import TicketIn
from services.intake.submit import Submissions
from shared.errors import Conflict
from shared.events import SUBSCRIBERS, TicketSubmittedV1
from shared.group_commit import GroupCommit
from shared.process import Process
from shared.tables import deliveries, events, idempotency_keys, tickets
from shared.terms import Role
from tests.intake.test_submit import problem

BODY = {"content": "楼道灯不亮"}


@pytest.fixture
def draft(state, actor, street):
    """`await draft(content=…, key=…)` → a request checked and sealed."""

    async def build(content="楼道灯不亮", key=None, body_hash=b"h"):
        body = TicketIn(content=content)
        return await prepare(
            body, actor(Role.RESIDENT), state.process, state.registry, key=key, body_hash=body_hash
        )

    return build


async def test_fifty_at_once_with_one_key_are_one_ticket(intake, resident, count):
    headers = resident | {"Idempotency-Key": "tap-1"}
    answers = await asyncio.gather(
        *(intake.post("/v1/tickets", json=BODY, headers=headers) for _ in range(50))
    )
    assert {a.status_code for a in answers} == {201}
    assert all(a.json() == answers[0].json() for a in answers)
    assert (await count(tickets), await count(events)) == (1, 1)
    assert await count(deliveries) == len(SUBSCRIBERS[TicketSubmittedV1])
    again = await intake.post("/v1/tickets", json=BODY, headers=headers)
    assert again.json() == answers[0].json()
    assert await count(tickets) == 1


async def test_one_key_in_two_processes_is_one_ticket(state, draft, count):
    process = state.process
    pair = [Submissions(process.database, process.outbox, max_waiting=100) for _ in range(2)]
    drafts = [await draft(key="k") for _ in range(20)]
    receipts = await asyncio.gather(*(pair[n % 2].submit(d) for n, d in enumerate(drafts)))
    assert len({orjson.loads(r)["number"] for r in receipts}) == 1
    assert await count(tickets) == 1


async def test_a_key_with_another_body_is_a_conflict(intake, resident, count):
    headers = resident | {"Idempotency-Key": "tap-2"}
    both = [BODY, {"content": "别的事"}]
    answers = await asyncio.gather(*(intake.post("/v1/tickets", json=b, headers=headers) for b in both))
    assert sorted(a.status_code for a in answers) == [201, 409]
    problem(
        await intake.post("/v1/tickets", json={"content": "第三件"}, headers=headers),
        409,
        "idempotency_key_reused",
    )
    assert await count(tickets) == 1


async def test_a_key_belongs_to_one_person(intake, actor_headers):
    key = {"Idempotency-Key": "same"}
    first = await intake.post(
        "/v1/tickets", json=BODY, headers=actor_headers(Role.RESIDENT, openid="a") | key
    )
    second = await intake.post(
        "/v1/tickets", json=BODY, headers=actor_headers(Role.RESIDENT, openid="b") | key
    )
    assert first.json()["id"] != second.json()["id"]


@pytest.mark.parametrize("key", ["", "a b", "x" * 201, "钥"])
async def test_keys_that_are_none(intake, resident, key):
    headers = {k.encode(): v.encode() for k, v in (resident | {"Idempotency-Key": key}).items()}
    problem(await intake.post("/v1/tickets", json=BODY, headers=headers), 422, field="Idempotency-Key")


async def test_a_bad_row_does_not_fail_its_neighbours(state, draft, count):
    good = [await draft(content=f"第{n}件") for n in range(10)]
    bad = await draft()
    bad.columns["content"] = "字" * 2501  # what no door would let in: the database's own check refuses it
    submissions = Submissions(state.process.database, state.process.outbox, max_waiting=100)
    answers = await asyncio.gather(
        *(submissions.submit(d) for d in [*good[:5], bad, *good[5:]]), return_exceptions=True
    )
    failed = [a for a in answers if isinstance(a, Exception)]
    assert len(failed) == 1
    assert isinstance(failed[0], asyncpg.CheckViolationError)
    assert await count(tickets) == 10
    assert await count(events) == 10


async def test_stored_and_new_keys_in_one_batch(state, draft, count):
    submissions = Submissions(state.process.database, state.process.outbox, max_waiting=100)
    first = await submissions.submit(await draft(key="old"))
    batch = [
        await draft(key="old"),
        await draft(key="new"),
        await draft(),
        await draft(key="old", body_hash=b"x"),
    ]
    answers = await asyncio.gather(*map(submissions.submit, batch), return_exceptions=True)
    assert orjson.loads(answers[0]) == orjson.loads(first)
    assert len({first, answers[1], answers[2]}) == 3
    assert isinstance(answers[3], Conflict)
    assert await count(tickets) == 3
    assert await count(idempotency_keys) == 2


async def test_hanging_up_does_not_lose_the_others(state, draft, count):
    submissions = Submissions(state.process.database, state.process.outbox, max_waiting=100)
    tasks = [asyncio.create_task(submissions.submit(await draft())) for _ in range(5)]
    await asyncio.sleep(0)
    tasks[2].cancel()
    answers = await asyncio.gather(*tasks, return_exceptions=True)
    assert sum(isinstance(a, bytes) for a in answers) == 4
    await submissions.drain()
    assert await count(tickets) in {4, 5}


async def test_numbers_run_on_without_repeating(intake, resident):
    answers = await asyncio.gather(
        *(intake.post("/v1/tickets", json=BODY, headers=resident) for _ in range(120))
    )
    numbers = [a.json()["number"] for a in answers]
    assert len(set(numbers)) == 120


async def test_beyond_the_queue_the_answer_is_503_at_once(intake, resident, state, monkeypatch):
    release = asyncio.Event()

    async def slow(drafts):
        await release.wait()
        return [b"{}"] * len(drafts)

    submissions = Submissions(state.process.database, state.process.outbox, max_waiting=1)
    submissions._batches = GroupCommit(slow, max_waiting=3, in_flight=1, max_batch=2)
    monkeypatch.setitem(state._state, "submissions", submissions)
    posts = [asyncio.create_task(intake.post("/v1/tickets", json=BODY, headers=resident)) for _ in range(12)]
    done, _ = await asyncio.wait(posts, timeout=5, return_when=asyncio.FIRST_COMPLETED)
    refused = problem(done.pop().result(), 503, "queue_full")
    assert refused["title"] == "服务繁忙,请稍后再试"
    release.set()
    answers = [await post for post in posts]
    assert {a.status_code for a in answers} == {201, 503}
    assert all(a.headers["retry-after"] == "1" for a in answers if a.status_code == 503)


@pytest.fixture
async def dead(state, environment, monkeypatch):
    """The service, its database gone."""
    url = SecretStr("postgresql://nobody:x@127.0.0.1:1/none")
    process = Process.build("intake", environment.model_copy(update={"database_url": url}))
    process.streets._by_id = state.process.streets._by_id
    process.streets._read_at = monotonic() - 5.0  # known, but not so fresh that an unknown one is refused
    monkeypatch.setitem(state._state, "process", process)
    monkeypatch.setitem(state._state, "registry", Registry(process.database))
    monkeypatch.setitem(
        state._state, "submissions", Submissions(process.database, process.outbox, max_waiting=10)
    )
    yield process
    await process.close()


@pytest.mark.parametrize("body", [BODY, BODY | {"category": "0101"}, BODY | {"street": "404"}])
async def test_without_a_database_the_answer_is_503(submit, intake, resident, dead, body):
    answer = await intake.post("/v1/tickets", json=body, headers=resident)
    problem(answer, 503, "database_unavailable")
    assert answer.headers["retry-after"] == "1"


async def test_without_a_database_every_other_door_says_so_too(submit, intake, resident, dead, street):
    number = f"{street.prefix}20260101-000001"
    for method, path, body in (
        ("GET", "/v1/tickets", None),
        ("GET", f"/v1/tickets/{number}", None),
        ("POST", f"/v1/tickets/{number}/supplements", {"content": "补充"}),
        ("POST", f"/v1/tickets/{number}/urges", None),
        ("POST", f"/v1/tickets/{number}/rating", {"satisfaction": "satisfied"}),
    ):
        problem(await intake.request(method, path, json=body, headers=resident), 503, "database_unavailable")
    problem(
        await intake.get("/v1/tickets", headers={"X-API-Key": f"bjk_{uuid4()}"}), 503, "database_unavailable"
    )
    assert (await intake.get("/healthz")).status_code == 200
    assert (await intake.get("/readyz")).json()["database"] is False


async def test_ready(intake):
    answer = await intake.get("/readyz")
    assert answer.status_code == 200, answer.text
