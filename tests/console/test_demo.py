"""The demo street: its size, its map without gaps, its units; and the stories told of it."""

import random
from collections import Counter
from datetime import timedelta

import pytest
from sqlalchemy import func, select

from services.console.demo.organisation import UNITS, catalog, units
from services.console.demo.places import HEFEILU, XINBEI
from services.console.demo.registry import ensure_street, grid_rows
from services.console.demo.stories import tell
from services.routing.geometry import GridIndex, Polygon
from shared import clock, tables
from shared.db import Database
from shared.lifecycle import ACTIONS, State, may
from shared.terms import Channel, Role


@pytest.fixture
async def empty(fresh_database):
    database = Database(fresh_database, pool_size=2)
    yield database
    await database.close()


async def test_the_street_is_installed_once(empty):
    assert await ensure_street(empty, XINBEI)
    assert await ensure_street(empty, HEFEILU)
    assert not await ensure_street(empty, XINBEI)
    async with empty.transaction([XINBEI.id], read_only=True) as tx:
        counts = {}
        for name in ("communities", "grids", "units", "categories", "channel_policies", "staff"):
            row = await tx.one(select(func.count()).select_from(getattr(tables, name)))
            counts[name] = row[0]
        kinds = await tx.raw.fetch("SELECT kind, count(*) FROM grids GROUP BY kind")
        manual = await tx.raw.fetch(
            "SELECT channel FROM channel_policies WHERE NOT auto_accept OR NOT auto_dispatch ORDER BY channel"
        )
        roles = {r["role"] for r in await tx.raw.fetch("SELECT DISTINCT role FROM staff_posts")}
        desks = await tx.raw.fetchval("SELECT count(*) FROM units WHERE is_desk")
    assert counts["communities"] == 34
    assert counts["grids"] == 358 == sum(row["count"] for row in kinds)
    assert {row["kind"]: row["count"] for row in kinds} == {"residential": 306, "special": 52}
    assert (counts["categories"], counts["channel_policies"]) == (57, len(Channel))
    assert counts["units"] == 3 + len(UNITS) + 34
    assert [row["channel"] for row in manual] == ["commitment", "group_topic"]
    assert roles == set(Role) - {Role.RESIDENT, Role.SCRIPT, Role.SYSTEM}
    assert desks == 1


async def test_a_street_installed_before_people_had_numbers_is_completed(empty):
    """As the migration leaves it: staff whose number is their id, and nothing of what came with numbers."""
    await ensure_street(empty, HEFEILU)
    async with empty.transaction([HEFEILU.id]) as tx:
        for name in (
            "crews",
            "responsibles",
            "sponsors",
            "duty_shifts",
            "staff_posts",
            "stations",
            "buildings",
        ):
            await tx.raw.execute(f"DELETE FROM {name}")
        await tx.raw.execute("UPDATE staff SET code = id::text")
    assert not await ensure_street(empty, HEFEILU)
    async with empty.transaction([HEFEILU.id], read_only=True) as tx:
        alone = await tx.raw.fetchval(
            "SELECT count(*) FROM grids g LEFT JOIN responsibles r ON r.area_code = g.code WHERE r.staff_code IS NULL"
        )
        held = await tx.raw.fetchval(
            "SELECT count(*) FROM staff_posts p JOIN staff s ON s.code = p.staff_code"
        )
    assert (alone, held > 0) == (0, True)


@pytest.mark.parametrize("street", [XINBEI, HEFEILU], ids=lambda s: s.name)
def test_every_point_lies_in_exactly_one_grid(street):
    rows = grid_rows(street)
    index = GridIndex((row["code"], [row["polygon"]]) for row in rows)
    polygons = [Polygon(row["polygon"]) for row in rows]
    west, south, east, north = street.box
    chance = random.Random(7)
    points = [(chance.uniform(west, east), chance.uniform(south, north)) for _ in range(1500)]
    # Every corner and every point on an edge belongs to one side only.
    points += [
        tuple(p) for row in rows for p in row["polygon"] if west <= p[0] < east and south <= p[1] < north
    ]
    points += [
        ((a[0] + b[0]) / 2, (a[1] + b[1]) / 2)
        for row in rows
        for a, b in zip(row["polygon"], row["polygon"][1:], strict=False)
        if (a[0] + b[0]) / 2 < east and (a[1] + b[1]) / 2 < north
    ]
    for point in points:
        assert sum(polygon.contains(*point) for polygon in polygons) == 1, point
        assert index.find(*point) is not None
    assert index.find(west - 1e-6, south) is None


def test_units_stand_one_level_below_another():
    known = {}
    order = ["community", "street", "district"]
    for unit in units(XINBEI):
        known[unit["code"]] = unit
        if unit["parent_code"] is None:
            assert unit["level"] == "district"
        else:
            above = known[unit["parent_code"]]
            assert order.index(above["level"]) == order.index(unit["level"]) + 1, unit["name"]
    assert {row["lead_unit"] for row in catalog()} <= {unit["name"] for unit in known.values()}


def test_stories_are_the_same_each_time_and_legal():
    now = clock.now()
    tickets = list(tell(XINBEI, now, 90))
    assert tickets == list(tell(XINBEI, now, 90))
    assert 1900 < len(tickets) < 2700
    days = Counter(ticket.filing["occurred_at"][:10] for ticket in tickets)
    assert len(days) >= 90
    assert {ticket.filing["channel"] for ticket in tickets} <= set(Channel)
    assert len({ticket.filing["content"] for ticket in tickets}) > 1000
    for ticket in tickets:
        for life in ticket.lives:
            for state, move in life.items():
                edge = ACTIONS[move.action]
                assert state in edge.sources
                assert may(edge, move.role, {"lead": {r for _, r in edge.who}}["lead"]), move
                assert all(move.body.get(name) for name in edge.needs)


def test_a_course_never_goes_back_in_time():
    order = [State.SUBMITTED, State.ACCEPTED, State.DISPATCHED, State.SIGNED, State.SUSPENDED, State.HANDLING,
             State.HANDLED, State.CALLBACK]  # fmt: skip
    now = clock.now() + timedelta(days=400)
    for ticket in tell(XINBEI, now, 120):
        for life in ticket.lives:
            states = [state for state in order if state in life]
            if any(move.action == "recall" for move in life.values()):
                states = [State.SUBMITTED, State.DISPATCHED, State.ACCEPTED]
            moments = [life[state].at for state in states]
            assert moments == sorted(moments), ticket.serial
