"""A resident signs in, goes on being signed in, and signs out: here or everywhere."""

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

from services.intake.identity import accounts, consent, telephone
from services.intake.identity.refresh import Answer, Place, judged, place_of, token_of
from services.intake.schemas import SessionIn
from services.intake.wechat import WeChat
from services.intake.wechat.errors import WeChatError, told
from shared import clock
from shared.auth import Actor
from shared.db import Transaction
from shared.errors import Unauthenticated, invalid
from shared.process import Process
from shared.settings import Settings
from shared.streets import Street
from shared.terms import Role

_OPEN = """
INSERT INTO resident_sessions (street_id, id, resident_id, app_id, generation, created_at, refreshed_at, expires_at)
VALUES ($1, $2, $3, $4, 0, $5, $5, $6)"""
_FIND = "SELECT * FROM resident_sessions WHERE street_id = $1 AND id = $2 FOR UPDATE"
_MOVE_ON = """
UPDATE resident_sessions SET generation = $3, refreshed_at = $4, expires_at = $5 WHERE street_id = $1 AND id = $2"""
_REVOKE = """
UPDATE resident_sessions SET revoked_at = $3, revoked_for = $4
WHERE street_id = $1 AND id = $2 AND revoked_at IS NULL"""
_REVOKE_ALL = """
UPDATE resident_sessions SET revoked_at = $3, revoked_for = $4
WHERE street_id = $1 AND resident_id = ANY($2::uuid[]) AND revoked_at IS NULL"""
_NOTE = """
INSERT INTO sign_outs (street_id, subject_id, signed_out_at) VALUES ($1, $2, $3)
ON CONFLICT (street_id, subject_id) DO UPDATE
SET signed_out_at = greatest(sign_outs.signed_out_at, excluded.signed_out_at)"""


async def sign_in(process: Process, wechat: WeChat, body: SessionIn) -> dict[str, Any]:
    """Return a resident's tokens for one street, and all a client needs to begin; raise Invalid or Unavailable."""
    app = wechat.app(body.app)
    code = body.street or app.street or process.settings.wechat_street
    if code is None:
        raise invalid("street", "请填写街道代码", code="street_required")
    street = await process.streets.by_code(code)
    try:
        who = await wechat.identity(app, body.code)
    except WeChatError as error:
        raise told(error, "登录凭证") from None
    now, session = clock.now(), uuid4()
    expires_at = now + timedelta(seconds=process.settings.refresh_ttl)
    async with process.database.transaction([street.id]) as tx:
        resident = await accounts.recognised(tx, process.keys, street.id, app.app_id, who, now)
        await tx.raw.execute(_OPEN, street.id, session, resident, app.app_id, now, expires_at)
        return await _answer(
            tx, process, wechat, street, resident, Place(street.id, session, 0), now, expires_at
        )


async def go_on(process: Process, wechat: WeChat, token: str) -> dict[str, Any]:
    """Return fresh tokens for a refresh token; raise Unauthenticated for one that is not the present one."""
    place = place_of(process.keys, token)
    if place is None:
        raise Unauthenticated("登录凭证无效,请重新登录", code="bad_refresh_token")
    street, now = await process.streets.by_id(place.street_id), clock.now()
    settings = process.settings
    async with process.database.transaction([street.id]) as tx:
        row = await tx.raw.fetchrow(_FIND, street.id, place.session)
        answer = Answer.OVER
        if row is not None:
            answer = judged(
                place.generation, present=row["generation"], refreshed_at=row["refreshed_at"],
                expires_at=row["expires_at"], revoked=row["revoked_at"] is not None, now=now,
                grace=timedelta(seconds=settings.refresh_grace),
            )  # fmt: skip
        if answer in {Answer.ROTATE, Answer.REPEAT}:
            repeat = answer is Answer.REPEAT
            at = row["refreshed_at"] if repeat else now
            expires_at = row["expires_at"] if repeat else now + timedelta(seconds=settings.refresh_ttl)
            following = place._replace(generation=place.generation + 1)
            if not repeat:
                await tx.raw.execute(_MOVE_ON, street.id, place.session, following.generation, at, expires_at)
            return await _answer(tx, process, wechat, street, row["resident_id"], following, at, expires_at)
        if answer is Answer.REUSED:
            await tx.raw.execute(_REVOKE, street.id, place.session, now, "reused")
            await tx.raw.execute(_NOTE, street.id, place.session, now)
    if answer is Answer.REUSED:
        process.sign_outs.note(street.id, place.session, now)
        raise Unauthenticated("登录凭证已被使用过,为了安全请重新登录", code="refresh_token_reused")
    raise Unauthenticated("登录已过期,请重新登录", code="session_over")


async def sign_out(process: Process, actor: Actor, *, everywhere: bool) -> None:
    """End the sign-in the actor's token came from, or all of theirs; tokens already out are refused from now on.

    A token from the shell belongs to no sign-in: it ends with all of that person's.
    """
    now = clock.now()
    people = {actor.id, *actor.also}
    only = actor.session if not everywhere else None
    subjects = {only} if only is not None else people
    async with process.database.transaction(actor.streets) as tx:
        for street_id in sorted(actor.streets):
            if only is not None:
                await tx.raw.execute(_REVOKE, street_id, only, now, "signed_out")
            else:
                await tx.raw.execute(_REVOKE_ALL, street_id, list(people), now, "signed_out_everywhere")
            for subject in sorted(subjects):
                await tx.raw.execute(_NOTE, street_id, subject, now)
    for street_id in actor.streets:
        for subject in subjects:
            process.sign_outs.note(street_id, subject, now)


async def _answer(
    tx: Transaction,
    process: Process,
    wechat: WeChat,
    street: Street,
    resident: UUID,
    place: Place,
    at: datetime,
    refresh_expires_at: datetime,
) -> dict[str, Any]:
    also = await accounts.former(tx, street.id, resident)
    people = frozenset({resident, *also})
    actor = Actor(resident, Role.RESIDENT, frozenset({street.id}), also=also, session=place.session)
    token, expires_at = process.tokens.issue(actor, process.settings.token_ttl, at=at)
    return {
        "token": token,
        "token_type": "Bearer",
        "expires_at": expires_at,
        "refresh_token": token_of(process.keys, place),
        "refresh_expires_at": refresh_expires_at,
        "resident_id": str(resident),
        "street": street.code,
        "user": {
            "id": str(resident),
            "phone": await telephone.masked(tx, process.keys, street.id, people),
            "consents_due": await consent.due(tx, process.settings, street.id, people),
        },
        "features": features(process.settings, wechat),
    }


def features(settings: Settings, wechat: WeChat) -> dict[str, bool]:
    """Return the switches of the client: what this installation offers, then what its settings say."""
    return {
        "phone_by_wechat": wechat.configured,
        "content_check": wechat.configured,
        "consent_required": settings.consent_required,
        **settings.features,
    }
