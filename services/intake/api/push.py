"""Where WeChat sends its messages. Public by nature: every message proves by its signature whose it is."""

from typing import Annotated

from fastapi import APIRouter, Depends, Query, Request
from starlette.responses import PlainTextResponse

from services.intake.checks.push import Signed, greeted, received
from shared.web.access import process_of
from shared.web.problems import documented

router = APIRouter(prefix="/wechat", tags=["微信"])

Word = Annotated[str, Query(max_length=200)]
_SUCCESS = "success"


async def _whole(request: Request) -> bytes:
    """Return the body, whatever it is: its signature comes before its form."""
    return await request.body()


@router.get(
    "/callback",
    response_class=PlainTextResponse,
    summary="验证消息推送地址",
    responses=documented(403, 405, 422, 503),
    openapi_extra={"security": []},
)
async def greet(request: Request, signature: Word, timestamp: Word, nonce: Word, echostr: Word) -> str:
    """微信后台配置消息推送时调用:签名正确则原样返回 echostr。"""
    return greeted(request.app.state.wechat.apps.values(), Signed(signature, timestamp, nonce), echostr)


@router.post(
    "/callback",
    response_class=PlainTextResponse,
    summary="接收微信的消息",
    responses=documented(400, 403, 405, 413, 422, 503),
    openapi_extra={"security": []},
)
async def receive(
    request: Request,
    body: Annotated[bytes, Depends(_whole)],
    timestamp: Word,
    nonce: Word,
    signature: Word = "",
    msg_signature: Annotated[str | None, Query(max_length=200)] = None,
) -> str:
    """明文模式和安全模式,JSON 和 XML 均可;重复的消息不起作用。"""
    said = Signed(signature, timestamp, nonce, msg_signature)
    await received(process_of(request), request.app.state.wechat.apps.values(), said, body)
    return _SUCCESS
