"""Doors to the bulletins: figures frozen as published, and corrections beside them."""

from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Depends, Path, Request

from services.metrics import bulletins
from services.metrics.answer import COMPOSITE, answered
from services.metrics.api.ask import Filters, Reader, Streets, ask, one_street, splits, streets_of, window_of
from services.metrics.figures import Manner
from services.metrics.periods import Window
from services.metrics.rates import CATALOGUE
from services.metrics.schemas.bulletins import (
    BulletinDetail,
    BulletinHead,
    BulletinIn,
    CorrectionIn,
    CorrectionOut,
    FigureIn,
)
from shared import clock
from shared.auth import Actor
from shared.db import Transaction
from shared.errors import Conflict, invalid
from shared.streets import Street
from shared.terms import Role
from shared.web.access import only, process_of
from shared.web.idempotency import Key, fingerprint_of, once
from shared.web.paging import Cursor, Limit, Page, decode, page
from shared.web.problems import documented

router = APIRouter(prefix="/bulletins", tags=["通报"])
_ERRORS = documented(400, 401, 403, 404, 422, 503)
_WRITING = documented(400, 401, 403, 404, 409, 413, 422, 503)
Issuer = Annotated[Actor, Depends(only(Role.SUPERVISOR, Role.LEADER, Role.ADMIN))]
_RATES = frozenset({*CATALOGUE, COMPOSITE})
BulletinId = Annotated[UUID, Path(description="通报编号")]


@router.post(
    "", status_code=201, summary="发布通报:冻结数字", response_model=BulletinDetail, responses=_WRITING
)
async def issue(request: Request, body: BulletinIn, actor: Issuer, key: Key = None) -> dict[str, Any]:
    """数字连同口径版本一并冻结;以后补录或更正,只能在旁边出更正,不改原数。"""
    street = await one_street(request, actor, body.street)
    process = process_of(request)
    now = clock.now()
    head = {"as_of": body.as_of or now, "known_at": now}
    body_hash = await fingerprint_of(request)
    async with process.database.transaction([street.id]) as tx:

        async def work() -> dict[str, Any]:
            figures = []
            for wanted in body.figures:
                question = {**wanted.model_dump(mode="json", by_alias=True), "street": street.code}
                window = await window_of(
                    tx, [street], wanted.first, wanted.last, wanted.period, wanted.calendar
                )
                figures.append((question, await _answer(tx, street, actor, wanted, window, head)))
            bulletin = await bulletins.issue(tx, street.id, actor, body.title, head, figures)
            found = await bulletins.find(tx, [street.id], bulletin)
            shown = await _detail(tx, found, street.code)
            return BulletinDetail.model_validate(shown).model_dump(mode="json", by_alias=True)

        return await once(tx, street.id, actor.id, key, body_hash, 201, work)


async def _answer(
    tx: Transaction, street: Street, actor: Actor, wanted: FigureIn, window: Window, head: dict[str, Any]
) -> dict[str, Any]:
    """Return the frozen answer to a bulletin's question, as of the bulletin's instant."""
    filters, as_of, known_at = Filters(**wanted.filters), head["as_of"], head["known_at"]
    asked = await ask(
        tx, actor, [street], filters, window, as_of=as_of, known_at=known_at, basis=wanted.basis
    )
    how = Manner(wanted.digits, wanted.rounding, assessed=wanted.population == "assessed")
    by = splits(",".join(wanted.by) if wanted.by else None)
    if wanted.rate not in _RATES:
        raise invalid("figures", f"目录中没有“{wanted.rate}”", code="unknown_rate")
    return bulletins.frozen((await answered(tx, asked, wanted.rate, wanted.variant, by, how)).body)


@router.get("", summary="通报列表,新的在前", responses=_ERRORS)
async def list_bulletins(
    request: Request, actor: Reader, street: Streets = None, limit: Limit = 20, cursor: Cursor = None
) -> Page[BulletinHead]:
    streets = await streets_of(request, actor, street)
    codes = {s.id: s.code for s in streets}
    after = decode(cursor, UUID)
    async with process_of(request).database.transaction(list(codes), read_only=True) as tx:
        rows = await bulletins.listed(tx, list(codes), after[0] if after else None, limit)
    return Page[BulletinHead].model_validate(
        page(rows, limit, lambda row: [row.id], lambda row: _head(row, codes[row.street_id]))
    )


@router.get("/{bulletin}", summary="一份通报:原数和更正", response_model=BulletinDetail, responses=_ERRORS)
async def show(request: Request, bulletin: BulletinId, actor: Reader) -> dict[str, Any]:
    streets = {s.id: s for s in await streets_of(request, actor, None)}
    async with process_of(request).database.transaction(list(streets), read_only=True) as tx:
        head = await bulletins.find(tx, list(streets), bulletin)
        return await _detail(tx, head, streets[head.street_id].code)


@router.post(
    "/{bulletin}/corrections", status_code=201, summary="按现在的记录出更正", response_model=CorrectionOut,
    responses=_WRITING,
)  # fmt: skip
async def correct(
    request: Request, bulletin: BulletinId, body: CorrectionIn, actor: Issuer, key: Key = None
) -> dict[str, Any]:
    """用同样的口径、窗口和截止时刻重算,与原数(已更正的,与更正后的数)的不同之处记在旁边;没有不同则 409。"""
    streets = {s.id: s for s in await streets_of(request, actor, None)}
    process = process_of(request)
    body_hash = await fingerprint_of(request)
    async with process.database.transaction(list(streets), read_only=True) as tx:
        street = streets[(await bulletins.find(tx, list(streets), bulletin)).street_id]
    async with process.database.transaction([street.id]) as tx:
        head = await bulletins.find(tx, [street.id], bulletin)

        async def work() -> dict[str, Any]:
            published = await bulletins.figures_of(tx, head)
            known_at = clock.now()
            at = {"as_of": head.as_of, "known_at": known_at}
            now = {f.place: await _again(tx, street, actor, f, at) for f in published}
            then = bulletins.standing(published, await bulletins.corrections_of(tx, head))
            found = bulletins.differences(then, now)
            if not found:
                raise Conflict("按现在的记录重算,各数与已公布的相同,无须更正", code="nothing_to_correct")
            written = await bulletins.correct(tx, head, actor, body.reason, found, known_at)
            return CorrectionOut.model_validate(written).model_dump(mode="json", by_alias=True)

        return await once(tx, street.id, actor.id, key, body_hash, 201, work)


async def _again(
    tx: Transaction, street: Street, actor: Actor, figure: Any, head: dict[str, Any]
) -> dict[str, Any]:
    """Return the answer to a published figure's question now, in the window of then."""
    question = {name: value for name, value in figure.question.items() if name != "street"}
    window = bulletins.window_of(figure.answer)
    return await _answer(tx, street, actor, FigureIn.model_validate(question), window, head)


def _head(row: Any, street: str) -> dict[str, Any]:
    return {
        "id": str(row.id), "street": street, "title": row.title, "as_of": row.as_of, "known_at": row.known_at,
        "issued_role": row.issued_role, "issued_at": row.issued_at,
    }  # fmt: skip


async def _detail(tx: Transaction, head: Any, street: str) -> dict[str, Any]:
    figures = await bulletins.figures_of(tx, head)
    corrections = await bulletins.corrections_of(tx, head)
    return {
        **_head(head, street),
        "figures": [{"place": f.place, "question": f.question, "answer": f.answer} for f in figures],
        "corrections": [CorrectionOut.model_validate(c) for c in corrections],
    }
