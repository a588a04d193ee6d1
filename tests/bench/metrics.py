"""`make bench-metrics`: what figures cost when there are many tickets, as ratios against grouping them.

Tickets of a year over twenty streets are made by the database itself (`TICKETS=10000000` is the size promised;
the default is a tenth, which a shared machine makes in minutes). Their facts are those of `spans.py`: the flags of
every stage come from the measures' own rules. One street is made, the others are copies of it; two of them have
their whole history as well, and are audited.
"""

import asyncio
import os
import statistics
import sys
import time

import asyncpg
from sqlalchemy.dialects import postgresql
from sqlalchemy.schema import CreateIndex

from services.console import books
from services.metrics.book import book
from services.metrics.cells import TIERS
from services.metrics.measures import CATALOGUE, Stand, flags
from shared.db import Database
from shared.keyring import load
from shared.tables import DIMENSIONS, FLAG_BITS, MEASURES, ticket_facts, tickets, totals, transitions
from tests.bench.client import closed_loop, get
from tests.flow.instance import Instance

TICKETS = int(os.environ.get("TICKETS", "1000000"))
STREETS = 20
FIRST = 880_000_000  # their ids; the small one and the audited one follow
SMALL, BOOKED = FIRST + STREETS, FIRST + STREETS + 1
AUDITED = (FIRST, FIRST + 1)
QUESTIONS = 300
YEAR = 2025
UNITS = {"d": "day", "m": "month", "y": "year"}
MASK = (1 << FLAG_BITS) - 1
STATES = ("dispatched", "signed", "handling", "callback", "closed")
KEYS = {
    "category": 57,
    "community": 34,
    "grid": 358,
    "unit": 30,
    "channel": 12,
    "kind": 6,
    "level": 4,
    "mode": 4,
}


def lookup():
    """Return (stage, past due, on time, handled on time, in the last hour) → flags, by the measures' own rules."""
    for stage in range(5):
        for bits in range(16):
            past, on_time, handled, last = (bool(bits >> n & 1) for n in range(4))
            closed = stage == 4
            stand = Stand(
                state=STATES[stage], past_due=past, on_time=closed and on_time,
                by_first_deadline=closed and on_time, result=stage >= 3, handled_on_time=stage >= 3 and handled,
                last_hour=closed and last, accepted=True, dispatched=True, ever_handled=stage >= 3,
                ever_closed=closed, signed=stage >= 1, signed_on_time=stage >= 1, contacted=stage >= 2,
                contacted_on_time=stage >= 2, one_lead=True, level="street", outcome="resolved" if closed else "",
            )  # fmt: skip
            yield stage, past, on_time, handled, last, flags(stand) & MASK, flags(stand) >> FLAG_BITS


MADE = """
CREATE TEMP TABLE made ON COMMIT DROP AS
SELECT overlay(gen_random_uuid()::text placing lpad(to_hex($1::int % 65536), 4, '0') from 1 for 4)::uuid AS id, t0, t0 + b AS t1,
  t0 + b + c AS t2, t0 + b + c + d AS t3, CASE WHEN random() < 0.95 THEN t0 + b + c + d + e END AS t4, t0 + due AS due,
  {keys}
FROM (SELECT timestamptz '{year}-01-01 00:00+08' + random() * interval '365 days' AS t0, random() * interval '5 hours' AS b,
  random() * interval '10 hours' AS c, random() * interval '100 hours' AS d, random() * interval '20 hours' AS e,
  (ARRAY['3 days', '5 days', '10 days'])[1 + floor(random() * 3)]::interval AS due FROM generate_series(1, $2)) AS drawn"""
