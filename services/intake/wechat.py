"""The only place that talks to WeChat: a sign-in code is exchanged for the person's openid.

Codes are valid for five minutes and once. The session key that comes along is dropped here; neither it nor
the openid is ever logged.
"""

import logging
from types import TracebackType
from typing import Self

import httpx
import orjson
import structlog

from shared.errors import Unavailable, invalid
from shared.settings import Settings

TIMEOUT = 3.0
BUSY, BAD_CODE, USED_CODE, TOO_OFTEN = -1, 40029, 40163, 45011
_MINUTE = 60
log = structlog.get_logger()
# httpx writes each URL at INFO, and ours carries the app's secret.
logging.getLogger("httpx").setLevel(logging.WARNING)


class WeChat:
    """A client of WeChat's server API; one a process."""

    def __init__(self, settings: Settings, *, transport: httpx.AsyncBaseTransport | None = None) -> None:
        self._settings = settings
        self._client = httpx.AsyncClient(
            base_url=settings.wechat_api_base, timeout=TIMEOUT, transport=transport
        )

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._client.aclose()

    async def openid(self, code: str) -> str:
        """Return whose sign-in `code` is.

        Raises Invalid (the code is wrong, used or too old) and Unavailable (WeChat is busy, away or not set up).
        """
        app_id, secret = self._settings.wechat_app_id, self._settings.wechat_app_secret
        if not app_id or secret is None:
            raise Unavailable(
                "还没有配置微信小程序,暂时不能登录", retry_after=_MINUTE, code="wechat_not_configured"
            )
        answer = await self._get(
            "/sns/jscode2session",
            {
                "appid": app_id,
                "secret": secret.get_secret_value(),
                "js_code": code,
                "grant_type": "authorization_code",
            },
        )
        openid = answer.get("openid")
        if isinstance(openid, str) and openid:
            return openid
        raise _refusal(answer.get("errcode"))

    async def _get(self, path: str, query: dict[str, str]) -> dict[str, object]:
        try:
            response = await self._client.get(path, params=query)
            answer = orjson.loads(response.content)  # sent as text/plain
        except (httpx.HTTPError, orjson.JSONDecodeError) as error:
            log.warning("wechat_away", error=type(error).__name__)
            # `from None`: the cause's request would carry the secret into a log
            raise Unavailable(
                "微信登录暂时不可用,请稍后重试", retry_after=3, code="wechat_unavailable"
            ) from None
        return answer if isinstance(answer, dict) else {}


def _refusal(code: object) -> Exception:
    if code in {BAD_CODE, USED_CODE}:
        return invalid("code", "登录凭证无效或已过期,请重新进入小程序", code="wechat_code_invalid")
    if code == TOO_OFTEN:
        return Unavailable("登录太频繁,请一分钟后再试", retry_after=_MINUTE, code="wechat_rate_limited")
    if code == BUSY:
        return Unavailable("微信繁忙,请稍后重试", retry_after=2, code="wechat_busy")
    log.error("wechat_refused", errcode=code)
    return Unavailable("微信登录暂时不可用,请稍后重试", retry_after=_MINUTE, code="wechat_unavailable")
