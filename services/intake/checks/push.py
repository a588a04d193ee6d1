"""WeChat's message push: believed when it is signed, fresh and meant for one of our mini-programs."""

from collections.abc import Awaitable, Callable, Iterable, Mapping
from datetime import datetime
from typing import Any, NamedTuple

from services.intake.checks import pictures
from services.intake.wechat.message import (
    NotFromWeChat,
    decrypted,
    parsed,
    require_fresh,
    require_signature,
)
from shared import clock
from shared.errors import Forbidden
from shared.process import Process
from shared.settings import WeChatApp

# event → what is done with it; all others are received and forgotten.
EVENTS: Mapping[str, Callable[[Process, Mapping[str, Any], datetime], Awaitable[None]]] = {
    pictures.EVENT: pictures.told,
}


class Signed(NamedTuple):
    """What the query says."""

    signature: str
    timestamp: str
    nonce: str
    msg_signature: str | None = None


def greeted(apps: Iterable[WeChatApp], said: Signed, echo: str) -> str:
    """Return what WeChat wants to hear when the callback is set up; raise Forbidden for anybody else."""
    for app in apps:
        try:
            _require(app, said)
        except NotFromWeChat:
            continue
        return echo
    raise _stranger()


async def received(process: Process, apps: Iterable[WeChatApp], said: Signed, body: bytes) -> None:
    """Do what a message asks for; raise Forbidden for one that is not WeChat's."""
    for app in apps:
        try:
            message = _opened(app, said, body)
        except NotFromWeChat:
            continue
        handle = EVENTS.get(str(message.get("Event")))
        if handle is not None:
            await handle(process, message, clock.now())
        return
    raise _stranger()


def _opened(app: WeChatApp, said: Signed, body: bytes) -> Mapping[str, Any]:
    if app.aes_key is None:
        _require(app, said)
        return parsed(body)
    # Where a key is agreed upon, nothing in the clear is believed: the plain signature does not cover the body.
    encrypted = parsed(body).get("Encrypt")
    if app.callback_token is None or said.msg_signature is None or not isinstance(encrypted, str):
        raise NotFromWeChat
    require_fresh(said.timestamp, clock.now())
    token = app.callback_token.get_secret_value()
    require_signature(token, said.msg_signature, said.timestamp, said.nonce, encrypted)
    return parsed(decrypted(app.aes_key.get_secret_value(), app.app_id, encrypted))


def _require(app: WeChatApp, said: Signed) -> None:
    if app.callback_token is None:
        raise NotFromWeChat
    require_fresh(said.timestamp, clock.now())
    require_signature(app.callback_token.get_secret_value(), said.signature, said.timestamp, said.nonce)


def _stranger() -> Forbidden:
    return Forbidden("签名不正确", code="bad_signature")
