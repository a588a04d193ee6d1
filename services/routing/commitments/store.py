"""SQL of lists: the lists, what their items add up to, their indicators, places to be reached."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from typing import Any

from sqlalchemy import ColumnElement, Row, Table, exists, or_, select, true
from sqlalchemy.dialects.postgresql import insert

from services.routing.commitments.tally import Tally, tally_of
from services.routing.commitments.undertaking_store import seen_by
from shared.auth import Actor
from shared.db import Transaction
from shared.errors import NotFound
from shared.lifecycle import OPEN
from shared.tables import campaign_places, campaigns, checklists as c, indicators, undertakings as u
from shared.terms import STREET_WIDE, Role

# Judged by the day that was promised at first: a plan that was moved does not make late on time.
_TALLY = """
SELECT {key}, count(*) AS items,
  count(*) FILTER (WHERE s.state = 'closed') AS closed,
  count(*) FILTER (WHERE s.state = ANY($2::text[])) AS open,
  count(*) FILTER (WHERE s.state = 'closed' AND (s.closed_at AT TIME ZONE 'Asia/Shanghai')::date <= u.planned_end) AS on_time,
  count(*) FILTER (WHERE c.published_on IS NOT NULL) AS published
FROM undertakings u
JOIN checklists c ON c.street_id = u.street_id AND c.code = u.checklist_code
JOIN undertaking_tickets t ON t.street_id = u.street_id AND t.undertaking_id = u.id AND t.kind = u.kind
JOIN ticket_states s ON s.street_id = t.street_id AND s.ticket_id = t.ticket_id
WHERE u.street_id = $1 AND u.kind = 'item' AND {where} GROUP BY {key}"""
_BY_LIST = _TALLY.format(key="u.checklist_code", where="u.checklist_code = ANY($3::text[])")
_BY_LEVEL = _TALLY.format(
    key="c.major, c.level", where="($3::int IS NULL OR $3 BETWEEN c.year AND c.last_year)"
)
_LISTS = """
SELECT major, count(*) AS lists, count(closed_at) AS lists_closed FROM checklists
WHERE street_id = $1 AND ($2::int IS NULL OR $2 BETWEEN year AND last_year) GROUP BY major"""
_OPEN = sorted(state.value for state in OPEN)
_LATEST = """
SELECT i.name, i.year, i.unit, i.target, r.value, r.read_on FROM indicators i
LEFT JOIN LATERAL (
  SELECT value, read_on FROM indicator_readings r
  WHERE r.street_id = i.street_id AND r.checklist_code = i.checklist_code AND r.name = i.name AND r.year = i.year
  ORDER BY read_on DESC, id DESC LIMIT 1) r ON true
WHERE i.street_id = $1 AND i.checklist_code = $2 ORDER BY i.year, i.name"""
_REACHED = """
UPDATE campaign_places SET done_on = coalesce(done_on, $4) WHERE street_id = $1 AND campaign_code = $2 AND place = ANY($3::text[])
RETURNING place"""
_COVERED = """
SELECT count(*) AS places, count(done_on) AS done,
  coalesce((array_agg(place ORDER BY place) FILTER (WHERE done_on IS NULL))[1:100], '{}') AS missing
FROM campaign_places WHERE street_id = $1 AND campaign_code = $2"""


async def add(tx: Transaction, table: Table, row: Mapping[str, Any]) -> bool:
    """Insert a row; return whether its key was free."""
    made = await tx.execute(insert(table).values(**row).on_conflict_do_nothing())
    return bool(made.rowcount)


async def _in_sight(tx: Transaction, actor: Actor, street_id: int) -> ColumnElement[bool]:
    """Return the condition over `checklists`: all lists of the street, or one's own and those with an item in sight."""
    if actor.role in STREET_WIDE or actor.role is Role.SCRIPT:
        return true()
    item = (
        exists()
        .where(
            u.c.street_id == c.c.street_id,
            u.c.checklist_code == c.c.code,
            await seen_by(tx, actor, street_id),
        )
        .correlate(c)
    )
    return or_(c.c.owner_unit == actor.unit, item) if actor.unit is not None else item


async def checklist(
    tx: Transaction, street_id: int, actor: Actor, code: str, *, held: bool = False
) -> Row[Any]:
    """Return a list in sight, `held` until the transaction ends; raise NotFound."""
    query = select(c).where(
        c.c.street_id == street_id, c.c.code == code, await _in_sight(tx, actor, street_id)
    )
    row = await tx.one(query.with_for_update() if held else query)
    if row is None:
        raise NotFound("没有这份清单", code="checklist_not_found")
    return row


