"""A resident signs in: WeChat says who it is, we remember them and hand out a token."""

from typing import Any

from services.intake.schemas import SessionIn
from services.intake.wechat import WeChat
from shared import clock
from shared.auth import Actor
from shared.errors import invalid
from shared.process import Process
from shared.terms import Role

_REMEMBER = """
INSERT INTO residents (street_id, id, private, first_seen_at, last_seen_at) VALUES ($1, $2, $3, $4, $4)
ON CONFLICT (street_id, id) DO UPDATE SET last_seen_at = excluded.last_seen_at"""


async def sign_in(process: Process, wechat: WeChat, body: SessionIn) -> dict[str, Any]:
    """Return a resident's token for one street; raise Invalid or Unavailable."""
    code = body.street or process.settings.wechat_street
    if code is None:
        raise invalid("street", "请填写街道代码", code="street_required")
    street = await process.streets.by_code(code)
    openid = await wechat.openid(body.code)
    resident = process.keys.resident_id(openid)
    sealed = process.keys.seal({"openid": openid}, resident.bytes)
    async with process.database.transaction([street.id]) as tx:
        await tx.raw.execute(_REMEMBER, street.id, resident, sealed, clock.now())
    actor = Actor(id=resident, role=Role.RESIDENT, streets=frozenset({street.id}))
    token, expires_at = process.tokens.issue(actor, process.settings.token_ttl)
    return {
        "token": token,
        "token_type": "Bearer",
        "expires_at": expires_at,
        "resident_id": str(resident),
        "street": street.code,
    }
