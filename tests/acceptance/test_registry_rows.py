"""What the articles tell of areas, units and people, row by row: each test carries the id of its row.

Most are asked of the demo street, which is laid out in full; the others of lists brought in as an engineer would.
"""

import random
from datetime import UTC, datetime

import pytest
from sqlalchemy import insert, select

from services.console.demo.places import XINBEI
from services.console.demo.registry import ensure_street
from services.routing.assign import Matter, plan
from services.routing.examine import examine
from services.routing.registry import Registries
from services.routing.upkeep.run import Wishes, bring
from shared import clock, tables
from shared.db import Database
from shared.streets import Streets
from shared.terms import AreaKind, CrewKind, Role, UnitKind
from tests.routing.lists import as_geojson, as_workbook, lattice, whole

NOON = datetime(2026, 3, 2, 4, 0, tzinfo=UTC)
TODAY = clock.local_day(NOON)
TEAMS = {CrewKind.PARTY_BACKBONE, CrewKind.SENT_CADRE, CrewKind.VOLUNTEER}


@pytest.fixture(autouse=True)
def _a_monday():
    with clock.at(NOON):
        yield


@pytest.fixture(scope="module")
async def opened(ground):
    """A database with the demo street, and nothing else."""
    database = Database(ground.clone(), pool_size=2)
    with clock.at(NOON):
        await ensure_street(database, XINBEI)
    yield database
    await database.close()


@pytest.fixture
async def demo(opened):
    return await Registries(opened).of(XINBEI.id)


@pytest.fixture
def look(opened):
    """`await look()` → how the demo street's areas stand."""

    async def ask():
        street = await Streets(opened).by_code(XINBEI.code)
        async with opened.transaction([XINBEI.id], read_only=True) as tx:
            return await examine(tx, street, TODAY)

    return ask


def points(count, seed):
    chance = random.Random(seed)
    west, south, east, north = XINBEI.box
    return [(chance.uniform(west, east), chance.uniform(south, north)) for _ in range(count)]


# --- areas: 横到边、纵到底、全覆盖、无缝隙


async def test_s0_07_every_point_lies_in_one_grid_and_the_map_is_without_gap_and_overlap(demo, look):
    found = await look()
    assert found.good
    assert (found.grids, found.boundaries) == (358, 358)
    for longitude, latitude in points(500, 7):
        grid = demo.grid_at(longitude, latitude, "gcj02", TODAY)
        assert demo.grids[grid][:9] == XINBEI.code


async def test_s4_03_the_roster_of_34_communities(look):
    assert (await look()).communities == 34


@pytest.fixture
def sample(routing, actor_headers):
    """`await sample("/areas/coverage")` → the answer about the test's own street."""

    async def get(path, role=Role.LEADER, **query):
        answer = await routing.get(f"/v1{path}", params=query, headers=actor_headers(role))
        assert answer.status_code == 200, answer.text
        return answer.json()

    return get


async def test_s4_20_anyone_can_ask_whether_the_grids_are_seamless(sample, street):
    told = await sample("/areas/coverage", Role.RESIDENT)
    assert (told["grids"], told["boundaries"], told["findings"]) == (6, 6, [])
    assert not told["good"]  # nobody answers for the sample's areas
    assert {r["area"] for r in told["responsibility"]} == {*street.communities, *street.grids}


async def test_s4_27_a_blank_on_the_map_is_found_and_measured(sample, street, owner):
    async with owner.transaction([street.id]) as tx:
        await tx.raw.execute("UPDATE grid_boundaries SET valid_until = '2026-03-01' WHERE grid_code = 'g21'")
    outline = {
        "area_code": street.code,
        "polygons": [[[[117.66, 39.03], [117.69, 39.03], [117.69, 39.05], [117.66, 39.05], [117.66, 39.03]]]],
    }
    async with owner.transaction([street.id]) as tx:
        await tx.execute(insert(tables.area_boundaries).values(street_id=street.id, **outline))
    told = {f["trouble"]: f for f in (await sample("/areas/coverage"))["findings"]}
    assert told["no_boundary"]["codes"] == ["g21"]
    assert told["gap"]["square_metres"] == pytest.approx(960_000, rel=0.01)
    assert (told["gap"]["longitude"], told["gap"]["latitude"]) == pytest.approx((117.675, 39.035), abs=0.006)
    assert "空白" in told["gap"]["message"]


