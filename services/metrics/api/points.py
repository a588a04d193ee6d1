"""Doors to points: the ranking, one person's account, what people add and take back, and the rules."""

from dataclasses import dataclass
from datetime import date
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Depends, Path, Query, Request

from services.metrics import registry
from services.metrics.api.ask import OneStreet, Reader, one_street
from services.metrics.points import store
from services.metrics.points.award import grant, take_back
from services.metrics.points.rules import Rule, Rulebook
from services.metrics.points.wire import (
    AccountOut,
    PointEntry,
    PointRuleIn,
    PointRuleOut,
    PointRulesIn,
    PointRulesRecorded,
    PointsIn,
    RankingOut,
    ReversalIn,
)
from shared import clock
from shared.auth import Actor
from shared.db import Transaction
from shared.errors import NotFound, invalid
from shared.scope import sees_all
from shared.streets import Street
from shared.terms import Role
from shared.web.access import only, process_of
from shared.web.fields import Day
from shared.web.idempotency import Key, fingerprint_of, once
from shared.web.paging import MOST, Cursor, Limit, Page, code, decode, page
from shared.web.problems import documented

router = APIRouter(tags=["积分"])
_ERRORS = documented(400, 401, 403, 404, 422, 503)
_WRITING = documented(400, 401, 403, 404, 409, 413, 422, 503)
Head = Annotated[Actor, Depends(only(Role.SUPERVISOR, Role.LEADER, Role.ADMIN))]
Admin = Annotated[Actor, Depends(only(Role.ADMIN))]
StaffId = Annotated[UUID, Path(description="人员编号")]
EntryId = Annotated[UUID, Path(description="积分记录编号")]
_KINDS = {"rule": "按规则", "manual": "人工加减", "reversal": "冲销", "day": "每日上限", "month": "每月上限"}


@dataclass(frozen=True, slots=True)
class Days:
    """Some local days, both included: this year until today where nothing is said."""

    first: Annotated[Day | None, Query(alias="from", description="首日(含),不填则为今年1月1日")] = None
    last: Annotated[Day | None, Query(alias="to", description="末日(含),不填则为今天")] = None

    def span(self) -> tuple[date, date]:
        today = clock.local_day(clock.now())
        first, last = self.first or date(today.year, 1, 1), self.last or today
        if first > last:
            raise invalid("from", "首日不能晚于末日")
        return first, last


Span = Annotated[Days, Depends()]


@router.get("/points", summary="积分排名", response_model=RankingOut, responses=_ERRORS)
async def ranking(
    request: Request,
    actor: Reader,
    days: Span,
    street: OneStreet = None,
    limit: Limit = 20,
    cursor: Cursor = None,
) -> dict[str, Any]:
    """分数相同名次相同;不是街道层面的人员只看到自己的名次。"""
    where, after, (first, last) = await one_street(request, actor, street), decode(cursor, int), days.span()
    async with process_of(request).database.transaction([where.id], read_only=True) as tx:
        everybody = await store.ranked(tx, where.id, first, last)
        rows = [
            (place, row)
            for place, row in enumerate(everybody)
            if (sees_all(actor) or row["staff_id"] == actor.id) and (after is None or place > after[0])
        ][: limit + 1]
        names = await store.people(tx, where.id, {row["staff_id"] for _, row in rows})
    ranks = _ranks(everybody)

    def shown(placed: tuple[int, Any]) -> dict[str, Any]:
        _, row = placed
        return {
            "rank": ranks[row["total"]], "staff": row["staff_id"], "name": names.get(row["staff_id"]),
            **{name: int(row[name]) for name in ("total", "gained", "lost", "entries")},
        }  # fmt: skip

    return {**page(rows, limit, lambda p: (p[0],), shown), "street": where.code, "first": first, "last": last}


