"""Lists brought into a registry: tried first, all or nothing, twice the same is nothing; every broken row is named."""

import time as stopwatch
from datetime import UTC, date, datetime

import pytest
from sqlalchemy import insert, select

from services.routing.geometry import convert
from services.routing.naming import Names
from services.routing.registry import Registries
from services.routing.upkeep import export, store
from services.routing.upkeep.run import File, Wishes, bring
from services.routing.validity import A_DAY
from shared import clock, tables
from shared.streets import Street
from shared.terms import Crs
from tests.routing.lists import as_csv, as_geojson, as_workbook, lattice, square, whole

APPLY = Wishes(apply=True)
TODAY = date(2026, 3, 2)


@pytest.fixture
def bare(owner):
    """`await bare(7)` makes a street of which nothing is known but its code."""

    async def make(number):
        code = f"88{number:07d}"
        street = Street(
            int(code), code, f"空街道{number}", "区", f"Z{chr(65 + number % 26)}{chr(65 + number // 26)}"
        )
        async with owner.transaction([street.id]) as tx:
            await tx.execute(
                insert(tables.streets)
                .values(
                    id=street.id, code=code, name=street.name, district="区", prefix=street.prefix,
                    created_at=clock.now(),
                )
            )  # fmt: skip
        return street

    return make


_numbers = iter(range(1, 600))


@pytest.fixture
async def new(bare, time):
    return await bare(next(_numbers))


@pytest.fixture
def known(processes):
    async def read(street):
        return await Registries(processes("routing").database).of(street.id)

    return read


@pytest.fixture
def take(processes):
    """`await take(street, file, …)` applies files as routing does."""

    async def apply(street, *files, wishes=APPLY):
        return await bring(processes("routing").database, street, files, wishes, None)

    return apply


async def test_a_whole_street_comes_in_by_one_workbook_and_one_map(new, take, known):
    files = as_workbook(whole(new.code)), as_geojson(lattice(new.code))
    tried = await take(new, *files, wishes=Wishes())
    assert (tried.applied, tried.faults, tried.warnings) == (False, [], [])
    report = await take(new, *files)
    assert report.applied
    assert len(report.changes) == len(tried.changes) > 60
    registry, grid = await known(new), f"{new.code}001002"
    assert registry.grid_at(117.005, 39.015, "gcj02", TODAY) == grid
    assert registry.grid_at(*convert(117.005, 39.015, "gcj02", "bd09"), "bd09", TODAY) == grid
    assert registry.responsible_for(grid, TODAY).code == f"w{grid}"
    assert [m.kind for m in registry.crew_of(grid, TODAY)] == ["grid_worker"]
    assert registry.sponsor_of(f"{new.code}001", TODAY).code == "boss"
    assert [p.code for p in registry.on_duty("desk", datetime(2026, 3, 2, 1, tzinfo=UTC))] == ["d1"]
    assert registry.on_duty("desk", datetime(2026, 3, 2, 12, tzinfo=UTC)) == ()
    clerk = next(p for p in registry.people.values() if p.code == "d1")
    assert {post.role for post in clerk.posts} == {"dispatcher", "clerk"}
    assert registry.units["wuye"].parent_code == "desk"
    assert registry.catalogue_version == 1
    again = await take(new, *files)
    assert (again.changes, again.faults) == ([], [])


async def test_what_goes_out_comes_in_again_and_changes_nothing(new, take, processes):
    await take(new, as_workbook(whole(new.code)), as_geojson(lattice(new.code)))
    async with processes("routing").database.transaction([new.id], read_only=True) as tx:
        written = list(export.files(await store.load(tx, new, TODAY)))
    again = await take(new, *(File(name, content) for name, content in written))
    assert (again.faults, again.changes) == ([], [])
    assert len(written) == 13


BROKEN = [
    ("communities", {"code": "999000000001"}, "code", "街道代码"),
    ("communities", {"name": "第2社区"}, "name", "同名"),
    ("communities", {"valid_until": "昨天"}, "valid_until", "应为日期"),
    ("grids", {"code": "{place}0001"}, "code", "3 位数字"),
    ("grids", {"community_code": "{code}999"}, "community_code", "没有代码"),
    ("grids", {"kind": "圆的"}, "kind", "可选"),
    ("buildings", {"code": "B1"}, "code", "网格代码"),
    ("stations", {"premium": "大概"}, "premium", "是 或 否"),
    ("units", {"parent_code": "天庭"}, "parent_code", "天庭"),
    ("units", {"parent_code": "wuye"}, "parent_code", "圈"),
    ("staff", {"name": ""}, "name", "不能为空"),
    ("posts", {"role": "居民"}, "role", "可选"),
    ("posts", {"unit_code": "天庭"}, "unit_code", "没有"),
    ("posts", {"area_code": "1"}, "area_code", "没有代码"),
    ("crews", {"staff_code": "nobody"}, "staff_code", "工号"),
    ("responsibles", {"area_code": "1"}, "area_code", "没有代码"),
    ("duty", {"ends_at": "2026-03-01 08:00"}, "ends_at", "早于"),
    ("duty", {"starts_at": "2026-02-30 08:00"}, "starts_at", "没有这一天"),
    ("sponsors", {"target_code": "天庭"}, "target_code", "没有"),
    ("categories", {"resolve_limit": "很快"}, "resolve_limit", "应为时限"),
]  # fmt: skip