async def test_s1_16_one_grid_takes_all_kinds_of_matters(demo):
    grid = next(iter(demo.grids))
    for code in demo.categories:
        matter = Matter(content="请处理", received_at=NOON, category_code=code, grid_code=grid)
        assert plan(matter, demo).grid_code == grid


# --- people


async def test_s0_37_three_teams_in_every_grid(demo):
    for grid in demo.grids:
        assert {member.kind for member in demo.crew_of(grid, TODAY)} >= TEAMS


async def test_s2_31_thirty_of_city_management_go_down_with_the_grid_workers(demo):
    guards, workers = set(), set()
    for grid in demo.grids:
        crew = demo.crew_of(grid, TODAY)
        guards |= {m.person.id for m in crew if m.kind == CrewKind.CITY_MANAGEMENT}
        workers |= {m.person.id for m in crew if m.kind == CrewKind.GRID_WORKER}
        assert {m.kind for m in crew} >= {CrewKind.CITY_MANAGEMENT, CrewKind.GRID_WORKER}
    assert (len(guards), len(workers)) == (30, 358)


async def test_s2_34_those_of_departments_are_posted_to_their_grids_only(demo):
    officers = [
        person
        for person in demo.people.values()
        if any(p.unit_code == "paichusuo" and p.area_kind == AreaKind.GRID for p in person.posts_on(TODAY))
    ]
    assert len(officers) == 34
    for officer in officers:
        [post] = officer.posts_on(TODAY)
        assert (post.area_kind, demo.units[post.unit_code].kind) == (AreaKind.GRID, UnitKind.AGENCY)
        at = [g for g in demo.grids if officer in [m.person for m in demo.crew_of(g, TODAY)]]
        assert at == [post.area_code]


async def test_s4_12_each_area_has_exactly_one_who_answers_for_it(demo, look, opened):
    for area in (*demo.communities, *demo.grids):
        assert demo.staffing.responsible(area, TODAY) is not None
        assert not demo.staffing.doubled(area, TODAY)
    grid = next(iter(demo.grids))
    async with opened.transaction([XINBEI.id]) as tx:
        await tx.raw.execute("UPDATE responsibles SET valid_until = '2026-03-31' WHERE area_code = $1", grid)
    try:
        assert (await look()).responsibility == [(grid, "2026-04-01 起没有责任人")]
    finally:
        async with opened.transaction([XINBEI.id]) as tx:
            await tx.raw.execute("UPDATE responsibles SET valid_until = NULL WHERE area_code = $1", grid)


async def test_s4_19_each_request_has_a_grid_and_a_grid_worker(demo):
    for longitude, latitude in points(200, 11):
        matter = Matter(
            content="路灯不亮", received_at=NOON, longitude=longitude, latitude=latitude, crs="gcj02"
        )
        grid = plan(matter, demo).grid_code
        worker = demo.responsible_for(grid, TODAY)
        assert any(p.role == Role.GRID_WORKER and p.area_code == grid for p in worker.posts_on(TODAY))


async def test_s3_19_a_grid_worker_sees_the_open_matters_of_the_grid(
    intake, routing, deliver, street, actor_headers
):
    body = {"content": "3号楼前垃圾没人清运,垃圾桶满了好几天", "grid_code": "g11"}
    answer = await intake.post("/v1/tickets", json=body, headers=actor_headers(Role.RESIDENT))
    await deliver("routing")
    seen = {}
    for community in ("c1", "c3"):
        headers = actor_headers(Role.GRID_WORKER, street.committee(community))
        items = (await routing.get("/v1/worklist", headers=headers)).json()["items"]
        seen[community] = [item["number"] for item in items]
    assert seen == {"c1": [answer.json()["number"]], "c3": []}


# --- lists brought in


