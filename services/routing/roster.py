"""What changes by an import only, boundaries and people: read from the tables, kept until the next change.

A street's registry is read every few seconds; these parts are the large ones, and hardly ever another.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from time import monotonic
from typing import Any
from uuid import UUID

from sqlalchemy import Row, Table, func, select

from services.routing.boundaries import Boundary, Cells
from services.routing.closing_policy import ClosingPolicies, read_closing
from services.routing.people import Person, Post, Shift, Staffing, Task
from services.routing.policy import Clockwork, read_policy
from shared.db import Transaction
from shared.tables import (
    category_versions,
    clock_policies,
    closing_policies,
    crews,
    duty_shifts,
    grid_boundaries,
    grids,
    local_days,
    registry_changes as changes,
    responsibles,
    sponsors,
    staff,
    staff_posts,
)

KEPT_SECONDS = 60.0  # for what is written without a record of change: a street being set up


@dataclass(frozen=True, slots=True)
class Roster:
    """Where the grids lie, who works in them, and the version of the catalogue; as of the last change."""

    cells: Cells
    staffing: Staffing
    clockwork: Clockwork
    closing: ClosingPolicies
    catalogue_version: int | None
    last_change: UUID | None
    read_at: float  # monotonic seconds


async def read(tx: Transaction, street_id: int, before: Roster | None = None) -> Roster:
    """Return the roster; `before` itself while nothing has changed since."""
    newest = (
        select(changes.c.id).where(changes.c.street_id == street_id).order_by(changes.c.id.desc()).limit(1)
    )
    row = await tx.one(newest)
    last_change = row.id if row is not None else None
    if (
        before is not None
        and before.last_change == last_change
        and monotonic() - before.read_at < KEPT_SECONDS
    ):
        return before
    version = select(func.max(category_versions.c.version)).where(category_versions.c.street_id == street_id)
    return Roster(
        cells=await _cells(tx, street_id),
        staffing=await _staffing(tx, street_id),
        clockwork=await _clockwork(tx, street_id),
        closing=await _closing(tx, street_id),
        catalogue_version=(await tx.rows(version))[0][0],
        last_change=last_change,
        read_at=monotonic(),
    )


async def _all(tx: Transaction, table: Table, street_id: int) -> Sequence[Row[Any]]:
    return await tx.rows(select(table).where(table.c.street_id == street_id))


async def _cells(tx: Transaction, street_id: int) -> Cells:
    ends = {grid.code: grid.valid_until for grid in await _all(tx, grids, street_id)}
    return Cells(
        Boundary(b.grid_code, b.valid_from, _earlier(b.valid_until, ends[b.grid_code]), b.polygons)
        for b in await _all(tx, grid_boundaries, street_id)
    )


async def _clockwork(tx: Transaction, street_id: int) -> Clockwork:
    days = await _all(tx, local_days, street_id)
    return Clockwork(
        [
            (p.valid_from, read_policy(p.version, p.document))
            for p in await _all(tx, clock_policies, street_id)
        ],
        days={d.day: d.kind != "off" for d in days},
        half_days=frozenset(d.day for d in days if d.kind == "half"),
    )


async def _closing(tx: Transaction, street_id: int) -> ClosingPolicies:
    rows = await _all(tx, closing_policies, street_id)
    return ClosingPolicies((p.valid_from, read_closing(p.version, p.document)) for p in rows)


def _earlier(one: date | None, other: date | None) -> date | None:
    """Return the end of a boundary: its own, or that of its grid."""
    return min((end for end in (one, other) if end is not None), default=None)


async def _staffing(tx: Transaction, street_id: int) -> Staffing:
    posts: dict[str, list[Post]] = {}
    for p in await _all(tx, staff_posts, street_id):
        post = Post(p.role, p.unit_code, p.area_kind, p.area_code, p.valid_from, p.valid_until)
        posts.setdefault(p.staff_code, []).append(post)
    people = {
        s.code: Person(s.id, s.code, s.name, s.valid_from, s.valid_until, tuple(posts.get(s.code, ())))
        for s in await _all(tx, staff, street_id)
    }
    return Staffing(
        people.values(),
        responsibles=[
            Task(r.area_code, people[r.staff_code], r.valid_from, r.valid_until)
            for r in await _all(tx, responsibles, street_id)
        ],
        crews=[
            Task(c.grid_code, people[c.staff_code], c.valid_from, c.valid_until, c.kind)
            for c in await _all(tx, crews, street_id)
        ],
        sponsors=[
            Task(s.target_code, people[s.staff_code], s.valid_from, s.valid_until)
            for s in await _all(tx, sponsors, street_id)
        ],
        shifts=[
            Shift(d.unit_code, people[d.staff_code], d.starts_at, d.ends_at)
            for d in await _all(tx, duty_shifts, street_id)
        ],
    )
