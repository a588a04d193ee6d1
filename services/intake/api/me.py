"""What residents say of themselves: a telephone number, if they like; what they agree to."""

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request, Response

from services.intake.identity import consent, telephone
from services.intake.prepare import street_for
from services.intake.schemas import ConsentIn, NoticeOut, NoticesOut, PhoneIn, PhoneOut
from shared.auth import Actor
from shared.terms import Role
from shared.web.access import only, process_of
from shared.web.idempotency import Key, answered, fingerprint_of, once
from shared.web.problems import documented

router = APIRouter(tags=["居民"])

Resident = Annotated[Actor, Depends(only(Role.RESIDENT))]
_ERRORS = documented(400, 401, 403, 405, 409, 413, 422, 503)


@router.post("/me/phone", status_code=201, response_model=PhoneOut, summary="留下电话", responses=_ERRORS)
async def leave_phone(request: Request, body: PhoneIn, actor: Resident, key: Key = None) -> dict[str, Any]:
    """用 getPhoneNumber 的 code,或直接填写号码;随时可以更换或删除,不留电话也能提交诉求。"""
    process = process_of(request)
    street, wanted = await street_for(process, actor, None), await fingerprint_of(request)
    async with process.database.transaction([street.id], read_only=True) as tx:
        # A code is good once, and paid for: a repeated request must not ask WeChat again.
        before = await answered(tx, street.id, actor.id, key, wanted) if key is not None else None
        app_id = await telephone.app_of(tx, street.id, actor)
    if before is not None:
        return before
    # Before the transaction that writes: nobody waits for WeChat with a connection in hand.
    phone, source = await telephone.told_by(request.app.state.wechat, app_id, body)
    async with process.database.transaction([street.id]) as tx:

        async def work() -> dict[str, Any]:
            return await telephone.keep(tx, process.keys, street.id, actor.id, phone, source)

        return await once(tx, street.id, actor.id, key, wanted, 201, work)


@router.delete(
    "/me/phone", status_code=204, summary="删除电话", responses=documented(401, 403, 405, 422, 503)
)
async def forget_phone(request: Request, actor: Resident) -> Response:
    """删除留下的电话;已提交的诉求里填写的联系方式不受影响。"""
    process = process_of(request)
    street = await street_for(process, actor, None)
    async with process.database.transaction([street.id]) as tx:
        await telephone.forget(tx, street.id, frozenset({actor.id, *actor.also}))
    return Response(status_code=204)


@router.get(
    "/consents",
    response_model=NoticesOut,
    summary="告知书",
    responses=documented(401, 403, 405, 422, 503),
)
async def show_notices(request: Request, actor: Resident) -> dict[str, Any]:
    """各告知书的现行版本,以及本人同意的时间。"""
    process = process_of(request)
    street = await street_for(process, actor, None)
    async with process.database.transaction([street.id], read_only=True) as tx:
        standing = await consent.notices(tx, process.settings, street.id, {actor.id, *actor.also})
    return {"required": process.settings.consent_required, "notices": standing}


@router.post("/consents", status_code=201, response_model=NoticeOut, summary="同意告知书", responses=_ERRORS)
async def give_consent(request: Request, body: ConsentIn, actor: Resident, key: Key = None) -> dict[str, Any]:
    """同意一份告知书的现行版本;版本更新后须重新同意。"""
    process = process_of(request)
    street, wanted = await street_for(process, actor, None), await fingerprint_of(request)
    async with process.database.transaction([street.id]) as tx:

        async def work() -> dict[str, Any]:
            return await consent.give(tx, process.settings, street.id, actor, body.notice, body.version)

        return await once(tx, street.id, actor.id, key, wanted, 201, work)
