"""The action of examining a street's areas as they are today: covered without gaps, each with one who answers for it."""

import asyncio
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from sqlalchemy import Row, Table, or_, select

from services.routing import coverage, roster
from services.routing.coverage import Finding
from services.routing.people import Staffing
from shared.db import Transaction
from shared.streets import Street
from shared.tables import area_boundaries, communities, grid_boundaries, grids


@dataclass(frozen=True)
class Examined:
    """What there is, and every fault of it in words."""

    communities: int
    grids: int
    boundaries: int
    findings: Sequence[Finding]
    responsibility: Sequence[tuple[str, str]]  # area code, what is wrong

    @property
    def good(self) -> bool:
        return not self.findings and not self.responsibility


async def examine(tx: Transaction, street: Street, day: date) -> Examined:
    """Return how a street's areas stand on a day."""
    homes = {r.code: r.community_code for r in await _on(tx, grids, street.id, day)}
    places = {r.code: r.name for r in await _on(tx, communities, street.id, day)}
    drawn = {r.grid_code: r.polygons for r in await _on(tx, grid_boundaries, street.id, day)}
    outlines = {r.area_code: r.polygons for r in await _on(tx, area_boundaries, street.id, day)}
    staffing = (await roster.read(tx, street.id)).staffing
    # A second of arithmetic for a large street: other requests go on meanwhile.
    findings = await asyncio.to_thread(coverage.examine, homes, drawn, outlines, street.code)
    return Examined(
        len(places),
        len(homes),
        len(drawn),
        findings,
        [fault for area in (*places, *homes) for fault in _answered(staffing, area, day)],
    )


async def _on(tx: Transaction, table: Table, street_id: int, day: date) -> Sequence[Row[Any]]:
    return await tx.rows(
        select(table).where(
            table.c.street_id == street_id,
            table.c.valid_from <= day,
            or_(table.c.valid_until.is_(None), table.c.valid_until >= day),
        )
    )


def _answered(staffing: Staffing, area: str, day: date) -> Iterator[tuple[str, str]]:
    for since, until in staffing.unanswered(area, day):
        span = f"{since} 起" if until is None else f"{since} 至 {until}"
        yield area, f"{span}没有责任人"
    if staffing.doubled(area, day):
        yield area, "同一天有两名责任人"
