"""Doors to supervision: what is under it, the orders and their replies, the key ledger, the street's ladder."""

from datetime import datetime
from functools import partial
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Depends, Query, Request

from services.routing import view
from services.routing.api.asked import StreetCode, registry_asked
from services.routing.ladder.policy import USUAL_SUPERVISION, Step, SupervisionPolicy
from services.routing.ladder.store import number_of, write_policy
from services.routing.oversight import ORDER_STATES, next_step, order_state, policy_on
from services.routing.registry import Registries, Registry
from services.routing.supervision import look
from services.routing.supervision_schemas import KeyEntryOut, OrderOut, PolicyIn, PolicyOut, SupervisedOut
from shared import clock
from shared.auth import Actor
from shared.lifecycle import action_text
from shared.terms import STAFF_ROLES, TICKET_NUMBER, Role, Scope, SupervisionLevel
from shared.web.access import only, process_of
from shared.web.fields import Short
from shared.web.idempotency import Key, fingerprint_of, once
from shared.web.paging import Cursor, Limit, Page, decode, instant, page
from shared.web.problems import documented

router = APIRouter(prefix="/supervision", tags=["督办"])
Staff = Annotated[Actor, Depends(only(*STAFF_ROLES, scope=Scope.LEDGER_READ))]
Heads = Annotated[Actor, Depends(only(Role.SUPERVISOR, Role.LEADER, Role.ADMIN))]
Unit = Annotated[Short | None, Query(description="只看这个单位(代码或名称)")]
_ERRORS = documented(400, 401, 403, 422, 503)


@router.get("", summary="督办中的工单,按时限排序", responses=_ERRORS)
async def supervised(
    request: Request,
    actor: Staff,
    street: StreetCode = None,
    level: Annotated[SupervisionLevel | None, Query(description="只看到了这一级的")] = None,
    colour: Annotated[Short | None, Query(description="只看这个颜色的,如 red;没有被督办的为 green")] = None,
    unit: Unit = None,
    *,
    key: Annotated[bool, Query(description="只看重点督办台账中的")] = False,
    limit: Limit = 20,
    cursor: Cursor = None,
) -> Page[SupervisedOut]:
    """颜色按本街道督办方案由级别得出;不填级别和颜色,则列出全部已被督办的。"""
    registry, after, now = (
        await registry_asked(request, actor, street), decode(cursor, instant, UUID), clock.now(),
    )  # fmt: skip
    levels: list[str | None] | None = [level.value] if level else None
    if colour is not None:
        shown = policy_on(registry, now).levels_of(colour)
        levels = [each for each in shown if levels is None or each in levels]
    code = registry.unit(unit).code if unit is not None else None
    async with process_of(request).database.transaction([registry.street_id], read_only=True) as tx:
        rows = await look.supervised(
            tx, registry.street_id, actor, levels=levels, unit=code, key=key, after=after, limit=limit
        )
    return Page[SupervisedOut].model_validate(
        page(rows, limit, lambda r: (r.due_at.isoformat(), r.ticket_id), partial(_item, registry, now))
    )


def _item(registry: Registry, now: datetime, row: Any) -> dict[str, Any]:
    fields = row._mapping  # noqa: SLF001 - SQLAlchemy's public name for a row as a mapping
    following = next_step(fields, registry, now)
    return {
        **{name: fields[name] for name in ("number", "state", "owner_unit", "due_at", "key_since")},
        **view.supervision(fields, registry, now),
        "title": row.content[: view.TITLE],
        "state_text": view.texts(fields)["state_text"],
        "owner_unit_name": view.unit_name(registry, row.owner_unit),
        "deadline_text": view.deadline_text(fields, now),
        "overdue": view.overdue(fields, now),
        "next_step": following.step.level.value if following else None,
        "next_step_text": following.step.level.text if following else None,
        "next_step_at": following.at if following else None,
        "next_step_why": following.why if following else None,
    }


@router.get("/orders", summary="督办单和答复", responses=_ERRORS)
async def orders(
    request: Request,
    actor: Staff,
    street: StreetCode = None,
    number: Annotated[
        str | None, Query(max_length=40, pattern=TICKET_NUMBER.pattern, description="只看这张工单的")
    ] = None,
    unit: Unit = None,
    *,
    unanswered: Annotated[bool, Query(description="只看还没有答复的")] = False,
    limit: Limit = 20,
    cursor: Cursor = None,
) -> Page[OrderOut]:
    """新的在前。答复用工单的 reply_supervision 操作。"""
    registry, now = await registry_asked(request, actor, street), clock.now()
    after = decode(cursor, _place, _place)
    code = registry.unit(unit).code if unit is not None else None
    async with process_of(request).database.transaction([registry.street_id], read_only=True) as tx:
        rows = await look.orders(
            tx, registry.street_id, actor, ticket=number, unit=code, unanswered=unanswered, after=after, limit=limit
        )  # fmt: skip
        said = await look.replies(tx, registry.street_id, [(r.year, r.serial) for r in rows])
    return Page[OrderOut].model_validate(
        page(
            rows,
            limit,
            lambda r: (r.year, r.serial),
            lambda r: _order(registry, now, r, said[r.year, r.serial]),
        )
    )