@pytest.fixture
def brought(opened):
    """`await brought(77, lists)` → the street of this number, its registry brought in from lists and a map."""

    async def make(number, change, communities=2, grids=3):
        code = f"77{number:07d}"
        row = {
            "id": int(code),
            "code": code,
            "name": code,
            "district": "区",
            "prefix": f"Q{chr(65 + number)}",
        }
        async with opened.transaction(()) as tx:
            await tx.execute(insert(tables.streets), [row | {"created_at": clock.now()}])
        street = await Streets(opened).by_code(code)
        lists = whole(code, communities, grids)
        change(code, lists)
        files = as_workbook(lists), as_geojson(lattice(code, communities, grids))
        report = await bring(opened, street, files, Wishes(apply=True), None)
        assert (report.applied, report.faults, report.warnings) == (True, [], [])
        return street

    return make


async def test_s1_14_and_s1_15_108_stations_of_which_18_are_of_the_better_kind(brought, opened):
    def better(_code, lists):
        for number, station in enumerate(lists["stations"]):
            station["premium"] = "是" if number < 18 else "否"

    street = await brought(1, better, communities=12, grids=9)
    stations, grids = tables.stations, tables.grids
    async with opened.transaction([street.id], read_only=True) as tx:
        rows = await tx.rows(select(stations.c.premium, grids.c.code).join_from(stations, grids, grids.c.code == stations.c.grid_code))  # fmt: skip
    assert len({row.code for row in rows}) == len(rows) == 108
    assert sum(row.premium for row in rows) == 18


async def test_s1_29_one_institute_and_its_22_stations(brought, opened):
    def tree(_code, lists):
        lists["units"].append(
            {
                "code": "suo",
                "name": "文明实践所",
                "kind": "所",
                "level": "街道",
                "parent_code": "区平台",
                "is_desk": "",
            }
        )
        lists["units"][:0] = [
            {"code": f"zhan-{n}", "name": f"第{n}实践站", "kind": "站", "level": "社区", "parent_code": "文明实践所", "is_desk": ""}
            for n in range(1, 23)
        ]  # fmt: skip

    street = await brought(2, tree)
    registry = await Registries(opened).of(street.id)
    stations = [unit for unit in registry.units.values() if unit.kind == UnitKind.STATION]
    assert len(stations) == 22
    assert {registry.above(unit).kind for unit in stations} == {UnitKind.INSTITUTE}


async def test_s2_33_administration_law_enforcement_and_society_handle_alike(brought, opened):
    hands = {"办公室": UnitKind.OFFICE, "派出所": UnitKind.AGENCY, "物业公司": UnitKind.PROPERTY}

    def units(_code, lists):
        for number, (name, kind) in enumerate(hands.items()):
            row = {
                "code": f"h{number}",
                "name": name,
                "kind": kind.text,
                "level": "街道",
                "parent_code": "区平台",
            }
            lists["units"].append(row | {"is_desk": ""})
            lists["categories"].append(
                lists["categories"][0] | {"code": f"020{number}", "name": name, "lead_unit": name}
            )

    street = await brought(3, units)
    registry = await Registries(opened).of(street.id)
    for number, kind in enumerate(hands.values()):
        matter = Matter(content="请处理", received_at=NOON, category_code=f"020{number}")
        assert plan(matter, registry).hands.lead.kind == kind


async def test_s3_21_22_streets_of_a_district_never_cross(new_street, routing, actor_headers):
    streets = [await new_street() for _ in range(22)]
    one, *others = streets

    async def areas(headers, street):
        answer = await routing.get("/v1/areas", params={"street": street.code}, headers=headers)
        return answer.status_code, answer.text

    mine = actor_headers(Role.ADMIN, streets=[one])
    assert (await areas(mine, one))[0] == 200
    assert {(await areas(mine, other))[0] for other in others} == {403}
    district = actor_headers(Role.LEADER, streets=streets)
    for street in streets:
        status, text = await areas(district, street)
        assert status == 200
        assert [s.code for s in streets if f'"{s.code}"' in text] == [street.code]
