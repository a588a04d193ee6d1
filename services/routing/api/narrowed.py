"""The filters that every board takes, read from the query once."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated

from fastapi import Depends, Query, Request

from services.routing.boards.wanted import Wanted
from services.routing.registry import Registries, Registry
from shared import clock
from shared.auth import Actor
from shared.errors import invalid
from shared.lifecycle import OPEN, State
from shared.terms import TICKET_NUMBER, Level, ListLevel, Mode
from shared.web.access import Anyone, process_of
from shared.web.fields import EntryCode, Instant, Short


@dataclass(frozen=True, slots=True)
class Narrowed:
    """Which streets (their codes by id), narrowed to what, seen when."""

    codes: Mapping[int, str]
    wanted: Wanted
    now: datetime

    @property
    def street_ids(self) -> list[int]:
        return sorted(self.codes)


@dataclass(frozen=True, slots=True)
class Filters:
    """What a board is narrowed to, as written."""

    street: Annotated[str | None, Query(max_length=32, description="街道代码;不填则为有权的全部街道")] = None
    state: Annotated[State | None, Query(description="只看这个状态")] = None
    unit: Annotated[Short | None, Query(description="现在在哪个单位手上(代码或名称)")] = None
    community: Annotated[EntryCode | None, Query(description="社区代码")] = None
    grid: Annotated[EntryCode | None, Query(description="网格代码")] = None
    category: Annotated[EntryCode | None, Query(description="分类代码")] = None
    mode: Annotated[Mode | None, Query(description="办理方式")] = None
    level: Annotated[Level | None, Query(description="办理层级")] = None
    list_level: Annotated[ListLevel | None, Query(description="三级清单的哪一级")] = None
    overdue: Annotated[bool, Query(description="只看超期")] = False
    due_before: Annotated[Instant | None, Query(description="只看在此之前到期的")] = None
    supervised: Annotated[bool | None, Query(description="只看督办的(或未督办的)")] = None
    mine: Annotated[bool, Query(description="只看指派给我的")] = False
    number: Annotated[
        str | None,
        Query(min_length=1, max_length=40, pattern=TICKET_NUMBER.pattern, description="工单编号的一部分"),
    ] = None


_COLUMNS = {
    "community": "community_code", "grid": "grid_code", "category": "category_code", "mode": "mode", "level": "level",
    "list_level": "list_level",
}  # fmt: skip


async def narrowed(request: Request, actor: Anyone, filters: Annotated[Filters, Depends()]) -> Narrowed:
    """Return the filters in codes; raises Invalid for what no street of the actor's has, Forbidden for foreign streets."""
    if filters.state is not None and filters.state not in OPEN:
        raise invalid("state", f"“{filters.state.text}”已不在办理中,请到台账中查询", code="state_not_open")
    codes, now = await _streets(request, actor, filters.street), clock.now()
    units: dict[int, str] = {}
    if filters.unit is not None:
        units = _units(filters.unit, await registries_of(request, codes))
        codes = {street_id: text for street_id, text in codes.items() if street_id in units}
    given = {column: getattr(filters, name) for name, column in _COLUMNS.items()}
    wanted = Wanted(
        state=filters.state, units=units, columns={k: str(v) for k, v in given.items() if v is not None},
        overdue_at=now if filters.overdue else None, due_before=filters.due_before, supervised=filters.supervised,
        mine=actor.id if filters.mine else None, number=filters.number,
    )  # fmt: skip
    return Narrowed(codes, wanted, now)


async def _streets(request: Request, actor: Actor, wanted: str | None) -> dict[int, str]:
    known = process_of(request).streets
    if wanted is not None:
        street = await known.by_code(wanted)
        actor.in_street(street.id)
        return {street.id: street.code}
    return {street_id: (await known.by_id(street_id)).code for street_id in sorted(actor.streets)}


def _units(wanted: str, known: Mapping[int, Registry]) -> dict[int, str]:
    found = {}
    for street_id, registry in known.items():
        unit = registry.units.get(wanted) or registry.units_by_name.get(wanted)
        if unit is not None:
            found[street_id] = unit.code
    if not found:
        raise invalid("unit", f"没有“{wanted}”这个单位", code="unknown_unit")
    return found


async def registries_of(request: Request, street_ids: Iterable[int]) -> dict[int, Registry]:
    """Return the registries of streets by their ids."""
    registries: Registries = request.app.state.registries
    return {street_id: await registries.of(street_id) for street_id in street_ids}
