"""Doors to the routing rules: read them, try a change against what has come in lately, record it, switch one off."""

from collections.abc import Sequence
from datetime import date
from functools import partial
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Path, Query, Request

from services.routing import rule_store
from services.routing.api.asked import StreetCode, registry_asked
from services.routing.registry import Registries, Registry
from services.routing.rule_schemas import RuleIn, RuleOut, RuleRecorded, RuleSwitch
from services.routing.rule_trial import compare, recorded
from services.routing.rules.book import Rule, Rulebook
from shared import clock
from shared.auth import Actor
from shared.db import Transaction
from shared.errors import NotFound
from shared.terms import STAFF_ROLES, Role, Scope
from shared.web.access import only, process_of
from shared.web.fields import Code, Day
from shared.web.idempotency import Key, fingerprint_of, once
from shared.web.paging import MOST, Cursor, Limit, Page, code as text_code, decode, page
from shared.web.problems import documented

router = APIRouter(tags=["派单规则"])
Staff = Annotated[Actor, Depends(only(*STAFF_ROLES, scope=Scope.LEDGER_READ))]
Admin = Annotated[Actor, Depends(only(Role.ADMIN))]
RuleCode = Annotated[Code, Path(description="规则代码", examples=["S2-15"])]


@router.get("/rules", summary="派单规则,按先后", responses=documented(400, 401, 403, 422, 503))
async def current(
    request: Request,
    actor: Staff,
    street: StreetCode = None,
    at: Annotated[Day | None, Query(description="哪一天有效的规则;默认今天")] = None,
    limit: Limit = MOST,
    cursor: Cursor = None,
) -> Page[RuleOut]:
    book = (await registry_asked(request, actor, street)).rulebook
    after = decode(cursor, int, text_code)
    day: date = at or clock.local_day(clock.now())
    rows = [r for r in book.on(day) if after is None or (r.position, r.code) > tuple(after)][: limit + 1]
    shown = page(rows, limit, lambda r: (r.position, r.code), partial(_rule, book))
    return Page[RuleOut].model_validate(shown)


@router.get("/rules/{code}", summary="一条规则的全部版本", responses=documented(400, 401, 403, 404, 422, 503))
async def versions(
    request: Request,
    actor: Staff,
    code: RuleCode,
    street: StreetCode = None,
    limit: Limit = MOST,
    cursor: Cursor = None,
) -> Page[RuleOut]:
    book = (await registry_asked(request, actor, street)).rulebook
    known = _versions(book, code)
    after = decode(cursor, int)
    rows = [r for r in known if after is None or r.version < after[0]][: limit + 1]
    return Page[RuleOut].model_validate(page(rows, limit, lambda r: (r.version,), partial(_rule, book)))


@router.post(
    "/rules", summary="新增规则或规则的新版本;可先试算", response_model=RuleRecorded,
    responses=documented(400, 401, 403, 409, 413, 422, 503),
)  # fmt: skip
async def write(request: Request, actor: Admin, body: RuleIn, key: Key = None) -> dict[str, Any]:
    registry, body_hash = await registry_asked(request, actor, body.street), await fingerprint_of(request)
    street_id = registry.street_id
    draft = recorded(body.model_dump(), registry)
    if body.dry_run:
        async with process_of(request).database.transaction([street_id], read_only=True) as tx:
            effect = await compare(tx, registry, draft)
        return {"recorded": False, "rule": _rule(registry.rulebook, draft), "effect": effect}
    async with process_of(request).database.transaction([street_id]) as tx:

        async def work() -> dict[str, Any]:
            version = await rule_store.next_version(tx, street_id, draft.code)
            rule = recorded(body.model_dump(), registry, version)
            await rule_store.write(tx, street_id, rule, actor.id)
            shown = RuleOut.model_validate(_rule(Rulebook(registry.rulebook.known), rule))
            return {"recorded": True, "rule": shown.model_dump(mode="json"), "effect": None}

        _read_anew(tx, request)
        return await once(tx, street_id, actor.id, key, body_hash, 200, work)


@router.post(
    "/rules/{code}/switch", summary="启用或停用规则", response_model=RuleOut,
    responses=documented(400, 401, 403, 404, 409, 413, 422, 503),
)  # fmt: skip
async def switch(request: Request, actor: Admin, code: RuleCode, body: RuleSwitch) -> dict[str, Any]:
    registry = await registry_asked(request, actor, body.street)
    newest = _versions(registry.rulebook, code)[0]
    async with process_of(request).database.transaction([registry.street_id]) as tx:
        await rule_store.switch(tx, registry.street_id, newest, actor.id, on=body.on, reason=body.reason)
        _read_anew(tx, request)
    return _rule((await _fresh(request, registry)).rulebook, newest)


def _read_anew(tx: Transaction, request: Request) -> None:
    registries: Registries = request.app.state.registries
    tx.on_commit.append(registries.forget)


async def _fresh(request: Request, registry: Registry) -> Registry:
    registries: Registries = request.app.state.registries
    return await registries.of(registry.street_id)


def _versions(book: Rulebook, code: str) -> Sequence[Rule]:
    """Return a rule's versions, the newest first; raise NotFound."""
    known = sorted((r for r in book.rules if r.code == code), key=lambda r: -r.version)
    if not known:
        raise NotFound(f"没有代码为 {code} 的规则", code="rule_not_found")
    return known


def _rule(book: Rulebook, rule: Rule) -> dict[str, Any]:
    off = book.off.get(rule.code)
    return {
        "code": rule.code, "version": rule.version, "position": rule.position, "valid_from": rule.valid_from,
        "valid_until": rule.valid_until, "conditions": rule.conditions, "result": rule.result, "note": rule.note,
        "recorded_at": rule.recorded_at, "enabled": off is None, "off_reason": off.reason if off else None,
        "off_by_itself": off is not None and off.by_itself, "off_since": off.since if off else None,
        "fault": book.fault(rule),
    }  # fmt: skip