FACTS = """
INSERT INTO ticket_facts (street_id, ticket_id, span, valid_from, valid_to, received_at, received_day, due_at,
  dispatched_at, signed_at, contacted_at, handled_at, closed_at, flags0, flags1, state, {dims}, list_level, outcome,
  excluded, units)
SELECT $1, id, row_number() OVER life - 1, at, lead(at) OVER life, t0, (t0 AT TIME ZONE 'Asia/Shanghai')::date, due, t0,
  CASE WHEN s.stage >= 1 THEN t1 END, CASE WHEN s.stage >= 2 THEN t2 END, CASE WHEN s.stage >= 3 THEN t3 END,
  CASE WHEN s.stage = 4 THEN t4 END, f.flags0, f.flags1,
  (ARRAY['dispatched', 'signed', 'handling', 'callback', 'closed'])[s.stage + 1],
  {columns}, '', CASE WHEN s.stage = 4 THEN 'resolved' ELSE '' END, '', ARRAY[unit]
FROM (
  SELECT *, CASE WHEN t4 <= at THEN 4 WHEN t3 <= at THEN 3 WHEN t2 <= at THEN 2 WHEN t1 <= at THEN 1 ELSE 0 END AS stage
  FROM made CROSS JOIN LATERAL unnest(ARRAY[t0, t1, t2, t3, t4, due]) AS at WHERE at IS NOT NULL) AS s
JOIN known f ON f.stage = s.stage AND f.past = (due <= at) AND f.on_time = coalesce(t4 <= due, false)
  AND f.handled = (t3 <= due) AND f.last = coalesce(t4 <= due AND due - t4 < interval '1 hour', false)
WINDOW life AS (PARTITION BY id ORDER BY at)"""
HISTORY = """
INSERT INTO tickets (street_id, id, number, channel, kind, category_code, content, community_code, grid_code, anonymous,
  confidential, entered_by, entered_role, occurred_at, recorded_at, late)
SELECT $1, id, 'BM' || row_number() OVER (), channel, kind, category, repeat('三号楼前下水道堵了污水往外冒', 4), community,
  grid, false, false, id, 'clerk', t0, t0, false FROM made"""
MOVES = """
INSERT INTO transitions (street_id, ticket_id, seq, action, from_state, to_state, actor_id, actor_role, data, due_at,
  sign_due_at, contact_due_at, lead_unit, category_code, community_code, grid_code, kind, mode, level, outcome,
  occurred_at, recorded_at, late)
SELECT $1, id, m.seq, m.action, 'x', m.state, id, 'unit', '{{}}', due, t0 + interval '90 days', t0 + interval '90 days', unit,
  category, community, grid, kind, mode, level, CASE WHEN m.seq = 8 THEN 'resolved' END, m.at, m.at, false
FROM made CROSS JOIN LATERAL (VALUES (1, 'register', 'submitted', t0), (2, 'accept', 'accepted', t0),
  (3, 'dispatch', 'dispatched', t0), (4, 'sign', 'signed', t1), (5, 'contact', 'handling', t2),
  (6, 'handle', 'handled', t3), (7, 'review_pass', 'callback', t3), (8, 'close', 'closed', t4)) AS m (seq, action, state, at)
WHERE m.at IS NOT NULL"""


def names(of):
    return ", ".join(of)


def key_columns():
    drawn = [
        f"'{name[0]}' || floor(random() * {count})::int AS {name}"
        for name, count in KEYS.items()
        if name != "level"
    ]
    return ", ".join([*drawn, "'street' AS level", "'' AS list"])


async def fill(connection, street, count, *, history=False):
    """Make a street's tickets: their facts and totals, and where asked all that the facts come from."""
    async with connection.transaction():
        await connection.execute(MADE.format(keys=key_columns(), year=YEAR), street, count)
        await connection.execute(FACTS.format(dims=names(DIMENSIONS), columns=names(DIMENSIONS)), street)
        for dimension in TIERS:
            await connection.execute(totals_sql(dimension), street)
        if history:
            await connection.execute(HISTORY, street)
            await connection.execute(MOVES.format(), street)


