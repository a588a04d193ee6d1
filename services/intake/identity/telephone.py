"""A resident leaves a telephone number, by WeChat or by hand, or takes it back; nothing asks for one."""

from typing import Any
from uuid import UUID

from services.intake.phone import digits_of
from services.intake.schemas import PhoneIn
from services.intake.wechat import WeChat
from services.intake.wechat.errors import WeChatError, told
from shared import clock
from shared.auth import Actor
from shared.db import Transaction
from shared.errors import invalid
from shared.keyring import Keyring, mask_phone

_KEEP = """
INSERT INTO resident_phones (street_id, resident_id, private, phone_index, source, recorded_at)
VALUES ($1, $2, $3, $4, $5, $6)
ON CONFLICT (street_id, resident_id) DO UPDATE
SET private = excluded.private, phone_index = excluded.phone_index, source = excluded.source,
  recorded_at = excluded.recorded_at"""
_FORGET = "DELETE FROM resident_phones WHERE street_id = $1 AND resident_id = ANY($2::uuid[])"
_FIND = """
SELECT resident_id, private FROM resident_phones WHERE street_id = $1 AND resident_id = ANY($2::uuid[])
ORDER BY recorded_at DESC LIMIT 1"""
_APP = "SELECT app_id FROM resident_sessions WHERE street_id = $1 AND id = $2"
BY_WECHAT, BY_HAND = "wechat", "hand"


async def app_of(tx: Transaction, street_id: int, actor: Actor) -> str | None:
    """Return the mini-program the actor signed in through; None for a token from the shell."""
    if actor.session is None:
        return None
    found: str | None = await tx.raw.fetchval(_APP, street_id, actor.session)
    return found


async def told_by(wechat: WeChat, app_id: str | None, body: PhoneIn) -> tuple[str, str]:
    """Return the number a resident leaves, and who says it; raise Invalid or Unavailable."""
    if body.phone is not None:
        return body.phone, BY_HAND
    app = wechat.app(app_id)
    try:
        return await wechat.phone(app, str(body.code)), BY_WECHAT
    except WeChatError as error:
        raise told(error, "手机号授权") from None


async def keep(
    tx: Transaction, keys: Keyring, street_id: int, resident: UUID, phone: str, source: str
) -> dict[str, Any]:
    """Remember a number, sealed, in place of the one before; raise Invalid for one with too few digits."""
    digits = digits_of(phone)
    if digits is None:
        raise invalid("phone", "电话号码不完整", code="bad_phone")
    now = clock.now()
    sealed = keys.seal({"phone": phone}, resident.bytes)
    index = keys.blind_index("phone", digits)
    await tx.raw.execute(_KEEP, street_id, resident, sealed, index, source, now)
    return {"phone": mask_phone(digits), "source": source, "recorded_at": now}


async def forget(tx: Transaction, street_id: int, people: frozenset[UUID]) -> None:
    """Forget a resident's number."""
    await tx.raw.execute(_FORGET, street_id, list(people))


async def masked(tx: Transaction, keys: Keyring, street_id: int, people: frozenset[UUID]) -> str | None:
    """Return the number a resident left last, masked; `people`: their ids."""
    row = await tx.raw.fetchrow(_FIND, street_id, list(people))
    if row is None:
        return None
    phone = str(keys.open(row["private"], row["resident_id"].bytes)["phone"])
    return mask_phone(digits_of(phone))
