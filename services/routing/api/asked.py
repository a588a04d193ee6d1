"""Whose registry is asked about: the street named, the caller's only one, or the street of a ticket."""

from collections.abc import Iterable, Mapping
from typing import Annotated, Any

from fastapi import Depends, Path, Query, Request

from services.routing.registry import Registries, Registry
from shared.auth import Actor
from shared.errors import invalid
from shared.scope import street_of
from shared.streets import Street
from shared.terms import STAFF_ROLES, STREET_WIDE, Role, Scope
from shared.web.access import only, process_of

StreetCode = Annotated[str | None, Query(max_length=32, description="街道代码;只属于一个街道时可不填")]

Number = Annotated[str, Path(max_length=40, description="工单编号", examples=["XB20261121-000001"])]


async def ticket_street(request: Request, actor: Actor, number: str) -> tuple[Street, Registry]:
    """Return the street that has a ticket of this number, and its registry; raise NotFound."""
    process = process_of(request)
    street = await street_of(process.database, process.streets, actor, number)
    registries: Registries = request.app.state.registries
    return street, await registries.of(street.id)


async def registries_of(request: Request, rows: Iterable[Any]) -> Mapping[int, Registry]:
    """Return the registries of the streets that rows are of."""
    registries: Registries = request.app.state.registries
    return {street: await registries.of(street) for street in {row.street_id for row in rows}}


# Who may ask for and change what is promised: staff read what they have a hand in, the whole street's figures are for
# those who see the whole street; promises are made by the desk and the heads, what comes of them is told by all hands.
Reader = Annotated[Actor, Depends(only(*STAFF_ROLES, scope=Scope.LEDGER_READ))]
Overseer = Annotated[Actor, Depends(only(*STREET_WIDE, scope=Scope.LEDGER_READ))]
Planner = Annotated[Actor, Depends(only(Role.DISPATCHER, Role.CLERK, Role.SUPERVISOR, Role.LEADER))]
Hand = Annotated[Actor, Depends(only(*STAFF_ROLES - {Role.AUDITOR, Role.CALLBACK_CLERK}))]


async def street_asked(request: Request, actor: Actor, code: str | None) -> Street:
    """Return the street; raise Invalid or Forbidden."""
    known = process_of(request).streets
    if code is not None:
        street = await known.by_code(code)
        actor.in_street(street.id)
        return street
    if len(actor.streets) != 1:
        raise invalid("street", "请填写街道代码")
    return await known.by_id(next(iter(actor.streets)))


async def registry_asked(request: Request, actor: Actor, code: str | None) -> Registry:
    """Return the street's registry."""
    registries: Registries = request.app.state.registries
    return await registries.of((await street_asked(request, actor, code)).id)