def totals_sql(dimension):
    """Return the INSERT of a dimension's cells, worked out from the facts (as the audit does, measure by measure)."""
    used = [m.id for m in CATALOGUE if any(f0 >> n & 1 for n, f0 in [(place(m.id), every_flag())])]
    key = "''::text" if dimension == "" else f"f.{dimension}"
    sums = names(f"nullif(sum(({bit('now', m)}) - ({bit('was', m)})), 0) AS {m}" for m in used)
    tiers = " UNION ALL ".join(
        f"SELECT '{tier}' AS tier, {'received_day' if tier[0] == 'd' else cohort_of(tier[0])}, {bucket(tier[1])}, key, "
        f"{names(f'nullif(sum({m}), 0)' for m in used)} FROM hours GROUP BY 2, 3, 4"
        for tier in TIERS[dimension]
    )
    return f"""
WITH hours AS (
  SELECT received_day, date_trunc('hour', valid_from) AS hour, key, {sums} FROM (
    SELECT f.received_day, f.valid_from, {key} AS key, f.flags0 AS now0, f.flags1 AS now1,
      lag(f.flags0, 1, 0::bigint) OVER life AS was0, lag(f.flags1, 1, 0::bigint) OVER life AS was1
    FROM ticket_facts f WHERE f.street_id = $1 WINDOW life AS (PARTITION BY f.ticket_id ORDER BY f.span)) AS steps
  GROUP BY 1, 2, 3)
INSERT INTO totals (street_id, dimension, tier, cohort, step, key, {names(used)})
SELECT $1, '{dimension}', * FROM ({tiers}) AS cells"""


def place(measure):
    return MEASURES.index(measure)


def every_flag():
    found = 0
    for *_, low, high in lookup():
        found |= low | high << FLAG_BITS
    return found


def bit(which, measure):
    column, shift = divmod(place(measure), FLAG_BITS)
    return f"{which}{column} >> {shift} & 1"


def cohort_of(unit):
    return f"date_trunc('{UNITS[unit]}', received_day)::date"


def bucket(unit):
    return "hour" if unit == "h" else f"date_trunc('{UNITS[unit]}', hour, 'Asia/Shanghai')"


async def connect(house):
    # Making so much goes past row security: this is a bench, not a service.
    password = (house.data / "postgres.password").read_text().strip()
    return await asyncpg.connect(f"postgresql://postgres:{password}@{house.owner_url().rpartition('@')[2]}")