def _place(text: str) -> int:
    value = int(text)
    if not 0 <= value < 2**31:
        raise ValueError(text)
    return value


def _order(registry: Registry, now: datetime, row: Any, replies: list[Any]) -> dict[str, Any]:
    fields = row._mapping  # noqa: SLF001 - SQLAlchemy's public name for a row as a mapping
    colour, name = policy_on(registry, now).colour(row.level), partial(view.unit_name, registry)
    state = order_state(fields, fields, bool(replies), now)
    return {
        "order": number_of(row.year, row.serial), "number": row.number, "level": row.level,
        "level_text": SupervisionLevel(row.level).text, "colour": colour.code, "colour_text": colour.name,
        "unit": row.unit_code, "unit_name": name(row.unit_code), "head_unit": row.head_unit,
        "head_unit_name": name(row.head_unit), "head_staff": row.head_staff, "by_ladder": row.step is not None,
        "reason": row.reason, "issued_at": row.issued_at, "issued_role": row.issued_role,
        "issued_role_text": Role(row.issued_role).text, "reply_due_at": row.reply_due_at, "state": state,
        "state_text": ORDER_STATES[state],
        "replies": [
            {
                "unit": r.unit_code, "unit_name": name(r.unit_code), "content": r.content,
                "replied_at": r.replied_at, "late": r.replied_at > row.reply_due_at,
            }
            for r in replies
        ],
    }  # fmt: skip


@router.get("/key-ledger", summary="重点督办台账的进出记录", responses=_ERRORS)
async def key_ledger(
    request: Request, actor: Staff, street: StreetCode = None, limit: Limit = 20, cursor: Cursor = None
) -> Page[KeyEntryOut]:
    """谁、何时、为何列入或移出,新的在前;现在台账中的见 GET /v1/supervision?key=true。"""
    registry, after = await registry_asked(request, actor, street), decode(cursor, instant, UUID, _place)
    async with process_of(request).database.transaction([registry.street_id], read_only=True) as tx:
        rows = await look.key_ledger(tx, registry.street_id, actor, after=after, limit=limit)
    return Page[KeyEntryOut].model_validate(
        page(rows, limit, lambda r: (r.recorded_at.isoformat(), r.ticket_id, r.seq), _entry)
    )


def _entry(row: Any) -> dict[str, Any]:
    return {
        "number": row.number, "action": row.action, "action_text": action_text(row.action), "reason": row.reason,
        "by": str(row.actor_id), "role": row.actor_role, "role_text": Role(row.actor_role).text,
        "occurred_at": row.occurred_at, "recorded_at": row.recorded_at, "on_ledger": row.key_since is not None,
    }  # fmt: skip


@router.get("/policy", summary="现行的督办方案", responses=_ERRORS)
async def policy(request: Request, actor: Staff, street: StreetCode = None) -> PolicyOut:
    registry = await registry_asked(request, actor, street)
    return PolicyOut.model_validate(_policy(registry, policy_on(registry, clock.now())))


@router.post(
    "/policy", summary="新的督办方案,一次一版", response_model=PolicyOut,
    responses=documented(400, 401, 403, 409, 413, 422, 503),
)  # fmt: skip
async def write(request: Request, actor: Heads, body: PolicyIn, key: Key = None) -> dict[str, Any]:
    """没有写的项照常规;在办工单下一级何时启动随之重算,已启动的不再启动。"""
    registry, body_hash = await registry_asked(request, actor, body.street), await fingerprint_of(request)
    street_id = registry.street_id
    since = body.valid_from or clock.local_day(clock.now())
    registries: Registries = request.app.state.registries
    async with process_of(request).database.transaction([street_id]) as tx:

        async def work() -> dict[str, Any]:
            written = await write_policy(tx, street_id, body.document, since, actor.id)
            shown = PolicyOut.model_validate({**_policy(registry, written), "valid_from": since})
            return shown.model_dump(mode="json")

        tx.on_commit.append(registries.forget)
        return await once(tx, street_id, actor.id, key, body_hash, 200, work)


def _policy(registry: Registry, known: SupervisionPolicy) -> dict[str, Any]:
    since = next((day for day, each in registry.supervision.versions if each.version == known.version), None)
    levels = [None, *(level.value for level in SupervisionLevel)]
    return {
        "version": known.version, "valid_from": since if known is not USUAL_SUPERVISION else None,
        "ladder": [_step(step) for step in known.ladder],
        "colours": [{"level": v, "code": known.colour(v).code, "name": known.colour(v).name} for v in levels],
        "reply_within": str(known.reply_within), "meeting_weekday": known.meeting_weekday,
    }  # fmt: skip


def _step(step: Step) -> dict[str, Any]:
    overdue = "0" if step.at_deadline else str(step.overdue) if step.overdue else None
    return {
        "level": step.level.value, "level_text": step.level.text, "elapsed": step.elapsed, "overdue": overdue,
        "urges": step.urges, "reply_within": str(step.reply_within),
    }  # fmt: skip
