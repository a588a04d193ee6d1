"""The recount: every figure derived anew from history, and compared with the books, cell by cell (promise 3).

Every ticket's spans are worked out again from its history and held against the facts; and what the totals must come
to follows from those lives by another way than the booking's (`fingerprint.py`). Where the totals come to something
else, the database itself works them out again from the facts, cell by cell, and names those that are wrong.
`rebuild` writes the books anew.
"""

from collections import defaultdict
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from services.metrics.book import HOLD, add_cells, write_facts
from services.metrics.cells import BETWEEN, EXCLUDED, TIERS, TOTAL, Steps
from services.metrics.fingerprint import Fingerprint
from services.metrics.history import histories_after
from services.metrics.measures import places
from services.metrics.microseconds import MICROSECONDS, numbers
from services.metrics.registry import not_booked
from services.metrics.spans import COLUMNS, Span
from shared import clock
from shared.db import Database, Transaction
from shared.tables import FLAG_BITS, MEASURES

PAGE = 2000
_PAGE_END = """
SELECT id FROM (SELECT id FROM tickets WHERE street_id = $1 AND id > $2 ORDER BY id LIMIT $3) AS page
ORDER BY id DESC LIMIT 1"""
_BOOKED = (
    f"SELECT ticket_id, {', '.join(COLUMNS)} FROM ticket_facts "  # noqa: S608 - our own columns
    "WHERE street_id = $1 AND ticket_id > $2 AND ticket_id <= $3 ORDER BY ticket_id, span"
)
_STRAY = """
SELECT count(DISTINCT f.ticket_id) FROM ticket_facts f
LEFT JOIN tickets t ON t.street_id = f.street_id AND t.id = f.ticket_id
WHERE f.street_id = $1 AND t.id IS NULL"""
_UNKNOWN = """
SELECT dimension, count(*) FROM totals WHERE street_id = $1 AND dimension <> ALL($2::text[]) GROUP BY 1 ORDER BY 1"""
_NO_LIMIT = "SET LOCAL statement_timeout = 0; SET LOCAL work_mem = '256MB'"
FIRST = UUID(int=0)
_CELLS = 5000  # of the totals, read at a time
_ENOUGH = 20  # differences shown: enough to see the pattern


@dataclass(slots=True)
class Findings:
    """What a recount of one street found; `differences` holds the first few, for people."""

    street_id: int
    tickets: int = 0
    cells: int = 0
    waiting: int = 0
    wrong_tickets: int = 0
    wrong_cells: int = 0
    agrees: bool = True
    """Whether lives and books come to the same number (`fingerprint.py`), whatever the comparing of cells has found."""
    differences: list[str] = field(default_factory=list)

    @property
    def clean(self) -> bool:
        return self.agrees and not (self.waiting or self.wrong_tickets or self.wrong_cells)

    def note(self, text: str) -> None:
        if len(self.differences) < _ENOUGH:
            self.differences.append(text)


Progress = Callable[[int], None]


async def recount(database: Database, street_id: int) -> Findings:
    """Compare the books of a street with its history; deliveries not yet booked are reported as `waiting`."""
    found, marks = Findings(street_id), Fingerprint()
    async with database.transaction([street_id]) as tx:
        await tx.raw.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
        await tx.raw.execute(_NO_LIMIT)
        found.waiting = await not_booked(tx, [street_id])
        async with numbers(tx):
            async for after, last in _pages(tx, street_id):
                history = await histories_after(tx, street_id, after, last, MICROSECONDS)
                _compare_lives(history, await _booked(tx, street_id, after, last), found)
                for spans in history.values():
                    marks.add_life(spans)
                found.tickets += len(history)
            await _mark_books(tx, street_id, marks, found)
        found.wrong_tickets += int(await tx.raw.fetchval(_STRAY, street_id))
        found.agrees = marks.agrees
        if not marks.agrees:
            await _compare_cells(tx, street_id, marks, found)
    return found


async def _pages(tx: Transaction, street_id: int) -> AsyncIterator[tuple[UUID, UUID]]:
    """Yield the stretches of ids in which the tickets are read: after one, up to another."""
    after = FIRST
    while (last := await tx.raw.fetchval(_PAGE_END, street_id, after, PAGE)) is not None:
        yield after, last
        after = last


async def _booked(
    tx: Transaction, street_id: int, after: UUID, last: UUID
) -> dict[UUID, list[tuple[Any, ...]]]:
    found: dict[UUID, list[tuple[Any, ...]]] = defaultdict(list)
    for row in await tx.raw.fetch(_BOOKED, street_id, after, last):
        found[row[0]].append(row[1:])
    return found


def _compare_lives(
    history: Mapping[UUID, list[Span]], booked: Mapping[UUID, list[tuple[Any, ...]]], found: Findings
) -> None:
    for ticket_id, spans in history.items():
        before = booked.get(ticket_id, [])
        if before != spans:
            found.wrong_tickets += 1
            found.note(f"工单 {ticket_id}:账上 {len(before)} 段,重算 {len(spans)} 段")


async def _mark_books(tx: Transaction, street_id: int, marks: Fingerprint, found: Findings) -> None:
    weighed = _weighed(marks.weights)
    cells = f"SELECT dimension, tier, cohort, step, key, {weighed} FROM totals WHERE street_id = $1"  # noqa: S608 - our own names and numbers
    cursor = await tx.raw.cursor(cells, street_id)
    while rows := await cursor.fetch(_CELLS):
        marks.add_cells(rows)
        found.cells += len(rows)


def _weighed(weights: Sequence[int]) -> str:
    """Return the SQL of a cell's weight: its amounts, each weighed with its measure's number."""
    return " + ".join(f"coalesce({m}, 0)::bigint * {w}" for m, w in zip(MEASURES, weights, strict=True))


