"""Nothing accepted is lost, nothing is done twice, whatever is killed while it happens (promises 1, 2, 3, 6).

Real processes under load; each of intake, the workers, Redis (then emptied) and PostgreSQL is killed −9
several times at random moments. The short form runs with the tests, the long one by `make chaos`.
"""

import asyncio
import contextlib
import json
import os
import random
import time
from collections import Counter

import asyncpg
import pytest
import redis.asyncio
from redis.exceptions import RedisError

from services.console.replay.wire import Wire
from tests.flow.instance import STREET_ID, Instance, until

VICTIMS = ("intake-app", "routing-worker", "metrics-worker", "valkey", "postgres")
TEXTS = (
    "3号楼前下水道堵了,污水往外冒,味道很大",
    "楼道里堆满了杂物,电动车都推不进去",
    "小区门口路灯坏了好几天,晚上黑漆漆的",
    "有人私拉电线给电动车充电,太危险了",
    "咨询一下老年餐厅怎么办理",
    "随便说点什么,看不出是什么事情",
)
CLIENTS = 24


class Load:
    """Files tickets as a mini-program on a bad network would: every request is repeated until it is answered."""

    def __init__(self, house, token, wanted):
        self._base = house.url["intake"]
        self._headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
        self._left = iter(range(wanted))
        self._wire = Wire()
        self.receipts = {}
        self.refusals = Counter()

    async def run(self):
        await asyncio.gather(*(self._client() for _ in range(CLIENTS)))
        self._wire.close()

    async def _client(self):
        for serial in self._left:
            text = f"{TEXTS[serial % len(TEXTS)]}(第{serial}件)"
            body = {"content": text, "category": "0301" if serial % 6 == 5 else None}
            self.receipts[serial] = await self._until_answered(serial, json.dumps(body).encode())

    async def _until_answered(self, serial, body):
        headers = {**self._headers, "Idempotency-Key": f"chaos-{serial}"}
        while True:
            try:
                reply = await self._wire.call("POST", self._base, "/v1/tickets", headers, body)
            except (OSError, TimeoutError) as error:
                self.refusals[type(error).__name__] += 1
                await asyncio.sleep(0.05)
                continue
            if reply.status == 201:
                return json.loads(reply.body)
            assert reply.status == 503, reply.body
            self.refusals[503] += 1
            await asyncio.sleep(0.05)


async def havoc(house, load, chance, rounds, pause):
    """Kill every victim `rounds` times, in random order, while the load runs."""
    victims = list(VICTIMS) * rounds
    chance.shuffle(victims)
    killed = Counter()
    for victim in victims:
        await asyncio.sleep(chance.uniform(*pause))
        house.kill(victim)
        killed[victim] += 1
        if victim == "valkey":
            await _flush(house)
    return killed


async def _flush(house):
    """Empty Redis as soon as it is back: what it carried is gone."""
    for _ in range(200):
        client = redis.asyncio.from_url(house.redis_url())
        try:
            with contextlib.suppress(RedisError, OSError):
                await client.flushall()
                return
        finally:
            await client.aclose()
        await asyncio.sleep(0.02)


async def _quiet(house):
    """Return True when nothing waits any more, else what still does."""
    try:
        async with house.database() as connection:
            rows = await connection.fetch(
                "SELECT consumer, count(*) AS n, count(parked_at) AS parked FROM deliveries GROUP BY 1"
            )
    except (OSError, asyncpg.PostgresError) as error:
        return repr(error)
    return True if not rows else [dict(row) for row in rows]


async def _chaos(wanted, rounds, pause, seed):
    chance = random.Random(seed)
    with Instance() as house:
        load = Load(house, house.token("resident", "--openid", "chaos"), wanted)
        started = time.monotonic()
        _, killed = await asyncio.gather(load.run(), havoc(house, load, chance, rounds, pause))
        loaded = time.monotonic() - started
        await until(lambda: _quiet(house), 90, every=0.2)
        await _judge(house, load, wanted)
        audit = house.run("audit", check=False)
        assert audit.returncode == 0, audit.stdout + audit.stderr
    print(
        f"\nchaos: {wanted} tickets in {loaded:.1f} s, killed {dict(killed)}, refused meanwhile {dict(load.refusals)}"
    )


async def _judge(house, load, wanted):
    async with house.database() as connection:
        filed = {
            r["number"]: r["content"] for r in await connection.fetch("SELECT number, content FROM tickets")
        }
        promised = {receipt["number"] for receipt in load.receipts.values()}
        assert len(load.receipts) == wanted
        assert promised == set(filed), "every 201 is there, and nothing else"
        assert len(set(filed.values())) == wanted, "each request made one ticket"
        states = await connection.fetch("SELECT * FROM ticket_states")
        assert len(states) == wanted
        assert not [s["number"] for s in states if s["owner_unit"] is None or s["due_at"] is None], (
            "ownerless"
        )
        moves = await connection.fetch(
            "SELECT ticket_id, array_agg(action ORDER BY seq) AS actions FROM transitions GROUP BY 1"
        )
        stories = Counter(tuple(m["actions"]) for m in moves)
        assert set(stories) <= {("register", "accept", "dispatch"), ("register", "accept")}, stories
        received = await connection.fetchval(
            "SELECT sum(received) FROM totals WHERE street_id = $1 AND dimension = '' AND tier = 'mm'",
            STREET_ID,
        )
        assert received == wanted


@pytest.mark.chaos
@pytest.mark.flow
async def test_no_crash_loses_or_repeats_anything():
    await _chaos(wanted=3000, rounds=2, pause=(0.3, 1.2), seed=20261121)


@pytest.mark.chaos_long
async def test_no_crash_loses_or_repeats_anything_for_minutes():
    for seed in range(int(os.environ.get("CHAOS_ROUNDS", "3"))):
        await _chaos(wanted=20_000, rounds=8, pause=(0.5, 3.0), seed=seed)