@pytest.mark.parametrize(("name", "wrong", "column", "told"), BROKEN, ids=[f"{n}-{next(iter(w))}-{t}" for n, w, _, t in BROKEN])  # fmt: skip
async def test_a_broken_row_is_named_and_nothing_is_written(new, take, known, name, wrong, column, told):
    lists = whole(new.code)
    values = {k: v.format(code=new.code, place=f"{new.code}001") for k, v in wrong.items()}
    lists[name] = [lists[name][0] | values, *({**row, **dict.fromkeys(wrong.keys() - row.keys(), "")} for row in lists[name][1:])]  # fmt: skip
    if "圈" in told:
        lists["units"] = [lists["units"][0], lists["units"][1], lists["units"][2] | values]
    report = await take(new, as_workbook(lists))
    assert not report.applied
    fault = report.faults[0]
    assert (fault.place.file, fault.column) == ("登记簿.xlsx", column)
    assert fault.place.line >= 2
    assert any(told in f.message for f in report.faults)
    with pytest.raises(Exception, match="派单台"):
        await known(new)


async def test_good_rows_may_go_in_without_the_bad_ones_and_what_hangs_on_them(new, take, known):
    lists = whole(new.code)
    lists["communities"][1] = {"code": "1", "name": "外地社区"}
    report = await take(new, as_workbook(lists), wishes=Wishes(apply=True, keep_good=True))
    assert report.applied
    registry = await known(new)
    assert set(registry.communities) == {f"{new.code}001"}
    assert len(registry.grids) == 3
    assert len({f.place for f in report.faults}) == 1 + 3 + 3 + 3 + 3 + 3 + 4 + 1


async def test_csv_in_english_or_gbk_with_a_title_above(new, take, known):
    lists = whole(new.code)
    await take(new, *(as_csv(name, rows, titles=False) for name, rows in lists.items()))
    gbk = "社区一览,,\n社区名称;x\n社区名称,社区代码\n改名社区,'" + f"{new.code}001\n"
    report = await take(new, File("社区.csv", gbk.encode("gb18030")))
    assert [c.action for c in report.changes] == ["changed"]
    assert (await known(new)).communities[f"{new.code}001"] == "改名社区"


async def test_nothing_is_deleted_and_an_ended_code_is_not_given_away(new, take, known, processes):
    lists = whole(new.code)
    await take(new, as_workbook(lists))
    last = f"{new.code}002003"
    end = [
        {
            "code": last,
            "community_code": f"{new.code}002",
            "name": f"网格{last[-6:]}",
            "valid_until": "2026-03-01",
        }
    ]
    report = await take(new, as_csv("grids", end))
    assert [(c.action, c.code) for c in report.changes] == [("ended", last)]
    assert last in (await known(new)).grids
    taken = await take(new, as_csv("grids", [end[0] | {"name": "另一个网格", "valid_until": ""}]))
    assert "停用" in taken.faults[0].message
    late = await take(new, as_csv("buildings", [{"code": f"{last}09", "grid_code": last, "name": "9号楼"}]))
    assert "停用" in late.faults[0].message
    async with processes("routing").database.transaction([new.id], read_only=True) as tx:
        rows = await tx.rows(select(tables.registry_changes).where(tables.registry_changes.c.code == last))
    added, ended = sorted(rows, key=lambda r: r.id)
    assert (added.before, added.after["valid_until"], added.actor_role) == (None, None, "console")
    assert (ended.before["valid_until"], ended.after["valid_until"]) == (None, "2026-03-01")


async def test_a_name_that_passed_on_means_what_bears_it_now(new, take, known):
    lists = whole(new.code)
    await take(new, as_workbook(lists))
    old = lists["communities"][0] | {"valid_until": "2026-03-01"}
    heir = {"code": f"{new.code}009", "name": old["name"], "valid_until": ""}
    assert (await take(new, as_csv("communities", [old, heir]))).faults == []
    registry = await known(new)
    assert registry.ended.communities == {old["code"]}
    assert Names(registry).community(old["name"], None) == heir["code"]


