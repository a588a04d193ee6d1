"""A rate over a year, on ten thousand tickets and on a million: it must cost the same.

Histories are made in Python by the same spans and cells that the worker books with, then copied in; the
million is fifty thousand of them, twenty times over. The question goes over HTTP.
"""

import random
import statistics
import time
from datetime import UTC, datetime, timedelta
from uuid import UUID

import asyncpg

from services.metrics import cells as grid
from services.metrics.spans import spans
from shared import clock
from shared.tables import DIMENSIONS, MEASURES
from tests.bench.client import closed_loop, get
from tests.flow.instance import STREET_ID

# name → street, tickets made, copies of each
SIZES = {"10,000": (STREET_ID + 1, 10_000, 1), "1,000,000": (STREET_ID + 2, 50_000, 20)}
QUESTIONS = 400
_FACT_COLUMNS = (
    "street_id", "ticket_id", "span", "valid_from", "valid_to", "received_day", "state", "due_at", "closed_at",
    *DIMENSIONS, *MEASURES,
)  # fmt: skip


def history(chance, year):
    """Return one ticket received at some instant of `year`, and its moves."""
    at = datetime(year, 1, 1, tzinfo=UTC) + timedelta(seconds=chance.randrange(365 * 86400))
    due = at + timedelta(days=chance.choice((3, 5, 10)))
    common = {
        "due_at": due, "lead_unit": f"u{chance.randrange(16)}", "category_code": f"{chance.randrange(57):04}",
        "community_code": f"c{chance.randrange(34)}", "grid_code": f"g{chance.randrange(358)}", "kind": "help",
    }  # fmt: skip
    done = at + timedelta(hours=chance.uniform(1, 200))
    moves = [("register", "submitted", at), ("accept", "accepted", at), ("dispatch", "dispatched", at)]
    if chance.random() < 0.97:
        moves += [("close", "closed", done)]
    ticket = {
        "occurred_at": at, "channel": "mini_program", "kind": "help", "category_code": None,
        "community_code": None, "grid_code": None,
    }  # fmt: skip
    return ticket, [{"action": a, "to_state": s, "occurred_at": t, **common} for a, s, t in moves]


async def fill(connection, street_id, count):
    """Write the facts and totals of `count` tickets of last year."""
    chance = random.Random(street_id)
    year = clock.now().year - 1
    totals, facts = grid.empty(), []
    for number in range(count):
        ticket, moves = history(chance, year)
        day, ticket_id = clock.local_day(ticket["occurred_at"]), UUID(int=number + 1)
        life = spans(ticket, moves)
        grid.add(totals, life, +1)
        facts += [
            (
                street_id,
                ticket_id,
                n,
                s.valid_from,
                s.valid_to,
                day,
                s.state,
                s.due_at,
                s.closed_at,
                *s.dimensions,
                *s.measures,
            )
            for n, s in enumerate(life)
        ]
        if len(facts) >= 50_000 or number == count - 1:
            await connection.copy_records_to_table("ticket_facts", records=facts, columns=_FACT_COLUMNS)
            facts = []
    await connection.copy_records_to_table(
        "totals",
        records=[(street_id, *cell, *amounts) for cell, amounts in totals.items()],
        columns=("street_id", "dimension", "tier", "cohort", "step", "key", *MEASURES),
    )


async def multiply(connection, street_id, copies):
    """Write the same tickets again under other ids, and count them so in the totals."""
    columns = ", ".join(name for name in _FACT_COLUMNS if name not in {"street_id", "ticket_id"})
    for copy in range(1, copies):
        await connection.execute(
            f"INSERT INTO ticket_facts (street_id, ticket_id, {columns}) "
            f"SELECT street_id, overlay(ticket_id::text placing lpad(to_hex($2::int), 8, '0') from 1 for 8)::uuid, {columns} "
            "FROM ticket_facts WHERE street_id = $1 AND ticket_id < '00000001-0000-0000-0000-000000000000'",
            street_id, copy,
        )  # fmt: skip
    sums = ", ".join(f"{name} = {name} * {int(copies)}" for name in MEASURES)
    await connection.execute(f"UPDATE totals SET {sums} WHERE street_id = $1", street_id)


async def prepare(house):
    """Make both streets and fill their books."""
    # COPY goes past row security only for a superuser: this is a bench, not a service.
    password = (house.data / "postgres.password").read_text().strip()
    address = house.owner_url().rpartition("@")[2]
    connection = await asyncpg.connect(f"postgresql://postgres:{password}@{address}")
    try:
        for name, (street_id, count, copies) in SIZES.items():
            await connection.execute(
                "INSERT INTO streets (id, code, name, district, prefix, created_at) VALUES ($1, $2, $3, '', $4, now())",
                street_id, str(street_id), name, f"BN{'AB'[street_id % 2]}",
            )  # fmt: skip
            await fill(connection, street_id, count)
            await multiply(connection, street_id, copies)
        await connection.execute("VACUUM ANALYZE ticket_facts, totals")
    finally:
        await connection.close()


async def rates_at_scale(house):
    """Print p50 and p99 of one rate over one year, for both sizes in turn."""
    started = time.perf_counter()
    await prepare(house)
    print(f"(books of 1,010,000 tickets made in {time.perf_counter() - started:.0f} s)", flush=True)
    year = clock.now().year - 1
    port = int(house.url["metrics"].rsplit(":", 1)[1])
    latencies = {name: [] for name in SIZES}
    keys = {
        name: house.run("key", f"bench{street}", "--scope", "metrics:read", "--street", str(street)).strip()
        for name, (street, *_) in SIZES.items()
    }
    for _ in range(5):
        for name, (street, *_) in SIZES.items():
            path = f"/v1/rates/closure_rate?street={street}&from={year}-01-01&to={year}-12-31"
            asked = [get(path, {"X-API-Key": keys[name]})] * (QUESTIONS // 5)
            measured = await closed_loop(port, asked, 1)
            assert set(measured.statuses) == {200}, measured.statuses
            latencies[name] += measured.latencies
    for name, taken in latencies.items():
        ordered = sorted(taken)
        print(
            f"a year's rate, {name:>9} tickets  p50 {statistics.median(ordered) * 1000:.1f} ms, "
            f"p99 {ordered[int(len(ordered) * 0.99)] * 1000:.1f} ms   (≤ 30)",
            flush=True,
        )
    small, large = (statistics.median(latencies[name]) for name in SIZES)
    print(f"1,000,000 against 10,000     {large / small:.2f}   (0.70–1.30)")
