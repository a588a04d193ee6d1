"""Which categories, communities and grids a street has: read from routing's tables, kept for some seconds."""

import asyncio
from collections import defaultdict
from dataclasses import dataclass
from time import monotonic
from typing import Any

from sqlalchemy import Column, Select, Table, or_, select

from shared import clock
from shared.db import Database
from shared.errors import FieldError, Invalid
from shared.tables import categories, communities, grids

FRESH_SECONDS = 10.0
# An unknown code makes us look again, but no oftener than this: a client's slip must not become a load.
AGAIN_SECONDS = 1.0


@dataclass(frozen=True, slots=True)
class Known:
    """The codes of one street that are in use; `grids` tells each grid's community. `read_at` is monotonic seconds."""

    categories: frozenset[str]
    communities: frozenset[str]
    grids: dict[str, str]
    read_at: float


class Registry:
    """Answers from memory; a request that names no code never gets here."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._known: dict[int, Known] = {}
        self._reading: dict[int, asyncio.Lock] = defaultdict(asyncio.Lock)

    async def community_of(
        self, street_id: int, *, category: str | None, community: str | None, grid: str | None
    ) -> str | None:
        """Return the community the codes name; raise Invalid for a code the street does not have."""
        known = await self._of(street_id, FRESH_SECONDS)
        faults = _faults(known, category, community, grid)
        if faults:
            known = await self._of(street_id, AGAIN_SECONDS)
            faults = _faults(known, category, community, grid)
        if faults:
            raise Invalid(faults[0].message, errors=faults, code="unknown_code")
        if grid is None:
            return community
        home = known.grids[grid]
        if community is not None and community != home:
            message = f"网格 {grid} 不在社区 {community}"
            raise Invalid(message, errors=[FieldError("grid_code", message)], code="grid_not_in_community")
        return home

    async def _of(self, street_id: int, oldest: float) -> Known:
        known = self._known.get(street_id)
        if known is not None and monotonic() - known.read_at < oldest:
            return known
        async with self._reading[street_id]:
            known = self._known.get(street_id)
            if known is None or monotonic() - known.read_at >= oldest:
                known = self._known[street_id] = await self._read(street_id)
        return known

    async def _read(self, street_id: int) -> Known:
        async with self._database.transaction([street_id], read_only=True) as tx:
            return Known(
                frozenset(r.code for r in await tx.rows(_current(categories, categories.c.code))),
                frozenset(r.code for r in await tx.rows(_current(communities, communities.c.code))),
                {
                    r.code: r.community_code
                    for r in await tx.rows(_current(grids, grids.c.code, grids.c.community_code))
                },
                monotonic(),
            )


def _current(table: Table, *columns: Column[Any]) -> Select[Any]:
    """Return the query of what has not ended before today: what has can no longer be named."""
    today = clock.local_day(clock.now())
    return select(*columns).where(or_(table.c.valid_until.is_(None), table.c.valid_until >= today))


def _faults(known: Known, category: str | None, community: str | None, grid: str | None) -> list[FieldError]:
    asked = (
        ("category", "分类", category, known.categories),
        ("community", "社区", community, known.communities),
        ("grid_code", "网格", grid, known.grids),
    )
    return [
        FieldError(field, f"没有代码为 {code} 的{what}")
        for field, what, code, codes in asked
        if code is not None and code not in codes
    ]
