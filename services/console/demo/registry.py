"""A street's registry written into the tables, in one transaction; repeated, it changes nothing but names and rules."""

import random
from collections.abc import Iterable, Iterator, Mapping
from uuid import UUID

from sqlalchemy import Table, select
from sqlalchemy.dialects.postgresql import insert

from services.console.demo import organisation, rules, tiling
from services.console.demo.people import Cast
from services.console.demo.places import Blueprint
from shared import clock
from shared.db import Database, Transaction, insert_sql, values
from shared.tables import (
    area_boundaries,
    buildings,
    categories,
    category_versions,
    channel_policies,
    communities,
    crews,
    duty_shifts,
    grid_boundaries,
    grids,
    responsibles,
    routing_rules,
    sponsors,
    staff,
    staff_posts,
    stations,
    streets,
    units,
)
from shared.terms import GridKind

RESIDENTIAL, SPECIAL = GridKind.RESIDENTIAL.value, GridKind.SPECIAL.value
RESIDENTIAL_CELLS = 9
PREMIUM_EVERY, BUILDINGS = 6, 2
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
                id=street.id, code=street.code, name=street.name, city=street.city, district=street.district,
                prefix=street.prefix, created_at=clock.now(),
            )
            .on_conflict_do_nothing()
        )  # fmt: skip
        numbers: dict[str, str] = {}
        for table, rows in _registry(street).items():
            await _add(tx, street, table, _renumbered(rows, numbers))
            if table is staff:
                numbers = await _numbers(tx, street, rows)
        written = {"recorded_at": clock.now(), "recorded_by": UUID(int=0)}
        await _add(tx, street, routing_rules, [rule | written for rule in rules.rules()])
    return bool(made.rowcount)


async def _numbers(tx: Transaction, street: Blueprint, rows: Iterable[Row]) -> dict[str, str]:
    """Return the numbers by which people go who were there before numbers were, by those they have here."""
    known = await tx.rows(select(staff.c.id, staff.c.code).where(staff.c.street_id == street.id))
    codes: dict[UUID, str] = {row.id: row.code for row in known}
    return {row["code"]: codes[row["id"]] for row in rows if codes[row["id"]] != row["code"]}


def _renumbered(rows: Iterable[Row], numbers: Mapping[str, str]) -> Iterable[Row]:
    if not numbers:
        return rows
    return [
        row | {"staff_code": numbers.get(row["staff_code"], row["staff_code"])}
        if "staff_code" in row
        else row
        for row in rows
    ]


def _registry(street: Blueprint) -> Mapping[Table, Iterable[Row]]:
    """Return the rows of each table, what is referred to first."""
    laid_out = grid_rows(street)
    numbers = {street.community_code(n): n for n in range(1, len(street.communities) + 1)}
    cast = Cast(street, {row["code"]: numbers[row["community_code"]] for row in laid_out})
    catalogue = list(organisation.categories())
    first = {"version": 1, "valid_from": clock.EVER, "recorded_at": clock.now()}
    return {
        communities: community_rows(street),
        grids: [{name: value for name, value in row.items() if name != "polygon"} for row in laid_out],
        grid_boundaries: [{"grid_code": row["code"], "polygons": [[row["polygon"]]]} for row in laid_out],
        area_boundaries: outlines(street, laid_out),
        buildings: building_rows(laid_out),
        stations: station_rows(laid_out),
        units: organisation.units(street),
        categories: catalogue,
        category_versions: [row | first for row in catalogue],
        channel_policies: organisation.channel_policies(),
        staff: cast.staff,
        staff_posts: cast.posts,
        responsibles: cast.responsibles,
        crews: cast.crews,
        sponsors: cast.sponsors,
        duty_shifts: cast.duty(clock.local_day(clock.now())),
    }


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


def outlines(street: Blueprint, laid_out: Iterable[Row]) -> Iterator[Row]:
    """Yield the outline of the street and of each community, which its cells fill."""
    yield {"area_code": street.code, "polygons": [[tiling.ring(street.box)]]}
    corners: dict[str, list[list[float]]] = {}
    for cell in laid_out:
        corners.setdefault(cell["community_code"], []).extend(cell["polygon"])
    for code, points in corners.items():
        (west, *_, east), (south, *_, north) = (sorted(values) for values in zip(*points, strict=True))
        yield {"area_code": code, "polygons": [[tiling.ring((west, south, east, north))]]}


def station_rows(laid_out: Iterable[Row]) -> Iterator[Row]:
    """Yield a station for each grid; every sixth is one of the better ones."""
    for number, grid in enumerate(laid_out):
        yield {
            "code": f"{grid['code']}Z", "grid_code": grid["code"], "name": f"{grid['name']}党群服务站",
            "premium": number % PREMIUM_EVERY == 0,
        }  # fmt: skip


def building_rows(laid_out: Iterable[Row]) -> Iterator[Row]:
    """Yield the buildings of the residential grids."""
    for grid in laid_out:
        if grid["kind"] == RESIDENTIAL:
            for number in range(1, BUILDINGS + 1):
                yield {
                    "code": f"{grid['code']}{number:03d}", "grid_code": grid["code"],
                    "name": f"{grid['name']}{number}号楼",
                }  # fmt: skip


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