async def listed(
    tx: Transaction,
    street_id: int,
    actor: Actor,
    wanted: Mapping[str, Any],
    *,
    year: int | None,
    closed: bool | None,
    after: str | None,
    limit: int,
) -> Sequence[Row[Any]]:
    """Return the lists in sight by their codes, one more than `limit` if there is more."""
    query = (
        select(c)
        .where(c.c.street_id == street_id, await _in_sight(tx, actor, street_id))
        .order_by(c.c.code)
        .limit(limit + 1)
    )
    query = query.where(*[c.c[name] == value for name, value in wanted.items() if value is not None])
    if year is not None:
        query = query.where(c.c.year <= year, c.c.last_year >= year)
    if closed is not None:
        query = query.where(c.c.closed_at.is_not(None) if closed else c.c.closed_at.is_(None))
    if after is not None:
        query = query.where(c.c.code > after)
    return await tx.rows(query)


async def tallies(tx: Transaction, street_id: int, codes: Iterable[str]) -> dict[str, Tally]:
    """Return what the items of each list add up to."""
    rows = await tx.raw.fetch(_BY_LIST, street_id, _OPEN, list(codes))
    return {row["checklist_code"]: tally_of(row) for row in rows}


async def by_level(tx: Transaction, street_id: int, year: int | None) -> dict[tuple[bool, str], Tally]:
    """Return what the items add up to, by whether they are major and by level."""
    rows = await tx.raw.fetch(_BY_LEVEL, street_id, _OPEN, year)
    return {(row["major"], row["level"]): tally_of(row) for row in rows}


async def list_counts(tx: Transaction, street_id: int, year: int | None) -> dict[bool, tuple[int, int]]:
    """Return how many lists there are and how many of them are closed, by whether they are major."""
    rows = await tx.raw.fetch(_LISTS, street_id, year)
    return {row["major"]: (row["lists"], row["lists_closed"]) for row in rows}


async def latest_readings(tx: Transaction, street_id: int, code: str) -> list[dict[str, Any]]:
    """Return a list's indicators, each with what was measured last."""
    rows = await tx.raw.fetch(_LATEST, street_id, code)
    return [
        {
            "name": r["name"], "year": r["year"], "unit": r["unit"], "target": float(r["target"]),
            "latest": float(r["value"]) if r["value"] is not None else None, "read_on": r["read_on"],
            "reached": r["value"] >= r["target"] if r["value"] is not None else None,
        }
        for r in rows
    ]  # fmt: skip


async def has_indicator(tx: Transaction, street_id: int, code: str, name: str, year: int) -> bool:
    i = indicators.c
    query = select(i.name).where(
        i.street_id == street_id, i.checklist_code == code, i.name == name, i.year == year
    )
    return await tx.one(query) is not None


async def campaign(tx: Transaction, street_id: int, code: str) -> Row[Any]:
    """Return a campaign; raise NotFound."""
    row = await tx.one(select(campaigns).where(campaigns.c.street_id == street_id, campaigns.c.code == code))
    if row is None:
        raise NotFound("没有这项行动", code="campaign_not_found")
    return row


async def campaign_rows(tx: Transaction, street_id: int, after: str | None, limit: int) -> Sequence[Row[Any]]:
    """Return the campaigns by their codes, one more than `limit` if there is more."""
    query = select(campaigns).where(campaigns.c.street_id == street_id).order_by(campaigns.c.code)
    if after is not None:
        query = query.where(campaigns.c.code > after)
    return await tx.rows(query.limit(limit + 1))


async def add_places(tx: Transaction, street_id: int, code: str, places: Iterable[str]) -> None:
    """Write the roster of a new campaign."""
    rows = [
        {"street_id": street_id, "campaign_code": code, "place": place, "done_on": None}
        for place in dict.fromkeys(places)
    ]
    await tx.insert_many(campaign_places, rows)


async def reach(tx: Transaction, street_id: int, code: str, places: Sequence[str], on: date) -> set[str]:
    """Mark places as done, the first day staying; return which of them are on the roster."""
    return {row["place"] for row in await tx.raw.fetch(_REACHED, street_id, code, list(places), on)}


async def covered(tx: Transaction, street_id: int, code: str) -> dict[str, Any]:
    """Return how many of a campaign's places are done, and which are not."""
    return dict(await tx.raw.fetchrow(_COVERED, street_id, code))
