"""Signing in with WeChat. Public: here nobody has a token yet."""

from typing import Any

from fastapi import APIRouter, Request

from services.intake.schemas import SessionIn, SessionOut
from services.intake.signin import sign_in
from shared.web.access import process_of
from shared.web.problems import documented

router = APIRouter(tags=["居民"])


@router.post(
    "/sessions",
    status_code=201,
    response_model=SessionOut,
    summary="微信登录",
    responses=documented(400, 405, 413, 422, 503),
    openapi_extra={"security": []},
)
async def create_session(request: Request, body: SessionIn) -> dict[str, Any]:
    """用 wx.login 的 code 换取本系统的登录凭证;code 五分钟内有效,只能用一次。"""
    return await sign_in(process_of(request), request.app.state.wechat, body)
