"""The doors through which a registry is kept and read: who may, what they are told, what is recorded."""

import pytest

from services.routing.codes import city_of, district_of
from services.routing.registry import Registries
from shared.tables import registry_changes
from tests.routing.lists import as_csv, as_geojson, square

UNIT = {
    "code": "hongse", "name": "红色合伙人", "kind": "红色合伙人", "level": "街道", "parent_code": "u00", "is_desk": "否",
}  # fmt: skip


@pytest.fixture
def post(routing, who):
    """`await post(file, …, dry_run=False)` → the report."""

    async def send(*files, name="admin", status=200, **query):
        answer = await routing.post(
            "/v1/registry/imports",
            params={key: str(value).lower() for key, value in query.items()},
            files=[("file", (file.name, file.content)) for file in files],
            headers=who(name),
        )
        assert answer.status_code == status, answer.text
        return answer.json()

    return send


async def test_lists_are_tried_first_then_written_and_recorded(time, post, routing, who, rows):
    tried = await post(as_csv("units", [UNIT]))
    assert (tried["applied"], tried["error_count"]) == (False, 0)
    assert tried["changes"] == [
        {"list": "units", "list_text": "单位", "code": "hongse", "action": "added", "action_text": "新增"}
    ]
    assert await rows(registry_changes) == []
    assert (await post(as_csv("units", [UNIT]), dry_run=False))["applied"]
    again = await post(as_csv("units", [UNIT]), dry_run=False)
    assert (again["change_count"], again["lists"]) == (
        0, [{"list": "units", "rows": 1, "added": 0, "changed": 0, "ended": 0}],
    )  # fmt: skip
    shown = (await routing.get("/v1/units", headers=who("resident"))).json()["items"]
    assert [u["kind_text"] for u in shown if u["code"] == "hongse"] == ["红色合伙人"]
    [change] = (await routing.get("/v1/registry/changes", headers=who("dispatcher"))).json()["items"]
    assert (change["actor_role_text"], change["code"], change["before"]) == ("管理员", "hongse", None)
    assert change["after"]["name"] == "红色合伙人"


async def test_a_broken_row_stops_all_unless_the_good_are_wanted(time, post):
    files = [as_csv("units", [UNIT, UNIT | {"code": "x", "name": "无主", "parent_code": "天庭"}])]
    told = await post(*files, dry_run=False)
    assert not told["applied"]
    [error] = told["errors"]
    assert (error["file"], error["line"], error["column"]) == ("单位.csv", 3, "parent_code")
    assert "天庭" in error["message"]
    kept = await post(*files, dry_run=False, keep_good=True)
    assert (kept["applied"], [c["code"] for c in kept["changes"]]) == (True, ["hongse"])


async def test_a_map_over_http_tells_what_it_would_leave_blank(time, post, street):
    west, south = street.middle("g21")
    smaller = [square(west - 0.005, south - 0.005, west + 0.005, south + 0.004)]
    told = await post(as_geojson({"g21": smaller}))
    assert told["error_count"] == 0
    assert [c["action"] for c in told["changes"]] == ["ended", "added"]
    assert any("空白" in warning for warning in told["warnings"])


@pytest.mark.parametrize("name", ["resident", "dispatcher", "unit:物业办", "leader"])
async def test_only_an_admin_changes_the_registry(time, post, name):
    assert (await post(as_csv("units", [UNIT]), name=name, status=403))["code"] == "role_not_allowed"


async def test_names_of_staff_are_for_staff(routing, who, post, time):
    people = [{"code": "s1", "name": "王一"}], [{"staff_code": "s1", "role": "网格员", "area_code": "g11"}]
    await post(as_csv("staff", people[0]), as_csv("posts", people[1]), dry_run=False)
    page = (await routing.get("/v1/staff", headers=who("clerk"))).json()
    assert page["items"] == [
        {
            "code": "s1", "name": "王一", "valid_until": None,
            "posts": [
                {"role": "grid_worker", "role_text": "网格员", "unit": None, "area": "g11", "area_kind": "grid",
                 "area_kind_text": "网格", "valid_from": None, "valid_until": None}
            ],
        }
    ]  # fmt: skip
    assert (await routing.get("/v1/staff", headers=who("resident"))).status_code == 403
    assert (await routing.get("/v1/registry/changes", headers=who("clerk"))).status_code == 403


async def test_areas_from_the_city_down(routing, who, street):
    items = (await routing.get("/v1/areas", headers=who("resident"))).json()["items"]
    by_kind = {item["kind"]: item for item in items if item["kind"] in {"city", "district", "street"}}
    assert by_kind["street"]["parent"] == by_kind["district"]["code"] == street.code[:6]
    assert by_kind["street"]["standard_code"] == f"{street.code}000"
    grids = (
        await routing.get("/v1/areas", params={"kind": "grid", "limit": 4}, headers=who("resident"))
    ).json()
    assert ([g["code"] for g in grids["items"]], grids["has_more"]) == (["g11", "g12", "g21", "g22"], True)


@pytest.mark.parametrize(
    ("street", "city", "district"), [("120116005", "120000", "120116"), ("370203011", "370200", "370203")]
)
def test_a_municipality_is_its_own_province(street, city, district):
    assert (city_of(street), district_of(street)) == (city, district)


async def test_a_ticket_keeps_the_catalogue_it_was_placed_under(time, post, placed, look, street, processes):
    row = {
        "code": "0101", "group_name": "环境卫生", "name": "垃圾清运", "lead_unit": "物业办", "level": "街道", "mode": "普通",
        "sign_limit": "1wd", "contact_limit": "1wd", "resolve_limit": "5wd",
    }  # fmt: skip
    assert (await post(as_csv("categories", [row]), dry_run=False))["applied"]
    number = await placed()
    assert (await post(as_csv("categories", [row | {"resolve_limit": "9wd"}]), dry_run=False))["applied"]
    assert (await Registries(processes("routing").database).of(street.id)).catalogue_version == 2
    assert (await look(number))["catalogue_version"] == 1


async def test_no_file_is_refused_in_chinese(time, routing, who):
    answer = await routing.post("/v1/registry/imports", headers=who("admin"), data={"file": "x"})
    assert (answer.status_code, answer.json()["code"]) == (422, "file_required")
