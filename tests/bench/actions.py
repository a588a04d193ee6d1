"""Moves a second by staff, through the one door: one routing process, whole path, as a ratio to the bare JSON POST.

Each request is a move over HTTP as people make it: authenticated, in sight, locked, judged, written with its history and
its event, on disk before the answer. The bare POST answers the same fields from the same process layout with no database.
"""

import asyncio
import contextlib
import json
import os
import signal
import sys
import uuid

from tests.bench.client import closed_loop, post
from tests.flow.instance import STREET, STREET_ID, free_ports, until

CONNECTIONS, ROUNDS, TICKETS = 32, 3, 1000
WORKERS = ("intake-worker", "routing-worker", "metrics-worker")
UNIT = "物业办"
# What a unit does with each ticket, in order; the last one can be said as often as one likes.
MOVES = (
    ("sign", {}),
    ("contact", {"reason": "已电话联系,约定上午到场"}),
    ("comment", {"reason": "已安排人员,下午三点前处理完毕"}),
)
TICKET = {"content": "3号楼前垃圾没人清运,垃圾桶满了好几天", "category": "0101", "street": STREET}


def bodies(token, numbers, action, body):
    """Return the requests of one move on each ticket, each under a key of its own."""
    told = json.dumps(body, ensure_ascii=False).encode()
    headers = {"Authorization": f"Bearer {token}"}
    return [
        post(f"/v1/tickets/{number}/actions/{action}", told, {**headers, "Idempotency-Key": uuid.uuid4().hex})
        for number in numbers
    ]


async def dispatched(house, resident, count):
    """File tickets for the unit; return their numbers once the workers have dispatched them."""
    port = int(house.url["intake"].rsplit(":", 1)[1])
    told = json.dumps(TICKET, ensure_ascii=False).encode()
    sent = [
        post(
            "/v1/tickets", told, {"Authorization": f"Bearer {resident}", "Idempotency-Key": uuid.uuid4().hex}
        )
        for _ in range(count)
    ]
    filed = await closed_loop(port, sent, CONNECTIONS, keep=True)
    assert set(filed.statuses) == {201}, filed.statuses
    numbers = [json.loads(body)["number"] for body in filed.bodies]

    async def there():
        async with house.database() as connection:
            waiting = await connection.fetchval("SELECT count(*) FROM deliveries")
            placed = await connection.fetchval(
                "SELECT count(*) FROM ticket_states WHERE street_id = $1 AND state = 'dispatched' "
                "AND number = ANY($2::text[])", STREET_ID, numbers,
            )  # fmt: skip
        return True if placed == count and waiting == 0 else (placed, waiting)

    await until(there, 180, every=0.3)
    return numbers


async def actions_against_bare(house, resident):
    """Return the rates of the bare POST and of staff's moves, in turn, and each round's latencies (p50, p99)."""
    unit = house.token("unit", "--unit", UNIT)
    port, routing = free_ports(1)[0], int(house.url["routing"].rsplit(":", 1)[1])
    bare = await asyncio.create_subprocess_exec(sys.executable, "-m", "tests.bench.bare", str(port))
    try:
        await until(lambda: _listens(port), 20)
        rates, latencies = {"bare": [], "moves": []}, []
        for _ in range(ROUNDS):
            numbers = await dispatched(house, resident, TICKETS)
            told = json.dumps(TICKET, ensure_ascii=False).encode()
            plain = await closed_loop(port, [post("/v1/tickets", told, {})] * 4000, CONNECTIONS)
            rates["bare"].append(plain.per_second)
            with held(house):
                seconds = answered = 0
                for action, body in MOVES:
                    made = await closed_loop(routing, bodies(unit, numbers, action, body), CONNECTIONS)
                    assert set(made.statuses) == {200}, made.statuses
                    seconds, answered = seconds + made.seconds, answered + len(made.latencies)
                    latencies.append((made.percentile(0.5), made.percentile(0.99)))
            rates["moves"].append(answered / seconds)
        return rates, latencies
    finally:
        bare.terminate()
        await bare.wait()


@contextlib.contextmanager
def held(house):
    """Let the workers stand still meanwhile: what they do afterwards is not the door's cost."""
    pids = [house.pid(worker) for worker in WORKERS]
    for pid in pids:
        os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        for pid in pids:
            os.kill(pid, signal.SIGCONT)


async def _listens(port):
    try:
        _, writer = await asyncio.open_connection("127.0.0.1", port)
    except OSError as error:
        return repr(error)
    writer.close()
    return True