async def test_one_follows_another_in_an_area_without_gap_or_overlap(new, take, known):
    await take(new, as_workbook(whole(new.code)))
    area, day = f"{new.code}001001", date(2026, 4, 1)
    report = await take(new, as_csv("responsibles", [{"area_code": area, "staff_code": "d1", "valid_from": "2026-04-01"}]))  # fmt: skip
    assert [c.action for c in report.changes] == ["ended", "added"]
    registry = await known(new)
    assert registry.responsible_for(area, day - A_DAY).code == f"w{area}"
    assert registry.responsible_for(area, day).code == "d1"
    assert registry.staffing.unanswered(area, TODAY) == []
    back = await take(new, as_csv("responsibles", [{"area_code": area, "staff_code": "d2", "valid_from": "2026-03-15"}]))  # fmt: skip
    assert "重叠" in back.faults[0].message


async def test_a_new_survey_moves_no_old_ticket(new, take, known):
    area, other = f"{new.code}001001", f"{new.code}002001"
    drawn = lattice(new.code)
    await take(new, as_workbook(whole(new.code)), as_geojson(drawn))
    wider = {
        area: [square(117.0, 39.0, 117.015, 39.01)], other: [square(117.015, 39.0, 117.02, 39.01)],
    }  # fmt: skip
    report = await take(new, as_geojson(wider), wishes=Wishes(apply=True, since=date(2026, 5, 1)))
    assert (report.faults, report.warnings) == ([], [])
    registry = await known(new)
    assert registry.grid_at(117.012, 39.005, None, date(2026, 4, 30)) == other
    assert registry.grid_at(117.012, 39.005, None, date(2026, 5, 1)) == area
    rewritten = await take(new, as_geojson(drawn), wishes=Wishes(apply=True, since=date(2026, 2, 1)))
    assert "重叠" in rewritten.faults[0].message


async def test_maps_of_other_systems_are_turned_to_ours(new, take, known):
    drawn = {
        code: [[list(convert(*corner, "gcj02", "wgs84")) for corner in ring] for ring in rings]
        for code, rings in lattice(new.code).items()
    }
    await take(new, as_workbook(whole(new.code)), as_geojson(drawn), wishes=Wishes(apply=True, crs=Crs.WGS84))
    assert (await known(new)).grid_at(117.0001, 39.0001, "gcj02", TODAY) == f"{new.code}001001"


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b"{", "JSON"), (b"{}", "FeatureCollection"), (b'{"features": [1]}', "geometry"),
        (b'{"features": [{"geometry": {}, "properties": {}}]}', "代码"),
        (b'{"features": [{"geometry": {"type": "Point"}, "properties": {"code": "1"}}]}', "Polygon"),
        (b'{"features": [{"geometry": {"type": "Polygon", "coordinates": [[[1,1],[2,2],[1,2],[2,1],[1,1]]]}, "properties": {"code": "1"}}]}', "自相交"),
        (b'{"features": [{"geometry": {"type": "Polygon", "coordinates": [[[999,1],[2,2],[1,2],[2,1]]]}, "properties": {"code": "1"}}]}', "范围"),
        (b'{"features": [{"geometry": {"type": "Polygon", "coordinates": [[[1,1],[2,1],[2,2],[1,1]]]}, "properties": {"code": "1"}}]}', "没有代码为 1"),
    ],
)  # fmt: skip
async def test_a_map_that_cannot_be_read_says_why(new, take, content, told):
    report = await take(new, File("x.geojson", content))
    assert told in report.faults[0].message


@pytest.mark.parametrize(
    "content", [b"", b"%PDF-1", b"\xd0\xcf\x11\xe0", b"PK\x03\x04junk", b"a,b\n1,2\n", b"\0\0"]
)
async def test_a_file_that_is_no_list_says_so(new, take, content):
    report = await take(new, File("社区.csv", content))
    assert len(report.faults) == 1
    assert any("\u4e00" <= c <= "\u9fff" for c in report.faults[0].message)


async def test_a_changed_catalogue_is_a_new_version(new, take, known):
    lists = whole(new.code)
    await take(new, as_workbook(lists))
    await take(new, as_csv("categories", [lists["categories"][0] | {"resolve_limit": "5wd"}]))
    registry = await known(new)
    assert (registry.catalogue_version, registry.categories["0101"].limits.resolve) == (2, "5wd")


async def test_twenty_streets_come_in_within_half_a_minute(bare, take, time):
    """20 streets, 400 communities, 4,000 grids, 1,000 staff and over; the last street has one broken row."""
    streets = [await bare(next(_numbers)) for _ in range(20)]
    files = [
        (street, as_workbook(whole(street.code, 20, 10)), as_geojson(lattice(street.code, 20, 10)))
        for street in streets
    ]
    begun = stopwatch.perf_counter()
    for street, *given in files:
        report = await take(street, *given)
        assert report.applied
        assert report.warnings == []
    spent = stopwatch.perf_counter() - begun
    print(f"20 streets in {spent:.1f} s")
    assert spent < 30
