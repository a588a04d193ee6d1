"""Doors to deliberations: what was agreed about which tickets, by whom, for whom to do by when."""

from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Depends, Query, Request

from services.routing import deliberate
from services.routing.act import find
from services.routing.api.asked import StreetCode, street_asked
from services.routing.joint.view import name_of
from services.routing.joint_schemas import DeliberationIn, DeliberationOut
from services.routing.registry import Registries, Registry
from shared.auth import Actor
from shared.db import Transaction
from shared.errors import NotFound, invalid
from shared.streets import Street
from shared.terms import STAFF_ROLES, Role, Scope
from shared.web.access import only, process_of
from shared.web.fields import EntryCode, Short
from shared.web.idempotency import Key, fingerprint_of, once
from shared.web.paging import Cursor, Limit, Page, decode, number as number_of, page
from shared.web.problems import documented

router = APIRouter(tags=["联合办理"])
Reader = Annotated[Actor, Depends(only(*STAFF_ROLES, scope=Scope.LEDGER_READ))]
Writer = Annotated[Actor, Depends(only(*(STAFF_ROLES - {Role.ADMIN, Role.AUDITOR, Role.CALLBACK_CLERK})))]


@router.get("/deliberations", summary="议事记录,新的在前", responses=documented(400, 401, 403, 422, 503))
async def deliberations(
    request: Request,
    actor: Reader,
    street: StreetCode = None,
    community: Annotated[EntryCode | None, Query(description="只看这个社区")] = None,
    number: Annotated[Short | None, Query(description="只看涉及这张工单的(编号)")] = None,
    limit: Limit = 20,
    cursor: Cursor = None,
) -> Page[DeliberationOut]:
    where, registry = await _where(request, actor, street)
    async with process_of(request).database.transaction([where.id], read_only=True) as tx:
        rows = await deliberate.deliberations(
            tx,
            where.id,
            actor,
            community=community,
            ticket=number,
            after=decode(cursor, number_of),
            limit=limit,
        )
        about, agreed = await deliberate.told(tx, where.id, actor, rows)
    shown = page(rows, limit, lambda r: (r.number,), lambda r: _shown(r, about, agreed, registry))
    return Page[DeliberationOut].model_validate(shown)


@router.post(
    "/deliberations", summary="登记议事和决议;决议写入涉及的工单", status_code=201, response_model=DeliberationOut,
    responses=documented(400, 401, 403, 409, 413, 422, 503),
)  # fmt: skip
async def write(request: Request, actor: Writer, body: DeliberationIn, key: Key = None) -> dict[str, Any]:
    street, registry = await _where(request, actor, body.street)
    process, body_hash = process_of(request), await fingerprint_of(request)
    async with process.database.transaction([street.id]) as tx:

        async def work() -> dict[str, Any]:
            found = await _found(tx, street, actor, body.tickets)
            number = await deliberate.record(tx, process.outbox, registry, actor, body, found)
            rows = await deliberate.deliberations(tx, street.id, actor, number=number, limit=1)
            about, agreed = await deliberate.told(tx, street.id, actor, rows)
            shown = DeliberationOut.model_validate(_shown(rows[0], about, agreed, registry))
            return shown.model_dump(mode="json")

        return await once(tx, street.id, actor.id, key, body_hash, 201, work)


async def _where(request: Request, actor: Actor, code: str | None) -> tuple[Street, Registry]:
    street = await street_asked(request, actor, code)
    registries: Registries = request.app.state.registries
    return street, await registries.of(street.id)


async def _found(tx: Transaction, street: Street, actor: Actor, numbers: list[str]) -> dict[str, UUID]:
    """Return the ids of tickets by number; raise Invalid for one out of sight."""
    found = {}
    for number in numbers:
        try:
            found[number] = await find(tx, street, number, actor)
        except NotFound as missing:
            raise invalid("tickets", f"没有编号为 {number} 的工单", code="unknown_ticket") from missing
    return found


def _shown(row: Any, about: Any, agreed: Any, registry: Registry) -> dict[str, Any]:
    names = ("number", "held_on", "body", "topic", "participants", "recorded_unit", "recorded_at")
    return {
        **{name: getattr(row, name) for name in names},
        "community": row.community_code,
        "community_name": registry.communities.get(row.community_code),
        "tickets": about.get(row.number, []),
        "resolutions": [
            {"text": r.agreed, "unit": r.unit_code, "unit_name": name_of(registry, r.unit_code), "due_at": r.due_at}
            for r in agreed.get(row.number, ())
        ],
    }  # fmt: skip
