"""Tickets that are likely the same matter: the reporter learns how many have told of it, staff learn which.

Candidates are recent tickets nearby: around the point (about 200 m, found by an index of squares), else in the same
grid, else the newest of the street. Nothing is merged here, nor anywhere by itself.
"""

import math
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from services.intake.likeness import Likeness, Matter, ranked
from shared.db import Transaction
from shared.lifecycle import State

RECENT = timedelta(days=30)
RECURS_WITHIN = timedelta(days=90)
MOST_CANDIDATES, MOST_SHOWN = 300, 5
_SQUARES_A_DEGREE = 500  # 0.002 degrees: about 200 m
_GONE = frozenset({State.REJECTED, State.WITHDRAWN, State.REDIRECTED})

_COLUMNS = """
SELECT t.id, t.number, t.content, t.longitude, t.latitude, t.crs, t.reporter_id, t.occurred_at,
  coalesce(s.grid_code, t.grid_code) AS grid_code, coalesce(s.category_code, t.category_code) AS category_code,
  coalesce(s.state, 'submitted') AS state, s.merged_into, s.closed_at
FROM tickets t LEFT JOIN ticket_states s ON s.street_id = t.street_id AND s.ticket_id = t.id
WHERE t.street_id = $1 AND t.id >= $2 AND t.id <> $3 AND t.occurred_at <= $4"""
_ORDER = f"ORDER BY t.id DESC LIMIT {MOST_CANDIDATES}"
# The squares around a point, as the index has them.
_NEAR = f"""{_COLUMNS} AND t.latitude IS NOT NULL AND t.crs = $5 AND floor(t.latitude * {_SQUARES_A_DEGREE}) = ANY($6::float8[])
AND floor(t.longitude * {_SQUARES_A_DEGREE}) = ANY($7::float8[]) {_ORDER}"""
_IN_GRID = f"{_COLUMNS} AND coalesce(s.grid_code, t.grid_code) = $5 {_ORDER}"
_NEWEST = f"{_COLUMNS} {_ORDER}"
_PEOPLE = """
SELECT root, count(DISTINCT who) AS people FROM (
  SELECT t.id AS root, coalesce(t.reporter_id, t.id) AS who FROM tickets t WHERE t.street_id = $1 AND t.id = ANY($2::uuid[])
  UNION ALL
  SELECT s.merged_into, coalesce(t.reporter_id, t.id) FROM ticket_states s
  JOIN tickets t ON t.street_id = s.street_id AND t.id = s.ticket_id
  WHERE s.street_id = $1 AND s.merged_into = ANY($2::uuid[])
) told GROUP BY root"""


async def alike(
    tx: Transaction,
    street_id: int,
    matter: Matter,
    *,
    crs: str | None,
    at: datetime,
    within: timedelta = RECENT,
    but: UUID | None = None,
) -> list[tuple[Any, Likeness]]:
    """Return up to five tickets received in the time `within` before `at` that are likely the same, best first."""
    rows = await _candidates(tx, street_id, matter, crs, at, within, but or UUID(int=0))
    known = {str(row["id"]): row for row in rows if row["state"] not in _GONE}
    scored = ranked(matter, ((key, of_row(row, crs)) for key, row in known.items()), most=MOST_SHOWN)
    return [(known[key], likeness) for key, likeness in scored]


def of_row(row: Any, crs: str | None) -> Matter:
    """Return what is compared of a ticket; its point counts only in the coordinate system asked for."""
    here = crs is not None and row["crs"] == crs
    return Matter(
        row["content"],
        row["category_code"],
        row["grid_code"],
        row["longitude"] if here else None,
        row["latitude"] if here else None,
    )


async def _candidates(
    tx: Transaction,
    street_id: int,
    matter: Matter,
    crs: str | None,
    at: datetime,
    within: timedelta,
    but: UUID,
) -> Sequence[Any]:
    asked = (street_id, _first_id(at - within), but, at)
    if crs is not None and matter.latitude is not None and matter.longitude is not None:
        rows: Sequence[Any] = await tx.raw.fetch(
            _NEAR, *asked, crs, _squares(matter.latitude), _squares(matter.longitude)
        )
        if rows or matter.grid is None:
            return rows
    if matter.grid is not None:
        in_grid: Sequence[Any] = await tx.raw.fetch(_IN_GRID, *asked, matter.grid)
        return in_grid
    newest: Sequence[Any] = await tx.raw.fetch(_NEWEST, *asked)
    return newest


def _first_id(moment: datetime) -> UUID:
    """Return the least UUIDv7 of a moment: ids are in the order of their making."""
    return UUID(int=int(moment.timestamp() * 1000) << 80)


def _squares(degrees: float) -> list[float]:
    middle = math.floor(degrees * _SQUARES_A_DEGREE)
    return [float(middle + n) for n in (-1, 0, 1)]


async def people(tx: Transaction, street_id: int, tickets: Sequence[UUID]) -> dict[UUID, int]:
    """Return how many people have told of each ticket: its reporter and those of the tickets merged into it."""
    rows = await tx.raw.fetch(_PEOPLE, street_id, list(tickets))
    return {row["root"]: row["people"] for row in rows}


def roots(found: Sequence[tuple[Any, Likeness]]) -> list[UUID]:
    """Return the tickets that lead: of a merged one, the one it went into."""
    return list(dict.fromkeys(row["merged_into"] or row["id"] for row, _ in found))


def recurs(row: Any, received_at: datetime) -> bool:
    """Say whether the matter was closed before, not long ago, and has come again."""
    closed = row["closed_at"]
    return closed is not None and closed <= received_at and received_at - closed <= RECURS_WITHIN


def words(count: int) -> str:
    """Return what a resident is told: 已有12人反映."""
    return f"附近已有{count}人反映过类似的问题" if count else ""
