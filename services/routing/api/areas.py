"""Doors to a street's areas, to whether they are covered, and to its staff."""

from collections.abc import Iterator
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query, Request
from sqlalchemy import Row, select

from services.routing import coverage
from services.routing.api.asked import StreetCode, registry_asked, street_asked
from services.routing.codes import city_of, district_of, standard
from services.routing.examine import Examined, examine
from services.routing.people import Person, Post
from services.routing.registry_schemas import AreaOut, CoverageOut, PersonOut
from shared import clock
from shared.auth import Actor
from shared.db import Transaction
from shared.streets import Street
from shared.tables import buildings, communities, grids, streets
from shared.terms import STAFF_ROLES, AreaKind, Role
from shared.web.access import Anyone, only, process_of
from shared.web.paging import MOST, Cursor, Limit, Page, code, decode, page
from shared.web.problems import documented

router = APIRouter(tags=["登记簿"])
_ERRORS = documented(400, 401, 403, 422, 503)
Staff = Annotated[Actor, Depends(only(*STAFF_ROLES))]
_BELOW = (
    (communities, AreaKind.COMMUNITY, None),
    (grids, AreaKind.GRID, "community_code"),
    (buildings, AreaKind.BUILDING, "grid_code"),
)


@router.get("/areas", summary="区域:市、区、街道、社区、网格、楼栋", responses=_ERRORS)
async def areas(
    request: Request,
    actor: Anyone,
    street: StreetCode = None,
    kind: Annotated[AreaKind | None, Query(description="只要这一级")] = None,
    limit: Limit = MOST,
    cursor: Cursor = None,
) -> Page[AreaOut]:
    """现行和已停用的都在内,按代码排列。"""
    where, after = await street_asked(request, actor, street), decode(cursor, code)
    async with process_of(request).database.transaction([where.id], read_only=True) as tx:
        known = {area["code"]: area for area in await _areas(tx, where)}
    wanted = sorted(c for c, area in known.items() if kind is None or area["kind"] == kind.value)
    rows = [c for c in wanted if after is None or c > after[0]][: limit + 1]
    return Page[AreaOut].model_validate(page(rows, limit, lambda c: (c,), known.__getitem__))


async def _areas(tx: Transaction, street: Street) -> list[dict[str, Any]]:
    found = await tx.one(select(streets).where(streets.c.id == street.id))
    shown = list(_above(found)) if found is not None else []
    for table, kind, parent in _BELOW:
        for row in await tx.rows(select(table).where(table.c.street_id == street.id)):
            above = row._mapping[parent] if parent is not None else street.code  # noqa: SLF001 - a public name
            shown.append(_area(row.code, kind, row.name, above, row.valid_from, row.valid_until))
    return shown


def _above(street: Row[Any]) -> Iterator[dict[str, Any]]:
    city, district = city_of(street.code), district_of(street.code)
    yield _area(city, AreaKind.CITY, street.city, None, None, None)
    yield _area(district, AreaKind.DISTRICT, street.district, city, None, None)
    yield _area(street.code, AreaKind.STREET, street.name, district, None, None)


def _area(
    area: str, kind: AreaKind, name: str | None, parent: str | None, since: Any, until: Any
) -> dict[str, Any]:
    return {
        "code": area, "standard_code": standard(area), "kind": kind.value, "kind_text": kind.text, "name": name,
        "parent": parent, "valid_from": None if since == clock.EVER else since, "valid_until": until,
    }  # fmt: skip


@router.get("/areas/coverage", summary="网格是否无缝覆盖、责任到人", responses=_ERRORS)
async def covered(request: Request, actor: Anyone, street: StreetCode = None) -> CoverageOut:
    """今天的网格:有没有空白、重叠、没有边界或超出社区;每个片区是否恰好有一名责任人。"""
    where = await street_asked(request, actor, street)
    today = clock.local_day(clock.now())
    async with process_of(request).database.transaction([where.id], read_only=True) as tx:
        examined = await examine(tx, where, today)
    return CoverageOut.model_validate(_shown(where, today, examined))


def _shown(street: Street, today: Any, examined: Examined) -> dict[str, Any]:
    return {
        "street": street.code, "day": today, "good": examined.good, "communities": examined.communities,
        "grids": examined.grids, "boundaries": examined.boundaries,
        "tolerance": {"width_m": coverage.WIDTH, "area_m2": coverage.AREA},
        "findings": [
            {
                "trouble": f.trouble.value, "trouble_text": f.trouble.text, "codes": list(f.codes),
                "square_metres": f.square_metres, "longitude": f.point[0] if f.point else None,
                "latitude": f.point[1] if f.point else None, "message": coverage.words(f),
            }
            for f in examined.findings
        ],
        "responsibility": [{"area": area, "message": message} for area, message in examined.responsibility],
    }  # fmt: skip


@router.get("/staff", summary="人员和岗位", responses=_ERRORS)
async def staff(
    request: Request, actor: Staff, street: StreetCode = None, limit: Limit = MOST, cursor: Cursor = None
) -> Page[PersonOut]:
    """姓名只给工作人员看。"""
    registry, after = await registry_asked(request, actor, street), decode(cursor, code)
    known = {person.code: person for person in registry.people.values()}
    rows = sorted(c for c in known if after is None or c > after[0])[: limit + 1]
    return Page[PersonOut].model_validate(page(rows, limit, lambda c: (c,), lambda c: _person(known[c])))


def _person(person: Person) -> dict[str, Any]:
    return {
        "code": person.code, "name": person.name, "valid_until": person.until, "posts": [_post(p) for p in person.posts],
    }  # fmt: skip


def _post(post: Post) -> dict[str, Any]:
    return {
        "role": post.role, "role_text": Role(post.role).text, "unit": post.unit_code, "area": post.area_code,
        "area_kind": post.area_kind, "area_kind_text": AreaKind(post.area_kind).text,
        "valid_from": None if post.since == clock.EVER else post.since, "valid_until": post.until,
    }  # fmt: skip