async def prepare(house):
    connection = await connect(house)
    await connection.execute(
        "SET synchronous_commit = off; SET work_mem = '512MB'; SET maintenance_work_mem = '512MB'"
    )
    await connection.execute(
        "CREATE TEMP TABLE known (stage int, past bool, on_time bool, handled bool, last bool, flags0 bigint, flags1 bigint)"
    )
    await connection.executemany("INSERT INTO known VALUES ($1, $2, $3, $4, $5, $6, $7)", list(lookup()))
    each = TICKETS // STREETS
    for street in range(FIRST, BOOKED + 1):
        await connection.execute(
            "INSERT INTO streets (id, code, name, district, prefix, created_at) VALUES ($1, $1::bigint::text, $1::bigint::text, '', $2, now())",
            street, "".join(chr(65 + int(d)) for d in str(street - FIRST + 100)),
        )  # fmt: skip
        await connection.execute("INSERT INTO books VALUES ($1, now())", street)
    await fill(connection, SMALL, max(each // 100, 100))
    await fill(connection, FIRST, each, history=True)
    for index in ticket_facts.indexes:
        await connection.execute(f"DROP INDEX {index.name}")
    for street in range(FIRST + 1, FIRST + STREETS):
        for table in (ticket_facts, totals, *((tickets, transitions) if street in AUDITED else ())):
            await copied(connection, table, street)
        print(f"  {street - FIRST + 1}/{STREETS} streets of {each:,} tickets made", end="\r", flush=True)
    print()
    for index in ticket_facts.indexes:
        await connection.execute(str(CreateIndex(index).compile(dialect=postgresql.dialect())))
    await connection.execute("VACUUM ANALYZE ticket_facts, totals, tickets, transitions")
    await connection.close()


async def copied(connection, table, street):
    """Give a street the first one's rows of a table."""
    columns = names(c.name for c in table.columns if c.name != "street_id")
    await connection.execute(
        f"INSERT INTO {table.name} (street_id, {columns}) SELECT $1, {columns} FROM {table.name} WHERE street_id = $2",
        street, FIRST,
    )  # fmt: skip


async def storage(house):
    connection = await connect(house)
    rows = await connection.fetch(
        "SELECT relname, pg_total_relation_size(oid) AS bytes FROM pg_class WHERE relname = ANY($1)",
        ["totals", "ticket_facts", "tickets", "transitions"],
    )
    cells = await connection.fetchval("SELECT count(*) FROM totals")
    await connection.close()
    size = {r["relname"]: r["bytes"] for r in rows}
    everything = TICKETS
    ticket = (size["tickets"] + size["transitions"]) / (TICKETS // STREETS * len(AUDITED))
    print(
        f"storage a ticket: {ticket:,.0f} B with its history, facts {size['ticket_facts'] / everything:,.0f} B, totals "
        f"{size['totals'] / everything:,.0f} B ({cells / everything:.2f} cells) → totals/tickets "
        f"{size['totals'] / everything / ticket:.0%}   (≤ 25%)"
    )


async def ask(house, streets, by, count=QUESTIONS, as_of=""):
    """Return the latencies of one question, asked again and again over HTTP, in milliseconds."""
    codes = ",".join(str(s) for s in streets)
    key = house.run(
        "key", "bench", "--scope", "metrics:read", *[a for s in streets for a in ("--street", str(s))]
    ).strip()
    path = f"/v1/rates/closure_rate?street={codes}&from={YEAR}-01-01&to={YEAR}-12-31" + (
        f"&by={by}" if by else ""
    )
    path += f"&as_of={as_of}T12:34:56%2B08:00" if as_of else ""
    measured = await closed_loop(
        int(house.url["metrics"].rsplit(":", 1)[1]), [get(path, {"X-API-Key": key})] * count, 1
    )
    assert set(measured.statuses) == {200}, measured.statuses
    return sorted(latency * 1000 for latency in measured.latencies)


def p(latencies, share):
    return latencies[min(int(len(latencies) * share), len(latencies) - 1)]


async def answers(house):
    every = list(range(FIRST, FIRST + STREETS))
    for by in ("", "category", "community", "unit", "channel", "grid", "month"):
        big, small = await ask(house, every[:1], by), await ask(house, [SMALL], by)
        print(
            f"one street, a year, by {by or 'nothing':9}  p50 {p(big, 0.5):6.1f}  p99 {p(big, 0.99):6.1f} ms (≤ 20)   "
            f"against a hundredth of the tickets {p(big, 0.5) / p(small, 0.5):.2f} (0.7–1.3)"
        )
    for by in ("category", "grid"):
        found = await ask(house, every[:1], by, as_of=f"{YEAR}-06-20")
        print(f"the same as of 20 June, by {by:9}     p50 {p(found, 0.5):6.1f}  p99 {p(found, 0.99):6.1f} ms")
    for by in ("", "street", "category"):
        found = await ask(house, every, by, QUESTIONS // 3)
        print(
            f"all {STREETS} streets, by {by or 'nothing':9}      p50 {p(found, 0.5):6.1f}  p99 {p(found, 0.99):6.1f} ms (≤ 50)"
        )


async def against_grouping(house):
    """The same answer by grouping the tickets themselves."""
    connection = await connect(house)
    end = f"{YEAR + 1}-06-01"
    grouped, summed, found = [], [], set()
    for _ in range(5):
        for sql, into in (
            (
                (
                    "SELECT category, count(*) FILTER (WHERE flags0 & 8 <> 0), count(*) FILTER (WHERE flags0 & 256 <> 0) FROM "
                    f"ticket_facts WHERE street_id = ANY($1) AND valid_from <= '{end}' AND (valid_to IS NULL OR valid_to > '{end}') GROUP BY 1"
                ),
                grouped,
            ),
            (
                (
                    "SELECT key, sum(closed), sum(due) FROM totals WHERE street_id = ANY($1) AND dimension = 'category' AND tier = 'yy' "
                    f"AND cohort = '{YEAR}-01-01' AND step < '{end}' GROUP BY 1"
                ),
                summed,
            ),
        ):
            started = time.perf_counter()
            rows = await connection.fetch(sql, list(range(FIRST, FIRST + STREETS)))
            into.append(time.perf_counter() - started)
            found.add(frozenset(map(tuple, rows)))
    assert len(found) == 1, "the same answer, both ways"
    await connection.close()
    a, b = statistics.median(grouped), statistics.median(summed)
    print(
        f"all streets by category in SQL: grouping the tickets {a * 1000:,.0f} ms, the totals {b * 1000:.1f} ms → {a / b:,.0f} × (≥ 100)"
    )


def database_of(house):
    secrets = load(house.data / "secrets.json") if (house.data / "secrets.json").exists() else None
    assert secrets is not None
    url = house.owner_url().rpartition("@")[2]
    return Database(
        f"postgresql://banjie_metrics:{secrets.database_password('banjie_metrics')}@{url}",
        statement_timeout=3600,
    )


async def audited(house):
    """`banjie audit` of two streets, each in a process of its own."""
    os.environ["BANJIE_DATA_DIR"] = str(house.data)
    started = time.perf_counter()
    assert await asyncio.to_thread(books.audit, [str(street) for street in AUDITED])
    took = time.perf_counter() - started
    counted = TICKETS // STREETS * len(AUDITED)
    print(
        f"audit: {counted:,} tickets in {took:.1f} s, {counted / took:,.0f} tickets/s → 10 million in "
        f"{10_000_000 / counted * took / 60:.1f} min on {min(os.cpu_count(), len(AUDITED))} cores   (≤ 10)"
    )


async def booked(house):
    """Events a second through the worker's booking: each event is a move, gathered as under load."""
    connection = await connect(house)
    count = 20_000
    await connection.execute(
        "CREATE TEMP TABLE known (stage int, past bool, on_time bool, handled bool, last bool, flags0 bigint, flags1 bigint)"
    )
    async with connection.transaction():
        await connection.execute(MADE.format(keys=key_columns(), year=YEAR), BOOKED, count)
        await connection.execute("UPDATE made SET t0 = t0, due = due")
        await connection.execute(HISTORY, BOOKED)
        await connection.execute(MOVES.format(), BOOKED)
    ids = [
        r["id"]
        for r in await connection.fetch(
            "SELECT id FROM tickets WHERE street_id = $1 ORDER BY occurred_at", BOOKED
        )
    ]
    await connection.close()
    database = database_of(house)
    started = time.perf_counter()
    for start in range(0, count, 2000):
        async with database.transaction([BOOKED]) as tx:
            await book(tx, BOOKED, ids[start : start + 2000])
    took = time.perf_counter() - started
    await database.close()
    print(f"booking: {count / took:,.0f} whole tickets/s, in the order of their receipt, 2,000 at a time")


async def main():
    with Instance() as house:
        started = time.perf_counter()
        await prepare(house)
        print(
            f"({TICKETS:,} tickets over {STREETS} streets made in {time.perf_counter() - started:.0f} s)",
            flush=True,
        )
        for part in (storage, audited, answers, against_grouping, booked):
            await part(house)
            sys.stdout.flush()


if __name__ == "__main__":
    asyncio.run(main())
