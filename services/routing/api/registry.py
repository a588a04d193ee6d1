"""Doors to the registry."""

from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from fastapi import APIRouter, Request
from sqlalchemy import select

from services.routing.api.asked import StreetCode, registry_asked
from services.routing.registry import Category, Unit
from services.routing.schemas import (
    CategoryOut,
    CommunityOut,
    GridOut,
    UnitOut,
)
from shared.tables import grids
from shared.terms import GridKind, Level, Mode, UnitKind
from shared.web.access import Anyone, process_of
from shared.web.fields import EntryCode
from shared.web.paging import MOST, Cursor, Limit, Page, code, decode, page
from shared.web.problems import documented

router = APIRouter(tags=["登记簿"])
T = TypeVar("T")
_ERRORS = documented(400, 401, 403, 422, 503)


@router.get("/categories", summary="诉求分类", responses=_ERRORS)
async def categories(
    request: Request, actor: Anyone, street: StreetCode = None, limit: Limit = MOST, cursor: Cursor = None
) -> Page[CategoryOut]:
    registry = await registry_asked(request, actor, street)
    shown = _page(registry.categories, limit, cursor, _category)
    return Page[CategoryOut].model_validate(shown)


def _category(c: Category) -> dict[str, Any]:
    return {
        "code": c.code, "group": c.group_name, "name": c.name, "lead_unit": c.lead_unit, "level": c.level,
        "level_text": Level(c.level).text, "mode": c.mode, "mode_text": Mode(c.mode).text,
        "sign_limit": c.limits.sign, "contact_limit": c.limits.contact, "resolve_limit": c.limits.resolve,
    }  # fmt: skip


@router.get("/units", summary="单位", responses=_ERRORS)
async def units(
    request: Request, actor: Anyone, street: StreetCode = None, limit: Limit = MOST, cursor: Cursor = None
) -> Page[UnitOut]:
    registry = await registry_asked(request, actor, street)
    return Page[UnitOut].model_validate(_page(registry.units, limit, cursor, _unit))


def _unit(u: Unit) -> dict[str, Any]:
    return {
        "code": u.code, "name": u.name, "kind": u.kind, "kind_text": UnitKind(u.kind).text, "level": u.level, "level_text": Level(u.level).text,
        "parent": u.parent_code, "community": u.community_code, "is_desk": u.is_desk,
    }  # fmt: skip


@router.get("/communities", summary="社区", responses=_ERRORS)
async def communities(
    request: Request, actor: Anyone, street: StreetCode = None, limit: Limit = MOST, cursor: Cursor = None
) -> Page[CommunityOut]:
    registry = await registry_asked(request, actor, street)
    named = {code: {"code": code, "name": name} for code, name in registry.communities.items()}
    return Page[CommunityOut].model_validate(_page(named, limit, cursor, lambda community: community))


def _page(
    by_code: Mapping[str, T], limit: int, cursor: str | None, show: Callable[[T], dict[str, Any]]
) -> dict[str, Any]:
    """Return a page of what is in memory, by code."""
    after = decode(cursor, code)
    rows = sorted(c for c in by_code if after is None or c > after[0])[: limit + 1]
    return page(rows, limit, lambda c: (c,), lambda c: show(by_code[c]))


@router.get("/grids", summary="网格", responses=_ERRORS)
async def list_grids(
    request: Request,
    actor: Anyone,
    street: StreetCode = None,
    community: EntryCode | None = None,
    limit: Limit = MOST,
    cursor: Cursor = None,
) -> Page[GridOut]:
    registry = await registry_asked(request, actor, street)
    after = decode(cursor, code)
    query = (
        select(grids).where(grids.c.street_id == registry.street_id).order_by(grids.c.code).limit(limit + 1)
    )
    if community is not None:
        query = query.where(grids.c.community_code == community)
    if after is not None:
        query = query.where(grids.c.code > after[0])
    async with process_of(request).database.transaction([registry.street_id], read_only=True) as tx:
        rows = await tx.rows(query)
    return Page[GridOut].model_validate(
        page(
            rows, limit, lambda r: (r.code,),
            lambda r: {
                "code": r.code, "name": r.name, "kind": r.kind, "kind_text": GridKind(r.kind).text,
                "community": r.community_code,
            },
        )
    )  # fmt: skip
