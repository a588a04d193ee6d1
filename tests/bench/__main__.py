"""`make bench`: the speeds that are promised, as ratios against the limits of the same run.

Machines are noisy and the client shares the cores: read the ratios and the medians, not the rates.
"""

import asyncio
import json
import os
import signal
import statistics
import sys
import time
import uuid

from tests.bench.actions import actions_against_bare
from tests.bench.books import rates_at_scale
from tests.bench.client import closed_loop, open_loop, post
from tests.bench.lookup import microseconds_a_point
from tests.bench.memory import resident
from tests.flow.instance import STREET, STREET_ID, Instance, free_ports, until

BODY = {
    "content": "3号楼前下水道堵了,污水往外冒,味道很大,已经好几天了,请尽快派人来看看",
    "kind": "help",
    "category": "0301",
    "location": {"longitude": 117.654321, "latitude": 39.032100, "crs": "gcj02"},
    "address": "新新家园小区3号楼前",
    "contact": {"name": "王小明", "phone": "13800005678"},
    "street": STREET,
}
CONNECTIONS = 32
WORKERS = ("intake-worker", "routing-worker", "metrics-worker")
ROUNDS = 3
REQUESTS = 4000
RATE, SECONDS = 200, 15


def requests_of(count, token):
    """Return `count` POSTs of the same request, each under a key of its own."""
    body = json.dumps(BODY, ensure_ascii=False).encode()
    headers = {"Authorization": f"Bearer {token}"}
    return [post("/v1/tickets", body, {**headers, "Idempotency-Key": uuid.uuid4().hex}) for _ in range(count)]


async def accepted_against_bare(house, token, *, workers):
    """Bare POST and the whole path, in turn: A B A B; `workers` says whether they run meanwhile.

    What is promised is the path of taking in. The workers' part costs as much again, and on a machine of two
    cores takes it from the same purse: both are shown.
    """
    port = free_ports(1)[0]
    bare = await asyncio.create_subprocess_exec(sys.executable, "-m", "tests.bench.bare", str(port))
    try:
        await until(lambda: _listens(port), 20)
        rates = {"bare": [], "intake": []}
        shown = []
        for _ in range(ROUNDS):
            for name, where in (("bare", port), ("intake", int(house.url["intake"].rsplit(":", 1)[1]))):
                for worker in () if workers or name == "bare" else WORKERS:
                    os.kill(house.pid(worker), signal.SIGSTOP)
                measured = await closed_loop(where, requests_of(REQUESTS, token), CONNECTIONS)
                for worker in WORKERS:
                    os.kill(house.pid(worker), signal.SIGCONT)
                assert set(measured.statuses) == {201}, measured.statuses
                rates[name].append(measured.per_second)
                if name == "intake":
                    shown.append((measured.percentile(0.5), measured.percentile(0.99)))
                    await _settled(house)
        return rates, shown
    finally:
        bare.terminate()
        await bare.wait()


async def _listens(port):
    try:
        _, writer = await asyncio.open_connection("127.0.0.1", port)
    except OSError as error:
        return repr(error)
    writer.close()
    return True


async def _settled(house):
    """Wait until the workers have caught up, so that one round does not pay for the last."""

    async def quiet():
        async with house.database() as connection:
            waiting = await connection.fetchval("SELECT count(*) FROM deliveries")
        return True if waiting == 0 else waiting

    await until(quiet, 180, every=0.3)


async def dispatch_delay(house, token):
    """Milliseconds from the answer of POST to the moment the ticket is seen dispatched, at a fixed rate."""
    answered, seen = {}, {}
    done = asyncio.Event()

    def note(body, at):
        answered[uuid.UUID(json.loads(body)["id"])] = at

    async def watch():
        async with house.database() as connection:
            while not (done.is_set() and len(seen) == len(answered)):
                pending = [ticket for ticket in answered if ticket not in seen]
                rows = await connection.fetch(
                    "SELECT ticket_id FROM ticket_states WHERE street_id = $1 AND ticket_id = ANY($2::uuid[]) "
                    "AND state = 'dispatched'", STREET_ID, pending,
                ) if pending else ()  # fmt: skip
                now = time.perf_counter()
                seen.update((row["ticket_id"], now) for row in rows)
                await asyncio.sleep(0.004)

    async def load():
        port = int(house.url["intake"].rsplit(":", 1)[1])
        measured = await open_loop(port, requests_of(RATE * SECONDS, token), RATE, 64, note)
        done.set()
        return measured

    measured, _ = await asyncio.gather(load(), asyncio.wait_for(watch(), SECONDS + 60))
    delays = sorted(max(seen[t] - at, 0) * 1000 for t, at in answered.items())
    return measured, delays


def spread(values, digits=0):
    return f"{statistics.median(values):.{digits}f} ({min(values):.{digits}f}–{max(values):.{digits}f})"


async def main():
    print(f"grid of a point among 10,000 {microseconds_a_point():.1f} µs   (≤ 50)", flush=True)
    with Instance(BANJIE_RATE_LIMITS="off") as house:
        print(f"from nothing to healthy      {house.seconds_to_healthy:.1f} s   (≤ 10)", flush=True)
        token = house.token("resident", "--openid", "bench")
        for workers in (False, True):
            rates, latencies = await accepted_against_bare(house, token, workers=workers)
            pairs = [b / a for a, b in zip(rates["bare"], rates["intake"], strict=True)]
            print(f"bare FastAPI POST            {spread(rates['bare'])} /s")
            print(
                f"accepted, workers {'running' if workers else 'held   '}    {spread(rates['intake'])} /s, "
                f"p50 {latencies[-1][0]:.0f} ms, p99 {latencies[-1][1]:.0f} ms"
            )
            print(
                f"ratio                        {spread(pairs, 2)}   {'' if workers else '(≥ 0.25)'}",
                flush=True,
            )
        await _settled(house)
        rates, latencies = await actions_against_bare(house, token)
        pairs = [b / a for a, b in zip(rates["bare"], rates["moves"], strict=True)]
        print(
            f"moves by staff, workers held {spread(rates['moves'])} /s, p50 {latencies[-1][0]:.0f} ms, "
            f"p99 {latencies[-1][1]:.0f} ms; bare {spread(rates['bare'])} /s"
        )
        print(f"ratio                        {spread(pairs, 2)}   (≥ 0.15)", flush=True)
        await _settled(house)
        measured, delays = await dispatch_delay(house, token)
        print(
            f"POST → dispatched at {RATE}/s    p50 {delays[len(delays) // 2]:.0f} ms, "
            f"p99 {delays[int(len(delays) * 0.99)]:.0f} ms   (≤ 300); POST itself p99 {measured.percentile(0.99):.0f} ms",
            flush=True,
        )
        await _settled(house)
        rss, pss = resident(house.process_id)
        print(
            f"memory of all processes      {rss:.0f} MB resident, {pss:.0f} MB counting shared pages once   (≤ 700)"
        )
        await rates_at_scale(house)


if __name__ == "__main__":
    asyncio.run(main())