def _ranks(rows: list[Any]) -> dict[int, int]:
    """Return the rank of each total; equals share theirs, and the next one counts them all."""
    found: dict[int, int] = {}
    for place, row in enumerate(rows, 1):
        found.setdefault(row["total"], place)
    return found


@router.get("/points/{staff}", summary="一个人的积分明细", response_model=AccountOut, responses=_ERRORS)
async def account(
    request: Request,
    actor: Reader,
    staff: StaffId,
    days: Span,
    street: OneStreet = None,
    limit: Limit = 20,
    cursor: Cursor = None,
) -> dict[str, Any]:
    where, after, (first, last) = await one_street(request, actor, street), decode(cursor, UUID), days.span()
    if not sees_all(actor) and staff != actor.id:
        raise NotFound("没有这个人的积分", code="account_not_found")
    async with process_of(request).database.transaction([where.id], read_only=True) as tx:
        rows = await store.of_one(tx, where.id, staff, first, last, after[0] if after else None, limit)
        total = await store.total(tx, where.id, staff, first, last)
        names = await store.people(tx, where.id, [staff])
        numbers = await _numbers(tx, where, rows)
    return {
        **page(rows, limit, lambda r: (r["id"],), lambda r: _entry(r, numbers)),
        "street": where.code, "staff": staff, "name": names.get(staff), "first": first, "last": last, "total": total,
    }  # fmt: skip


@router.post("/points", status_code=201, summary="加分或扣分", response_model=PointEntry, responses=_WRITING)
async def add(request: Request, body: PointsIn, actor: Head, key: Key = None) -> dict[str, Any]:
    where, today = await one_street(request, actor, body.street), clock.local_day(clock.now())
    if body.day is not None and body.day > today:
        raise invalid("day", "不能晚于今天")
    body_hash = await fingerprint_of(request)
    async with process_of(request).database.transaction([where.id]) as tx:

        async def work() -> dict[str, Any]:
            if not await store.people(tx, where.id, [body.staff]):
                raise invalid("staff", "本街道没有这个人", code="unknown_person")
            ticket_id = await _ticket(tx, where, body.ticket)
            written = await grant(
                tx, where.id, actor, body.staff, body.points, body.reason, day=body.day or today, ticket_id=ticket_id
            )  # fmt: skip
            return await _one(tx, where, written)

        return await once(tx, where.id, actor.id, key, body_hash, 201, work)


async def _ticket(tx: Transaction, where: Street, number: str | None) -> UUID | None:
    if number is None:
        return None
    found = await store.has_ticket(tx, where.id, number)
    if found is None:
        raise invalid("ticket", "没有这张工单", code="unknown_ticket")
    return found


@router.post(
    "/points/{entry}/reversal", status_code=201, summary="冲销一条积分记录", response_model=PointEntry,
    responses=_WRITING,
)  # fmt: skip
async def reverse(
    request: Request, entry: EntryId, body: ReversalIn, actor: Head, key: Key = None
) -> dict[str, Any]:
    """原记录不动,另记一条相反的;一条记录只能冲销一次。"""
    where, body_hash = await one_street(request, actor, body.street), await fingerprint_of(request)
    async with process_of(request).database.transaction([where.id]) as tx:

        async def work() -> dict[str, Any]:
            written = await take_back(tx, where.id, actor, entry, body.reason)
            return await _one(tx, where, written)

        return await once(tx, where.id, actor.id, key, body_hash, 201, work)


async def _one(tx: Transaction, where: Street, entry_id: UUID) -> dict[str, Any]:
    row = await store.shown(tx, where.id, entry_id)
    entry = PointEntry.model_validate(_entry(row, await _numbers(tx, where, [row])))
    return entry.model_dump(mode="json")


async def _numbers(tx: Transaction, where: Street, rows: list[Any]) -> dict[UUID, str]:
    wanted = [row["ticket_id"] for row in rows if row["ticket_id"] is not None]
    return await registry.numbers(tx, [where.id], wanted) if wanted else {}


