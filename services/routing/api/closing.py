"""Doors to closing: a street's policy in its versions, and the matters whose reporter nobody has told."""

from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Depends, Query, Request
from sqlalchemy import Row
from uuid_utils.compat import uuid7

from services.routing import view
from services.routing.api.asked import StreetCode, registry_asked, street_asked
from services.routing.closing import store
from services.routing.closing_policy import EVERY_CATEGORY, read_closing
from services.routing.closing_schemas import ClosingPolicyIn, ClosingPolicyOut, UntoldOut
from services.routing.registry import Registries, Registry
from services.routing.upkeep.state import Action
from services.routing.upkeep.store import record
from shared.auth import Actor
from shared.errors import invalid
from shared.lifecycle import State
from shared.terms import STAFF_ROLES, Outcome, Role, Scope
from shared.web.access import only, process_of
from shared.web.fields import Short
from shared.web.idempotency import Key, fingerprint_of, once
from shared.web.paging import Cursor, Limit, Page, decode, page
from shared.web.problems import documented

router = APIRouter(tags=["办结"])
Staff = Annotated[Actor, Depends(only(*STAFF_ROLES, scope=Scope.LEDGER_READ))]
Admin = Annotated[Actor, Depends(only(Role.ADMIN))]
KIND = "closing_policy"


@router.get("/closing-policies", summary="办结方案的全部版本", responses=documented(400, 401, 403, 422, 503))
async def versions(
    request: Request, actor: Staff, street: StreetCode = None, limit: Limit = 20, cursor: Cursor = None
) -> Page[ClosingPolicyOut]:
    """最新的在前;没有的项目按默认办理。"""
    where, after = await street_asked(request, actor, street), decode(cursor, int)
    async with process_of(request).database.transaction([where.id], read_only=True) as tx:
        rows = await store.versions(tx, where.id, after, limit)
    return Page[ClosingPolicyOut].model_validate(
        page(rows, limit, lambda r: (r.version,), lambda r: dict(r._mapping))  # noqa: SLF001 - SQLAlchemy's public name
    )


@router.post(
    "/closing-policies", summary="办结方案的新版本", status_code=201, response_model=ClosingPolicyOut,
    responses=documented(400, 401, 403, 409, 413, 422, 503),
)  # fmt: skip
async def write(request: Request, actor: Admin, body: ClosingPolicyIn, key: Key = None) -> dict[str, Any]:
    """凭证、结果、回访比例、确认期限、反馈要求;从生效日起办结的按新版本。"""
    registry, body_hash = await registry_asked(request, actor, body.street), await fingerprint_of(request)
    _check(body.document, registry)
    async with process_of(request).database.transaction([registry.street_id]) as tx:

        async def work() -> dict[str, Any]:
            row = await store.write(tx, registry.street_id, body.document, body.valid_from, actor.id)
            told = {"valid_from": row["valid_from"].isoformat(), "document": body.document}
            change = (KIND, str(row["version"]), Action.ADDED, None, told)
            await record(tx, registry.street_id, [change], actor, uuid7())
            return ClosingPolicyOut.model_validate(row, extra="ignore").model_dump(mode="json")

        registries: Registries = request.app.state.registries
        tx.on_commit.append(registries.forget)
        return await once(tx, registry.street_id, actor.id, key, body_hash, 201, work)


def _check(document: dict[str, Any], registry: Registry) -> None:
    """Raise Invalid for a document that cannot be read, or that names a category the street does not have."""
    try:
        policy = read_closing(1, document)
    except ValueError as error:
        raise invalid("document", str(error), code="bad_policy") from error
    for category in {*policy.proof, *policy.share_by_category} - {EVERY_CATEGORY}:
        registry.category(category)


@router.get(
    "/feedback/exceptions",
    summary="已办结而没有告诉诉求人的(件件有回音的例外)",
    responses=documented(400, 401, 403, 422, 503),
)
async def exceptions(
    request: Request,
    actor: Staff,
    unit: Annotated[Short | None, Query(description="主办单位的代码或名称")] = None,
    street: StreetCode = None,
    limit: Limit = 20,
    cursor: Cursor = None,
) -> Page[UntoldOut]:
    """办结、不予受理、引导、并案之后,没有反馈记录、没有有效回访、诉求人在小程序中也看不到结果的;一切正常时为空。"""
    registry, after = await registry_asked(request, actor, street), decode(cursor, UUID)
    wanted = registry.unit(unit).code if unit is not None else None
    async with process_of(request).database.transaction([registry.street_id], read_only=True) as tx:
        rows = await store.untold(tx, registry.street_id, actor, unit=wanted, after=after, limit=limit)
    return Page[UntoldOut].model_validate(
        page(rows, limit, lambda r: (r.ticket_id,), lambda r: _untold(r, registry))
    )


def _untold(row: Row[Any], registry: Registry) -> dict[str, Any]:
    return {
        "id": str(row.ticket_id), "number": row.number, "state": row.state, "state_text": State(row.state).text,
        "category": row.category_code, "category_name": view.category_name(registry, row.category_code),
        "lead_unit": row.lead_unit, "lead_unit_name": view.unit_name(registry, row.lead_unit),
        "ended_at": row.closed_at or row.moved_at, "outcome": row.outcome,
        "outcome_text": Outcome(row.outcome).text if row.outcome else None,
    }  # fmt: skip
