"""A street's registry written into the tables, in one transaction; repeated, it changes nothing but names and rules."""

import random
from collections.abc import Iterable
from uuid import UUID

from sqlalchemy import Table
from sqlalchemy.dialects.postgresql import insert

from services.console.demo import organisation, rules, tiling
from services.console.demo.places import Blueprint
from shared import clock
from shared.db import Database, Transaction, insert_sql, values
from shared.tables import (
    categories,
    channel_policies,
    communities,
    grids,
    routing_rules,
    staff,
    streets,
    units,
)

RESIDENTIAL, SPECIAL = "residential", "special"
RESIDENTIAL_CELLS = 9
DIGITS = "零一二三四五六七八九十"
Row = organisation.Row


async def ensure_street(database: Database, street: Blueprint) -> bool:
    """Write the street and its registry unless it is there; return whether it is new.

    What is there already keeps what people have changed since; what is missing is added.
    """
    async with database.transaction([street.id]) as tx:
        made = await tx.execute(
            insert(streets)
            .values(
                id=street.id, code=street.code, name=street.name, district=street.district, prefix=street.prefix,
                created_at=clock.now(),
            )
            .on_conflict_do_nothing()
        )  # fmt: skip
        cells = grid_rows(street)
        await _add(tx, street, communities, community_rows(street))
        await _add(tx, street, grids, cells)
        await _add(tx, street, units, organisation.units(street))
        await _add(tx, street, categories, organisation.categories())
        await _add(tx, street, channel_policies, organisation.channel_policies())
        written = {"recorded_at": clock.now(), "recorded_by": UUID(int=0)}
        await _add(tx, street, routing_rules, [rule | written for rule in rules.rules()])
        numbers = {street.community_code(n): n for n in range(1, len(street.communities) + 1)}
        workers = [(numbers[str(cell["community_code"])], str(cell["code"])) for cell in cells]
        await _add(tx, street, staff, organisation.staff(street, workers))
    return bool(made.rowcount)


async def _add(tx: Transaction, street: Blueprint, table: Table, rows: Iterable[Row]) -> None:
    tenant = [{"street_id": street.id, **row} for row in rows]
    columns = tuple(tenant[0])
    statement = f"{insert_sql(table, columns)} ON CONFLICT DO NOTHING"
    await tx.raw.executemany(statement, values(table, columns, tenant))


def community_rows(street: Blueprint) -> list[Row]:
    """Return the communities."""
    return [
        {"code": street.community_code(number), "name": name}
        for number, name in enumerate(street.communities, 1)
    ]


def grid_rows(street: Blueprint) -> list[Row]:
    """Return the cells: up to nine residential ones in each community, the others for offices, shops and schools."""
    chance = random.Random(street.code)
    areas = tiling.communities(street.box, street.rows, chance)
    rows: list[Row] = []
    for number, (name, count, area) in enumerate(
        zip(street.communities, street.grids, areas, strict=True), 1
    ):
        code = street.community_code(number)
        homes = min(RESIDENTIAL_CELLS, count - 1)
        for cell, ring in enumerate(tiling.cells(area, count, chance), 1):
            home = cell <= homes
            rows.append(
                {
                    "code": f"{code}{cell:03d}", "community_code": code,
                    "name": f"{name}第{DIGITS[cell]}网格" if home else f"{name}专属网格{DIGITS[cell - homes]}",
                    "kind": RESIDENTIAL if home else SPECIAL, "polygon": ring,
                }
            )  # fmt: skip
    return rows