def _entry(row: Any, numbers: dict[UUID, str]) -> dict[str, Any]:
    role = row["entered_role"]
    return {
        **{name: row[name] for name in ("id", "kind", "points", "day", "occurred_at", "recorded_at", "rule_version",
                                        "reverses", "reversed", "reason")},
        "staff": row["staff_id"], "kind_text": _KINDS[row["kind"]], "rule": row["rule_code"],
        "ticket": numbers.get(row["ticket_id"]), "entered_role": role,
        "entered_role_text": Role(role).text if role else None,
    }  # fmt: skip


@router.get("/point-rules", summary="积分规则,全部版本;也是导出", responses=_ERRORS)
async def rules(
    request: Request, actor: Reader, street: OneStreet = None, limit: Limit = MOST, cursor: Cursor = None
) -> Page[PointRuleOut]:
    where, after = await one_street(request, actor, street), decode(cursor, code, int)
    async with process_of(request).database.transaction([where.id], read_only=True) as tx:
        known = await store.rules_of(tx, where.id)
    rows = [r for r in known if after is None or (r.code, r.version) > tuple(after)][: limit + 1]
    return Page[PointRuleOut].model_validate(page(rows, limit, lambda r: (r.code, r.version), _rule))


@router.post(
    "/point-rules", summary="导入积分规则;可先试看", response_model=PointRulesRecorded, responses=_WRITING
)
async def write_rules(request: Request, body: PointRulesIn, actor: Admin, key: Key = None) -> dict[str, Any]:
    """与现行版本相同的不动,不同的成为新版本;此前已记的积分不变,此后记录的办理按新版本。"""
    where, body_hash = await one_street(request, actor, body.street), await fingerprint_of(request)
    codes = [rule.code for rule in body.rules]
    if len(set(codes)) != len(codes):
        raise invalid("rules", "同一条规则写了两次")
    async with process_of(request).database.transaction([where.id]) as tx:

        async def work() -> dict[str, Any]:
            await store.hold(tx, where.id)
            book = await store.rulebook_of(tx, where.id)
            drafts = [_drafted(rule, book) for rule in body.rules]
            new = [draft for draft in drafts if draft is not None]
            if not body.dry_run:
                await store.write_rules(tx, where.id, new, actor.id)
            answer = {
                "recorded": not body.dry_run,
                "unchanged": len(drafts) - len(new),
                "written": [_rule(r) for r in new],
            }
            return PointRulesRecorded.model_validate(answer).model_dump(mode="json")

        return await once(tx, where.id, actor.id, None if body.dry_run else key, body_hash, 200, work)


def _drafted(given: PointRuleIn, book: Rulebook) -> Rule | None:
    """Return the next version of a rule; None where it is so already."""
    now, before = clock.now(), book.newest(given.code)
    since = given.valid_from or (before.valid_from if before is not None else clock.local_day(now))
    if given.valid_until is not None and given.valid_until < since:
        raise invalid("valid_until", f"规则 {given.code} 的最后有效日期早于生效日期")
    said: dict[str, Any] = {
        "merit": given.merit, "points": given.points, "daily_cap": given.daily_cap, "monthly_cap": given.monthly_cap,
        "weights": dict(given.weights), "note": given.note, "valid_from": since, "valid_until": given.valid_until,
    }  # fmt: skip
    if before is not None and all(getattr(before, name) == value for name, value in said.items()):
        return None
    return Rule(code=given.code, version=before.version + 1 if before else 1, recorded_at=now, **said)


def _rule(rule: Rule) -> dict[str, Any]:
    names = ("code", "version", "points", "daily_cap", "monthly_cap", "weights", "valid_from", "valid_until", "note", "recorded_at")  # fmt: skip
    return {
        **{name: getattr(rule, name) for name in names},
        "merit": rule.merit.value, "merit_text": rule.merit.text,
    }  # fmt: skip
