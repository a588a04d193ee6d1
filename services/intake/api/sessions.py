"""Signing in with WeChat, going on without it, signing out."""

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request, Response

from services.intake.identity.sessions import go_on, sign_in, sign_out
from services.intake.schemas import RefreshIn, SessionIn, SessionOut, SignOutIn
from shared.auth import Actor
from shared.terms import Role
from shared.web.access import only, process_of
from shared.web.problems import documented

router = APIRouter(prefix="/sessions", tags=["居民"])

Resident = Annotated[Actor, Depends(only(Role.RESIDENT))]


@router.post(
    "",
    status_code=201,
    response_model=SessionOut,
    summary="微信登录",
    responses=documented(400, 405, 413, 422, 503),
    openapi_extra={"security": []},
)
async def create_session(request: Request, body: SessionIn) -> dict[str, Any]:
    """用 wx.login 的 code 换取本系统的登录凭证、本人信息和功能开关;code 五分钟内有效,只能用一次。"""
    return await sign_in(process_of(request), request.app.state.wechat, body)


@router.post(
    "/refresh",
    status_code=201,
    response_model=SessionOut,
    summary="续期登录",
    responses=documented(400, 401, 405, 413, 422, 503),
    openapi_extra={"security": []},
)
async def refresh_session(request: Request, body: RefreshIn) -> dict[str, Any]:
    """不必重新 wx.login。每次换发新的 refresh_token;没有收到回答可在一分钟内用原来的再试,更早的再次使用则须重新登录。"""
    return await go_on(process_of(request), request.app.state.wechat, body.refresh_token)


@router.post(
    "/sign-out",
    status_code=204,
    summary="退出登录",
    responses=documented(400, 401, 403, 405, 413, 422, 503),
)
async def end_session(request: Request, actor: Resident, body: SignOutIn | None = None) -> Response:
    """退出这一次登录,或本人所有的登录;已发出的凭证在本服务立即失效,在其他服务五秒之内失效。"""
    await sign_out(process_of(request), actor, everywhere=body is not None and body.everywhere)
    return Response(status_code=204)
