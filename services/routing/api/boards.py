"""Doors to what is open: the worklist, the board of all that is open, the load of a team, and the gaps."""

from datetime import datetime, timedelta
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Depends, Query, Request

from services.routing.api.narrowed import Narrowed, narrowed, registries_of
from services.routing.board_schemas import BoardOut, GapsOut, WorkItem, WorkloadOut
from services.routing.boards import gaps, shown, store
from services.routing.boards.gaps import Gap
from services.routing.boards.load import loads
from shared import clock
from shared.auth import Actor
from shared.terms import STAFF_ROLES, Role, Scope
from shared.web.access import Anyone, only, process_of
from shared.web.paging import Cursor, Limit, Page, code, decode, instant, page
from shared.web.problems import documented

router = APIRouter(tags=["挂图作战"])
_ERRORS = documented(400, 401, 403, 422, 503)
Staff = Annotated[Actor, Depends(only(*STAFF_ROLES, scope=Scope.LEDGER_READ))]
Asked = Annotated[Narrowed, Depends(narrowed)]
_ROW_KEY = ("street_id", "owner_unit", "state", "community_code", "category_code")


@router.get("/worklist", summary="我的待办,按时限排序", responses=_ERRORS)
async def worklist(
    request: Request, actor: Anyone, asked: Asked, limit: Limit = 20, cursor: Cursor = None
) -> Page[WorkItem]:
    """不填状态、不只看超期时,只列等着本岗位办的;要看全部在办的,用 /v1/board/items。"""
    actor.require(Scope.LEDGER_READ)
    return await _items(request, actor, asked, limit, cursor, desk=True)


@router.get("/board/items", summary="挂图作战:全部在办,按时限排序", responses=_ERRORS)
async def items(
    request: Request, actor: Staff, asked: Asked, limit: Limit = 20, cursor: Cursor = None
) -> Page[WorkItem]:
    return await _items(request, actor, asked, limit, cursor, desk=False)


async def _items(
    request: Request, actor: Actor, asked: Narrowed, limit: int, cursor: str | None, *, desk: bool
) -> Page[WorkItem]:
    after, streets = decode(cursor, instant, UUID), asked.street_ids
    reasons = store.desk_of(actor, asked.wanted) if desk else ()
    async with process_of(request).database.transaction(streets, read_only=True) as tx:
        rows = await store.listed(tx, actor, streets, asked.wanted, desk=reasons, after=after, limit=limit)
    known = await registries_of(request, {row.street_id for row in rows})
    names = actor.role is not Role.RESIDENT
    return Page[WorkItem].model_validate(
        page(
            rows,
            limit,
            lambda r: (r.due_at.isoformat(), r.ticket_id),
            lambda r: shown.item(r, known[r.street_id], asked.codes[r.street_id], asked.now, names=names),
        )
    )


@router.get("/board", summary="挂图作战:在办事项按责任单位和状态汇总", responses=_ERRORS)
async def board(
    request: Request,
    actor: Staff,
    asked: Asked,
    by: Annotated[
        str | None,
        Query(
            pattern=r"^(community|category)(,(community|category))?$",
            description="再按社区 community、分类 category 细分",
        ),
    ] = None,
    limit: Limit = 100,
    cursor: Cursor = None,
) -> BoardOut:
    """各数都可以用同样的条件在 /v1/board/items 逐件列出。"""
    after = decode(cursor, *(str for _ in _ROW_KEY))
    split = [f"{name}_code" for name in ("community", "category") if by and name in by.split(",")]
    columns = ("street_id", "owner_unit", "state", *split)
    async with process_of(request).database.transaction(asked.street_ids, read_only=True) as tx:
        rows = await store.counted(tx, actor, asked.street_ids, asked.wanted, columns, asked.now)
    ordered = sorted(rows, key=_row_key)
    left = [row for row in ordered if after is None or _row_key(row) > tuple(after)][: limit + 1]
    known = await registries_of(request, {row.street_id for row in left})
    return BoardOut.model_validate(
        {
            **page(
                left,
                limit,
                _row_key,
                lambda r: shown.board_row(r, known[r.street_id], asked.codes[r.street_id]),
            ),
            "as_of": asked.now,
            "total": shown.total(rows),
        }
    )


def _row_key(row: Any) -> tuple[str, ...]:
    fields = row._mapping  # noqa: SLF001 - SQLAlchemy's public name for a row as a mapping
    return tuple(str(fields.get(name) or "") for name in _ROW_KEY)


@router.get("/workload", summary="各单位、各承办人手上的工作量", responses=_ERRORS)
async def workload(
    request: Request, actor: Staff, asked: Asked, limit: Limit = 100, cursor: Cursor = None
) -> WorkloadOut:
    """只算看得到的;“本周办结”从周一零点起,按承办办结的时间。"""
    after, now = decode(cursor, code, code), asked.now
    today = clock.local_day(now)
    week = clock.day_start(today - timedelta(days=today.weekday()))
    by = ("street_id", "owner_unit", "assignee_id")
    async with process_of(request).database.transaction(asked.street_ids, read_only=True) as tx:
        in_hand = await store.counted(tx, actor, asked.street_ids, asked.wanted, by, now)
        done = await store.done_since(tx, actor, asked.street_ids, week)
    known = await registries_of(request, asked.street_ids)
    teams = loads(in_hand, done, known, today, asked.wanted.units)
    rows = [t for t in teams if after is None or (asked.codes[t.street_id], t.unit) > tuple(after)][
        : limit + 1
    ]
    return WorkloadOut.model_validate(
        {
            **page(
                rows,
                limit,
                lambda t: (asked.codes[t.street_id], t.unit),
                lambda t: shown.team(t, known[t.street_id], asked.codes[t.street_id]),
            ),
            "as_of": now,
            "week_from": week,
        }
    )


@router.get("/board/gaps", summary="漏项:没有人管、没有人动的在办事项", responses=_ERRORS)
async def missing(
    request: Request,
    actor: Staff,
    asked: Asked,
    gap: Annotated[Gap, Query(description="列出哪一种;各种的件数都给出")] = Gap.SILENT,
    days: Annotated[
        int | None, Query(ge=1, le=365, description="多少天没有人办理算沉默;不填按街道的时限方案")
    ] = None,
    limit: Limit = 20,
    cursor: Cursor = None,
) -> GapsOut:
    after, streets, now = decode(cursor, instant, UUID), asked.street_ids, asked.now
    known = await registries_of(request, streets)
    silent = days or min((known[s].policy_on(now).silent_days for s in streets), default=1)
    since: datetime = now - timedelta(days=silent)
    async with process_of(request).database.transaction(streets, read_only=True) as tx:
        counts = await gaps.counts(tx, actor, streets, asked.wanted, since, now)
        moved = {}
        if gap is Gap.UNPLACED:
            rows = await gaps.unplaced(tx, actor, streets, now, after, limit)
        else:
            also = [gaps.condition(gap, since)]
            rows = await store.listed(tx, actor, streets, asked.wanted, also=also, after=after, limit=limit)
            moved = await gaps.last_moves(tx, rows)
    return GapsOut.model_validate(
        {
            **page(
                rows,
                limit,
                shown.gap_key,
                lambda r: shown.gap(r, gap, moved, known[r.street_id], asked.codes[r.street_id], now),
            ),
            "as_of": now,
            "silent_days": silent,
            "counts": {each.value: n for each, n in counts.items()},
        }
    )