async def _compare_cells(tx: Transaction, street_id: int, marks: Fingerprint, found: Findings) -> None:
    """Work every cell out again from the facts, and name those that the books have otherwise."""
    kinds = await tx.raw.fetch(
        "SELECT DISTINCT flags0, flags1 FROM ticket_facts WHERE street_id = $1", street_id
    )
    flags0, flags1 = [k["flags0"] for k in kinds], [k["flags1"] for k in kinds]
    weighed = [
        sum(marks.weights[p] for p in places(a | b << FLAG_BITS)) for a, b in zip(flags0, flags1, strict=True)
    ]
    booked = _weighed(marks.weights)
    for dimension in TIERS:
        for suffix in ("", EXCLUDED):
            sql = _compared(dimension, suffix, booked)
            wrong, shown = await tx.raw.fetchrow(
                sql, street_id, dimension + suffix, flags0, flags1, weighed, _ENOUGH
            )
            found.wrong_cells += wrong
            for text in shown or ():
                found.note(f"累计 {dimension + suffix} {text}:账上与重算不符")
    known = [dimension + suffix for dimension in TIERS for suffix in ("", EXCLUDED)]
    for dimension, cells in await tx.raw.fetch(_UNKNOWN, street_id, known):
        found.wrong_cells += cells
        found.note(f"累计 {dimension}:没有这个维度,多出 {cells} 格")


_UNIT = {"h": "hour", "d": "day", "m": "month", "y": "year"}


def _compared(dimension: str, suffix: str, booked: str) -> str:
    """Return the query that works a dimension's cells out from the facts and compares them with the books."""
    key = "''::text" if dimension == TOTAL else f"f.{dimension}"
    if suffix:
        key = f"CASE WHEN f.excluded <> '' THEN f.excluded || '{BETWEEN}' || {key} END"
    tiers = " UNION ALL ".join(
        f"SELECT '{tier}' AS tier, "  # noqa: S608 - our own names and numbers
        + ("received_day" if tier[0] == "d" else f"date_trunc('{_UNIT[tier[0]]}', received_day)::date")
        + " AS cohort, "
        + ("hour" if tier[1] == "h" else f"date_trunc('{_UNIT[tier[1]]}', hour, 'Asia/Shanghai')")
        + " AS step, key, sum(weight) AS weight FROM hours GROUP BY 2, 3, 4"
        for tier in TIERS[dimension]
    )
    return f"""
WITH weights AS (SELECT * FROM unnest($3::bigint[], $4::bigint[], $5::bigint[]) AS w (flags0, flags1, weight)),
lives AS (
  SELECT f.ticket_id, f.received_day, date_trunc('hour', f.valid_from) AS hour, w.weight, {key} AS key,
    lag(w.weight) OVER life AS had, lag({key}) OVER life AS was
  FROM ticket_facts f JOIN weights w USING (flags0, flags1)
  WHERE f.street_id = $1 WINDOW life AS (PARTITION BY f.ticket_id ORDER BY f.span)),
hours AS (
  SELECT received_day, hour, key, sum(weight) AS weight FROM (
    SELECT received_day, hour, key, weight - CASE WHEN was = key THEN had ELSE 0 END AS weight FROM lives
    WHERE key IS NOT NULL
    UNION ALL SELECT received_day, hour, was, -had FROM lives WHERE was IS NOT NULL AND was IS DISTINCT FROM key
  ) AS steps GROUP BY 1, 2, 3),
recounted AS ({tiers}),
books AS (SELECT tier, cohort, step, key, {booked} AS weight FROM totals WHERE street_id = $1 AND dimension = $2),
compared AS (
  SELECT coalesce(b.weight, 0) <> coalesce(r.weight, 0) AS wrong,
    concat_ws(' ', tier, cohort, step, replace(key, '{BETWEEN}', '/')) AS name
  FROM books b FULL JOIN recounted r USING (tier, cohort, step, key))
SELECT count(*) FILTER (WHERE wrong),
  (SELECT array_agg(name) FROM (SELECT name FROM compared WHERE wrong ORDER BY name LIMIT $6) AS first)
FROM compared"""  # noqa: S608 - our own names and numbers; values are parameters


async def rebuild(database: Database, street_id: int, progress: Progress = lambda _: None) -> int:
    """Throw a street's books away and write them anew from history; return how many tickets."""
    count = 0
    async with database.transaction([street_id]) as tx:
        await tx.raw.execute(_NO_LIMIT)
        await tx.raw.execute(HOLD, street_id, clock.now())
        await tx.raw.execute("DELETE FROM ticket_facts WHERE street_id = $1", street_id)
        await tx.raw.execute("DELETE FROM totals WHERE street_id = $1", street_id)
        async for after, last in _pages(tx, street_id):
            history = await histories_after(tx, street_id, after, last)
            steps = Steps()
            facts = []
            for ticket_id, spans in history.items():
                steps.add(spans, +1)
                facts += [(street_id, ticket_id, *span) for span in spans]
            await write_facts(tx, facts)
            await add_cells(tx, street_id, steps.cells())
            count += len(history)
            progress(len(history))
    return count


async def unwritten(database: Database, street_ids: list[int]) -> list[int]:
    """Return the streets that have tickets but no books: new ones, and all after a migration of the books."""
    async with database.transaction(street_ids, read_only=True) as tx:
        rows = await tx.raw.fetch(
            "SELECT s.id FROM streets s LEFT JOIN books b ON b.street_id = s.id "
            "WHERE s.id = ANY($1::bigint[]) AND b.street_id IS NULL "
            "AND EXISTS (SELECT FROM tickets t WHERE t.street_id = s.id) ORDER BY s.id",
            street_ids,
        )
    return [row["id"] for row in rows]
